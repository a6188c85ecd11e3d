"""How robust a model is on the validation images: what the epoch and the operating threshold are chosen by."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from xaiaudit.errors import TrainingError
from xaiaudit.functional import decision
from xaiaudit.metrics.flips import assessable, robust_balanced_accuracy
from xaiaudit.metrics.roc import best_threshold
from xaiaudit.models import AuditedModel
from xaiaudit.training.adversarial import Adversarial
from xaiaudit.training.arrays import Arrays
from xaiaudit.training.inner import hardest, leave_label
from xaiaudit.training.progress import Epoch

STEPS = 5  # of the PGD that measures, each half the radius


@dataclass(frozen=True, kw_only=True, eq=False)
class Attacked:
    """Logits (n, k) of images as they are, after PGD, and after one step."""

    labels: np.ndarray
    clean: np.ndarray
    moved: np.ndarray
    moved_once: np.ndarray

    def threshold(self, positive: int) -> float:
        """Of two classes: the best of the ROC over clean and moved images alike.

        Taken from clean images alone it would leave the class that attacks push more easily nearest to it.
        """
        if self.clean.shape[1] != 2:
            return 0.5
        margins = np.concatenate([logits[:, 1] - logits[:, 0] for logits in (self.clean, self.moved)])
        return best_threshold(np.tile(self.labels == positive, 2), margins)

    def balanced_accuracy(self, threshold: float, *, once: bool = False) -> float:
        """Right when clean and after the attack, mean over classes; one class alone scores 0.5 or less."""
        before, after = (
            decision(logits, threshold) for logits in (self.clean, self.moved_once if once else self.moved)
        )
        found = robust_balanced_accuracy(
            self.labels, before, after, cases=range(len(before)), k=self.clean.shape[1]
        )
        return math.nan if found is None or found.estimate is None else found.estimate

    def one_class(self, threshold: float) -> bool:
        return not assessable(decision(self.clean, threshold))

    @property
    def loss(self) -> float:
        """Mean cross-entropy after the attack, every class weighing the same."""
        labels = torch.from_numpy(self.labels)
        losses = cross_entropy(torch.from_numpy(self.moved), labels, reduction="none")
        return float(
            torch.stack([losses[labels == label].mean() for label in range(self.clean.shape[1])]).mean()
        )


def attacked(
    model: AuditedModel, images: Arrays, adversarial: Adversarial, batch_size: int, device: torch.device
) -> Attacked:
    """Attack each image at `adversarial.epsilon`: PGD of STEPS steps from a random point, and one step.

    In float32, whatever precision trains; the same draws at every call, so that epochs can be compared.
    """
    generator = torch.Generator().manual_seed(0)
    parts: dict[str, list[Tensor]] = {"clean": [], "moved": [], "moved_once": []}
    for rows in torch.arange(len(images)).chunk(math.ceil(len(images) / batch_size)):
        batch = images.batch(rows, device)
        batch = batch.with_outline() if model.preprocessing.takes_mask else batch
        loss, radius = leave_label(batch.labels), adversarial.epsilon
        moved, once = (
            hardest(
                model.net, model, batch.images, loss, generator,
                epsilon=radius, steps=steps, step_size=size * radius, valid=batch.valid,
            )
            for steps, size in ((STEPS, 2.5 / STEPS), (1, 1.25))
        )  # fmt: skip
        for name, tensor in (("clean", batch.images), ("moved", moved), ("moved_once", once)):
            with torch.inference_mode():
                parts[name].append(model(tensor).logits.float().cpu())
    return Attacked(
        labels=images.labels.numpy(), **{name: torch.cat(part).numpy() for name, part in parts.items()}
    )


def measured(adversarial: Adversarial) -> str:
    """The attack that measures, in words."""
    return (
        "the epoch is chosen by balanced accuracy on validation images when clean and after "
        f"PGD, {STEPS} steps, at {255 * adversarial.epsilon:.4g} grey levels"
    )


def check_decides(found: Attacked, model: AuditedModel, adversarial: Adversarial) -> None:
    """Raises TrainingError where the chosen epoch gives one class to over 95 % of the validation images."""
    if not found.one_class(model.threshold):
        return
    decisions = decision(found.clean, model.threshold)
    most = int(np.bincount(decisions).argmax())
    raise TrainingError(
        f"adversarial training FAILED: the best epoch decides {model.classes[most]} for "
        f"{int((decisions == most).sum())} of {len(decisions)} clean validation images, which is no robustness; "
        f"no checkpoint was written: lower --epsilon (now {255 * adversarial.epsilon:.3g}/255) or give more "
        "--plain-epochs, --ramp-epochs or --epochs"
    )


def misled(history: Sequence[Epoch]) -> str | None:
    """A warning where the chosen epoch resists single steps only."""
    kept = [epoch for epoch in history if epoch.best][-1]
    if not kept.masked:
        return None
    return (
        f"the model of epoch {kept.number} resists one step (robust balanced accuracy {kept.robust_once:.2f}) "
        f"and not several ({kept.robust:.2f}): catastrophic overfitting; use --adversarial pgd"
    )
