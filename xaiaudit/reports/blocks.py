"""What a report consists of, apart from how it is set: sections of blocks, every text a plain string.

No string is ever markup. A line feed breaks a line, `format.SOFT_BREAK` marks where a long word may break.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Text:
    text: str
    # "body" stays on the page of what it introduces, "closing" introduces nothing
    style: Literal["body", "closing", "lead", "note", "subheading", "mono"] = "body"
    kind: Literal["text"] = "text"


@dataclass(frozen=True, kw_only=True)
class Alarm:
    title: str
    text: str
    kind: Literal["alarm"] = "alarm"


@dataclass(frozen=True, kw_only=True)
class Mark:
    """The verdict in a word, beside a sign that a grey print keeps."""

    status: Literal["passed", "failed", "not assessed", "no policy"]
    text: str
    kind: Literal["mark"] = "mark"


@dataclass(frozen=True, kw_only=True)
class SignOff:
    """A line for each role, with blanks to be filled by hand."""

    roles: list[str]
    blanks: list[str]
    kind: Literal["sign-off"] = "sign-off"


@dataclass(frozen=True, kw_only=True)
class Points:
    items: list[str]
    kind: Literal["points"] = "points"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Names and what they stand for; "mono" rows hold hashes and commands."""

    rows: list[tuple[str, str]]
    mono: list[str]  # names of the rows set in the typewriter face
    kind: Literal["facts"] = "facts"


@dataclass(frozen=True, kw_only=True)
class Column:
    title: str
    width: float = 1.0  # share of the line
    align: Literal["left", "right", "center"] = "left"


@dataclass(frozen=True, kw_only=True)
class Table:
    columns: list[Column]
    rows: list[list[str]]  # a row of one cell heads the rows below it
    caption: str
    note: str = ""
    stacked: bool = False  # what stands in brackets goes below its value, for tables with many columns
    bold: tuple[str, ...] = ()  # cells with just this text stand out
    kind: Literal["table"] = "table"


@dataclass(frozen=True, kw_only=True)
class Heat:
    """Counts from a state to a state; each row is shaded by its own shares."""

    caption: str
    states: list[str]
    counts: list[list[int]]
    kind: Literal["heat"] = "heat"


@dataclass(frozen=True, kw_only=True)
class Picture:
    file: str  # within the report's temporary folder
    alt: str
    caption: str
    width_mm: float
    kind: Literal["picture"] = "picture"


@dataclass(frozen=True, kw_only=True)
class Panel:
    title: str
    file: str
    alt: str
    scale: str = ""  # picture of the colour scale
    low: str = ""
    middle: str = ""
    high: str = ""


@dataclass(frozen=True, kw_only=True)
class CaseRow:
    """One state of an image, as many panels abreast as the case has columns; None leaves a place empty."""

    title: str
    caption: str
    panels: list[Panel | None]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One image of the gallery: a row for the clean image, and one for each attack."""

    title: str
    caption: str
    columns: list[str]
    rows: list[CaseRow]
    kind: Literal["case"] = "case"


@dataclass(frozen=True, kw_only=True)
class Row:
    """Columns of blocks, side by side and equally wide."""

    columns: list[list["Block"]]
    kind: Literal["row"] = "row"


@dataclass(frozen=True, kw_only=True)
class Together:
    """Blocks that stay on one page where one holds them."""

    blocks: list["Block"]
    kind: Literal["together"] = "together"


Block = Text | Alarm | Mark | SignOff | Points | Facts | Table | Heat | Picture | Case | Row | Together


@dataclass(frozen=True, kw_only=True)
class Section:
    title: str
    blocks: list[Block]
    new_page: bool = False
    key: str = ""  # what `format.page_of` names it by; a document's sections differ in theirs

    @property
    def assessed(self) -> bool:
        """It says more than why there is nothing to say."""
        return any(not isinstance(block, Text) or block.style != "closing" for block in self.blocks)


@dataclass(frozen=True, kw_only=True)
class Document:
    title: str
    subtitle: str
    running: str  # in the head of every page
    sections: list[Section]
    contents: bool = False  # a table of them after the first section

    def data(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def chunks(items: list[T], size: int) -> Iterator[list[T]]:
    """`size` at a time, for tables and rows that hold no more abreast."""
    return (items[i : i + size] for i in range(0, len(items), size))


def not_assessed(reason: str) -> Text:
    return Text(text=f"Not assessed, because {reason}.", style="closing")


@dataclass(frozen=True, kw_only=True)
class Canvas:
    """Where a report's pictures are made."""

    folder: Path

    def path(self, name: str) -> Path:
        return self.folder / name
