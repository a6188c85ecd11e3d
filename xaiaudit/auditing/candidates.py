"""Which images of a shard the gallery may want, kept with their pixels; the choice is made at the merge.

Only a few images a shard and attack are kept, so that neither memory nor the folder grows with the audit.
"""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from xaiaudit.attacks.criteria.lower_dice import LowerDice
from xaiaudit.auditing.judging import Judged
from xaiaudit.auditing.loading import Loaded
from xaiaudit.auditing.outline_columns import on_image, outline_columns
from xaiaudit.auditing.plan import AuditPlan
from xaiaudit.functional import margin
from xaiaudit.models import AuditedModel


class Candidates:
    """Collects, for each attack, the worst, the most typical and the drawn images of a shard."""

    def __init__(self, plan: AuditPlan) -> None:
        self._count = plan.gallery
        self._drawn = set(plan.random_cases)
        self._goals = {attack.id: attack.criterion for attack in plan.attacks}
        self._pixels: dict[str, np.ndarray] = {}
        self._facts: list[dict[str, Any]] = []

    def take(
        self,
        attack_id: str,
        model: AuditedModel,
        loaded: Loaded,
        clean: Judged,
        judged: Judged,
        images: Tensor,
    ) -> None:
        """Look at one attacked batch."""
        if not self._count:
            return
        if self._goals[attack_id] == LowerDice.name:
            overlap = outline_columns(loaded, clean, judged)["mask_overlap"]
            fall = mask_fall(np.array(overlap, np.float64))
        else:
            fall = support(clean.logits, clean.decision, model.threshold) - support(
                judged.logits, clean.decision, model.threshold
            )
        cancers = loaded.labels == model.positive
        missed = cancers & (clean.decision == model.positive) & (judged.decision != model.positive)
        worst = np.lexsort((-fall, ~missed))[: self._count]
        typical = np.argsort(np.abs(fall - np.median(fall)), kind="stable")[: self._count]
        drawn = [row for row, image in enumerate(loaded.planned) if image.name in self._drawn]
        for row in sorted({*worst.tolist(), *typical.tolist(), *drawn}):
            self._keep(
                attack_id, row, model, loaded, clean, judged, images, float(fall[row]), bool(missed[row])
            )

    def _keep(
        self,
        attack_id: str,
        row: int,
        model: AuditedModel,
        loaded: Loaded,
        clean: Judged,
        judged: Judged,
        images: Tensor,
        fall: float,
        missed: bool,
    ) -> None:
        planned, sample = loaded.planned[row], loaded.samples[row]
        adversarial = images[row].cpu().numpy().astype(np.float32)
        key = f"{planned.sha256[:16]}-{planned.index}"  # equal pixels may come with different outlines
        self._pixels[f"{key}/clean"] = sample.image
        self._pixels[f"{key}/mask"] = loaded.masks[row]
        self._pixels[f"{key}/valid"] = loaded.valid[row, 0].cpu().numpy()
        self._pixels[f"{key}/{attack_id}"] = adversarial
        for name, said in ((f"{key}/predicted", clean), (f"{key}/{attack_id}/predicted", judged)):
            drawn = on_image(loaded, said)
            if drawn is not None:
                self._pixels[name] = drawn[row]
        self._facts.append(
            {
                "image": planned.name,
                "key": key,
                "attack_id": attack_id,
                "fall": fall,
                "missed": missed,
                "label": sample.label,
                "decision_before": model.classes[clean.decision[row]],
                "decision_after": model.classes[judged.decision[row]],
                "probability_before": float(probability(clean.logits[row], model.positive)),
                "probability_after": float(probability(judged.logits[row], model.positive)),
                "linf": float(np.abs(adversarial - loaded.images[row].cpu().numpy()).max()),
                "spacing": list(sample.spacing) if sample.spacing is not None else None,
                "outlined": bool(loaded.has_outline[row]),
                "drawn": judged.drawn is not None,
            }
        )

    def facts(self) -> list[dict[str, Any]]:
        return self._facts

    def packed(self) -> bytes:
        """All pixels kept, as one compressed archive."""
        buffer = io.BytesIO()
        pixels: dict[str, Any] = {key.replace("/", "|"): value for key, value in self._pixels.items()}
        np.savez_compressed(buffer, **pixels)
        return buffer.getvalue()


def unpacked(archive: Mapping[str, np.ndarray], key: str, what: str) -> np.ndarray:
    """One picture out of what `Candidates.packed` wrote."""
    return archive[f"{key}|{what}"]


def mask_fall(overlap: np.ndarray) -> np.ndarray:
    """How much of the clean mask an attack took, 1 - overlap; 0 where neither image has a mask."""
    return np.asarray(1 - np.nan_to_num(overlap, nan=1.0))


def support(logits: np.ndarray, decision: np.ndarray, threshold: float) -> np.ndarray:
    """By how much the logits carry `decision`, (n,): negative once another decision is taken."""
    if logits.shape[1] == 2:
        return np.asarray(np.where(decision == 1, 1, -1) * margin(logits.astype(np.float64), threshold))
    rows = np.arange(len(logits))
    others = logits.astype(np.float64).copy()
    own = others[rows, decision]
    others[rows, decision] = -np.inf
    return np.asarray(own - others.max(1))


def probability(logits: np.ndarray, positive: int) -> float:
    """Softmax probability of the positive class, from one image's logits."""
    shifted = np.exp(logits.astype(np.float64) - logits.max())
    return float(shifted[positive] / shifted.sum())
