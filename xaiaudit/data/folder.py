"""A folder of classes: CLASS/image.png, with masks as CLASS/image_mask.png or in parallel folders masks/."""

import re
from pathlib import Path

from xaiaudit.data.datasets import Dataset, clean_label
from xaiaudit.data.entries import Entry
from xaiaudit.data.reading import is_image
from xaiaudit.errors import DataError
from xaiaudit.types import LeftOut

_MASK_NAME = re.compile(r"(.+?)[_-]mask([_-]?\d+)?", re.IGNORECASE)
_MASK_FOLDERS = ("masks", "mask")
_IMAGE_FOLDERS = ("images", "image")


def recognises(path: Path) -> bool:
    return path.is_dir() and any(is_image(file) for file in path.rglob("*"))


def open_folder(path: Path) -> Dataset:
    """The first sub-folder is the label; an image without one has none.

    Folders named images and masks do not count, wherever they stand: CLASS/a.png, images/CLASS/a.png and
    CLASS/images/a.png are one place, and its masks are a, a_mask, a_mask_1 ... under masks, or a_mask ...
    beside the image. A manifest can name cases and spacing, which folders cannot.

    Raises:
        DataError: not a folder.
    """
    if not path.is_dir():
        raise DataError(f"{path}: not a folder of images")
    name = path.resolve().name
    images: list[tuple[str, Path]] = []
    masks: dict[str, list[Path]] = {}
    for file in sorted(path.rglob("*")):
        if is_image(file):
            place, is_mask = _place(file.relative_to(path))
            if is_mask:
                masks.setdefault(place, []).append(file)
            else:
                images.append((place, file))
    places = {place for place, _ in images}
    orphans = [mask for place, found in masks.items() if place not in places for mask in found]
    return Dataset(
        name=name,
        kind="folder",
        path=path,
        citation="",
        entries=tuple(_entry(file, path, name, place, tuple(masks.get(place, ()))) for place, file in images),
        left_out=tuple(
            LeftOut(mask.relative_to(path).as_posix(), "a mask whose image is not there") for mask in orphans
        ),
    )


def _place(file: Path) -> tuple[str, bool]:
    """What an image and its masks have in common, and whether this is a mask."""
    folders = [part for part in file.parts[:-1] if part.lower() not in _MASK_FOLDERS + _IMAGE_FOLDERS]
    name = _MASK_NAME.fullmatch(file.stem)
    is_mask = name is not None or any(part.lower() in _MASK_FOLDERS for part in file.parts[:-1])
    return "/".join([*folders, name[1] if name else file.stem]), is_mask


def _entry(file: Path, root: Path, dataset: str, place: str, masks: tuple[Path, ...]) -> Entry:
    label = clean_label(place.split("/")[0]) if "/" in place else None
    return Entry(
        file=file.relative_to(root).as_posix(),
        image=file,
        dataset=dataset,
        label=label,
        masks=masks,
        no_lesion=label == "normal" and not masks,
    )
