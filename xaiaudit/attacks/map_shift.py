"""Attack the explanation: move the saliency map, keep the decision."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, cast, get_args

import torch
from torch import Tensor

from xaiaudit.attacks import map_goals
from xaiaudit.attacks.ball import Ball, per_image
from xaiaudit.attacks.base import Norm
from xaiaudit.attacks.checks import check_count, check_radius
from xaiaudit.attacks.criteria.shift_map import ShiftMap
from xaiaudit.attacks.engine import Problem
from xaiaudit.attacks.guarded_step import guarded_signs
from xaiaudit.attacks.search import Objective, Seen, State
from xaiaudit.attacks.searching import SearchAttack, grey, radius_words
from xaiaudit.attacks.shifted_map import ShiftedMap
from xaiaudit.attacks.surrogate import Smoothed
from xaiaudit.errors import UsageError
from xaiaudit.explainers.base import TracedExplainer
from xaiaudit.explainers.registry import explainer as make_explainer
from xaiaudit.seeds import Draws
from xaiaudit.tensors import AttackResult, Model

Goal = Literal["mass-centre", "top-k", "target-map", "joint"]
Moved = Literal["cam", "grad-cam"]
Surrogate = Literal["none", "softplus"]
# Of 2.5, 10 and 25, tried at 100 steps on 24 images: 10 led farthest, and 2.5 lost most by rounding to 8 bits.
STRIDE = 10.0
REACHED = (
    10.0  # more than any two values of a goal differ: an iterate that is a success goes before all others
)


@dataclass(frozen=True, kw_only=True)
class MapShift(SearchAttack):
    """Moves the CAM or Grad-CAM map and keeps the decision. Ghorbani 2019, arXiv:1710.10547; Dombrowski 2019.

    Goals: `mass-centre` takes the centre of the map's positive mass as far away as it goes, `top-k` takes the mass out
    of the lesion (without an outline: out of the clean map's top cells), `target-map` brings the map to a blob in a
    corner, and `joint` is `mass-centre` with the decision changed too. The map explains the clean decision throughout.

    Each step follows the signs of the gradient of the map's goal through the map, turned as little as needed towards
    the gradient of the decision's lead where that would fall below `keep` (`guarded_signs`). An image keeps the iterate
    whose map went farthest among those whose decision stands with half of `keep` at least, a silent shift before all
    others.
    """

    explainer: Moved = "grad-cam"
    goal: Goal = "mass-centre"
    epsilon: float = 1 / 255  # L-inf radius, in [0, 1] intensities
    steps: int = 100
    alpha: float | None = None  # step size; None: 10 epsilon / steps, at every radius
    keep: float = 0.5  # lead of the decision over the others, in logits; less where the clean image has less
    target: map_goals.Corner = "farthest"  # of goal target-map
    layer: str | None = None  # None: the model's own
    surrogate: Surrogate = "none"  # searched in the place of the network
    beta: float = 100.0  # sharpness of surrogate softplus
    name: ClassVar[str] = "map-shift"
    words: ClassVar[str] = "map shift"
    norm: ClassVar[Norm] = "linf"
    objective: ClassVar[Objective] = "guarded"
    criterion: ClassVar[str] = "shift-map"  # its own, whatever others are after

    def __post_init__(self) -> None:
        check_radius("epsilon", self.epsilon, self.norm)
        check_count("steps", self.steps)
        check_radius("alpha", self.step_size, "l2")  # above 1 (few steps at a large radius) is no mistake
        words = {"explainer": Moved, "goal": Goal, "target": map_goals.Corner, "surrogate": Surrogate}
        for name, kind in words.items():
            if getattr(self, name) not in get_args(kind):
                known = ", ".join(get_args(kind))
                raise UsageError(f"map-shift:{name} must be one of {known}, got {getattr(self, name)!r}")
        for name in ("keep", "beta"):
            if not 0 < getattr(self, name) < float("inf"):
                raise UsageError(f"map-shift:{name} must be finite and above 0, got {getattr(self, name):g}")
        for name, of, wanted in (("target", "goal", "target-map"), ("beta", "surrogate", "softplus")):
            if getattr(self, name) != getattr(MapShift, name) and getattr(self, of) != wanted:
                raise UsageError(
                    f"map-shift:{name} is of {of}={wanted}, and here {of} is {getattr(self, of)}, which would not look "
                    f"at it; add {of}={wanted}, or leave {name} out"
                )

    @property
    def step_size(self) -> float:
        return STRIDE * self.epsilon / self.steps if self.alpha is None else self.alpha

    @property
    def criterion_parameters(self) -> dict[str, Any]:
        """Of `criterion`, for this goal."""
        return {"decision": "left"} if self.goal == "joint" else {}

    def explains(self) -> TracedExplainer:
        """What makes the map that is to move."""
        given = {} if self.layer is None else {"layer": self.layer}
        return cast(TracedExplainer, make_explainer(self.explainer, **given))

    def solve(self, problem: Problem, radii: Sequence[float]) -> AttackResult:
        """See `SolvingAttack`. The clean maps and their ways out cost one forward and two backwards an image more,
        and Grad-CAM's own gradient.

        With several radii they are booked at the smallest.

        Raises:
            UsageError: another criterion than `ShiftMap`, or a model that has no such map.
        """
        goal = problem.criterion
        wanted = self.criterion_parameters.get("decision", "kept")
        if not isinstance(goal, ShiftMap) or goal.fate != wanted:
            raise UsageError(
                f"map-shift:goal={self.goal} is after a moved map with the decision {wanted}, "
                "and cannot be after something else: give it the criterion ShiftMap for that"
            )
        shifted = ShiftedMap.of(
            goal, self.explains(), problem.judge, problem.x0, self.goal, self.target, problem.valid
        )
        model: Model = Smoothed(problem.judge, self.beta) if self.surrogate == "softplus" else problem.model
        found = super().solve(problem._replace(model=model, criterion=shifted), radii)
        applicable = shifted.applicable.expand(found.reached.shape)
        return replace(_with_the_first_look(found, radii, 2 + shifted.inner_backwards), applicable=applicable)

    def start(self, ball: Ball, draws: Draws) -> State:
        """From the clean image, which is the best so far."""
        low = torch.full_like(ball.x0[:, 0, 0, 0], -torch.inf)
        return State(ball.x0, (ball.x0, low, torch.zeros_like(low)))

    def step(self, state: State, seen: Seen, ball: Ball) -> State:
        best, best_score, floor = state.memory
        value, lead = seen.values.unbind(1)
        if seen.step == 0:
            floor = torch.where(lead > 0, lead.clamp(max=self.keep), self.keep)
        score = torch.where(lead >= floor / 2, value + REACHED * seen.reached, -torch.inf)
        better = score > best_score
        best = torch.where(per_image(better), state.x, best)
        best_score = torch.where(better, score, best_score)
        step_size = STRIDE * ball.radius / self.steps if self.alpha is None else self.alpha
        signs = guarded_signs(seen.grads[:, 0], seen.grads[:, 1], lead - floor, step_size)
        return State(ball.project(state.x + step_size * signs), (best, best_score, floor))

    def finalists(self, state: State, ball: Ball) -> tuple[Tensor, ...]:
        """The best iterate, and the last, which nothing has looked at yet."""
        return state.memory[0], state.x

    def describe(self) -> str:
        where = f" at {self.layer}" if self.layer is not None else ""
        goals = {
            "mass-centre": f"moves the mass centre of the {self.explainer} map{where}",
            "top-k": f"takes the {self.explainer} map{where} out of the lesion",
            "target-map": f"brings the {self.explainer} map{where} to the {self.target} corner",
            "joint": f"moves the mass centre of the {self.explainer} map{where} and leaves the decision",
        }
        kept = "" if self.goal == "joint" else f", keeping the decision by {self.keep:g} logits"
        stand_in = f", on a softplus stand-in (beta {self.beta:g})" if self.surrogate == "softplus" else ""
        return (
            f"{goals[self.goal]}{kept}: {radius_words(self.epsilon, self.norm)}, {self.steps} steps of "
            f"{grey(self.step_size)} grey levels, from the clean image{stand_in}"
        )


def _with_the_first_look(found: AttackResult, radii: Sequence[float], passes_back: int) -> AttackResult:
    """The passes of `ShiftedMap.of` added."""
    forwards, backwards = found.forwards.clone(), found.backwards.clone()
    where = min(range(len(radii)), key=radii.__getitem__) if radii else ...
    forwards[where] += 1
    backwards[where] += passes_back
    return replace(found, forwards=forwards, backwards=backwards)
