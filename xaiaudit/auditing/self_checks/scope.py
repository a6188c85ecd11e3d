"""What an attack is to the self-checks: which of them make sense for it follows from how it searches."""

from dataclasses import fields, replace
from typing import Any, Literal

from xaiaudit.attacks.base import Attack, Norm
from xaiaudit.attacks.fgsm import SingleStepFGSM
from xaiaudit.attacks.map_shift import MapShift
from xaiaudit.attacks.pgd import PGDL2
from xaiaudit.attacks.registry import ART_PREFIX, parameters_of
from xaiaudit.attacks.registry import attack as make_attack

Kind = Literal["ball", "single", "fixed", "minimal", "none"]


def kind(attack: Attack) -> Kind:
    """How the attack can be tried.

    ball: by gradients, in a ball of any radius. single: likewise, in one step that no larger radius
    makes better. fixed: in several, but its definition fixes the radius.
    minimal: by gradients, for the smallest perturbation, so that one run tells of all radii.
    none: without gradients of its own, or made of other attacks, or of ART, or after a map and no flip: nothing is
    expected of it here.
    """
    theirs = attack.name == "worst" or attack.name.startswith(ART_PREFIX)
    if theirs or isinstance(attack, MapShift) or not getattr(attack, "gradients", True):
        return "none"
    if attack.epsilon is None or getattr(attack, "minimal", False):
        return "minimal"
    if "epsilon" not in _parameters(attack):
        return "fixed"
    return "ball" if "steps" in _parameters(attack) else "single"


def tried(attack: Any) -> Attack:
    """What is run: of `worst` its cheapest member that follows gradients, as all of them would take too long."""
    if attack.name != "worst":
        return attack  # type: ignore[no-any-return]  # Any only for the fields of worst
    members = [_member(name, attack.norm) for name in attack.members]
    return next((member for member in members if kind(member) != "none"), attack)


def at_radius(attack: Any, radius: float) -> Any:
    """The attack with this radius in place of its own; what was named besides, a step size too, stays."""
    return replace(attack, epsilon=radius)


def with_twice_the_steps(attack: Any) -> Any | None:
    """None: the number of steps is fixed by the attack's definition."""
    return replace(attack, steps=2 * attack.steps) if "steps" in _parameters(attack) else None


def with_a_single_step(attack: Attack, radius: float) -> Attack | None:
    """The single-step attack of the same norm; None for one that takes a single step itself."""
    if attack.steps == 1:
        return None
    if attack.norm == "linf":
        return SingleStepFGSM(epsilon=radius)
    return PGDL2(epsilon=radius, steps=1, alpha=radius)


def _member(name: str, norm: Norm) -> Attack:
    return make_attack(name, **({"norm": norm} if "norm" in parameters_of(name) else {}))


def _parameters(attack: Any) -> set[str]:
    return {field.name for field in fields(attack)}
