"""Reading CSV tables, with errors that name file, line and column."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from xaiaudit.errors import DataError


def read_csv(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Line number and stripped cells by column, row by row; cells that are not there are empty.

    Raises:
        DataError: not UTF-8 text, not a table, without one of `columns`, or a row with too many cells.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            names = [name.strip() for name in reader.fieldnames or ()]
            missing = [name for name in columns if name not in names]
            if missing:
                raise DataError(
                    f"{path}: no column {missing[0]!r}; its columns are {', '.join(names) or 'none'}"
                )
            reader.fieldnames = names
            for row in reader:
                if None in row:
                    raise DataError(
                        f"{path}, line {reader.line_num}: more cells than columns; "
                        "put quotes around a cell that holds a comma"
                    )
                yield reader.line_num, {name: (cell or "").strip() for name, cell in row.items()}
    except UnicodeDecodeError:
        raise DataError(f"{path}: not a text file in UTF-8; save it again as CSV UTF-8") from None
    except csv.Error as error:
        raise DataError(f"{path}: not a CSV table ({error}); save it again as CSV UTF-8") from None
