"""What an attack is after: one criterion a file, each a frozen dataclass built from the clean outputs of a batch."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xaiaudit.attacks.criteria.building import build as build
    from xaiaudit.attacks.criteria.joint import Joint as Joint
    from xaiaudit.attacks.criteria.leave_decision import LeaveDecision as LeaveDecision
    from xaiaudit.attacks.criteria.lower_dice import LowerDice as LowerDice
    from xaiaudit.attacks.criteria.named import CleanFacts as CleanFacts
    from xaiaudit.attacks.criteria.shift_map import ShiftMap as ShiftMap
    from xaiaudit.attacks.criteria.target_class import TargetClass as TargetClass
    from xaiaudit.attacks.criteria.true_label import TrueLabel as TrueLabel

# Imported on use: the list of criteria must not wait for torch.
_PUBLIC = {
    "CleanFacts": "named",
    "Joint": "joint",
    "LeaveDecision": "leave_decision",
    "LowerDice": "lower_dice",
    "ShiftMap": "shift_map",
    "TargetClass": "target_class",
    "TrueLabel": "true_label",
    "build": "building",
}
__all__ = [
    "CleanFacts",
    "Joint",
    "LeaveDecision",
    "LowerDice",
    "ShiftMap",
    "TargetClass",
    "TrueLabel",
    "build",
]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(f"xaiaudit.attacks.criteria.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module 'xaiaudit.attacks.criteria' has no attribute {name!r}")
