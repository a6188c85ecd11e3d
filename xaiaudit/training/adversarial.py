"""How a model is trained to resist: the hyperparameters of adversarial training, and its schedule."""

from dataclasses import dataclass
from typing import Literal

from xaiaudit.errors import UsageError

Method = Literal["pgd", "trades", "free"]
STEPS = {"pgd": 2, "trades": 2, "free": 1}  # of the inner attack; at one grey level more find hardly more


@dataclass(frozen=True, kw_only=True)
class Adversarial:
    """Adversarial training in the L-inf ball: plain epochs, then a radius that rises to `epsilon`, then the rest.

    pgd: cross-entropy on images moved by PGD, a share of each batch left clean. Madry et al. 2018,
    arXiv:1706.06083 (there the share is 0); the share follows Kurakin et al. 2017, arXiv:1611.01236.
    free: the same with a single step of 1.25 epsilon from a random point of the ball. This is "Fast is better
    than free" (Wong, Rice & Kolter 2020, arXiv:2001.03994), not the replayed batches of Shafahi et al. 2019.
    trades: cross-entropy on clean images plus `trades_beta` times KL(clean || moved), the moved images found
    by raising that KL. Zhang et al. 2019, arXiv:1901.08573, equation 5 (beta is their 1/lambda).

    Training from the first batch at the full radius was seen to end in one class; hence plain epochs and ramp.

    Raises:
        UsageError: a value out of its range.
    """

    method: Method = "pgd"
    epsilon: float = 1 / 255  # L-inf radius, in [0, 1] intensities
    steps: int | None = None  # of the inner attack; None: as STEPS says
    trades_beta: float = 3.0
    clean_share: float = 0.0  # of each batch that pgd and free leave as it is
    plain_epochs: int = 2  # before the first attack
    ramp_epochs: int = 3  # over which the radius rises linearly to epsilon; 0: at once

    def __post_init__(self) -> None:
        if self.method not in STEPS:
            raise UsageError(f"adversarial training is by pgd, trades or free, got {self.method!r}")
        if not 0 < self.epsilon <= 1:
            raise UsageError(
                f"epsilon is a radius above 0 and at most 1, in [0, 1] intensity, got {self.epsilon:g}; "
                "one grey level is 1/255"
            )
        if self.steps is not None and self.steps < 1:
            raise UsageError(f"adversarial steps must be at least 1, got {self.steps}")
        if self.method == "free" and self.steps not in (None, 1):
            raise UsageError(f"free takes a single step, got {self.steps}; take pgd for more")
        if not self.trades_beta > 0 or not 0 <= self.clean_share < 1:
            raise UsageError(
                "beta of TRADES must be above 0 and the clean share in [0, 1), "
                f"got {self.trades_beta:g} and {self.clean_share:g}"
            )
        if self.plain_epochs < 0 or self.ramp_epochs < 0:
            raise UsageError(
                f"plain and ramp epochs cannot be negative, got {self.plain_epochs} and {self.ramp_epochs}"
            )

    @property
    def inner_steps(self) -> int:
        return STEPS[self.method] if self.steps is None else self.steps

    @property
    def step_share(self) -> float:
        """Step size over radius: 1.25 of a single step (Wong et al. 2020), else 2.5 / steps as in our PGD."""
        return 1.25 if self.inner_steps == 1 else 2.5 / self.inner_steps

    def radius(self, epoch: int) -> float:
        """Of the inner attack in this epoch, from 1; 0 in a plain epoch."""
        attacked = epoch - self.plain_epochs
        if attacked <= 0:
            return 0.0
        return self.epsilon * min(1.0, attacked / (self.ramp_epochs + 1))

    def describe(self) -> str:
        """One line in words, with radii in grey levels."""
        beta = f", beta {self.trades_beta:g}" if self.method == "trades" else ""
        share = f", {self.clean_share:.0%} of each batch clean" if self.method != "trades" else ""
        size = 255 * self.step_share * self.epsilon
        return (
            f"{self.method}, L∞ radius {255 * self.epsilon:.4g} grey levels, {self.inner_steps} inner steps of "
            f"{size:.3g} from a random point{beta}{share}, after {self.plain_epochs} plain epochs and a ramp of "
            f"{self.ramp_epochs}"
        )
