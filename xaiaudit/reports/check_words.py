"""The self-checks of model and attacks in words, the same in the terminal and in the PDF."""

from collections.abc import Sequence

from xaiaudit.records import AuditRecord, SelfCheckRecord
from xaiaudit.reports import format as f

STATUS = {"passed": "passed", "failed": "FAILED", "not assessable": "not assessable"}


def failed(checks: Sequence[SelfCheckRecord]) -> list[SelfCheckRecord]:
    return [check for check in checks if check.status == "failed"]


def alarm(checks: Sequence[SelfCheckRecord]) -> str:
    """What failed, and what that means, in a sentence or two; empty where nothing failed."""
    of_model = [check.name for check in failed(checks) if check.attack_id is None]
    of_attacks: dict[str, list[str]] = {}
    for check in failed(checks):
        if check.attack_id is not None:
            of_attacks.setdefault(check.attack_id, []).append(check.name)
    sentences = []
    if of_model:
        sentences.append(
            f"Of the model, “{'”, “'.join(of_model)}” does not hold, so that no rate below can be relied on."
        )
    if of_attacks:
        told = "; ".join(f"{f.printable(name)}: {', '.join(items)}" for name, items in of_attacks.items())
        sentences.append(f"What does not hold ({told}) makes flip rates under these attacks lower bounds.")
    return " ".join(sentences)


def count(checks: Sequence[SelfCheckRecord]) -> str:
    """E.g. 12 passed, 1 failed, 3 not assessable."""
    if not checks:
        return "none were made"
    return ", ".join(f"{sum(check.status == status for check in checks)} {status}" for status in STATUS)


def lines(record: AuditRecord) -> list[str]:
    """For a terminal: how many passed, and each that failed in its own words."""
    found = [f"Self-checks: {count(record.checks)}"]
    for check in failed(record.checks):
        who = "the model" if check.attack_id is None else f.printable(check.attack_id)
        found.append(f"  FAILED  {who}, {check.name}: {f.printable(check.words)}")
    return found
