"""From the source grid to the network's, with all that is bound to pixels; and samples into a batch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from jaxtyping import Bool, Float, Float32
from PIL import Image

from xaiaudit.errors import DataError
from xaiaudit.types import Flags, GreyImage, Mask, Masks, Preprocessing, Sample

HALF = 0.5 - 1e-9  # of a pixel's area, less the rounding of sums
_Pixels = TypeVar("_Pixels", GreyImage, Mask)


@dataclass(frozen=True)
class _Frame:
    """Where the source lies on the grid: whole pixels, so that `valid` has no half ones."""

    rows: int
    columns: int
    top: int
    left: int
    size: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Samples of one shape, as arrays. What is not known of a sample is None, NaN or False."""

    images: Float32[np.ndarray, "n 1 h w"]  # intensities in [0, 1]
    valid: Bool[np.ndarray, "n 1 h w"]
    masks: Masks  # False where no outline is known
    has_mask: Flags
    spacing: Float[np.ndarray, "n 2"]  # mm per pixel: rows, columns
    names: tuple[str, ...]
    cases: tuple[str | None, ...]
    labels: tuple[str | None, ...]
    sha256: tuple[str, ...]


def prepare(sample: Sample, preprocessing: Preprocessing) -> Sample:
    """The sample on the network's grid, (size, size), with valid, mask, boxes, affine and spacing.

    The image is resized by antialiased bilinear interpolation to whole pixels, round(h s) x round(w s), and
    then padded; spacing, boxes and affine follow the scale that was truly used on each axis. A pixel is
    lesion if at least half of its area is. A lesion so small or thin that no pixel is half covered keeps
    those that it covers most, as many as make its area and at least one, so that none vanishes.
    """
    rows, columns = sample.image.shape
    frame = _frame(rows, columns, preprocessing)
    scale_y, scale_x = frame.rows / rows, frame.columns / columns
    image = Image.fromarray(sample.image).resize((frame.columns, frame.rows), Image.Resampling.BILINEAR)
    valid = np.ones((frame.rows, frame.columns), bool)
    if sample.valid is not None:
        valid = _covered(sample.valid, frame) >= HALF
    move = np.array([[scale_x, 0.0, frame.left], [0.0, scale_y, frame.top], [0.0, 0.0, 1.0]])
    boxes = sample.boxes
    if boxes is not None:
        scale, shift = [scale_x, scale_y] * 2, [frame.left, frame.top] * 2
        boxes = (boxes * scale + shift).astype(np.float32)
    return replace(
        sample,
        image=_place(np.asarray(image), frame),
        mask=None if sample.mask is None else _place(_resize_lesion(sample.mask, frame), frame),
        valid=_place(valid, frame),
        boxes=boxes,
        affine=move[:2] @ np.vstack([sample.affine, [0.0, 0.0, 1.0]]),
        spacing=None
        if sample.spacing is None
        else (sample.spacing[0] / scale_y, sample.spacing[1] / scale_x),
    )


def stack(samples: Sequence[Sample]) -> Batch:
    """Samples of one shape as a batch, in order.

    Raises:
        DataError: none, or of several shapes.
    """
    shapes = {sample.image.shape for sample in samples}
    if len(shapes) != 1:
        raise DataError(
            f"a batch needs samples of one shape, got {sorted(shapes) or 'none'}; prepare them first"
        )
    (shape,) = shapes
    empty, full = np.zeros(shape, bool), np.ones(shape, bool)
    return Batch(
        images=(np.stack([s.image for s in samples])[:, None] / np.float32(255)).astype(
            np.float32, copy=False
        ),
        valid=np.stack([full if s.valid is None else s.valid for s in samples])[:, None],
        masks=np.stack([empty if s.mask is None else s.mask for s in samples]),
        has_mask=np.array([s.mask is not None for s in samples]),
        spacing=np.array([s.spacing or (np.nan, np.nan) for s in samples]),
        names=tuple(s.name for s in samples),
        cases=tuple(s.case for s in samples),
        labels=tuple(s.label for s in samples),
        sha256=tuple(s.sha256 for s in samples),
    )


def network_inputs(
    batch: Batch, preprocessing: Preprocessing
) -> tuple[Float32[np.ndarray, "n c h w"], Bool[np.ndarray, "n c h w"]]:
    """The images as a model gets them, and their real pixels: of one channel, as they are.

    For a network that takes the outlined lesion, a second channel is 1 inside it. It is no part of the image: none of
    its pixels is valid, so that no attack changes it.

    Raises:
        DataError: the network takes outlines, and an image has none.
    """
    if not preprocessing.takes_mask:
        return batch.images, batch.valid
    if not batch.has_mask.all():
        name = batch.names[int(np.argmin(batch.has_mask))]
        raise DataError(
            f"{name} has no outline, and this model takes the outlined lesion as a channel of its input; name images "
            "with masks"
        )
    outline = batch.masks[:, None]
    return (
        np.concatenate([batch.images, outline.astype(np.float32)], 1),
        np.concatenate([batch.valid, np.zeros_like(outline)], 1),
    )


def _frame(rows: int, columns: int, preprocessing: Preprocessing) -> _Frame:
    size = preprocessing.size
    if preprocessing.mode == "stretch":
        return _Frame(size, size, 0, 0, size)
    longest = max(rows, columns)
    height, width = (max(1, (2 * side * size + longest) // (2 * longest)) for side in (rows, columns))
    return _Frame(height, width, (size - height) // 2, (size - width) // 2, size)


def _place(content: _Pixels, frame: _Frame) -> _Pixels:
    grid = np.zeros((frame.size, frame.size), content.dtype)
    grid[frame.top : frame.top + frame.rows, frame.left : frame.left + frame.columns] = content
    return grid


def _resize_lesion(mask: Mask, frame: _Frame) -> Mask:
    covered = _covered(mask, frame)
    kept = covered >= HALF
    if mask.any() and not kept.any():
        best = np.argsort(-covered, axis=None, kind="stable")[: max(1, round(covered.sum()))]
        kept.flat[best] = True
    return kept


def _covered(mask: Mask, frame: _Frame) -> Float[np.ndarray, "h w"]:
    """The share of each new pixel's area that the mask covers, exactly, whatever the scale."""
    return _means(_means(mask.astype(np.float64), frame.rows).T, frame.columns).T


def _means(values: Float[np.ndarray, "a b"], count: int) -> Float[np.ndarray, "c b"]:
    """Means over `count` equal stretches of the first axis: differences of the integral at their borders."""
    integral = np.concatenate([np.zeros((1, values.shape[1])), values.cumsum(0)])
    borders = np.arange(count + 1) * len(values) / count
    below = np.minimum(borders.astype(int), len(values) - 1)
    at_borders = integral[below] + (borders - below)[:, None] * values[below]
    means: Float[np.ndarray, "c b"] = np.diff(at_borders, axis=0) * count / len(values)
    return means
