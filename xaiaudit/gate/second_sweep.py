"""Whether an audit simulated the second sweep that a policy asks for. No torch."""

from collections.abc import Sequence

from xaiaudit.acquisition.registry import CHANGES, change, parse, settings
from xaiaudit.gate.questions import NotThere
from xaiaudit.records import SECOND_SWEEP, AuditRecord
from xaiaudit.types import plain


def check_sweep(record: AuditRecord, asked: Sequence[str] | None) -> None:
    """With just these changes: fewer, or weaker ones, move less.

    Args:
        asked: as [audit] names them; None: all there are.

    Raises:
        NotThere: it simulated none, or others.
    """
    if record.variability is None:
        raise NotThere("the audit simulated no second sweep")
    specs = [(name, {}) for name in CHANGES] if asked is None else [parse(text) for text in asked]
    wanted = [(name, plain(settings(change(name, **given)))) for name, given in specs]
    there = [(item.name, item.parameters) for item in record.variability.changes if item.id != SECOND_SWEEP]
    if wanted != there:
        raise NotThere(f"the audit simulated another second sweep, of {_told(there)}, not of {_told(wanted)}")


def _told(changes: Sequence[tuple[str, object]]) -> str:
    return ", ".join(f"{name} {given}" for name, given in changes)
