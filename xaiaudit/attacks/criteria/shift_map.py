"""Move the saliency map and keep the decision: what the audit calls a silent shift."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

from torch import Tensor

from xaiaudit.attacks.criteria.leave_decision import LeaveDecision
from xaiaudit.attacks.criteria.named import CleanFacts, MapJudge, NamedCriterion
from xaiaudit.errors import UsageError
from xaiaudit.tensors import Flags, Outputs, Rows, Scores

Fate = Literal["kept", "left"]  # of the clean decision


@dataclass(frozen=True, eq=False)
class ShiftMap(NamedCriterion):
    """The map of the clean decision moves and the decision stands; with decision=left, it changes too.

    Which map, only the attack knows that is after it: `map-shift` reads it and asks `judge` about it. Outputs alone
    do not tell it, so no other attack can be after this.

    Raises:
        NumericalError: clean logits that are not finite.
    """

    decision: LeaveDecision
    judge: MapJudge
    outlines: Tensor | None = None  # (n, 1, h, w) bool, the lesions; all False where none is known
    fate: Fate = "kept"
    name: ClassVar[str] = "shift-map"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "features"})
    applicable: ClassVar[None] = None
    parameters: ClassVar[Mapping[str, Any]] = {"decision": Fate}
    only_for: ClassVar[str] = "map-shift"

    @classmethod
    def check(cls, parameters: Mapping[str, Any], classes: Sequence[str] | None) -> None:
        super().check(parameters, classes)
        fate = parameters.get("decision", cls.fate)
        if fate not in get_args(Fate):
            raise UsageError(f"decision must be {' or '.join(get_args(Fate))}, got {fate!r}")

    @classmethod
    def words(cls, parameters: Mapping[str, Any]) -> str:
        kept = parameters.get("decision", cls.fate) == "kept"
        return "move the map and keep the decision" if kept else "move the map and leave the clean decision"

    @classmethod
    def of(cls, clean: CleanFacts, parameters: Mapping[str, Any]) -> "ShiftMap":
        if clean.maps is None:
            raise UsageError("shift-map needs to know what a move of the map is: CleanFacts(maps=...)")
        outlines = clean.outlines
        if outlines is not None and clean.has_outline is not None:
            outlines = outlines & clean.has_outline[:, None, None, None]
        return cls(LeaveDecision.of(clean, {}), clean.maps, outlines, parameters.get("decision", cls.fate))

    def loss(self, out: Outputs, rows: Rows) -> Scores:
        raise _unread()

    def margins(self, out: Outputs, rows: Rows) -> Tensor:
        raise _unread()

    def reached(self, out: Outputs, rows: Rows) -> Flags:
        raise _unread()


def _unread() -> UsageError:
    return UsageError("only the attack map-shift can be after shift-map: it knows which map is to move")
