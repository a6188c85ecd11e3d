"""The goal of `map-shift` on one batch: which map of which model is to move, from where, and what must stay."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from xaiaudit.attacks import map_goals
from xaiaudit.attacks.base import Guarded
from xaiaudit.attacks.criteria.shift_map import ShiftMap
from xaiaudit.attacks.map_direction import way_out
from xaiaudit.explainers.base import TracedExplainer
from xaiaudit.tensors import Flags, Images, Model, Outputs, Rows, Saliency, Scores, Valid

NOWHERE = -2.0  # below all that the goals say of a map with positive mass


@dataclass(frozen=True, eq=False)
class ShiftedMap(Guarded):
    """`ShiftMap` of one explainer on one model. It keeps the model, whose linear head CAM reads, until it is dropped.

    Maps are those of the clean decision. Success is judged on whichever model gives the outputs, so that the judge's
    outputs make it the audit's silent shift.
    """

    goal: ShiftMap
    explainer: TracedExplainer
    model: Model
    before: Saliency  # (n, u, v) clean maps
    kind: str  # of `map_shift.Goal`
    centre: Tensor  # (n, 2) of the clean maps
    way: Tensor  # (n, 2), the direction in which each begins to move
    target: Tensor | None  # (n, u, v): the cells to empty, or the map to reach
    needs: ClassVar[frozenset[str]] = ShiftMap.needs
    may_hold_already: ClassVar[bool] = False

    @classmethod
    def of(
        cls,
        goal: ShiftMap,
        explainer: TracedExplainer,
        model: Model,
        images: Images,
        kind: str,
        corner: map_goals.Corner,
        valid: Valid | None = None,
    ) -> "ShiftedMap":
        """With the clean maps and the way out of each, by one forward and two backwards of the model that judges.

        And by `inner_backwards`.
        """
        x = images.detach().requires_grad_()
        decision = goal.decision.decision.clone()  # it may have been made in inference mode
        before = explainer.traced(model, model(x, explainer.needs(model)), decision)
        centre = map_goals.mass_centre(before)
        way = way_out(centre, x, valid)
        before, centre = before.detach(), centre.detach()
        target = None
        if kind == "top-k":
            target = map_goals.top_cells(before, goal.outlines)
        elif kind == "target-map":
            target = map_goals.blob(before, corner)
        return cls(goal, explainer, model, before, kind, centre, way, target)

    @property
    def layers(self) -> tuple[str, ...]:
        return self.explainer.needs(self.model)

    @property
    def inner_backwards(self) -> int:
        """A gradient map takes one from the score to the layer, each time that it is read."""
        return int(self.explainer.gradients)

    @property
    def applicable(self) -> Flags:
        """Where the clean map has an extreme; else there is nothing to move."""
        return self.goal.judge.defined(self.before, signed=self.explainer.signed)

    def guarded(self, out: Outputs, rows: Rows) -> Tensor:
        maps = self.explainer.traced(self.model, out, self.goal.decision.decision[rows])
        way = self._moved_by(maps, rows)
        return torch.stack((way, self._lead(out, rows).to(way)), 1)  # logits may be of less precision

    def loss(self, out: Outputs, rows: Rows) -> Scores:
        """How far the map is on its way; minus infinity where the decision is not as it must be."""
        as_wanted = self._lead(out, rows) >= 0
        return torch.where(as_wanted, self._moved_by(self._maps(out, rows), rows), -torch.inf)

    def margins(self, out: Outputs, rows: Rows) -> Tensor:
        """(m, 1): how far the mass centre has still to go to a tenth of the image's diagonal, in image sides.

        The audit's word on a move (`reached`) is another, and kinder where a peak leaves the lesion: this only says
        where to begin to look.
        """
        maps = self.explainer.traced(self.model, out, self.goal.decision.decision[rows])
        far = map_goals.PUSH + 0.1 * 2**0.5
        return (far - map_goals.displacement(maps, self.centre[rows], self.way[rows]))[:, None]

    def reached(self, out: Outputs, rows: Rows) -> Flags:
        left = self.goal.decision.reached(out, rows)
        as_wanted = left if self.goal.fate == "left" else ~left
        maps = self._maps(out, rows)
        moved = self.goal.judge.moved(self.before[rows], maps, rows, signed=self.explainer.signed)
        return moved & as_wanted

    def _maps(self, out: Outputs, rows: Rows) -> Saliency:
        return self.explainer.from_outputs(self.model, out, self.goal.decision.decision[rows]).detach()

    def _moved_by(self, maps: Saliency, rows: Rows) -> Scores:
        if self.target is None:
            value = map_goals.displacement(maps, self.centre[rows], self.way[rows])
        else:
            how = map_goals.lost_mass if self.kind == "top-k" else map_goals.likeness
            value = how(maps, self.target[rows])
        # without mass there is no centre and no share, and what stands for them would pass for a long way
        return torch.where(maps.detach().amax((1, 2)) > 0, value, NOWHERE)

    def _lead(self, out: Outputs, rows: Rows) -> Scores:
        """By how much the decision leads the nearest other; to be left, the nearest other leads it; in logits."""
        stands = self.goal.decision.margins(out, rows).amin(1)
        return -stands if self.goal.fate == "left" else stands
