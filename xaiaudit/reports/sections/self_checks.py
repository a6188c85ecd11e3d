"""Whether model and attacks behave as sound ones must, so that few flips mean robustness and not a weak attack."""

from collections.abc import Sequence

from xaiaudit.records import AuditRecord, SelfCheckRecord
from xaiaudit.reports import check_words
from xaiaudit.reports import format as f
from xaiaudit.reports.blocks import Block, Canvas, Column, Section, Table, Text, not_assessed
from xaiaudit.reports.reading import Audit

TITLE = "Is the attack itself sound?"
ABREAST = 5  # attacks side by side; more go into further tables
INTRODUCTION = (
    "Few flips may mean a robust model or a poor attack. These checks tell the two apart, on a few images drawn by "
    "hash. Every attack is run to leave the clean decision, whatever it was after in this audit, at each radius by "
    "itself, and compared with rivals at the radius where it reaches nearest to half of the images. Where a check "
    "fails, flip rates are lower bounds. Where no radius reaches 5 to 95 % of the images, nothing can be compared, and "
    "the check is not assessable."
)
SOURCE = (
    "After Carlini et al. 2019 (arXiv:1902.06705) and Athalye et al. 2018 (arXiv:1802.00420). A check fails beyond 5 % "
    "of the images, and at least two."
)


def self_checks(audit: Audit, canvas: Canvas) -> Section:
    record = audit.record
    if not record.checks:
        return Section(title=TITLE, blocks=[not_assessed("no self-checks were made")])
    blocks: list[Block] = [Text(text=INTRODUCTION), _of_model(record.checks), *_overview(record)]
    without = [attack.id for attack in record.attacks if not _of(record.checks, attack.id)]
    if without:
        blocks.append(
            Text(
                text=f"No check is made of {f.listing([f.printable(name) for name in without])}: nothing is "
                "expected of attacks without gradients, of those after a map and no flip, or of another "
                "package.",
                style="note",
            )
        )
    return Section(title=TITLE, blocks=[*blocks, *_seen(record.checks)])


def _of(checks: Sequence[SelfCheckRecord], attack_id: str | None) -> dict[str, SelfCheckRecord]:
    return {check.name: check for check in checks if check.attack_id == attack_id}


def _of_model(checks: Sequence[SelfCheckRecord]) -> Table:
    return Table(
        columns=[
            Column(title="Of the model", width=1.2),
            Column(title="Result", width=0.7),
            Column(title="What was seen", width=2.6),
        ],
        rows=[
            [check.name, check_words.STATUS[check.status], _sentence(check)]
            for check in _of(checks, None).values()
        ],
        caption="Checks of the model",
    )


def _overview(record: AuditRecord) -> list[Table]:
    """Check by attack; a dash where a check makes no sense for the attack."""
    attacks = [attack.id for attack in record.attacks if _of(record.checks, attack.id)]
    names = list(dict.fromkeys(check.name for check in record.checks if check.attack_id is not None))
    tables = []
    for start in range(0, len(attacks), ABREAST):
        shown = attacks[start : start + ABREAST]
        found = [_of(record.checks, name) for name in shown]
        rows = [
            [name, *(check_words.STATUS[of[name].status] if name in of else f.DASH for of in found)]
            for name in names
        ]
        tables.append(
            Table(
                columns=[
                    Column(title="Of the attack", width=1.6),
                    *(Column(title=f.identifier(n)) for n in shown),
                ],
                rows=rows,
                caption="Checks of the attacks",
                note=f"{SOURCE}{f.dashes(rows, 'makes no sense for this attack')}",
            )
        )
    return tables


def _seen(checks: Sequence[SelfCheckRecord]) -> list[Block]:
    """The figures behind each verdict on an attack, the failed ones first."""
    ranked = sorted(
        (check for check in checks if check.attack_id is not None),
        key=lambda check: ("failed", "not assessable", "passed").index(check.status),
    )
    if not ranked:
        return []
    return [
        Table(
            columns=[
                Column(title="Attack", width=0.7),
                Column(title="Check", width=1.2),
                Column(title="Result", width=0.7),
                Column(title="What was seen", width=2.6),
            ],
            rows=[
                [f.identifier(check.attack_id), name, check_words.STATUS[check.status], _sentence(check)]
                for check, name in _alike(ranked)
            ],
            caption="What the checks of the attacks saw",
        )
    ]


def _alike(checks: Sequence[SelfCheckRecord]) -> list[tuple[SelfCheckRecord, str]]:
    """Checks with their names; one for all of an attack where none is assessable, for the same reason."""
    found: dict[str, list[SelfCheckRecord]] = {}
    for check in checks:
        found.setdefault(check.attack_id or "", []).append(check)
    alike = {
        name
        for name, own in found.items()
        if len(own) > 1
        and {(check.status, check.words) for check in own} == {("not assessable", own[0].words)}
    }
    first = {name: own[0] for name, own in found.items()}
    return [
        (check, "all of them" if check.attack_id in alike else check.name)
        for check in checks
        if check.attack_id not in alike or check is first[check.attack_id]
    ]


def _sentence(check: SelfCheckRecord) -> str:
    text = f.printable(check.words)
    return text[0].upper() + text[1:] + "."
