"""A manifest: a CSV of image, mask, label, case, spacing_mm, box; the way to name what folders cannot."""

import math
from collections.abc import Mapping
from pathlib import Path

from xaiaudit.data.datasets import Dataset, clean_label
from xaiaudit.data.entries import Box, Entry
from xaiaudit.data.tables import read_csv
from xaiaudit.errors import DataError
from xaiaudit.types import LeftOut, Spacing

COLUMNS = ("image", "mask", "label", "case", "spacing_mm", "box")


def recognises(path: Path) -> bool:
    return path.suffix.lower() == ".csv" if path.is_file() else (path / "manifest.csv").is_file()


def open_manifest(path: Path) -> Dataset:
    """The CSV, or a folder that holds manifest.csv. Only `image` must be there; other columns are attributes.

    Paths are relative to the CSV. `mask`: one path, or several with `;` between. `spacing_mm`: "0.1", or
    "0.1x0.08" for rows x columns. `box`: "x0,y0,x1,y1" in pixels, half-open, several with `;` between. An
    empty cell is unknown, except that a normal image without a mask has no lesion.

    Raises:
        DataError: no such file; a table, cell or column that cannot be read; an image named twice.
    """
    table = path / "manifest.csv" if path.is_dir() else path
    if not table.is_file():
        raise DataError(f"{table}: no such file; a manifest is a CSV with columns {', '.join(COLUMNS)}")
    name = table.resolve().parent.name if table.name == "manifest.csv" else table.stem
    entries: list[Entry] = []
    left_out: list[LeftOut] = []
    first: dict[Path, int] = {}
    for line, row in read_csv(table, COLUMNS[:1]):
        where = f"{table}, line {line}"
        if not row["image"]:
            raise DataError(f"{where}: no image is named; fill the cell or take the line out")
        image = table.parent / row["image"]
        if image in first:
            raise DataError(
                f"{where}: {row['image']} was named in line {first[image]} already; keep one of them"
            )
        first[image] = line
        if image.is_file():
            entries.append(_entry(row, table.parent, name, where))
        else:
            left_out.append(LeftOut(row["image"], f"named in {table.name}, line {line}, but not there"))
    return Dataset(
        name=name, kind="manifest", path=path, citation="", entries=tuple(entries), left_out=tuple(left_out)
    )


def _entry(row: Mapping[str, str], root: Path, name: str, where: str) -> Entry:
    label = clean_label(row.get("label", ""))
    masks = tuple(root / part for part in _parts(row.get("mask", "")))
    return Entry(
        file=Path(row["image"]).as_posix(),
        image=root / row["image"],
        dataset=name,
        label=label,
        case=row.get("case") or None,
        masks=masks,
        no_lesion=label == "normal" and not masks,
        spacing=_spacing(row.get("spacing_mm", ""), where),
        boxes=tuple(_box(part, where) for part in _parts(row.get("box", ""))) or None,
        attributes={column: cell for column, cell in row.items() if column not in COLUMNS and cell},
    )


def _parts(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(";") if part.strip()]


def _spacing(cell: str, where: str) -> Spacing | None:
    if not cell:
        return None
    try:
        values = [float(part) for part in cell.lower().split("x")]
    except ValueError:
        values = []
    if len(values) not in (1, 2) or not all(0 < value < math.inf for value in values):
        raise DataError(f"{where}: spacing_mm {cell!r} is not millimetres a pixel, such as 0.1 or 0.1x0.08")
    return values[0], values[-1]


def _box(cell: str, where: str) -> Box:
    try:
        x0, y0, x1, y1 = (float(part) for part in cell.split(","))
    except ValueError:
        x0 = x1 = y0 = y1 = 0.0
    if not (0 <= x0 < x1 < math.inf and 0 <= y0 < y1 < math.inf):
        raise DataError(f"{where}: box {cell!r} is not x0,y0,x1,y1 in pixels with x0 < x1 and y0 < y1")
    return x0, y0, x1, y1
