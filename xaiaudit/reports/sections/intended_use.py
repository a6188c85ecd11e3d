"""What the model is meant for, as the policy says it, else as its checkpoint does; else that none was stated."""

from xaiaudit.records import AuditRecord
from xaiaudit.reports import format as f
from xaiaudit.reports.blocks import Canvas, Facts, Section, Text
from xaiaudit.reports.reading import Audit

TITLE = "Intended use and its limits"
NONE = "None was stated, neither by a policy nor by the checkpoint: what follows speaks of no particular use."
NAMES = {"statement": "Intended use", "users": "Users", "limits": "Limits"}


def intended_use(audit: Audit, canvas: Canvas) -> Section:
    stated, source = _stated(audit)
    if not stated:
        return Section(title=TITLE, blocks=[Text(text=NONE, style="closing")])
    rows = [(name, f.printable(stated.get(key) or "not stated")) for key, name in NAMES.items()]
    rows.append(("Stated by", source))
    told = "As stated, not judged by this audit."
    return Section(
        title=TITLE, blocks=[Text(text=told), Facts(rows=[*rows, *_audited(audit.record)], mono=[])]
    )


def _stated(audit: Audit) -> tuple[dict[str, str], str]:
    """The words, and whose they are."""
    if audit.verdict is not None and any(audit.verdict.policy.intended_use.values()):
        return audit.verdict.policy.intended_use, f"the policy, {f.breakable(audit.verdict.policy.path)}"
    recorded = audit.record.checkpoint.training.get("intended_use")
    if isinstance(recorded, dict) and any(recorded.values()):
        return {str(key): str(value) for key, value in recorded.items()}, "the checkpoint"
    if isinstance(recorded, str) and recorded:
        return {"statement": recorded}, "the checkpoint"
    return {}, ""


def _audited(record: AuditRecord) -> list[tuple[str, str]]:
    """What it is to be held against."""
    names = f.listing([f.printable(dataset.name) for dataset in record.datasets])
    return [
        ("Audited on", f"{f.count(record.images, 'image')} of {names}: no other population was looked at")
    ]
