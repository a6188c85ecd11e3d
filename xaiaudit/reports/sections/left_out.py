"""What took no part, and why; what was undefined; what the audit warned of."""

from xaiaudit.audit_files import RECORD
from xaiaudit.records import AuditRecord
from xaiaudit.reports import format as f
from xaiaudit.reports import words
from xaiaudit.reports.blocks import Block, Canvas, Column, Points, Section, Table, Text
from xaiaudit.reports.reading import Audit

TITLE = "What was left out, and what is undefined"
SHOWN = 40  # files named here; a longer list is cut, and the cut is said


def left_out(audit: Audit, canvas: Canvas) -> Section:
    record = audit.record
    blocks: list[Block] = []
    if record.left_out:
        rows = [[f.breakable(entry.file), f.printable(entry.reason)] for entry in record.left_out[:SHOWN]]
        blocks.append(
            Table(
                columns=[Column(title="File", width=1.2), Column(title="Reason", width=1.0)],
                rows=rows,
                caption=f"{f.count(len(record.left_out), 'file')} left out of the audit",
                note=_cut(len(record.left_out), "left_out"),
            )
        )
    else:
        blocks.append(Text(text="No file was left out."))
    names = [
        *(("the same image", name) for name in record.leak.exact),
        *(("near-duplicate", name) for name in record.leak.near),
        *(("another image of a case", name) for name in record.leak.same_case),
    ]
    if names:
        blocks.append(
            Table(
                columns=[
                    Column(title="Image", width=2.0),
                    Column(title="Found in the training data as", width=1.0),
                ],
                rows=[[f.breakable(name), how] for how, name in names[:SHOWN]],
                caption=f"Leak: {f.count(len(names), 'audited image')} known from training",
                note=_cut(len(names), "leak"),
            )
        )
    blocks.append(Points(items=_counts(record)))
    if record.warnings:
        blocks.append(Text(text="Warnings of the audit", style="subheading"))
        blocks.append(Points(items=[f.printable(warning) for warning in record.warnings]))
    return Section(title=TITLE, blocks=blocks)


def _cut(n: int, field: str) -> str:
    return f"{n - SHOWN} more are listed in {RECORD} under “{field}”." if n > SHOWN else ""


def _counts(record: AuditRecord) -> list[str]:
    items = [f"Leak check: {words.leak(record)}."]
    items += [
        f"{f.printable(attack.id)}: the attack could not go on in {f.count(attack.failed, 'image')}."
        for attack in record.attacks
        if attack.failed
    ]
    items += [
        f"{f.printable(m.explainer_id)} under {f.printable(m.attack_id)}: of {f.count(m.images, 'map')} "
        f"{m.undefined_before} undefined before, {m.undefined_after} after, {m.vanished} vanished."
        for m in words.same_target(record.maps)
        if m.undefined_before or m.undefined_after
    ]
    if record.regions.without_lesion:
        items.append(
            f"{f.count(record.regions.without_lesion, 'image')} without a lesion mask took no part in the "
            "pointing game."
        )
    if record.regions.without_tolerance:
        items.append(
            f"{f.count(record.regions.without_tolerance, 'image')} with a lesion mask but without pixel spacing took "
            f"no part in the pointing game, whose tolerance is {f.number(record.regions.tolerance_mm)}{f.NBSP}mm."
        )
    if record.batch_size_retries:
        items.append(
            "Batches repeated at a smaller size: "
            + "; ".join(map(f.printable, record.batch_size_retries))
            + "."
        )
    return items
