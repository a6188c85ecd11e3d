"""Natural variability in numbers: what the sweeps do alone, and attacks as multiples of it."""

from xaiaudit.records import (
    ONE_CHANGE,
    AuditRecord,
    Interval,
    MultipleRecord,
    NaturalShiftRecord,
    VariabilityRecord,
)
from xaiaudit.reports import format as f
from xaiaudit.reports import words
from xaiaudit.reports.blocks import Column, Table, Text, not_assessed
from xaiaudit.reports.sections.shift_table import NAMES


def alone_table(record: AuditRecord, found: VariabilityRecord) -> Table:
    """Decisions changed and silent shift, by sweep and then by attack."""
    explainers = list(dict.fromkeys(shift.explainer_id for shift in found.shifts))
    shifts = {(shift.change_id, shift.explainer_id): shift for shift in found.shifts}
    rows = [
        [
            words.sweep(change.id),
            f.rate(change.decisions_changed),
            *(_silent(shifts[change.id, e]) for e in explainers),
        ]
        for change in found.changes
    ]
    if explainers and (ONE_CHANGE, explainers[0]) in shifts:
        pooled = [_silent(shifts[ONE_CHANGE, e]) for e in explainers]
        rows.append([words.sweep(ONE_CHANGE), f.DASH, *pooled])
    silent = {(m.attack_id, m.explainer_id): m.silent_shift for m in words.same_target(record.maps)}
    rows += [
        [f.identifier(attack.id), f.rate(attack.flips), *(f.rate(silent[attack.id, e]) for e in explainers)]
        for attack in record.attacks
    ]
    columns = [Column(title="Sweep or attack", width=1.3), Column(title="Decisions changed", align="right")]
    columns += [Column(title=f"Silent shift, {f.printable(e)}", align="right") for e in explainers]
    return Table(
        columns=columns,
        rows=rows,
        caption=f"What the simulated sweeps do by themselves to {f.count(record.images, 'image')}, and the attacks "
        "below them",
        note="Silent shift: the decision stood and the map moved, of all images with a defined clean map. A "
        "sweep that shifts maps in silence as often as an attack says that the map, not the attack, is unsteady.",
    )


def _silent(shift: NaturalShiftRecord) -> str:
    return f.rate(shift.silent_shift)


def multiples_table(
    multiples: list[MultipleRecord], drawn: list[str], name: str, sweeps: int
) -> Table | Text:
    """Three rows an attack: times a second sweep, times one change, and the share moved farther than by any.

    A row of dashes alone is left out, and the note says so.
    """
    rows: list[list[str]] = []
    for attack in dict.fromkeys(m.attack_id for m in multiples):
        own = {m.metric: m for m in multiples if m.attack_id == attack}
        title = f.identifier(attack)
        rows.append([f"{title}, times a second sweep", *(words.multiple(own[metric]) for metric in drawn)])
        if sweeps > 1:
            typical = [words.times(own[metric].times_one_change) for metric in drawn]
            rows.append([f"{title}, times one change", *typical])
        rows.append(
            [
                f"{title}, farther than any sweep, %",
                *(_farther(own[metric].farther) for metric in drawn),
            ]
        )
    empty = [row[0] for row in rows if set(row[1:]) == {f.DASH}]
    lost = f" Left out, as they would hold dashes alone: {'; '.join(empty)}." if empty else ""
    rows = [row for row in rows if row[0] not in empty]
    if not rows:
        return not_assessed(f"no map by {name} could be compared with a second sweep's")
    dashes = f.dashes(rows, "that median is 0 and nothing is known of the ratio, or no map could be compared")
    chance = f.percent(1 / (sweeps + 1))
    return Table(
        columns=[
            Column(title="Attack", width=1.5),
            *(Column(title=NAMES[metric], align="right") for metric in drawn),
        ],
        rows=rows,
        caption=f"Map shift by {name} as a multiple of natural shift",
        note="Times: median shift under the attack / median shift of the same images in the sweep; of "
        "overlap and correlation, what was lost of them. A vanished map moved farther than any other. Farther "
        "than any sweep: share of images whose map the attack moved farther than any of the "
        f"{f.count(sweeps, 'sweep')} did; an attack like one more of them would have {chance} at most. "
        f"Over: the median in the sweep is 0, so that only the lower end of the interval is known.{dashes}{lost}",
    )


def _farther(share: Interval) -> str:
    return f.compact(share)
