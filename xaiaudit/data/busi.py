"""BUSI: class folders of `benign (1).png` with `benign (1)_mask.png`, `_mask_1.png` and so on."""

import re
from pathlib import Path

from xaiaudit.data.datasets import Dataset
from xaiaudit.data.entries import Entry
from xaiaudit.data.reading import is_image
from xaiaudit.errors import DataError
from xaiaudit.types import LeftOut

CITATION = "Al-Dhabyani et al., Dataset of breast ultrasound images, Data in Brief 2020, 28:104863"
CLASSES = ("benign", "malignant", "normal")
_IMAGE = re.compile(r"(benign|malignant|normal) \(\d+\)\.png")
_MASK = re.compile(r"(.+)_mask(_\d+)?")


def recognises(path: Path) -> bool:
    return any(_IMAGE.fullmatch(file.name) for name in CLASSES for file in (path / name).glob("*.png"))


def open_busi(path: Path) -> Dataset:
    """The folder that holds benign/, malignant/ and normal/. There are no case ids and no spacing.

    Raises:
        DataError: none of the class folders is there.
    """
    folders = [path / name for name in CLASSES if (path / name).is_dir()]
    if not folders:
        raise DataError(f"{path}: not BUSI, which has folders {', '.join(CLASSES)}; none of them is here")
    entries: list[Entry] = []
    left_out: list[LeftOut] = []
    for folder in folders:
        files = sorted((file for file in folder.iterdir() if is_image(file)), key=_by_number)
        images = [file for file in files if not _MASK.fullmatch(file.stem)]
        masks: dict[str, list[Path]] = {image.stem: [] for image in images}
        for file in files:
            name = _MASK.fullmatch(file.stem)
            if name and name[1] in masks:
                masks[name[1]].append(file)
            elif name:
                left_out.append(LeftOut(f"{folder.name}/{file.name}", "a mask whose image is not there"))
        entries += [
            Entry(
                file=f"{folder.name}/{image.name}",
                image=image,
                dataset="BUSI",
                label=folder.name,
                masks=tuple(masks[image.stem]),
                no_lesion=folder.name == "normal" and not masks[image.stem],
            )
            for image in images
        ]
    return Dataset(
        name="BUSI",
        kind="busi",
        path=path,
        citation=CITATION,
        entries=tuple(entries),
        left_out=tuple(left_out),
    )


def _by_number(file: Path) -> tuple[str | int, ...]:
    """`benign (2)` before `benign (10)`."""
    return tuple(int(part) if part.isdigit() else part for part in re.split(r"(\d+)", file.name))
