"""A folder of classes: CLASS/image.png, with masks as CLASS/image_mask.png or in a parallel folder masks/."""

import re
from pathlib import Path

from xaiaudit.data.datasets import Dataset, Entry, clean_label
from xaiaudit.data.reading import is_image
from xaiaudit.errors import DataError
from xaiaudit.types import LeftOut

_MASK = re.compile(r"(.+?)[_-]mask([_-]?\d+)?", re.IGNORECASE)


def recognises(path: Path) -> bool:
    return path.is_dir() and any(is_image(file) for file in path.rglob("*"))


def open_folder(path: Path) -> Dataset:
    """Sub-folders are the labels; an image beside them, or in `images/` itself, has none.

    A mask lies beside its image as NAME_mask (NAME_mask_1 ...), or under masks/ at the place that its image
    has under the folder or its images/, as NAME or NAME_mask. A manifest can name cases and spacing.

    Raises:
        DataError: not a folder.
    """
    if not path.is_dir():
        raise DataError(f"{path}: not a folder of images")
    masks_root = path / "masks"
    images_root = path / "images" if (path / "images").is_dir() else path
    files = [file for file in sorted(path.rglob("*")) if is_image(file)]
    masks: dict[str, list[Path]] = {}  # place of the image, without suffix -> its masks
    images: list[Path] = []
    for file in files:
        root = (
            masks_root if masks_root in file.parents else images_root if images_root in file.parents else path
        )
        name = _MASK.fullmatch(file.stem)
        if name or root == masks_root:
            place = file.relative_to(root).with_name(name[1] if name else file.stem)
            masks.setdefault(place.as_posix(), []).append(file)
        else:
            images.append(file)
    entries = []
    for file in images:
        place = file.relative_to(images_root if images_root in file.parents else path)
        label = clean_label(place.parts[0]) if len(place.parts) > 1 else None
        outlines = tuple(masks.pop(place.with_suffix("").as_posix(), ()))
        entries.append(
            Entry(
                file=file.relative_to(path).as_posix(),
                image=file,
                dataset=path.resolve().name,
                label=label,
                masks=outlines,
                no_lesion=label == "normal" and not outlines,
            )
        )
    return Dataset(
        name=path.resolve().name,
        kind="folder",
        path=path,
        citation="",
        entries=tuple(entries),
        left_out=tuple(
            LeftOut(mask.relative_to(path).as_posix(), "a mask whose image is not there")
            for orphans in masks.values()
            for mask in orphans
        ),
    )
