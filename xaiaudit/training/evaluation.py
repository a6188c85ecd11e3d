"""A model on clean images: its logits, and what they say of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Int

from xaiaudit.data import prepare, stack
from xaiaudit.data.cases import cases_of
from xaiaudit.data.preprocess import network_inputs
from xaiaudit.metrics.classification import clean_record
from xaiaudit.metrics.lesions import true_boxes
from xaiaudit.metrics.marks import Marks
from xaiaudit.metrics.mask_boxes import box_jsi, true_box
from xaiaudit.metrics.segmentation import dice
from xaiaudit.models import AuditedModel
from xaiaudit.records import CleanRecord
from xaiaudit.tensors import Boxes
from xaiaudit.types import Sample


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """What a model said of n images, in their order."""

    logits: Float32[np.ndarray, "n k"]
    labels: Int[
        np.ndarray, "n"
    ]  # class index of the model; -1: no label, or one that the model does not know
    cases: tuple[str, ...]
    names: tuple[str, ...]
    dice: Float[np.ndarray, "n"] | None  # NaN where no outline is known; None for a model without a mask
    box_jsi: Float[np.ndarray, "n"] | None  # the same of boxes, NaN where no box is known
    classes: tuple[str, ...]
    positive: int
    threshold: float
    marks: tuple[Marks | None, ...] | None = None  # boxes; None for a model that draws none

    def record(self) -> CleanRecord:
        """Every clean statistic, with case-level intervals."""
        return clean_record(
            self.labels,
            self.logits,
            self.cases,
            classes=self.classes,
            positive=self.positive,
            threshold=self.threshold,
            dice=self.dice,
            box_jsi=self.box_jsi,
            marks=self.marks,
        )


def evaluate(
    model: AuditedModel,
    samples: Sequence[Sample],
    *,
    cases: Sequence[str] | None = None,
    batch_size: int = 32,
    device: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Predictions:
    """The model's logits on samples, on their source grid or on its own, in float32; no sample is changed.

    Args:
        model: its preprocessing is applied.
        samples: with or without labels; a `Dataset` will do, and raises DataError at a file it cannot read.
        cases: one case id a sample; None: the dataset's own, joined where images show the same scan.
        batch_size: images a forward pass.
        device: move the model there first; None: it stays where it is.
        progress: called with images done and images in all.
    """
    if device is not None:
        model.to(device)
    samples = list(samples)  # a Dataset decodes whenever it is asked
    logits, scores, of_boxes = [], [], []
    marks: list[Marks | None] = []
    labels: list[int] = []
    names: list[str] = []
    for start in range(0, len(samples), batch_size):
        rows = range(start, min(start + batch_size, len(samples)))
        prepared = [prepare(samples[row], model.preprocessing) for row in rows]
        batch = stack(prepared)
        images, _ = network_inputs(batch, model.preprocessing)
        with torch.inference_mode():
            out = model(torch.from_numpy(images).to(model.device))
        logits.append(out.logits.float().cpu().numpy())
        if out.mask_logits is not None:
            predicted = (out.mask_logits[:, 0] >= 0).cpu().numpy()
            scores.append(dice(predicted, batch.masks, batch.has_mask))
            of_boxes.append(box_jsi(predicted, np.array([true_box(s.mask, s.boxes) for s in prepared])))
        if out.boxes is not None:
            marks += [_marks(boxes, sample) for boxes, sample in zip(out.boxes, prepared, strict=True)]
        labels += [model.classes.index(label) if label in model.classes else -1 for label in batch.labels]
        names += batch.names
        if progress is not None:
            progress(len(names), len(samples))
    return Predictions(
        logits=np.concatenate(logits) if logits else np.zeros((0, len(model.classes)), np.float32),
        labels=np.array(labels, np.int64),
        cases=tuple(cases_of(samples) if cases is None else cases),
        names=tuple(names),
        dice=np.concatenate(scores) if scores else None,
        box_jsi=np.concatenate(of_boxes) if of_boxes else None,
        classes=model.classes,
        positive=model.positive,
        threshold=model.threshold,
        marks=tuple(marks) if len(marks) == len(names) > 0 else None,
    )


def _marks(boxes: Boxes, sample: Sample) -> Marks | None:
    """The boxes of one image beside its lesions; None where it has one and nobody knows where."""
    known = true_boxes(sample)
    if known is None:
        return None
    drawn = boxes.xyxy.double().cpu().numpy(), boxes.score.double().cpu().numpy()
    return Marks(boxes=drawn[0], scores=drawn[1], lesions=known)


def swapped_classes(record: CleanRecord, classes: Sequence[str], positive: int) -> str | None:
    """A warning where the AUC lies under 0.5, so that the classes are likely named in the wrong order."""
    if record.auc is None or record.auc.estimate is None or record.auc.estimate >= 0.5:
        return None
    return (
        f"the AUC is {record.auc.estimate:.2f}, under 0.5: {classes[positive]} is ranked below the rest; "
        f"were the model's classes ({', '.join(classes)}) named in the order of its outputs?"
    )


def chance(record: CleanRecord) -> str | None:
    """A warning where a network that was trained here, its classes in order, ranks no better than chance."""
    if record.auc is None or record.auc.estimate is None or record.auc.estimate > 0.5:
        return None
    return (
        f"the AUC is {record.auc.estimate:.2f}: on the test images the model is no better than chance; train longer or "
        "with more images, or look at the labels"
    )
