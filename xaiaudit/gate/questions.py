"""What a finding asks of one audit: the metric, and which of its attacks and explainers. No torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xaiaudit.attacks.defaults import CRITERION_DEFAULTS
from xaiaudit.attacks.registry import ART_PREFIX
from xaiaudit.gate.asked import OWN_GOAL, USUAL_CRITERIA, Asked, Spec, criterion_spec
from xaiaudit.gate.metrics import METRICS, Metric
from xaiaudit.gate.policy import FindingTable
from xaiaudit.records import AttackRecord, AuditRecord, ExplainerRecord
from xaiaudit.types import plain


class NotThere(Exception):
    """The audit has not what is asked; the message is a clause that says so."""


@dataclass(frozen=True, kw_only=True)
class Question:
    metric: str
    attack: AttackRecord | None = None  # None: clean images, or the second sweep
    explainer: ExplainerRecord | None = None
    region: str = "any"
    extreme: str = "maximum"
    rounded: bool = False

    @property
    def kind(self) -> Metric:
        return METRICS[self.metric]


def question(
    record: AuditRecord, finding: FindingTable, asked: Asked, *, any_layer: bool = False
) -> Question:
    """What the finding asks of this audit.

    Args:
        any_layer: the maps may be of another layer than the policy names, as those of another network are.

    Raises:
        NotThere: the attack, with just these parameters and this criterion, or the explainer is not in the audit.
    """
    return Question(
        metric=finding.metric,
        attack=None if asked.attack is None else find_attack(record, asked.attack, asked.criterion),
        explainer=None
        if asked.explainer is None
        else find_explainer(record, asked.explainer, any_layer=any_layer),
        region=finding.region,
        extreme=finding.extreme,
        rounded=finding.rounded,
    )


def find_attack(record: AuditRecord, spec: Spec, criterion: Spec | None) -> AttackRecord:
    """The attack with just these parameters and this criterion; None: its own goal, or the usual one of the model.

    Raises NotThere: never is a weaker attack of the same name taken for it.
    """
    name, wanted = spec[0], plain(spec[1])
    named = [attack for attack in record.attacks if attack.name == name]
    if not named:
        there = ", ".join(attack.id for attack in record.attacks) or "none"
        raise NotThere(f"the audit has no attack {name}; it has {there}")
    same = [attack for attack in named if not _differing(_whole(attack, wanted), attack.parameters)]
    if not same:
        nearest = min(named, key=lambda attack: len(_differing(_whole(attack, wanted), attack.parameters)))
        asked = _whole(nearest, wanted)
        keys = _differing(asked, nearest.parameters)
        raise NotThere(
            f"the audit's {nearest.id} was made with {_told(keys, nearest.parameters)}, not with {_told(keys, asked)}"
        )
    if criterion is None and name != OWN_GOAL:  # what an audit that names none is after
        criterion = criterion_spec(USUAL_CRITERIA[not record.checkpoint.diagnoses])
    for attack in same:
        if criterion is None or _has_goal(attack, criterion):
            return attack
    raise NotThere(f"the audit's {same[0].id} is after another goal: {same[0].criterion}")


def find_explainer(record: AuditRecord, spec: Spec, *, any_layer: bool = False) -> ExplainerRecord:
    """Raises NotThere."""
    name, wanted = spec[0], plain(spec[1])
    named = [explainer for explainer in record.explainers if explainer.name == name]
    for but_for in ([], ["layer"]) if any_layer else ([],):  # of two layers, the one that was asked for
        for explainer in named:
            if _differing(wanted, explainer.parameters) == but_for:
                return explainer
    if named:
        differing = _differing(wanted, named[0].parameters)
        raise NotThere(
            f"the audit's {named[0].id} was made with {_told(differing, named[0].parameters)}, not with "
            f"{_told(differing, wanted)}"
        )
    there = ", ".join(explainer.id for explainer in record.explainers) or "none"
    raise NotThere(f"the audit has no maps of {name}; it has {there}")


def _whole(attack: AttackRecord, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Of an attack of ART a policy says only what is not left to ART's defaults, which the audit recorded."""
    return {**(attack.defaults or {}), **wanted} if attack.name.startswith(ART_PREFIX) else dict(wanted)


def _has_goal(attack: AttackRecord, criterion: Spec) -> bool:
    own = {**CRITERION_DEFAULTS.get(attack.criterion_name, {}), **attack.criterion_parameters}
    return attack.criterion_name == criterion[0] and own == plain(criterion[1])


def _differing(wanted: Mapping[str, Any], there: Mapping[str, Any]) -> list[str]:
    return [key for key in {**wanted, **there} if wanted.get(key) != there.get(key)]


def _told(keys: list[str], values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {_number(values.get(key))}" for key in keys)


def _number(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
