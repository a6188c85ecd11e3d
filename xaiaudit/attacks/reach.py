"""How far from the clean image an attack can come at all."""

from xaiaudit.attacks.base import Attack

SLACK = 1 + 1e-9  # a radius that the steps just reach was often computed from them


def reach(attack: Attack, alpha: float | None) -> float | None:
    """The length of all steps together, of size `alpha` each, in [0, 1] intensities.

    None where no step size was named: it then follows the radius.
    """
    return None if alpha is None else attack.steps * alpha * SLACK
