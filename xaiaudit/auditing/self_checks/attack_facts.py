"""Runs of one attack on the subset: at every radius by itself, and at one of them against its rivals."""

from collections.abc import Callable
from functools import cache
from typing import Any

from xaiaudit.attacks.base import Attack, Norm
from xaiaudit.attacks.reach import reach
from xaiaudit.attacks.registry import attack as make_attack
from xaiaudit.auditing.self_checks import scope
from xaiaudit.auditing.self_checks.radii import FEW, compared, grey_levels, radii
from xaiaudit.auditing.self_checks.record import AttackFacts, Flags
from xaiaudit.auditing.self_checks.subset import Subset

ANY_RADIUS = 1 / 255
NOISE_DRAWS = 10
SQUARE_IMAGES = 16
# Square Attack's usual 5000 queries would take longer than the whole audit. With so many, it costs an image about as
# much as 100 steps of an attack by gradients, as a backward pass costs about two forward passes.
SQUARE_QUERIES = 300


def untried(attack: Attack, pixels: int) -> AttackFacts:
    """What is known before any run."""
    attack = scope.tried(attack)
    return AttackFacts(
        ran=attack.name,
        norm=attack.norm,
        pixels=pixels,
        kind=scope.kind(attack),
        steps=attack.steps,
        reach=reach(attack, getattr(attack, "alpha", None)),
    )


class Runs:
    """Of attacks on one subset. What several attacks have in common runs once."""

    def __init__(self, subset: Subset) -> None:
        self.subset = subset
        self._known: list[tuple[Attack, AttackFacts]] = []
        self.noise: Callable[[Norm, float], Flags] = cache(
            lambda norm, radius: subset.reached(
                make_attack("noise", norm=norm, epsilon=radius, restarts=NOISE_DRAWS)
            )
        )
        self.square: Callable[[float], Flags] = cache(
            lambda radius: subset.part(slice(0, SQUARE_IMAGES)).reached(
                make_attack("square", epsilon=radius, queries=SQUARE_QUERIES)
            )
        )

    def facts(self, attack: Attack) -> AttackFacts:
        """Everything that the verdicts on this attack need."""
        attack = scope.tried(attack)
        if scope.kind(attack) in ("ball", "single"):
            attack = scope.at_radius(attack, ANY_RADIUS)  # its own is not looked at
        known = next((facts for other, facts in self._known if other == attack), None)
        if known is None:
            known = self._new(attack)
            self._known.append((attack, known))
        return known

    def _new(self, attack: Attack) -> AttackFacts:
        facts = untried(attack, self.subset.images[0].numel())
        if facts.kind == "none":
            return facts
        tried = {"minimal": self._smallest, "fixed": self._as_it_is}.get(facts.kind, self._in_balls)
        facts = facts.model_copy(update=tried(attack, facts))
        at = compared([sum(flags) / len(flags) for flags in facts.reached])
        return facts if at is None else facts.model_copy(update={"at": at, **self._rivals(attack, facts, at)})

    def _in_balls(self, attack: Attack, facts: AttackFacts) -> dict[str, Any]:
        """From the largest radius down, each a run of its own; many steps only until a radius reaches few."""
        tried, reached = [], []
        for radius in reversed(radii(facts.norm, facts.pixels, facts.reach)):
            tried.append(radius)
            reached.append(self.subset.reached(scope.at_radius(attack, radius)))
            if facts.kind == "ball" and sum(reached[-1]) < FEW * len(reached[-1]):
                break
        return {"radii": tried[::-1], "reached": reached[::-1]}

    def _as_it_is(self, attack: Attack, facts: AttackFacts) -> dict[str, Any]:
        return {"radii": [attack.epsilon], "reached": [self.subset.reached(attack)]}

    def _smallest(self, attack: Attack, facts: AttackFacts) -> dict[str, Any]:
        tried = radii(facts.norm, facts.pixels, None)
        return {"radii": tried, "reached": self.subset.reached_within(attack, tried)}

    def _rivals(self, attack: Attack, facts: AttackFacts, at: int) -> dict[str, Any]:
        radius = facts.radii[at]
        found: dict[str, Any] = {
            "noise": self.noise(facts.norm, radius),
            "noise_draws": NOISE_DRAWS,
            # Square is of L-inf; where no pixel changes by more than this, the L2 ball is kept to as well
            "square": self.square(grey_levels(radius, facts.norm, facts.pixels) / 255),
            "square_queries": SQUARE_QUERIES,
        }
        twice = scope.with_twice_the_steps(attack)
        if facts.kind == "minimal":
            return found if twice is None else found | {"twice": self._smallest_at(twice, radius)}
        if twice is not None:
            found["twice"] = self.subset.reached(scope.at_radius(twice, radius))
        single = scope.with_a_single_step(attack, radius)
        return found if single is None else found | {"single": self.subset.reached(single)}

    def _smallest_at(self, attack: Any, radius: float) -> Flags:
        return self.subset.reached_within(attack, [radius])[0]
