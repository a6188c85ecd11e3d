"""A verdict for somebody at a terminal: a table of the findings, then in words what did not pass."""

from collections.abc import Sequence
from textwrap import wrap

from xaiaudit.gate_record import NO_SHARES, Finding, Verdict
from xaiaudit.reports import format as f
from xaiaudit.reports.plain import plain
from xaiaudit.reports.sections.findings import STATUS, value
from xaiaudit.reports.severity import gravest_first, not_passed
from xaiaudit.reports.verdict_lines import ending

WIDTH = 100  # columns that are easily read
HEAD = ("", "finding", "figure", "bound, change", "limit", "cases")
SHORTEST = 16  # characters of a finding's id that are always shown


def verdict_table(verdict: Verdict, width: int = WIDTH) -> list[str]:
    """Lines of at most `width` characters, plain text; below the table each finding that did not pass in its words, and
    what so many cases can show."""
    rows = [HEAD, *(row(finding) for finding in gravest_first(verdict.findings))]
    lines = _aligned(rows, width)
    for finding in not_passed(verdict):
        where = "" if finding.line is None else f" [{verdict.policy.path}:{finding.line}]"
        lines += ["", f"{STATUS[finding.status]}  {plain(finding.id)}"]
        lines += _indented(f"{finding.words}{where}", width)
    shown = dict.fromkeys(finding.sample.words for finding in verdict.findings if finding.sample is not None)
    if shown:
        lines += ["", "What these cases can show:"]
        lines += [line for words in shown for line in _indented(words, width)]
    return [
        *lines,
        "",
        *(part for line in ending(verdict) for part in wrap(line, width, subsequent_indent="  ")),
    ]


def row(finding: Finding) -> tuple[str, ...]:
    """Cells under `HEAD`, plain text; empty where there is no such figure."""
    sign = {"at most": "≤ ", "at least": "≥ ", None: ""}[finding.sense]
    edge = "" if finding.bound is None else f"{sign}{value(finding, finding.bound)}"
    limit = "" if finding.limit is None else f"{sign}{value(finding, finding.limit)}"
    if finding.kind == "regression":
        edge = "" if finding.change is None else _points(finding, finding.change.estimate, "+")
        limit = f"{_points(finding, finding.limit)} worse"
    figure = "" if finding.estimate is None else value(finding, finding.estimate)
    cases = "" if finding.cases is None else str(finding.cases)
    cells = (STATUS[finding.status], finding.id, figure, edge, limit, cases)
    return tuple(plain(cell) for cell in cells)


def _points(finding: Finding, difference: float | None, sign: str = "") -> str:
    """A difference in the finding's unit, with `sign` before one that is not negative."""
    if difference is None:
        return ""
    shown = sign if difference >= 0 else ""
    if finding.metric in NO_SHARES:
        return f"{shown}{f.fixed(difference, 3)}"
    return f"{shown}{f.fixed(100 * difference, 1)} points"


def _aligned(rows: Sequence[tuple[str, ...]], width: int) -> list[str]:
    """Columns under one another; ids are cut in the middle where the table would be too wide."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    widths[1] = min(widths[1], max(SHORTEST, width - sum(widths[:1] + widths[2:]) - 2 * (len(HEAD) - 1)))
    return [
        "  ".join(
            [f"{row[0]:<{widths[0]}}", f"{_cut(row[1], widths[1]):<{widths[1]}}"]
            + [f"{cell:>{room}}" for cell, room in zip(row[2:], widths[2:], strict=True)]
        ).rstrip()
        for row in rows
    ]


def _cut(text: str, room: int) -> str:
    """The end of an id tells a regression, its beginning the metric."""
    if len(text) <= room:
        return text
    end = (room - 1) // 2
    return f"{text[: room - 1 - end]}…{text[len(text) - end :]}"


def _indented(text: str, width: int) -> list[str]:
    return wrap(plain(text), width, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
