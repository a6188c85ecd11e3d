"""comparison.pdf: what changed between two audits, on clean images, under attack, and in where maps look."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from xaiaudit.comparison_record import AttackComparison, ComparedAudit, ComparisonRecord, PairedStatistic
from xaiaudit.reports import comparison_words as words
from xaiaudit.reports import format as f
from xaiaudit.reports.blocks import (
    Alarm,
    Block,
    Canvas,
    Column,
    Document,
    Facts,
    Heat,
    Picture,
    Points,
    Section,
    Table,
    Text,
    chunks,
    not_assessed,
)
from xaiaudit.reports.comparison_drift import drift_section, pointing_section
from xaiaudit.reports.comparison_gallery import gallery_section
from xaiaudit.reports.figures.flip_change import WIDTH_MM, FlipChange, draw_flip_change

FLIPS = "flips.svg"
SHOWN = 30  # images named in a table; all of them are in images.csv
LIMITS = [
    "Differences are the newer audit minus the older, on the same images; their 95 % intervals are over "
    "cases. That a difference is not shown is no proof that there is none: read its interval.",
    "Intervals speak of these two checkpoints. Trained again with another seed, either would differ by as "
    "much as two trainings do, and maps may differ by more than that.",
    "Each map explains the decision of its own checkpoint on the clean image. Maps that moved are not thereby "
    "worse, nor those that stayed right: the pointing game says where they point now.",
    "A second sweep is simulated on the image, with the older checkpoint. A real one changes more than that, so that "
    "multiples of it are best read as upper bounds.",
    "Flips hold for the attacks named and at their radius; a weaker attack proves no robustness.",
]


def document(record: ComparisonRecord, images: pa.Table, canvas: Canvas) -> Document:
    """All of the report apart from how it is set; its pictures are made in the canvas's folder."""
    older, newer = words.name(record.before), words.name(record.after)
    return Document(
        title=f"{newer} beside {older}",
        subtitle="What changed between two audits of breast-ultrasound models on the same images: decisions, "
        f"robustness and explanations. {f.date(record.after.created)}",
        running=f"{newer} · SHA-256 {record.after.checkpoint_sha256[:12]} beside {older} · "
        f"{record.before.checkpoint_sha256[:12]}",
        sections=[
            _in_short(record),
            _compared(record),
            _clean(record),
            _attacked(record, canvas),
            drift_section(record, images, canvas),
            pointing_section(record),
            gallery_section(record, canvas),
            _left_out(record),
            Section(title="What this does not show", blocks=[Points(items=LIMITS)]),
        ],
    )


def draw_flips(record: ComparisonRecord, path: Path) -> None:
    """The share of images that flip in both audits, in one or in the other."""
    changes = []
    for item in record.attacks:
        n = item.flips.difference.n
        newly, mended = len(item.breakable) / n, len(item.mended) / n
        now = item.flips.after.estimate if item.flips.after is not None else None
        changes.append(FlipChange(item.attack_id, (now or 0.0) - newly, newly, mended))
    draw_flip_change(changes, path)


def _in_short(record: ComparisonRecord) -> Section:
    sentences = [
        words.accuracy_sentence(record),
        *(words.map_sentence(item) for item in record.drift),
        *(words.attack_sentence(item) for item in record.attacks),
    ]
    first = f"{words.drift_sentence(record)}."
    head: Block = Text(text=first, style="lead")
    if record.explanation_drift:
        head = Alarm(title="Maps moved, clean performance is not shown to differ", text=first)
    alarms = [Alarm(title="Trained on audited images", text=f"{text}.") for text in words.leaks(record)]
    points = Points(items=[f"{sentence}." for sentence in sentences])
    return Section(title="In short", blocks=[*alarms, head, points])


def _compared(record: ComparisonRecord) -> Section:
    rows = [
        *_audit("Older", record.before),
        *_audit("Newer", record.after),
        ("Images", f"{f.count(record.images, 'image')} of {f.count(record.cases, 'case')}, the same in both, paired by "
         f"the hash of their pixels; {record.labelled} with a label"),
        ("Classes", f.printable(", ".join(record.classes)) + f"; positive: {f.printable(record.positive)}"),
        ("Written", f"by xaiaudit {record.xaiaudit}"),
        ("Command", f.printable(shlex.join(["xaiaudit", "compare", record.before.path, record.after.path]))),
    ]  # fmt: skip
    mono = [row[0] for row in rows if row[0].endswith("SHA-256") or row[0] == "Command"]
    return Section(title="What was compared", blocks=[Facts(rows=rows, mono=mono)])


def _audit(which: str, audit: ComparedAudit) -> list[tuple[str, str]]:
    return [
        (f"{which} checkpoint", f"{f.breakable(audit.checkpoint)}, {f.printable(audit.architecture)}, threshold "
         f"{f.number(audit.threshold)}"),
        (f"{which}, SHA-256", f.breakable(audit.checkpoint_sha256)),
        (f"{which} audit", f"{f.breakable(audit.path)}, begun {f.date(audit.created)}, seed {audit.seed}"),
        (f"{which} audit, SHA-256", f.breakable(audit.audit_sha256)),
    ]  # fmt: skip


def _clean(record: ComparisonRecord) -> Section:
    clean = record.clean
    blocks: list[Block] = [Text(text=f"{words.accuracy_sentence(record)}.", style="lead")]
    if clean.statistics:
        blocks.append(
            _statistics(
                clean.statistics,
                "Statistic",
                [item.name[0].upper() + item.name[1:] for item in clean.statistics],
                "On clean images",
                "Differences in percentage points; those of AUC and Dice as they are. p by Holm over the "
                "rows. Gained and lost: images that are right in the newer or in the older alone.",
            )
        )
    blocks.append(
        Heat(
            caption="Images by decision, from the older to the newer",
            states=record.classes,
            counts=clean.decisions,
        )
    )
    turned = [(name, "right → wrong") for name in clean.right_to_wrong]
    turned += [(name, "wrong → right") for name in clean.wrong_to_right]
    if turned:
        blocks.append(_named(turned, "Decisions that turned", "Decision"))
    return Section(title="On clean images", blocks=blocks)


def _statistics(
    items: Sequence[PairedStatistic], head: str, names: Sequence[str], caption: str, note: str
) -> Table:
    rows = [
        [
            name,
            words.level(item, item.before),
            words.level(item, item.after),
            words.difference(item, unit=False),
            f.p_value(item.p_holm if item.p_holm is not None else item.p),
            f.DASH if item.gained is None else str(item.gained),
            f.DASH if item.lost is None else str(item.lost),
        ]
        for name, item in zip(names, items, strict=True)
    ]
    return Table(
        columns=[
            Column(title=head, width=1.2),
            Column(title="Older", width=1.4, align="right"),
            Column(title="Newer", width=1.4, align="right"),
            Column(title="Difference", width=1.4, align="right"),
            Column(title="p, Holm", width=0.6, align="right"),
            Column(title="Gained", width=0.5, align="right"),
            Column(title="Lost", width=0.45, align="right"),
        ],
        rows=rows,
        caption=caption,
        note=note + f.dashes(rows, "not computed, or no share of images"),
        stacked=True,
    )


def _named(pairs: Sequence[tuple[str, str]], caption: str, what: str) -> Table:
    """Images two abreast, as many as are shown."""
    shown = [[f.breakable(name), change] for name, change in pairs[:SHOWN]]
    rows = [[*left, *(right[0] if right else ("", ""))] for left, *right in chunks(shown, 2)]
    more = len(pairs) - len(shown)
    columns = [Column(title="Image", width=1.4), Column(title=what, width=0.8)]
    return Table(
        columns=columns * 2,
        rows=rows,
        caption=caption,
        note=f"{f.count(more, 'further image')} in images.csv." if more else "",
    )


def _attacked(record: ComparisonRecord, canvas: Canvas) -> Section:
    title = "Under attack"
    if not record.attacks:
        return Section(title=title, blocks=[not_assessed("no attack was made alike in both audits")])
    draw_flips(record, canvas.path(FLIPS))
    names = [f.identifier(item.attack_id) for item in record.attacks]
    picture = Picture(
        file=FLIPS,
        alt="Share of images that flip under each attack. "
        + " ".join(f"{words.attack_sentence(item)}." for item in record.attacks),
        caption="Images by whether their decision flips under an attack, before rounding to 8 bits: in both "
        "audits, in the newer alone (became breakable), in the older alone (mended); the rest in neither.",
        width_mm=WIDTH_MM,
    )
    made = [f"{f.printable(item.attack_id)}: {f.printable(item.summary)}." for item in record.attacks]
    blocks: list[Block] = [Points(items=made), picture, *_attack_tables(record.attacks, names)]
    for item in record.attacks:
        changed = [(name, "became breakable") for name in item.breakable]
        changed += [(name, "was mended") for name in item.mended]
        if changed and not item.why_not:
            blocks.append(
                _named(changed, f"Images that changed under {f.printable(item.attack_id)}", "Change")
            )
    return Section(title=title, blocks=blocks)


def _attack_tables(items: Sequence[AttackComparison], names: Sequence[str]) -> list[Block]:
    tables: list[Block] = [
        Text(text=f"{words.attack_sentence(item)}.", style="closing") for item in items if item.why_not
    ]
    note = "Differences in percentage points. p by Holm over the attacks."
    kinds = (
        ("flips", "Flip rate", f"{note} Gained: became breakable; lost: mended."),
        (
            "flips_rounded",
            "Flip rate after rounding to 8 bits",
            "Not tested by itself, being the same question again.",
        ),
        ("robust_accuracy", "Robust accuracy: right when clean and after the attack", note),
        ("reached", "Goal reached, of attacks with another goal than a flip", note),
    )
    for field, caption, told in kinds:
        found = [
            (name, statistic)
            for name, item in zip(names, items, strict=True)
            if (statistic := getattr(item, field)) is not None
        ]
        if found:
            tables.append(_statistics([s for _, s in found], "Attack", [n for n, _ in found], caption, told))
    radii = [item for item in items if item.radius is not None]
    return [*tables, _radii(radii)] if radii else tables


def _radii(items: Sequence[AttackComparison]) -> Table:
    rows = []
    for item in items:
        found = item.radius
        assert found is not None  # the caller chose those that have one
        rows.append(
            [
                f.identifier(item.attack_id),
                *words.median_radii(item),
                f"{found.never_before} → {found.never_after}",
                f"{found.larger}, {found.smaller}, {found.equal}",
                f.value(found.doublings),
                f.p_value(found.p_holm),
            ]
        )
    return Table(
        columns=[
            Column(title="Attack", width=0.9),
            Column(title="Median, older", width=1.0, align="right"),
            Column(title="Median, newer", width=1.0, align="right"),
            Column(title="At no radius", width=0.8, align="right"),
            Column(title="Larger, smaller, equal", width=1.0, align="right"),
            Column(title="Mean change, doublings", width=1.1, align="right"),
            Column(title="p, Holm", width=0.6, align="right"),
        ],
        rows=rows,
        caption="Smallest radius that reaches the goal, image by image",
        stacked=True,
        note="Of the radii that both curves have, or of the step that an attack without a radius found. Change in "
        "doublings of the radius, above 0 where a larger one is needed now; an image that no radius reaches counts a "
        "doubling past the largest. p of Wilcoxon on case means, by Holm over the attacks."
        + f.dashes(rows, "no image to compare"),
    )


def _left_out(record: ComparisonRecord) -> Section:
    blocks: list[Block] = []
    for title, items in (("Not compared", record.left_out), ("To know", record.notes)):
        if items:
            blocks.append(Text(text=title, style="subheading"))
            blocks.append(Points(items=[f"{f.breakable(text[0].upper() + text[1:])}." for text in items]))
    if not blocks:
        blocks = [Text(text="Nothing: both audits made the same attacks and the same maps.", style="closing")]
    return Section(title="What was left out, and what to know", blocks=blocks)
