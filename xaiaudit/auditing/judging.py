"""What the model says of images, in full precision, with the maps taken from the same forward."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from torch import Tensor

from xaiaudit.auditing.counted import Counted, Seen
from xaiaudit.auditing.loading import Loaded
from xaiaudit.explainers.base import Explainer, FromOutputs
from xaiaudit.functional import decision, margin
from xaiaudit.metrics.segmentation import dice
from xaiaudit.models import AuditedModel
from xaiaudit.tensors import Boxes, Outputs
from xaiaudit.types import Masks


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """The model's word on one version of a shard's images."""

    logits: np.ndarray  # (n, k) float32
    margin: np.ndarray  # (n,) float64; NaN with more than two classes
    decision: np.ndarray  # (n,) class index
    dice: np.ndarray  # (n,) of the predicted mask with the outline; NaN without a mask head or an outline
    mask_logits: Tensor | None = None  # (n, 1, h, w), of the model with a mask head
    drawn_boxes: tuple[Boxes, ...] | None = None  # one an image, without a gradient; of a detector
    maps: Mapping[tuple[str, str], np.ndarray] = field(
        default_factory=dict
    )  # (explainer id, target) -> (n, u, v)

    @property
    def boxes(self) -> list[np.ndarray] | None:
        """Of each image (b, 6): x0, y0, x1, y1, score and class index of its boxes; None of no detector."""
        if self.drawn_boxes is None:
            return None
        return [
            torch.cat((own.xyxy.float(), own.score.float()[:, None], own.label.float()[:, None]), 1)
            .cpu()
            .numpy()
            for own in self.drawn_boxes
        ]

    @property
    def drawn(self) -> Masks | None:
        """(n, h, w) the masks that the model draws, where their logits are 0 or more; None without a mask head."""
        return None if self.mask_logits is None else self.mask_logits[:, 0].cpu().numpy() >= 0


def judge(
    model: AuditedModel,
    images: Tensor,
    masks: np.ndarray,
    has_outline: np.ndarray,
    explainers: Mapping[str, Explainer] | None = None,
    clean_decision: np.ndarray | None = None,
    *,
    valid: Tensor | None = None,
    seeds: Sequence[int] | None = None,
    seen: Seen | None = None,
) -> Judged:
    """One forward, and one backward from the score to the layer for each gradient map; other explainers take their own.

    Maps explain each image's own decision ("own") and, where `clean_decision` is given, the decision of the
    clean image ("same"). `valid` and `seeds` as explainers want them; `seen` is told of the forwards that explainers
    make of their own, for each of the two targets, though one map may serve both.
    """
    explainers = explainers or {}
    given = _forward(model, images, explainers, valid, seeds, seen)
    return _read(given, masks, has_outline, explainers, clean_decision)


def maps_of(
    model: AuditedModel,
    images: Tensor,
    explainers: Mapping[str, Explainer],
    target: np.ndarray,
    *,
    valid: Tensor | None = None,
    seeds: Sequence[int] | None = None,
    seen: Seen | None = None,
) -> dict[str, np.ndarray]:
    """The maps alone, (n, u, v), of the given classes, by the name of the explainer; as `judge` takes them."""
    given = _forward(model, images, explainers, valid, seeds, seen)
    return {name: given.maps(name, explainer, target) for name, explainer in explainers.items()}


def _forward(
    model: AuditedModel,
    images: Tensor,
    explainers: Mapping[str, Explainer],
    valid: Tensor | None,
    seeds: Sequence[int] | None,
    seen: Seen | None,
) -> "_Given":
    readers = [explainer for explainer in explainers.values() if isinstance(explainer, FromOutputs)]
    layers = tuple(dict.fromkeys(layer for reader in readers for layer in reader.needs(model)))
    with torch.set_grad_enabled(any(reader.gradients for reader in readers)):
        outputs = model(images, layers=layers)
    return _Given(model, images, outputs, valid, seeds, seen)


@dataclass(frozen=True)
class _Given:
    """One forward, and what explainers that make more of them ask for."""

    model: AuditedModel
    images: Tensor
    outputs: Outputs
    valid: Tensor | None
    seeds: Sequence[int] | None
    seen: Seen | None
    spent: dict[str, int] = field(default_factory=dict)  # images shown for a map of each explainer

    def maps(self, name: str, explainer: Explainer, target: np.ndarray) -> np.ndarray:
        classes = torch.as_tensor(target, device=self.outputs.logits.device)
        if isinstance(explainer, FromOutputs):
            maps = explainer.from_outputs(self.model, self.outputs, classes, valid=self.valid)
        else:
            self.spent[name] = 0
            model = Counted(self.model, partial(self.tell, name))
            maps = explainer(model, self.images, classes, valid=self.valid, seeds=self.seeds)
        return maps.detach().float().cpu().numpy()

    def tell(self, name: str, images: int) -> None:
        self.spent[name] += images
        if self.seen is not None:
            self.seen(name, images)

    def tell_again(self, name: str) -> None:
        """A map served a second time."""
        if self.seen is not None and name in self.spent:
            self.seen(name, self.spent[name])


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
    drawn = judged.mask_logits
    if drawn is not None and fresh.mask_logits is not None:
        drawn = drawn.clone()
        drawn[torch.from_numpy(changed).to(drawn.device)] = fresh.mask_logits
    return Judged(
        **parts, mask_logits=drawn, drawn_boxes=_where(changed, fresh.drawn_boxes, judged.drawn_boxes)
    )


def _where(
    changed: np.ndarray, fresh: tuple[Boxes, ...] | None, old: tuple[Boxes, ...] | None
) -> tuple[Boxes, ...] | None:
    """The boxes of every image, those of the changed ones anew."""
    if fresh is None or old is None:
        return None
    new = iter(fresh)
    return tuple(next(new) if is_new else own for is_new, own in zip(changed, old, strict=True))


def _read(
    given: _Given,
    masks: np.ndarray,
    has_outline: np.ndarray,
    explainers: Mapping[str, Explainer],
    clean_decision: np.ndarray | None,
) -> Judged:
    model, outputs = given.model, given.outputs
    logits = outputs.logits.detach().float().cpu().numpy()
    own = np.asarray(decision(logits.astype(np.float64), model.threshold), np.int64)
    maps: dict[tuple[str, str], np.ndarray] = {}
    for name, explainer in explainers.items():
        maps[name, "own"] = given.maps(name, explainer, own)
        if clean_decision is None:
            continue
        if np.array_equal(clean_decision, own):
            maps[name, "same"] = maps[name, "own"]
            given.tell_again(name)
        else:
            maps[name, "same"] = given.maps(name, explainer, clean_decision)
    predicted = outputs.mask_logits
    return Judged(
        logits=logits,
        margin=_margins(logits, model.threshold),
        decision=own,
        dice=np.full(len(logits), np.nan)
        if predicted is None
        else dice(predicted.detach()[:, 0].cpu().numpy() >= 0, masks, has_outline),
        mask_logits=None if predicted is None else predicted.detach(),
        drawn_boxes=None if outputs.boxes is None else tuple(_detached(boxes) for boxes in outputs.boxes),
        maps=maps,
    )


def _detached(boxes: Boxes) -> Boxes:
    return Boxes(*(part.detach() for part in boxes))


def _margins(logits: np.ndarray, threshold: float) -> np.ndarray:
    if logits.shape[1] != 2:
        return np.full(len(logits), np.nan)
    return np.asarray(margin(logits.astype(np.float64), threshold))
