"""What the model says of images, in full precision, with the maps taken from the same forward."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from xaiaudit.auditing.loading import Loaded
from xaiaudit.explainers.base import Explainer
from xaiaudit.functional import decision, margin
from xaiaudit.metrics.segmentation import dice
from xaiaudit.models import AuditedModel
from xaiaudit.tensors import Outputs


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """The model's word on one version of a shard's images."""

    logits: np.ndarray  # (n, k) float32
    margin: np.ndarray  # (n,) float64; NaN with more than two classes
    decision: np.ndarray  # (n,) class index
    dice: np.ndarray  # (n,) of the predicted mask with the outline; NaN without a mask head or an outline
    mask_logits: Tensor | None = None  # (n, 1, h, w), of the model with a mask head
    maps: Mapping[tuple[str, str], np.ndarray] = field(
        default_factory=dict
    )  # (explainer id, target) -> (n, u, v)


def judge(
    model: AuditedModel,
    images: Tensor,
    masks: np.ndarray,
    has_outline: np.ndarray,
    explainers: Mapping[str, Explainer] | None = None,
    clean_decision: np.ndarray | None = None,
) -> Judged:
    """One forward, and one backward from the score to the layer for each gradient map.

    Maps explain each image's own decision ("own") and, where `clean_decision` is given, the decision of the
    clean image ("same").
    """
    explainers = explainers or {}
    layers: dict[str, None] = {}
    for explainer in explainers.values():
        layers |= dict.fromkeys(explainer.needs(model))
    with torch.set_grad_enabled(bool(explainers)):
        outputs = model(images, layers=tuple(layers))
    return _read(model, outputs, masks, has_outline, explainers, clean_decision)


def judge_changed(
    model: AuditedModel, images: Tensor, loaded: Loaded, before: Tensor, judged: Judged
) -> Judged:
    """The same without maps, where `judged` is known of the images `before`: only those that differ are asked."""
    changed = (images != before).flatten(1).any(1).cpu().numpy()
    if not changed.any():
        return judged
    some = images[torch.from_numpy(changed).to(images.device)]
    fresh = judge(model, some, loaded.masks[changed], loaded.has_outline[changed])
    parts = {name: getattr(judged, name).copy() for name in ("logits", "margin", "decision", "dice")}
    for name, values in parts.items():
        values[changed] = getattr(fresh, name)
    return Judged(**parts)


def _read(
    model: AuditedModel,
    outputs: Outputs,
    masks: np.ndarray,
    has_outline: np.ndarray,
    explainers: Mapping[str, Explainer],
    clean_decision: np.ndarray | None,
) -> Judged:
    logits = outputs.logits.detach().float().cpu().numpy()
    own = np.asarray(decision(logits.astype(np.float64), model.threshold), np.int64)
    maps: dict[tuple[str, str], np.ndarray] = {}
    for name, explainer in explainers.items():
        maps[name, "own"] = _maps(explainer, model, outputs, own)
        if clean_decision is not None:
            unchanged = np.array_equal(clean_decision, own)
            maps[name, "same"] = (
                maps[name, "own"] if unchanged else _maps(explainer, model, outputs, clean_decision)
            )
    predicted = outputs.mask_logits
    return Judged(
        logits=logits,
        margin=_margins(logits, model.threshold),
        decision=own,
        dice=np.full(len(logits), np.nan)
        if predicted is None
        else dice(predicted.detach()[:, 0].cpu().numpy() >= 0, masks, has_outline),
        mask_logits=None if predicted is None else predicted.detach(),
        maps=maps,
    )


def _margins(logits: np.ndarray, threshold: float) -> np.ndarray:
    if logits.shape[1] != 2:
        return np.full(len(logits), np.nan)
    return np.asarray(margin(logits.astype(np.float64), threshold))


def _maps(
    explainer: Explainer, model: AuditedModel, outputs: Outputs, target: Sequence[int] | np.ndarray
) -> np.ndarray:
    classes = torch.as_tensor(np.asarray(target), device=outputs.logits.device)
    return explainer.from_outputs(model, outputs, classes).detach().float().cpu().numpy()
