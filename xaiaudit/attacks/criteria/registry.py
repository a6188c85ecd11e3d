"""Criteria by name. A new one is a file of its own and a line here. Needs no torch until one is asked for."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from xaiaudit.attacks.registry import nearest
from xaiaudit.errors import UsageError

if TYPE_CHECKING:
    from xaiaudit.attacks.criteria.named import NamedCriterion

CRITERIA: Mapping[str, str] = {
    "leave-decision": "xaiaudit.attacks.criteria.leave_decision:LeaveDecision",
    "target-class": "xaiaudit.attacks.criteria.target_class:TargetClass",
    "true-label": "xaiaudit.attacks.criteria.true_label:TrueLabel",
    "lower-dice": "xaiaudit.attacks.criteria.lower_dice:LowerDice",
    "joint": "xaiaudit.attacks.criteria.joint:Joint",
    "hide": "xaiaudit.attacks.criteria.hide:Hide",
    "move": "xaiaudit.attacks.criteria.move:Move",
    "invent": "xaiaudit.attacks.criteria.invent:Invent",
}

# The goal of one attack alone: it comes with the attack, and is not asked for.
OWN: Mapping[str, str] = {"shift-map": "xaiaudit.attacks.criteria.shift_map:ShiftMap"}


def criterion_class(name: str) -> "type[NamedCriterion]":
    """Raises UsageError for an unknown name."""
    known = {**CRITERIA, **OWN}
    if name not in known:
        raise UsageError(f"no criterion {name!r}; {nearest(name, list(CRITERIA))}")
    module, attribute = known[name].split(":")
    found: type[NamedCriterion] = getattr(import_module(module), attribute)
    return found


def parameters_of(name: str) -> Mapping[str, Any]:
    """What the criterion lets one choose, each with its type; empty where all is fixed."""
    return criterion_class(name).parameters
