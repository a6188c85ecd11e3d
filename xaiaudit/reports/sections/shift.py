"""Where the maps went: displacement and likeness, split by whether the decision flipped, and the silent shift."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xaiaudit.records import SHIFT_METRICS, Distribution, Interval, MapRecord
from xaiaudit.reports import format as f
from xaiaudit.reports import words
from xaiaudit.reports.blocks import Block, Canvas, Column, Picture, Section, Table, Text, not_assessed
from xaiaudit.reports.figures.shift import WIDTH_MM, Group, draw_shift
from xaiaudit.reports.reading import Audit
from xaiaudit.reports.sections.shift_table import (
    NAMES,
    SCALE,
    drawn_metrics,
    energy_table,
    shift_table,
    tests_table,
)

TITLE = "Map shift"
EXPLAINED = (
    "Maps before and after explain the same class, the clean decision, unless a row says otherwise. All maps after an "
    "attack, here and in the sections that follow, are of the image before rounding to 8 bits. Peak and mass centre: "
    "how far they moved. Top-k overlap: share of the strongest pixels (as many as the lesion has) that stay among the "
    "strongest. Of overlap, correlations and SSIM, 1 means an unchanged map and 0 nothing in common; correlations and "
    "SSIM below 0, the reverse."
)


def shift(audit: Audit, canvas: Canvas) -> Section:
    records = words.same_target(audit.record.maps)
    if not records:
        return Section(title=TITLE, blocks=[not_assessed("the audit has no maps")])
    blocks: list[Block] = [
        Text(text=f"Silent shift: {words.silent(records)}.", style="lead"),
        Text(
            text="A silent shift is a map that moved while the decision stood: its peak left lesion, ring "
            "and posterior region, or its mass centre moved by more than 5 mm (10 % of the diagonal "
            "without spacing), or it vanished. Nothing else warns of it."
        ),
        _silent_table(records),
        Text(text=EXPLAINED),
    ]
    for explainer in audit.record.explainers:
        group = [record for record in records if record.explainer_id == explainer.id]
        if group:
            blocks += _explainer(audit, canvas, group, len(blocks))
    blocks += tests_table(records)
    return Section(title=TITLE, blocks=blocks)


def _silent_table(records: list[MapRecord]) -> Table:
    rows = [
        [
            f.identifier(m.attack_id),
            f.printable(m.explainer_id),
            _share(m.silent_shift),
            _share(m.silent_shift_unflipped),
            str(m.undefined_before),
            str(m.undefined_after),
            str(m.vanished),
        ]
        for m in records
    ]
    return Table(
        columns=[
            Column(title="Attack", width=0.8),
            Column(title="Explainer", width=0.9),
            Column(title="Silent shift, of all defined maps", width=1.5, align="right"),
            Column(title="Among images whose decision stood", width=1.5, align="right"),
            Column(title="Undefined before", width=0.75, align="right"),
            Column(title="Undefined after", width=0.75, align="right"),
            Column(title="Vanished", width=0.75, align="right"),
        ],
        rows=rows,
        caption="Silent shift, undefined and vanished maps",
        stacked=True,
        note="Undefined: a map without a positive value (a signed map: without variation) has no extreme. "
        f"Vanished: defined before, undefined after; counts as moved.{f.dashes(rows, 'no such image')}",
    )


def _share(rate: Interval) -> str:
    return f.DASH if rate.estimate is None else f"{f.hits(rate)}, {f.rate(rate)}"


def _explainer(audit: Audit, canvas: Canvas, records: list[MapRecord], number: int) -> list[Block]:
    new = [m for m in audit.record.maps if m.target == "own" and m.explainer_id == records[0].explainer_id]
    name = f.printable(records[0].explainer_id)
    drawn = drawn_metrics(records)
    groups = [_group(audit, record) for record in records]
    file = f"shift-{number}.svg"
    draw_shift(groups, [(metric, NAMES[metric]) for metric in drawn], canvas.path(file))
    spoken = "; ".join(
        f"{f.printable(m.attack_id)}: {NAMES[metric]} {_median(m.shift, metric)}"
        for m in records
        for metric in drawn
    )
    return [
        Text(text=f"Explainer {name}", style="subheading"),
        Picture(
            file=file,
            alt=f"How far maps of {name} moved under each attack. Medians: {spoken}.",
            caption=f"Map shift by {name}: filled, decision flipped; hatched or hollow, decision stood. "
            "Box: quartiles with the median; whiskers: 5th to 95th percentile; up to 8 values are drawn "
            "one by one.",
            width_mm=WIDTH_MM,
        ),
        shift_table(records, new),
        *([energy_table(records)] if any(_has_energy(record) for record in records) else []),
    ]


def _has_energy(record: MapRecord) -> bool:
    share = record.shift.get("delta_energy_lesion")
    return share is not None and share.n > 0


def _median(values: Mapping[str, Distribution], metric: str) -> str:
    found = values.get(metric)
    return (
        f.number(SCALE.get(metric, 1.0) * found.median) if found and found.median is not None else "undefined"
    )


def _group(audit: Audit, record: MapRecord) -> Group:
    chosen = (
        (pc.field("attack_id") == record.attack_id)
        & (pc.field("explainer_id") == record.explainer_id)
        & (pc.field("target") == record.target)
    )
    maps = audit.maps.filter(chosen)
    flipped = _flipped(audit.predictions, record.attack_id)
    mask = np.array([flipped.get(name, False) for name in maps["image"].to_pylist()], bool)
    columns = {
        metric: SCALE.get(metric, 1.0) * maps[metric].to_numpy(zero_copy_only=False).astype(float)
        for metric in SHIFT_METRICS
    }
    return Group(
        record.attack_id,
        {metric: values[mask] for metric, values in columns.items()},
        {metric: values[~mask] for metric, values in columns.items()},
    )


def _flipped(predictions: pa.Table, attack: str) -> dict[str, bool]:
    chosen = (pc.field("attack_id") == attack) & ~pc.field("curve") & ~pc.field("quantised")
    rows = predictions.filter(chosen)
    return dict(zip(rows["image"].to_pylist(), rows["flipped"].to_pylist(), strict=True))
