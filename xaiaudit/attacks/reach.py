"""How far from the clean image an attack can come at all."""

from xaiaudit.attacks.base import Attack
from xaiaudit.attacks.searching import grey

SLACK = 1 + 1e-9  # a radius that the steps just reach was often computed from them


def reach(attack: Attack, alpha: float | None) -> float | None:
    """The length of all steps together, of size `alpha` each, in [0, 1] intensities.

    None where no step size was named: it then follows the radius.
    """
    return None if alpha is None else attack.steps * alpha * SLACK


def remark(attack: Attack) -> str | None:
    """What is odd about the attack's steps at its own radius; None where nothing is. No reason to refuse it.

    A step longer than the radius leaps from one side of the ball to the other, and steps that are too short or too few
    never come to its edge.
    """
    radius, step = attack.epsilon, attack.step_size
    if radius is None or step is None or not attack.steps:
        return None
    farthest = reach(attack, step)
    if step > radius * SLACK:
        return (
            f"each step of {attack.name}, {grey(step)} grey levels, is longer than its radius of {grey(radius)}: "
            "name more steps, or a smaller alpha"
        )
    if farthest is not None and farthest < radius:
        return (
            f"all {attack.steps} steps of {attack.name} together go {grey(attack.steps * step)} grey levels, less than "
            f"its radius of {grey(radius)}: name more steps, or a larger alpha"
        )
    return None
