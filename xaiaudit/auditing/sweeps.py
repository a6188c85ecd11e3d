"""The second sweeps that an audit simulates: each planned change alone, and all of them at once."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from xaiaudit.acquisition.registry import change, settings
from xaiaudit.acquisition.view import Change
from xaiaudit.auditing.plan import AuditPlan, PlannedChange
from xaiaudit.auditing.specs import refuse_equal
from xaiaudit.records import SECOND_SWEEP
from xaiaudit.types import plain


class Sweep(NamedTuple):
    id: str
    changes: list[tuple[str, Change]]  # applied in turn

    @property
    def name(self) -> str:
        return SECOND_SWEEP if self.id == SECOND_SWEEP else self.changes[0][0]

    def describe(self) -> str:
        return self.changes[0][1].describe() if self.id != SECOND_SWEEP else "all of them at once"

    def parameters(self) -> dict[str, Any]:
        return {} if self.id == SECOND_SWEEP else plain(settings(self.changes[0][1]))


def sweeps(plan: AuditPlan) -> list[Sweep]:
    """The last is the second sweep, with every change at once; with one change alone there is only that."""
    made = [(item.id, (item.name, change(item.name, **item.parameters))) for item in plan.acquisition]
    single = [Sweep(name_id, [pair]) for name_id, pair in made]
    return single + [Sweep(SECOND_SWEEP, [pair for _, pair in made])] * (len(made) > 1)


def planned_changes(specs: Sequence[tuple[str, dict[str, Any]]], ids: Sequence[str]) -> list[PlannedChange]:
    """Raises UsageError for an unknown name or a wrong strength, and for two equal changes."""
    whole = [(name, plain(settings(change(name, **parameters)))) for name, parameters in specs]
    refuse_equal("acquisition change", whole)
    return [
        PlannedChange(id=name_id, name=name, parameters=parameters)
        for name_id, (name, parameters) in zip(ids, whole, strict=True)
    ]
