"""Reading tables, CSV and XLSX, with errors that name file, line and column."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal
from zipfile import BadZipFile

from xaiaudit.errors import DataError

Row = Mapping[str, str]
_DELIMITERS = {",": "comma", ";": "semicolon"}


def read_table(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, Row]]:
    """`read_xlsx` or `read_csv`, by the suffix."""
    return read_xlsx(path, columns) if path.suffix.lower() == ".xlsx" else read_csv(path, columns)


def read_csv(
    path: Path, columns: Sequence[str], *, delimiter: Literal[",", ";"] = ","
) -> Iterator[tuple[int, Row]]:
    """Line number and stripped cells by column, row by row; cells that are not there are empty.

    Raises:
        DataError: not UTF-8 text, not a table, without one of `columns`, or a row with too many cells.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True, delimiter=delimiter)
            names = [name.strip() for name in reader.fieldnames or ()]
            _require(path, columns, names)
            reader.fieldnames = names
            for row in reader:
                if None in row:
                    raise DataError(
                        f"{path}, line {reader.line_num}: more cells than columns; "
                        f"put quotes around a cell that holds a {_DELIMITERS[delimiter]}"
                    )
                yield reader.line_num, {name: (cell or "").strip() for name, cell in row.items()}
    except UnicodeDecodeError:
        raise DataError(f"{path}: not a text file in UTF-8; save it again as CSV UTF-8") from None
    except csv.Error as error:
        raise DataError(f"{path}: not a CSV table ({error}); save it again as CSV UTF-8") from None


def read_xlsx(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, Row]]:
    """The same of the first sheet of an XLSX; empty rows are left out, numbers are given as their text.

    Raises:
        DataError: not an XLSX that can be read, or without one of `columns`.
    """
    from openpyxl import load_workbook  # only datasets with such a table wait for it

    try:
        sheet = load_workbook(path, data_only=True).worksheets[0]
    except (BadZipFile, KeyError, ValueError, OSError) as error:
        raise DataError(
            f"{path}: not an XLSX that can be read ({error}); copy it again from its source"
        ) from None
    rows = sheet.iter_rows(values_only=True)
    names = ["" if cell is None else str(cell).strip() for cell in next(rows, ())]
    _require(path, columns, names)
    for line, cells in enumerate(rows, start=2):
        row = {
            name: "" if cell is None else str(cell).strip() for name, cell in zip(names, cells, strict=True)
        }
        if any(row.values()):
            yield line, row


def _require(path: Path, columns: Sequence[str], names: Sequence[str]) -> None:
    missing = [name for name in columns if name not in names]
    if missing:
        raise DataError(
            f"{path}: no column {missing[0]!r}; its columns are {', '.join(filter(None, names)) or 'none'}; "
            "rename the one that holds it"
        )
