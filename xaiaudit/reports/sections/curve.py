"""The epsilon curve: at what radius decisions begin to flip, and the smallest radius that flips each image."""

import numpy as np
import pyarrow.compute as pc

from xaiaudit.records import AttackRecord
from xaiaudit.reports import format as f
from xaiaudit.reports import words
from xaiaudit.reports.blocks import (
    Block,
    Canvas,
    Column,
    Picture,
    Points,
    Section,
    Table,
    Text,
    chunks,
    not_assessed,
)
from xaiaudit.reports.figures.curve import BANDS, WIDTH_MM, draw_curves, draw_smallest
from xaiaudit.reports.reading import Audit

TITLE = "Where it begins: the ε curve"
SMALLEST = "smallest.svg"
ABREAST = 8  # radii to a table


def curve(audit: Audit, canvas: Canvas) -> Section:
    attacks = [attack for attack in audit.record.attacks if attack.goal_assessable]
    if not attacks:
        return Section(title=TITLE, blocks=[not_assessed("flips are not assessable for any attack")])
    with_curve = [attack for attack in attacks if attack.curve]
    blocks: list[Block] = []
    if not with_curve:
        notes = "; ".join(f"{f.printable(a.id)}: {words.no_curve(a)}" for a in attacks)
        blocks.append(not_assessed(f"no attack has a curve ({notes})"))
    else:
        blocks.append(
            Text(
                text="A single large radius says little. Here the same attack runs at several radii, and "
                "the share of images that reach its goal (a flipped decision, unless another is named) tells where "
                "the model begins to break. For each image the smallest radius is searched; it then counts at every "
                "larger radius, as its adversarial image lies in those balls too. Under half a "
                "grey level, rounding gives the clean image back."
            )
        )
    for norm in ("linf", "l2"):
        group = [attack for attack in with_curve if attack.norm == norm]
        if group:
            blocks += _curves(group, norm, canvas)
    if with_curve:
        blocks.append(Points(items=[f"{f.printable(a.id)}: {words.begins(a)}." for a in attacks]))
    blocks += _smallest(audit, attacks, canvas)
    return Section(title=TITLE, blocks=blocks)


def _curves(attacks: list[AttackRecord], norm: str, canvas: Canvas) -> list[Block]:
    file = f"curve-{norm}.svg"
    draw_curves(attacks, canvas.path(file))
    unit = "grey levels" if norm == "linf" else "intensities in [0, 1]"
    spoken = " ".join(f"{f.printable(a.id)}: {words.begins(a)}." for a in attacks)
    bands = "bands are 95 % intervals" if len(attacks) <= BANDS else "95 % intervals stand in the table"
    picture = Picture(
        file=file,
        alt=f"Share of images against radius in {unit}, as computed and after rounding to 8 bits. {spoken}",
        caption=f"{_shares(attacks)} against the radius in {unit} (logarithmic), as computed (left) and "
        f"after rounding to 8 bits (right); {bands}. Dotted: one half.",
        width_mm=WIDTH_MM,
    )
    return [picture, *_curve_tables(attacks, norm)]


def _curve_tables(attacks: list[AttackRecord], norm: str) -> list[Table]:
    """Two rows an attack, as computed and after rounding; radii are columns, no more than a line holds."""
    every = sorted({point.epsilon for attack in attacks for point in attack.curve})
    unit = "grey levels (L∞)" if norm == "linf" else "intensities in [0, 1] (L2)"
    notes = {f.printable(attack.curve_note) for attack in attacks if attack.curve_note}
    told = " ".join(f"{text[0].upper()}{text[1:]}." for text in sorted(notes))
    tables = []
    for radii in chunks(every, ABREAST):
        rows = [row for attack in attacks for row in _curve_rows(attack, radii)]
        shown = [f.grey_levels(radius) if norm == "linf" else f.number(radius) for radius in radii]
        tables.append(
            Table(
                columns=[
                    Column(title="Attack", width=1.5),
                    *(Column(title=radius, align="right") for radius in shown),
                ],
                rows=rows,
                caption=f"Share of images by radius in {unit}, % (95 % interval)",
                note=f"{_sizes(attacks)} {told}{f.dashes(rows, 'not tried at this radius')}".strip(),
                stacked=True,
            )
        )
    return tables


def _curve_rows(attack: AttackRecord, radii: list[float]) -> list[list[str]]:
    points = {point.epsilon: point for point in attack.curve}
    found = [points.get(radius) for radius in radii]
    return [
        [
            f"{f.identifier(attack.id)}: {_rate(attack)}",
            *(f.compact(p.reached) if p else f.DASH for p in found),
        ],
        [
            "the same, rounded to 8 bits",
            *(f.compact(p.reached_quantised) if p else f.DASH for p in found),
        ],
    ]


def _sizes(attacks: list[AttackRecord]) -> str:
    """Of how many images; attacks differ where a goal does not apply to all."""
    sizes = {attack.curve[0].reached.n for attack in attacks}
    if len(sizes) == 1:
        return f"Of {f.count(sizes.pop(), 'image')}."
    return f"Images: {', '.join(f'{f.printable(a.id)} {a.curve[0].reached.n}' for a in attacks)}."


def _rate(attack: AttackRecord) -> str:
    return "flip rate" if attack.after_a_flip else "goal reached"


def _shares(attacks: list[AttackRecord]) -> str:
    usual = all(attack.after_a_flip for attack in attacks)
    return "Decisions flipped" if usual else "Images that reach the goal of the attack"


def _smallest(audit: Audit, attacks: list[AttackRecord], canvas: Canvas) -> list[Block]:
    """Per image the smallest flipping change: over the curve's radii, or what a minimum-norm attack "
    "reached."""
    searched = [attack for attack in attacks if attack.smallest_radius is not None]
    if not searched:
        return []
    attacks, radii = searched, {attack.id: _flipping_changes(audit, attack) for attack in searched}
    drawn = {name: values for name, values in radii.items() if len(values)}
    table = Table(
        columns=[
            Column(title="Attack", width=0.8),
            Column(title="Unit", width=1.1),
            Column(title="Median (quartiles)", width=1.3, align="right"),
            Column(title="Largest", width=0.7, align="right"),
            Column(title="Reached", width=0.6, align="right"),
            Column(title="Never reached", width=0.6, align="right"),
        ],
        rows=[_smallest_row(attack) for attack in attacks],
        caption="Smallest radius that reaches the goal",
        note="Among images that reach the goal (a flipped decision, unless another is named), in the attack's own "
        "norm: over the radii of the curve, or of the step that a minimum-norm attack found.",
    )
    if not drawn:
        return [table]
    usual = all(attack.after_a_flip for attack in attacks)
    draw_smallest(drawn, {a.id: a.images for a in attacks}, canvas.path(SMALLEST), usual=usual)
    done = "flipped" if usual else "that reach the goal of the attack"
    medians = "; ".join(
        f"{f.printable(n)}: median {f.number(float(np.median(v)))} grey levels" for n, v in drawn.items()
    )
    picture = Picture(
        file=SMALLEST,
        alt=f"Share of images {done} against the largest change of any pixel. {medians}.",
        caption=f"Share of images {done} by changes up to a given size in any pixel, so that attacks of "
        "different norms stand on one axis. Markers: medians of these images.",
        width_mm=WIDTH_MM,
    )
    return [table, picture]


def _smallest_row(attack: AttackRecord) -> list[str]:
    linf, values = attack.norm == "linf", attack.smallest_radius
    scale = 255.0 if linf else 1.0
    largest = (
        f.number(scale * values.maximum) if values is not None and values.maximum is not None else f.DASH
    )
    unit = "grey levels, L∞" if linf else "[0, 1] intensities, L2"
    flipped = str(values.n) if values is not None else f.DASH
    return [
        f.identifier(attack.id),
        unit,
        f.spread(values, scale),
        largest,
        flipped,
        str(attack.never_flipped),
    ]


def _flipping_changes(audit: Audit, attack: AttackRecord) -> np.ndarray:
    table = audit.predictions.filter(pc.field("attack_id") == attack.id)
    table = table.filter(
        pc.field("reached") & ~pc.field("quantised") & (pc.field("curve") == bool(attack.curve))
    )
    least = table.group_by("image").aggregate([("linf", "min")])
    changes: np.ndarray = 255 * least["linf_min"].to_numpy()
    return changes[changes > 0]
