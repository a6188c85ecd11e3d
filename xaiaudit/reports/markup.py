"""Markdown in which foreign text stays text: what a name or a path holds never becomes markup."""

import re
from collections.abc import Sequence

from xaiaudit.reports.plain import plain


def text(value: object) -> str:
    """One line that a reader sees as `value`: no emphasis, HTML, link to a page, formula or end of a table's cell."""
    return re.sub(r"([\\`*_\[\]<>#|~$&@]|(?<=:)/|(?<=www)\.)", r"\\\1", plain(value), flags=re.IGNORECASE)


def code(value: object) -> str:
    """The same in the typewriter face."""
    shown = plain(value)
    fence = "`" * (_longest_run(shown) + 1)
    padding = " " if "`" in shown else ""
    return f"{fence}{padding}{shown}{padding}{fence}" if shown else ""


def block(lines: Sequence[str]) -> str:
    """Lines set as they are, as commands are."""
    shown = [plain(line) for line in lines]
    fence = "`" * max(3, _longest_run("\n".join(shown)) + 1)
    return "\n".join([fence, *shown, fence])


def table(head: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> str:
    """A table in GitHub's manner; `align` has a letter a column, l or r.

    Cells are Markdown already. A stroke in a code span would end its cell, and is escaped here.
    """
    lines = [head, [{"l": "---", "r": "---:"}[side] for side in align], *rows]
    return "\n".join(
        "| " + " | ".join(re.sub(r"(?<!\\)\|", r"\\|", cell) for cell in row) + " |" for row in lines
    )


def _longest_run(shown: str) -> int:
    return max((len(run) for run in re.findall("`+", shown)), default=0)
