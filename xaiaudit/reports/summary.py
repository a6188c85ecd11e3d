"""The end of an audit in a terminal: what broke, where it begins, whether maps moved in silence."""

from xaiaudit.records import AuditRecord
from xaiaudit.reports import check_words, words
from xaiaudit.reports import format as f
from xaiaudit.reports.detection_words import lesions_found


def summary(record: AuditRecord, *, policy: bool = False) -> list[str]:
    """Lines in words, plain text without control characters, for the end of `xaiaudit attack`.

    Args:
        policy: the audit is judged by one, which is told elsewhere.
    """
    width = max((len(attack.id) for attack in record.attacks), default=0)
    lines = [
        *([] if policy else [words.NO_POLICY]),
        f"Audited: {f.count(record.images, 'image')}, model {f.printable(record.checkpoint.path)}",
    ]
    if record.checkpoint.given_outline:
        lines.append(f"Given the outline: {words.GIVEN_OUTLINE}")
    if record.clean.auc is not None:
        lines.append(f"Clean AUC: {f.value(record.clean.auc)}")
    lines += [f"Attacks: {told}" for told in words.told_apart(record.attacks)]
    lines.append("Label flips:")
    lines += [f"  {attack.id:<{width}}  {words.flips(attack)}" for attack in record.attacks]
    others = [attack for attack in record.attacks if not attack.after_a_flip]
    if others:
        lines.append("Goals:")
        lines += [f"  {attack.id:<{width}}  {words.goal(attack)}" for attack in others]
    if (found := lesions_found(record)) is not None:
        lines.append(f"Lesions found: {found}")
    if record.outlines:
        lines.append("Outlines that the model draws:")
        lines += [f"  {item.attack_id:<{width}}  {words.outline(item)}" for item in record.outlines]
    if record.agreement:
        lines.append("Map and drawn outline:")
        lines += [f"  {item.attack_id:<{width}}  {words.agreement(item)}" for item in record.agreement]
    able = [attack for attack in record.attacks if attack.assessable]
    if able:
        lines.append("Directions, of the images decided rightly before:")
        lines += [
            f"  {attack.id:<{width}}  {words.direction(attack, record.checkpoint.positive)}"
            for attack in able
        ]
    if begun := [attack for attack in record.attacks if attack.goal_assessable]:
        lines.append("Where it begins:")
        lines += [f"  {attack.id:<{width}}  {words.begins(attack)}" for attack in begun]
    lines.append(f"Silent shift: {words.silent(record.maps)}")
    lines.append(f"Second sweep: {words.second_sweep(record)}")
    lines += check_words.lines(record)
    lines.append(f"{'LEAK' if record.leak.found else 'Leak'}: {words.leak(record)}")
    lines.append(f"Left out: {words.left_out(record)}")
    lines += [f"Warning: {f.printable(warning)}" for warning in record.warnings]
    return [f.terminal(line) for line in lines]
