"""From what was seen of a subset to pass, fail or not assessable, check by check. No torch."""

from collections.abc import Sequence

from xaiaudit.auditing.self_checks.attack_verdicts import attack_checks, names
from xaiaudit.auditing.self_checks.model_verdicts import DECIDES, REPEATABLE, model_checks
from xaiaudit.auditing.self_checks.record import AttackFacts, Facts, read_facts
from xaiaudit.metrics.proportions import FEWEST
from xaiaudit.records import SelfCheckRecord

__all__ = ["check_records", "read_facts"]


def check_records(
    facts: Facts, decisions: Sequence[int] | None = None, *, diagnoses: bool = True
) -> list[SelfCheckRecord]:
    """Of the model first, then of each attack; an attack of which nothing is expected has none.

    `decisions`: class index of every clean image of the audit, where they are at hand. A subset of a few dozen holds
    too few of the rarer class to say whether the model decides at all. `diagnoses` False: the model decides only
    whether it outlines anything, which may well be the same for all images.
    """
    known = facts.model.decisions if decisions is None else decisions
    model = model_checks(facts.model, known, diagnoses=diagnoses)
    refused = {check.name for check in model if check.status == "failed"} & {REPEATABLE, DECIDES}
    why = "; ".join(f"the model fails “{name}”" for name in sorted(refused))
    if not why and len(facts.model.decisions) < FEWEST:
        why = f"{len(facts.model.decisions)} images are too few; at least {FEWEST} are needed"
    checks = list(model)
    for attack_id, seen in facts.attacks.items():
        checks += _refused(attack_id, seen, why) if why else attack_checks(attack_id, seen)
    return checks


def _refused(attack_id: str, seen: AttackFacts, why: str) -> list[SelfCheckRecord]:
    return [
        SelfCheckRecord(attack_id=attack_id, name=name, status="not assessable", words=why, figures={})
        for name in names(seen)
    ]
