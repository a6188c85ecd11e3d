"""The same figures for the images of one dataset, label, device, BI-RADS category or size of lesion."""

from collections.abc import Callable, Sequence

from xaiaudit.records import AttackRecord, AuditRecord, Interval, SubgroupAttack, SubgroupRecord, SubgroupTest
from xaiaudit.reports import format as f
from xaiaudit.reports.blocks import Block, Canvas, Column, Section, Table, Text, chunks, not_assessed
from xaiaudit.reports.reading import Audit

TITLE = "Subgroups"
ABREAST = 4  # attacks
WORDS = {
    "dataset": "Dataset",
    "label": "Label",
    "device": "Device",
    "birads": "BI-RADS",
    "size": "Lesion size",
}
LEAD = (
    "Among many groups some lie far from the others by chance alone, so read the line “differ?” before the figures: it "
    "holds p of a test whether the rate differs among the rated groups at all, adjusted for all such tests of this "
    "audit. Cases are exchanged among the groups only where their labels are the same, so that it asks for more than "
    "another share of cancers (for the groups by label, all cases are). A large p does not show that groups are alike."
)
SIZES = (
    "Lesions go by the diameter of the disc of their area, the largest of an image; “relative” ones have no pixel "
    "spacing and go by their share of the image; the two are compared apart."
)
Shown = Callable[[SubgroupAttack], Interval | None]


def subgroups(audit: Audit, canvas: Canvas) -> Section:
    record = audit.record
    rated = [group for group in record.subgroups if group.rated]
    if not rated:
        why = "no device, BI-RADS category, lesion size, label or dataset parts the images into groups of 10 or more"
        old = ", or the audit was made before this was measured" if not record.subgroups else ""
        return Section(title=TITLE, blocks=[not_assessed(why + old), *_counted(record.subgroups)])
    sized = any(group.attribute == "size" for group in rated)
    blocks: list[Block] = [Text(text=f"{LEAD} {SIZES}" if sized else LEAD), _clean(record, rated)]
    assessable = [a for a in record.attacks if a.assessable]
    blocks += [_flips(record, rated, attacks) for attacks in chunks(assessable, ABREAST)]
    explainer = next((e.id for e in record.explainers if _defined(rated, e.id)), None)
    if explainer is not None:
        blocks += [_silent(record, rated, attacks, explainer) for attacks in chunks(assessable, ABREAST)]
    return Section(title=TITLE, blocks=[*blocks, *_counted(record.subgroups)])


def _clean(record: AuditRecord, rated: Sequence[SubgroupRecord]) -> Table:
    rows: list[list[str]] = []
    for attribute, groups in _by_attribute(rated):
        rows.append([WORDS[attribute]])
        rows += [
            [
                f.breakable(group.value),
                str(group.images),
                str(group.cases),
                f.DASH if group.positive is None else str(group.positive),
                f.value(group.auc),
                f.rate(group.sensitivity),
                f.rate(group.specificity),
                f.rate(group.accuracy),
            ]
            for group in groups
        ]
        rows += _differ(record, attribute, ["", "", "", "", "", ""], [("accuracy", None, None)])
    positive = f.printable(record.checkpoint.positive)
    return Table(
        columns=[
            Column(title="Group", width=1.3),
            Column(title="Images", width=0.55, align="right"),
            Column(title="Cases", width=0.55, align="right"),
            Column(title=f"Labelled {positive}", width=0.8, align="right"),
            *(Column(title=t, align="right") for t in ("AUC", "Sensitivity", "Specificity", "Accuracy")),
        ],
        rows=rows,
        caption="Clean performance by subgroup",
        stacked=True,
        note=f"Only accuracy is tested.{f.dashes(rows, 'fewer than 10 images to tell it from')}",
    )


def _flips(record: AuditRecord, rated: Sequence[SubgroupRecord], attacks: Sequence[AttackRecord]) -> Table:
    return _attacked(
        record,
        rated,
        attacks,
        lambda own: own.flips,
        "flip rate",
        None,
        caption="Flip rate by subgroup and attack",
        note="Of all images of the group. Robust accuracy of every group is in audit.json.",
    )


def _silent(
    record: AuditRecord, rated: Sequence[SubgroupRecord], attacks: Sequence[AttackRecord], explainer: str
) -> Table:
    others = len(record.explainers) > 1
    return _attacked(
        record,
        rated,
        attacks,
        # where every decision flipped none stood, and 0 % would read as the best result
        lambda own: None if own.flips.estimate == 1 else own.silent_shift.get(explainer),
        "silent shift",
        explainer,
        caption=f"Silent shift of maps of {f.printable(explainer)} by subgroup and attack",
        note="Of the images of the group with a defined clean map; none where every decision flipped."
        + (" Those of the other explainers are in audit.json." if others else ""),
    )


def _attacked(
    record: AuditRecord,
    rated: Sequence[SubgroupRecord],
    attacks: Sequence[AttackRecord],
    shown: Shown,
    outcome: str,
    explainer: str | None,
    *,
    caption: str,
    note: str,
) -> Table:
    rows: list[list[str]] = []
    for attribute, groups in _by_attribute(rated):
        rows.append([WORDS[attribute]])
        for group in groups:
            by_id = {own.attack_id: shown(own) for own in group.attacks}
            rows.append(
                [f.breakable(group.value), str(group.images), *(f.compact(by_id.get(a.id)) for a in attacks)]
            )
        rows += _differ(record, attribute, [""], [(outcome, a.id, explainer) for a in attacks])
    return Table(
        columns=[
            Column(title="Group", width=1.3),
            Column(title="Images", width=0.55, align="right"),
            *(Column(title=f.identifier(a.id), align="right") for a in attacks),
        ],
        rows=rows,
        caption=f"{caption}, per cent with 95 % intervals",
        note=note + f.dashes(rows, "fewer than 10 images to tell it from, or none"),
    )


def _differ(
    record: AuditRecord,
    attribute: str,
    blank: list[str],
    asked: Sequence[tuple[str, str | None, str | None]],
) -> list[list[str]]:
    """The line of p; none where nothing of the attribute was tested."""
    tests: dict[tuple[str, str | None, str | None], SubgroupTest] = {
        (test.outcome, test.attack_id, test.explainer_id): test
        for test in record.subgroup_tests
        if test.attribute == attribute
    }
    if not any(key in tests for key in asked):
        return []
    ps = [f.p_value(tests[key].p_adjusted) if key in tests else f.DASH for key in asked]
    return [["differ? p", *blank, *ps]]


def _by_attribute(rated: Sequence[SubgroupRecord]) -> list[tuple[str, list[SubgroupRecord]]]:
    names = list(dict.fromkeys(group.attribute for group in rated))
    return [(name, [group for group in rated if group.attribute == name]) for name in names]


def _name(group: SubgroupRecord) -> str:
    value = "not known" if group.value is None else f.breakable(group.value)
    return f"{WORDS[group.attribute]} {value}"


def _defined(rated: Sequence[SubgroupRecord], explainer: str) -> bool:
    return any(own.silent_shift.get(explainer) is not None for group in rated for own in group.attacks)


def _counted(groups: Sequence[SubgroupRecord]) -> list[Block]:
    """Those that are not rated."""
    few = [f"{_name(group)}, {f.count(group.images, 'image')}" for group in groups if not group.rated]
    if not few:
        return []
    return [
        Text(
            text=f"Counted and not rated, as fewer than 10 or of unknown value: {'; '.join(few)}.",
            style="closing",
        )
    ]
