"""BUS-BRA: Images/bus_0001-l.png, Masks/mask_0001-l.png, bus_data.csv."""

import json
from collections.abc import Mapping
from pathlib import Path

from xaiaudit.data.datasets import Dataset
from xaiaudit.data.entries import Box, Entry
from xaiaudit.data.reading import is_image
from xaiaudit.data.tables import read_csv
from xaiaudit.errors import DataError
from xaiaudit.types import LeftOut

NAME = "BUS-BRA"
CITATION = "Gómez-Flores et al., BUS-BRA, Medical Physics 2024, 51(4):3110-3123"
_COLUMNS = ("ID", "Case", "Histology", "Pathology", "BIRADS", "Device", "Width", "Height", "Side", "BBOX")
_ATTRIBUTES = ("Case", "Histology", "BIRADS", "Device", "Width", "Height", "Side")


def recognises(path: Path) -> bool:
    return (path / "bus_data.csv").is_file() and (path / "Images").is_dir()


def open_busbra(path: Path) -> Dataset:
    """The folder that holds bus_data.csv. `Case` is the case id; the table knows no spacing.

    The table's attributes are given as read, by lower-case names; its width and height are known to be wrong
    for some images, and its box for one.

    Raises:
        DataError: the table, one of its columns or the folder of images is not there.
    """
    table = path / "bus_data.csv"
    if not table.is_file() or not (path / "Images").is_dir():
        raise DataError(
            f"{path}: not BUS-BRA, which has bus_data.csv and a folder Images; one of them is not here"
        )
    entries: list[Entry] = []
    left_out: list[LeftOut] = []
    for line, row in read_csv(table, _COLUMNS):
        entry = _entry(path, row, _box(row["BBOX"], table, line))
        if entry.image.is_file():
            entries.append(entry)
        else:
            left_out.append(LeftOut(entry.file, f"named in bus_data.csv, line {line}, but not there"))
    known = {entry.image.name for entry in entries}
    left_out += [
        LeftOut(f"Images/{image.name}", "not in bus_data.csv, so its label is not known")
        for image in sorted((path / "Images").iterdir())
        if is_image(image) and image.name not in known
    ]
    return Dataset(
        name=NAME,
        kind="busbra",
        path=path,
        citation=CITATION,
        entries=tuple(entries),
        left_out=tuple(left_out),
    )


def _entry(path: Path, row: Mapping[str, str], box: Box) -> Entry:
    file = f"Images/{row['ID']}.png"
    mask = path / "Masks" / f"mask_{row['ID'].removeprefix('bus_')}.png"
    return Entry(
        file=file,
        image=path / file,
        dataset=NAME,
        label=row["Pathology"] or None,
        case=row["Case"] or None,
        masks=(mask,) if mask.is_file() else (),
        boxes=(box,),
        attributes={name.lower(): row[name] for name in _ATTRIBUTES},
    )


def _box(text: str, table: Path, line: int) -> Box:
    """[x, y, w, h]: pixels from 1; w, h from the first lesion pixel to the last (found from the masks)."""
    try:
        x, y, w, h = (float(value) for value in json.loads(text))
    except (ValueError, TypeError):
        raise DataError(
            f"{table}, line {line}: BBOX {text!r} is not [x, y, width, height]; mend the table"
        ) from None
    return x - 1, y - 1, x + w, y + h
