"""What the policy asked and what was found: every requirement, regression and condition, failed ones first."""

from collections.abc import Sequence

from xaiaudit.gate_record import NO_SHARES, Finding, Verdict
from xaiaudit.reports import format as f
from xaiaudit.reports.blocks import Block, Canvas, Column, Facts, Points, Section, Table, Text
from xaiaudit.reports.reading import Audit
from xaiaudit.reports.severity import gravest_first, tally

TITLE = "Findings"
STATUS = {"passed": "passed", "failed": "FAILED", "not assessed": "NOT ASSESSED"}
BOLD = ("FAILED", "NOT ASSESSED")
RULES = {
    "requirement": "A requirement passes when its one-sided 95 % bound holds, or the figure itself where the policy "
    "asks for that.",
    "regression": "A regression fails when a paired test, adjusted by Holm among all regressions, rejects that this "
    "checkpoint is no worse than the baseline by more than is tolerated. One that does not fail is no proof of "
    "equality: read the interval of the change.",
    "condition": "Conditions are asked of every audit; where one fails, no figure can be relied on.",
}


def findings(audit: Audit, canvas: Canvas) -> Section | None:
    """None without a verdict."""
    verdict = audit.verdict
    if verdict is None:
        return None
    blocks: list[Block] = [
        Text(text=f"{tally(verdict.findings)}, of {f.count(len(verdict.findings), 'finding')}.".capitalize()),
        Facts(rows=_asked(verdict), mono=[]),
    ]
    for kind, rule in RULES.items():
        group = [item for item in gravest_first(verdict.findings) if item.kind == kind]
        if group:
            blocks += [Text(text=rule), *_tables(group, kind)]
    if verdict.notes:
        blocks.append(Text(text="What the verdict does not speak of", style="subheading"))
        blocks.append(Points(items=[f.printable(note) for note in verdict.notes]))
    return Section(title=TITLE, blocks=blocks)


def findings_table(found: Sequence[Finding], caption: str, note: str = "") -> Table:
    """Finding, attack, figure, bound, limit and status, in the order given."""
    return Table(
        columns=[
            Column(title="Finding", width=2.1),
            Column(title="Attack", width=1.2),
            Column(title="Figure", width=0.8, align="right"),
            Column(title="Bound", width=0.8, align="right"),
            Column(title="Limit", width=1.25, align="right"),
            Column(title="Cases", width=0.6, align="right"),
            Column(title="Status", width=1.15),
        ],
        rows=[_row(item) for item in found],
        caption=caption,
        note=note,
        bold=BOLD,
    )


def _asked(verdict: Verdict) -> list[tuple[str, str]]:
    policy, baseline = verdict.policy, verdict.baseline
    sha256 = f", SHA-256 {f.breakable(policy.sha256)}" if policy.sha256 else ""
    against = "none: nothing was compared with an accepted checkpoint"
    if baseline is not None:
        against = (
            f"{f.breakable(baseline.checkpoint)}, SHA-256 {f.breakable(baseline.checkpoint_sha256)}; its audit: "
            f"{f.breakable(baseline.path)}, SHA-256 {f.breakable(baseline.audit_sha256)}"
        )
    return [
        ("Policy", f"{f.breakable(policy.path)}{sha256}"),
        ("Baseline", against),
        ("Judged by", f"xaiaudit {f.printable(verdict.xaiaudit)}"),
    ]


def _tables(group: list[Finding], kind: str) -> list[Block]:
    caption = {"requirement": "Requirements", "regression": "Regressions", "condition": "Conditions"}[kind]
    table = (
        _regressions(group, caption)
        if kind == "regression"
        else findings_table(group, caption, _dashes(group))
    )
    return [table, Points(items=[_told(item) for item in group])]


def _told(item: Finding) -> str:
    line = "" if item.line is None else f" (line {item.line} of the policy)"
    sample = "" if item.sample is None else f" {f.printable(item.sample.words)}."
    return f"{f.breakable(item.id)}{line}: {f.printable(item.words)}.{sample}"


def _dashes(group: list[Finding]) -> str:
    rows = [_row(item) for item in group]
    bounds = (
        "Bound: one-sided 95 %, on the side that counts." if any(i.bound is not None for i in group) else ""
    )
    return f"{bounds}{f.dashes(rows, 'not computed, or not of an attack')}".strip()


def _row(item: Finding) -> list[str]:
    return [
        f.identifier(item.id),
        f.identifier(item.attack_id) if item.attack_id else f.DASH,
        value(item, item.estimate),
        value(item, item.bound),
        _limit(item),
        str(item.cases) if item.cases is not None else f.DASH,
        STATUS[item.status],
    ]


def _regressions(group: list[Finding], caption: str) -> Table:
    rows = [
        [
            f.identifier(item.id),
            value(item, item.baseline),
            value(item, item.estimate),
            _change(item),
            value(item, item.limit),
            f.p_value(item.p_holm),
            STATUS[item.status],
        ]
        for item in group
    ]
    return Table(
        columns=[
            Column(title="Finding", width=1.9),
            Column(title="Baseline", width=0.8, align="right"),
            Column(title="This audit", width=0.8, align="right"),
            Column(title="Change (90 %)", width=1.5, align="right"),
            Column(title="Worse by at most", width=0.8, align="right"),
            Column(title="p, Holm", width=0.65, align="right"),
            Column(title="Status", width=1.1),
        ],
        rows=rows,
        caption=caption,
        note="Change: paired by image, this audit minus the baseline, in percentage points where the figure is a "
        f"share; two-sided 90 % interval.{f.dashes(rows, 'not computed')}",
        bold=BOLD,
    )


def _change(item: Finding) -> str:
    if item.change is None:
        return f.DASH
    return f.value(item.change) if item.metric in NO_SHARES else f.points(item.change)


def _limit(item: Finding) -> str:
    if item.limit is None:
        return f.DASH
    return f"{f'{item.sense} ' if item.sense else ''}{value(item, item.limit)}"


def value(item: Finding, number: float | None) -> str:
    """A figure of a finding in its unit."""
    return f.fixed(number, 2) if item.metric in NO_SHARES else f.percent(number)
