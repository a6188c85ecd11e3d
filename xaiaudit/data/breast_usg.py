"""BrEaST-Lesions-USG: an XLSX of clinical data beside a folder of images and masks."""

import math
from collections.abc import Mapping
from pathlib import Path

from xaiaudit.data.datasets import Dataset
from xaiaudit.data.entries import Entry
from xaiaudit.data.reading import is_image
from xaiaudit.data.tables import read_xlsx
from xaiaudit.errors import DataError
from xaiaudit.types import LeftOut, Spacing

CITATION = "Pawłowska et al., BrEaST-Lesions-USG, Sci Data 2024, doi 10.1038/s41597-024-02984-z"
_COLUMNS = ("CaseID", "Image_filename", "Mask_tumor_filename", "Pixel_size", "Classification")


def recognises(path: Path) -> bool:
    return path.is_dir() and _table(path) is not None


def open_breast_usg(path: Path) -> Dataset:
    """The folder that holds the XLSX. One image a patient; spacing from `Pixel_size`, centimetres a pixel.

    Only the tumour mask is the lesion: `Classification` speaks of it, while `_other` masks outline further
    structures of the same image. Normals have no mask, which here means: no lesion. Everything else in the
    table becomes an attribute, by its lower-case name.

    Raises:
        DataError: the table or one of its columns is not there.
    """
    table = _table(path) if path.is_dir() else None
    if table is None:
        raise DataError(
            f"{path}: not BrEaST-Lesions-USG, which has a table BrEaST-Lesions-USG-*.xlsx; none is here"
        )
    files = {file.name: file for file in sorted(path.rglob("*")) if is_image(file)}
    entries: list[Entry] = []
    left_out: list[LeftOut] = []
    named: set[str] = set()
    for _, row in read_xlsx(table, _COLUMNS):
        image, mask = row["Image_filename"], row["Mask_tumor_filename"]
        named |= {name for column in row if column.endswith("_filename") for name in row[column].split("&")}
        if image not in files:
            left_out.append(LeftOut(image, f"named in {table.name} but not there"))
            continue
        if mask and mask not in files:
            left_out.append(LeftOut(image, f"its mask {mask} is named in {table.name} but not there"))
            continue
        entries.append(_entry(row, files[image], files.get(mask), path))
    for name, file in files.items():
        if name not in named:
            left_out.append(LeftOut(file.relative_to(path).as_posix(), f"not in {table.name}"))
    return Dataset(
        name="BrEaST-Lesions-USG",
        kind="breast-usg",
        path=path,
        citation=CITATION,
        entries=tuple(entries),
        left_out=tuple(left_out),
    )


def _entry(row: Mapping[str, str], image: Path, mask: Path | None, root: Path) -> Entry:
    return Entry(
        file=image.relative_to(root).as_posix(),
        image=image,
        dataset="BrEaST-Lesions-USG",
        label=row["Classification"] or None,
        case=row["CaseID"],
        masks=(mask,) if mask else (),
        no_lesion=row["Classification"] == "normal" and mask is None,
        spacing=_spacing(row["Pixel_size"]),
        attributes={name.lower(): cell for name, cell in row.items() if name not in _COLUMNS and cell},
    )


def _spacing(cell: str) -> Spacing | None:
    try:
        millimetres = float(cell) * 10
    except ValueError:
        return None  # "not available"
    return (millimetres, millimetres) if 0 < millimetres < math.inf else None


def _table(path: Path) -> Path | None:
    return next(iter(sorted(path.glob("BrEaST*.xlsx"))), None)
