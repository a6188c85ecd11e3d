"""Rodrigues' 250 images (Mendeley Data wmy84gzngw): originals/benign/*.bmp and originals/malignant/*.bmp.

Layout: three public readers of the archive, us-dataset.zip, agree. Not tried on the real files.
"""

from pathlib import Path

from xaiaudit.data.datasets import Dataset
from xaiaudit.data.entries import Entry
from xaiaudit.data.reading import is_image
from xaiaudit.errors import DataError

NAME = "Rodrigues"
CITATION = "Rodrigues, Breast ultrasound image, Mendeley Data 2017, V1, doi 10.17632/wmy84gzngw.1"
CLASSES = ("benign", "malignant")


def recognises(path: Path) -> bool:
    return any(
        file.suffix.lower() == ".bmp" and is_image(file)
        for name in CLASSES
        for file in (path / "originals" / name).glob("*")
    )


def open_rodrigues(path: Path) -> Dataset:
    """The folder that holds originals/. There are no masks, no case ids and no spacing.

    Raises:
        DataError: a class folder is not there.
    """
    for name in CLASSES:
        if not (path / "originals" / name).is_dir():
            raise DataError(
                f"{path}: not the set of Rodrigues, which has folders originals/benign and originals/malignant; "
                f"the folder {name} is not here, so unpack the archive again"
            )
    return Dataset(
        name=NAME,
        kind="rodrigues",
        path=path,
        citation=CITATION,
        entries=tuple(
            Entry(file=f"originals/{name}/{file.name}", image=file, dataset=NAME, label=name)
            for name in CLASSES
            for file in sorted((path / "originals" / name).iterdir())
            if is_image(file)
        ),
    )
