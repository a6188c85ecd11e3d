"""Blocks of a report as HTML. Every text is escaped here, and nowhere else becomes markup."""

import base64
import html
import re
from collections.abc import Sequence
from typing import assert_never

from xaiaudit.reports import format as f
from xaiaudit.reports.blocks import (
    Alarm,
    Block,
    Canvas,
    Case,
    Column,
    Facts,
    Heat,
    Mark,
    Picture,
    Points,
    Row,
    Section,
    SignOff,
    Table,
    Text,
    Together,
)

TURNING = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # Unicode's Bidi_Control
MEDIA = {".svg": "image/svg+xml", ".png": "image/png"}


def section_tags(section: Section, canvas: Canvas, *, folded: bool) -> str:
    """A section under its heading; a folded one opens when asked to."""
    body = block_tags(section.blocks, canvas)
    title = f"<h2>{text(section.title)}</h2>"
    if folded:
        return f"<details>\n<summary>{title}</summary>\n{body}\n</details>"
    return f"<section>\n{title}\n{body}\n</section>"


def block_tags(blocks: Sequence[Block], canvas: Canvas) -> str:
    return "\n".join(_block(block, canvas) for block in blocks)


def text(value: str) -> str:
    """A string as it is read: line feeds break, and `format.SOFT_BREAK` marks where a long word may.

    Characters that turn the order of others round are seen as their code points.
    """
    seen = TURNING.sub(lambda found: f"\\u{{{ord(found[0]):x}}}", value)
    return html.escape(seen).replace("\n", "<br>").replace(f.SOFT_BREAK, "<wbr>")


def _block(block: Block, canvas: Canvas) -> str:
    match block:
        case Text():
            return _text(block)
        case Alarm():
            return f'<p class="alarm"><strong>Warning. {text(block.title)}.</strong> {text(block.text)}</p>'
        case Mark():
            return _mark(block)
        case SignOff():
            return _table(_signatures(block))
        case Points():
            return f"<ul>{''.join(f'<li>{text(item)}</li>' for item in block.items)}</ul>"
        case Facts():
            return _facts(block)
        case Table():
            return _table(block)
        case Heat():
            return _table(_counts(block))
        case Picture():
            return _picture(block, canvas)
        case Row():
            columns = "".join(f"<div>{block_tags(column, canvas)}</div>" for column in block.columns)
            return f'<div class="row">{columns}</div>'
        case Together():
            return block_tags(block.blocks, canvas)
        case Case():
            raise TypeError("cases of the gallery are shown by the page's own viewer, not as blocks")
        case _:
            assert_never(block)


def _text(block: Text) -> str:
    if block.style == "subheading":
        return f"<h3>{text(block.text)}</h3>"
    return f'<p class="{block.style}">{text(block.text)}</p>'


def _mark(block: Mark) -> str:
    kind = block.status.replace(" ", "-")
    return f'<p class="mark {kind}"><strong>{text(block.status.upper())}</strong> {text(block.text)}</p>'


def _facts(block: Facts) -> str:
    rows = [
        f"<dt>{text(name)}</dt><dd{_mono(name in block.mono)}>{text(value)}</dd>"
        for name, value in block.rows
    ]
    return f"<dl>{''.join(rows)}</dl>"


def _mono(wanted: bool) -> str:
    return ' class="mono"' if wanted else ""


def _table(block: Table) -> str:
    aligned = [f' class="{column.align}"' for column in block.columns]
    head = "".join(
        f'<th scope="col"{how}>{text(column.title)}</th>'
        for column, how in zip(block.columns, aligned, strict=True)
    )
    rows = []
    for row in block.rows:
        if len(row) == 1:
            span = f'colspan="{len(block.columns)}" scope="colgroup"'
            rows.append(f"<tr><th {span}>{text(row[0])}</th></tr>")
            continue
        shown = [cell.replace(" (", "\n(") if block.stacked else cell for cell in row]
        first, *others = (
            f"<strong>{text(cell)}</strong>" if cell in block.bold else text(cell) for cell in shown
        )
        cells = "".join(f"<td{how}>{cell}</td>" for cell, how in zip(others, aligned[1:], strict=True))
        rows.append(f'<tr><th scope="row"{aligned[0]}>{first}</th>{cells}</tr>')
    note = f'<p class="note">{text(block.note)}</p>' if block.note else ""
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{text(block.caption)}"><table>'
        f"<caption>{text(block.caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>{note}"
    )


def _counts(block: Heat) -> Table:
    columns = [Column(title="From, to"), *(Column(title=state, align="right") for state in block.states)]
    rows = [[state, *map(str, row)] for state, row in zip(block.states, block.counts, strict=True)]
    return Table(columns=columns, rows=rows, caption=block.caption)


def _signatures(block: SignOff) -> Table:
    columns = [Column(title="Signed as"), *(Column(title=blank) for blank in block.blanks)]
    rows = [[role, *[""] * len(block.blanks)] for role in block.roles]
    return Table(columns=columns, rows=rows, caption="Sign-off")


def _picture(block: Picture, canvas: Canvas) -> str:
    path = canvas.path(block.file)
    content = base64.b64encode(path.read_bytes()).decode()
    return (
        f'<figure class="chart"><img src="data:{MEDIA[path.suffix]};base64,{content}" alt="{text(block.alt)}">'
        f"<figcaption>{text(block.caption)}</figcaption></figure>"
    )
