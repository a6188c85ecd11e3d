"""How a model is trained: the thesis's recipe, as defaults that can be changed one by one."""

from dataclasses import dataclass
from typing import Any, Literal

from xaiaudit.errors import UsageError
from xaiaudit.training.adversarial import Adversarial


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Hyperparameters of one training run; Adam and cross-entropy are fixed.

    The defaults follow Rasaee 2022 (thesis, sections 2.2 and 3.2) where it speaks: learning rate,
    augmentation, loss, the best epoch by validation loss. Batch size and epochs are ours: it gives neither.

    Raises:
        UsageError: a value out of its range.
    """

    epochs: int = 8
    batch_size: int = 16  # images, over all devices
    learning_rate: float = 1e-4
    patience: int | None = None  # stop after so many epochs without a better one; None: never
    class_weights: Literal["none", "balanced"] = "none"  # balanced: n / (k n_c) for a class of n_c images
    alpha: float = 0.1  # of the cross-entropy in a multi-task network: alpha CE + beta Dice loss (equation 6)
    beta: float = 1.0
    flip: float = 0.5  # chance of a horizontal flip
    rotation: float = 5.0  # degrees, to either side
    shift: float = 0.1  # of the height, up or down
    batch_norm: Literal["auto", "train", "freeze"] = "auto"  # see `batch_norm.prepare`
    adversarial: Adversarial | None = None  # None: on images as they are

    def __post_init__(self) -> None:
        for name, low in (("epochs", 1), ("batch_size", 1), ("patience", 1)):
            value = getattr(self, name)
            if value is not None and value < low:
                raise UsageError(f"{name.replace('_', ' ')} must be at least {low}, got {value}")
        if not 0 < self.learning_rate < 1:
            raise UsageError(
                f"learning rate must lie between 0 and 1, got {self.learning_rate}; the default is 1e-4"
            )
        if self.alpha < 0 or self.beta < 0 or self.alpha + self.beta == 0:
            raise UsageError(
                f"alpha and beta weigh two losses and cannot be negative, got {self.alpha} and {self.beta}"
            )
        if not 0 <= self.flip <= 1 or not 0 <= self.rotation <= 180 or not 0 <= self.shift < 1:
            raise UsageError(
                "augmentation needs a flip chance in [0, 1], a rotation in [0, 180] degrees and a shift in "
                f"[0, 1) of the height, got {self.flip}, {self.rotation} and {self.shift}"
            )
        if self.adversarial is not None and self.adversarial.plain_epochs >= self.epochs:
            raise UsageError(
                f"{self.epochs} epochs, of which {self.adversarial.plain_epochs} are plain, leave none to train "
                "against attacks; give more epochs or fewer plain ones"
            )


def resisting(adversarial: Adversarial, **changed: Any) -> Recipe:
    """The recipe of adversarial training: more epochs, and every class weighs the same, unless changed."""
    return Recipe(**{"epochs": 10, "class_weights": "balanced", **changed}, adversarial=adversarial)
