"""What a detector finds, clean and under each attack: lesions, false marks, FROC, average precision."""

from collections.abc import Callable, Sequence

from xaiaudit.records import AttackRecord, DetectionRecord
from xaiaudit.reports import format as f
from xaiaudit.reports.blocks import (
    Block,
    Canvas,
    Column,
    Picture,
    Section,
    Table,
    Text,
    chunks,
    not_assessed,
)
from xaiaudit.reports.detection_words import GOALS
from xaiaudit.reports.figures.froc import CURVES, WIDTH_MM, Panel, draw_froc
from xaiaudit.reports.reading import Audit
from xaiaudit.reports.sections.box_goals import box_goals

TITLE = "What it finds"
PANELS = 8  # of one picture
METHOD = "by a bootstrap of cases; of none and of all, Wilson’s."
State = tuple[str, DetectionRecord]


def detection(audit: Audit, canvas: Canvas) -> Section | None:
    """None for a model that draws no boxes."""
    clean = audit.record.clean.detection
    if clean is None:
        return None
    attacks = [attack for attack in audit.record.attacks if attack.detection is not None]
    states = [
        ("Clean", clean),
        *((f.identifier(a.id), a.detection) for a in attacks if a.detection is not None),
    ]
    blocks: list[Block] = [Text(text=_explained(clean)), _found(states), *box_goals(attacks)]
    if clean.lesions:
        blocks += [_shares(states), *_curves(clean, attacks, canvas), _by_overlap(states)]
    else:
        blocks.append(not_assessed("no audited image has a lesion of which an outline or a box is known"))
    return Section(title=TITLE, blocks=blocks)


def _explained(record: DetectionRecord) -> str:
    unknown = ""
    if record.unknown:
        others = "has a lesion" if record.unknown == 1 else "have a lesion"
        unknown = (
            f" {f.count(record.unknown, 'image')} {others} that nobody outlined or boxed, and "
            f"{'is' if record.unknown == 1 else 'are'} left out here."
        )
    return (
        f"The model draws boxes. A box finds a lesion when their IoU is above {record.iou:g}, whatever class it is "
        "given; a box on no lesion is a false mark, and a second one on a lesion that is found is neither. A box "
        f"counts from a score of {record.score:g} on, where its class is likelier than all else together. "
        f"{f.count(record.lesions, 'lesion')} in {f.count(record.images, 'image')}, those without a lesion among them."
        f"{unknown} All figures are of the images before rounding to 8 bits."
    )


def _found(states: Sequence[State]) -> Table:
    rows = [
        [
            name,
            f.DASH if own.found is None else f.hits(own.found),
            f.rate(own.found),
            f.fixed(own.false_marks, 2),
            f.value(own.found_dice),
            f.DASH if own.found_dice is None else str(own.found_dice.n),
        ]
        for name, own in states
    ]
    clean = states[0][1]
    return Table(
        columns=[
            Column(title="Images", width=1.3),
            Column(title="Lesions found", width=0.8, align="right"),
            Column(title="Share found", width=1.2, align="right"),
            Column(title="False marks an image", width=0.8, align="right"),
            Column(title="Dice where found", width=1.2, align="right"),
            Column(title="Images of it", width=0.6, align="right"),
        ],
        rows=rows,
        caption=f"What boxes of a score of {clean.score:g} or more find",
        note="In brackets: 95 % intervals by case. Under an attack are all images, those too that its goal does not "
        f"apply to and that it left alone. Dice where found: of the drawn mask, in images whose every lesion is found "
        f"at an IoU above {clean.dice_iou:g}."
        f"{f.dashes(rows, 'nothing to measure it on')}",
    )


def _curves(clean: DetectionRecord, attacks: Sequence[AttackRecord], canvas: Canvas) -> list[Picture]:
    pictures = []
    for number, panels in enumerate(chunks(goal_panels(attacks), PANELS)):
        file = f"froc-{number}.svg"
        draw_froc(clean, panels, canvas.path(file))
        shown = [("clean", clean), *(state for panel in panels for state in panel.attacks)]
        spoken = "; ".join(f"{f.printable(name)} {_told(record)}" for name, record in shown)
        pictures.append(
            Picture(
                file=file,
                alt=f"FROC, lesions found against false marks an image, clean and after each attack. At one false "
                f"mark an image: {spoken}.",
                caption="FROC before and after each attack, by the attacks’ goals. A marker stands where boxes begin "
                f"to count, at a score of {clean.score:g}; a curve ends where all boxes are drawn, or goes on "
                "beyond the axis.",
                width_mm=WIDTH_MM,
            )
        )
    return pictures


def _told(record: DetectionRecord) -> str:
    share = record.shares.get("1")
    return f.DASH if share is None else f.percent(share.estimate)


def goal_panels(attacks: Sequence[AttackRecord]) -> list[Panel]:
    """By goal, the four of a detector first, attacks by name and radius; without an attack the clean curve alone."""
    names = [*GOALS, *dict.fromkeys(attack.criterion_name for attack in attacks)]
    ordered = sorted(attacks, key=lambda attack: (attack.name, attack.epsilon or 0.0))
    panels = []
    for goal in dict.fromkeys(names):
        own = [(a.id, a.detection) for a in ordered if a.criterion_name == goal and a.detection is not None]
        parts = list(chunks(own, -(-len(own) // -(-len(own) // CURVES)))) if own else []  # about equally many
        for number, part in enumerate(parts, 1):
            place = f", {number} of {len(parts)}" if len(parts) > 1 else ""
            panels.append(Panel(f"{GOALS.get(goal, f.printable(goal))}{place}", part))
    return panels or [Panel("", [])]


def _shares(states: Sequence[State]) -> Table:
    rates = list(states[0][1].shares)
    return Table(
        columns=[Column(title="Images", width=1.3), *(Column(title=rate, align="right") for rate in rates)],
        rows=[[name, *(f.compact(own.shares.get(rate)) for rate in rates)] for name, own in states],
        caption="Lesions found, %, at no more than so many false marks an image",
        note=f"95 % intervals {METHOD} The highest share of any score at which the rate holds; no point "
        "is interpolated.",
        stacked=True,
    )


def _by_overlap(states: Sequence[State]) -> Table:
    """Average precision, and lesions found at one false mark an image, by the IoU that is asked."""
    overlaps = list(states[0][1].by_iou)
    parts: tuple[tuple[str, Callable[[DetectionRecord, str], str]], ...] = (
        ("Average precision", lambda own, iou: f.fixed(own.precision.get(iou), 2)),
        ("Lesions found at one false mark an image, %", lambda own, iou: f.compact(own.by_iou.get(iou))),
    )
    rows = [
        row
        for title, show in parts
        for row in ([title], *([name, *(show(own, iou) for iou in overlaps)] for name, own in states))
    ]
    return Table(
        columns=[
            Column(title="IoU asked", width=1.3),
            *(Column(title=iou, align="right") for iou in overlaps),
        ],
        rows=rows,
        caption="Average precision and lesions found, by the IoU from which a box counts as on a lesion",
        note="Average precision as COCO computes it, over 101 recalls, without an interval. Shares with 95 % intervals "
        f"{METHOD}",
        stacked=True,
    )
