"""An attack's map shift beside what a second sweep of the probe would do to the same maps."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xaiaudit.records import ONE_CHANGE, SECOND_SWEEP, VariabilityRecord
from xaiaudit.reports import format as f
from xaiaudit.reports import words
from xaiaudit.reports.blocks import Block, Canvas, Picture, Points, Section, Text, not_assessed
from xaiaudit.reports.figures.variability import WIDTH_MM, Moved, draw_sweeps, draw_variability
from xaiaudit.reports.reading import Audit
from xaiaudit.reports.sections.shift_table import NAMES, SCALE, drawn_metrics
from xaiaudit.reports.sections.sweep_pictures import sweep_pictures
from xaiaudit.reports.sections.variability_tables import alone_table, multiples_table

TITLE = "Beside a second sweep of the probe"
WHY = (
    "Maps also move without an attacker: no two sweeps over one lesion give the same image. So each image "
    "was also shown to the model as a second sweep might have shown it. These changes were simulated on the "
    "image at the network’s size, each alone and all at once, and the shift of the map was measured as for "
    "attacks; where the probe was moved or turned, the map was first moved back."
)
LIMITS = (
    "What this yardstick leaves out: it is a simulation, not a second recording. No other plane through the "
    "lesion, no other pressure and no other scanner is simulated; burned-in text moves with the tissue. A "
    "real second sweep changes more than this one, so the multiples are best read as upper bounds."
)


def variability(audit: Audit, canvas: Canvas) -> Section:
    found = audit.record.variability
    if found is None:
        reason = "no change of the acquisition was simulated"
        return Section(title=TITLE, blocks=[not_assessed(reason)])
    blocks: list[Block] = [
        Text(text=f"{words.capital(words.second_sweep(audit.record))}.", style="lead"),
        Text(text=WHY),
        Points(
            items=[f"{f.printable(change.id)}: {f.printable(change.summary)}." for change in found.changes]
        ),
        *_pictures(audit, canvas),
        alone_table(audit.record, found),
    ]
    for explainer in audit.record.explainers:
        if any(shift.explainer_id == explainer.id for shift in found.shifts):
            blocks += _explainer(audit, found, canvas, explainer.id, len(blocks))
        else:
            reason = "its maps ask for passes of their own of every changed image"
            blocks.append(not_assessed(f"{reason}: explainer {f.printable(explainer.id)}"))
    return Section(title=TITLE, blocks=[*blocks, Text(text=LIMITS)])


def _pictures(audit: Audit, canvas: Canvas) -> list[Block]:
    name, pictures = sweep_pictures(audit)
    if not pictures:
        return []
    file = "sweeps.svg"
    draw_sweeps(pictures, canvas.path(file))
    shown = ", ".join(f.printable(title) for title, _ in pictures)
    return [
        Picture(
            file=file,
            alt=f"The image {f.printable(name)} as it is and under each simulated change: {shown}.",
            caption=f"{f.breakable(name)} as it is, and as the model was shown it in the simulated sweeps.",
            width_mm=WIDTH_MM,
        )
    ]


def _explainer(
    audit: Audit, found: VariabilityRecord, canvas: Canvas, explainer: str, number: int
) -> list[Block]:
    name = f.printable(explainer)
    records = [m for m in words.same_target(audit.record.maps) if m.explainer_id == explainer]
    drawn = drawn_metrics(records)
    groups = _groups(audit, found, explainer, [record.attack_id for record in records])
    file = f"variability-{number}.svg"
    draw_variability(groups, [(metric, NAMES[metric]) for metric in drawn], canvas.path(file))
    multiples = [m for m in found.multiples if m.explainer_id == explainer]
    spoken = "; ".join(
        f"{f.printable(m.attack_id)}, {NAMES[m.metric]}: {words.multiple(m)}"
        for m in multiples
        if m.metric in drawn
    )
    return [
        Text(text=f"Explainer {name}", style="subheading"),
        Picture(
            file=file,
            alt=f"How far maps of {name} moved under each attack and under simulated sweeps. {spoken}.",
            caption=f"Map shift by {name}, of maps that are defined before and after: attacks (filled) and "
            "simulated sweeps (hatched or hollow). Box: quartiles with the median; whiskers: 5th to 95th percentile.",
            width_mm=WIDTH_MM,
        ),
        multiples_table(multiples, drawn, name, len(found.changes)),
    ]


def _groups(audit: Audit, found: VariabilityRecord, explainer: str, attacks: list[str]) -> list[Moved]:
    groups = []
    for attack in attacks:
        chosen = (
            (pc.field("attack_id") == attack)
            & (pc.field("explainer_id") == explainer)
            & (pc.field("target") == "same")
        )
        groups.append(Moved(attack, _values(audit.maps.filter(chosen)), natural=False))
    if audit.sweeps is None:
        return groups
    rows = audit.sweeps.filter(pc.field("explainer_id") == explainer)
    whole = found.changes[-1].id
    groups.append(
        Moved(words.sweep(whole), _values(rows.filter(pc.field("change_id") == whole)), natural=True)
    )
    if whole == SECOND_SWEEP:
        single = rows.filter(pc.field("change_id") != whole)
        groups.append(Moved(words.sweep(ONE_CHANGE), _values(single), natural=True))
    return groups


def _values(rows: pa.Table) -> dict[str, np.ndarray]:
    return {
        metric: SCALE.get(metric, 1.0) * rows[metric].to_numpy(zero_copy_only=False).astype(float)
        for metric in NAMES
    }
