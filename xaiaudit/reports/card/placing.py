"""Where the section stands in a card: between two lines that a later run finds again."""

import re
from pathlib import Path

from xaiaudit.errors import DataError

BEGIN = "<!-- xaiaudit card: begin; what stands between these two lines is written anew by the next run -->"
END = "<!-- xaiaudit card: end -->"
_BEGIN = re.compile(r"^<!-- xaiaudit card: begin\b[^\r\n]*-->[ \t]*$", re.MULTILINE)
_END = re.compile(r"^<!-- xaiaudit card: end -->[ \t]*$", re.MULTILINE)


def with_section(card: str, section: str, path: Path) -> str:
    """`card` with `section` between the marks, or at its end where there are none; every other byte stays.

    Args:
        section: lines ended by line feeds; they get the line ends of the card.

    Raises:
        DataError: only one of the marks is there, or one of them twice.
    """
    newline = "\r\n" if "\r\n" in card else "\n"
    marked = f"{BEGIN}\n{section.rstrip()}\n{END}".replace("\n", newline)
    begins, ends = (list(mark.finditer(card.replace("\r", " "))) for mark in (_BEGIN, _END))
    if not begins and not ends:
        gap = "" if not card else newline if card.endswith(newline) else 2 * newline
        return f"{card}{gap}{marked}{newline}"
    if len(begins) != 1 or len(ends) != 1 or begins[0].start() > ends[0].start():
        raise DataError(
            f"{path} has {len(begins)} lines that begin and {len(ends)} that end the section of xaiaudit, where one of "
            f"each belongs, in this order; take them out, or put back the one that is missing: {BEGIN} and {END}"
        )
    return card[: begins[0].start()] + marked + card[len(card[: ends[0].end()].rstrip()) :]


def has_section(card: str) -> bool:
    """The card, or this part of it, was written here."""
    return _BEGIN.search(card.replace("\r", " ")) is not None
