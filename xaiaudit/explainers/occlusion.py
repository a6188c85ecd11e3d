"""Occlusion: how far the score falls when a window of the image is covered."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from xaiaudit.errors import UsageError
from xaiaudit.explainers.checks import at_least, in_unit_range
from xaiaudit.explainers.on_image import AT_ONCE, OnImage, score_of
from xaiaudit.tensors import Images, Labels, Model, Saliency, Valid


@dataclass(frozen=True, kw_only=True)
class Occlusion(OnImage):
    """Of each pixel, the mean of score(x) - score(x covered) over all windows that hold it; signed.

    Windows are squares, the last of a row or column cut off at the edge. Padding is not covered: a window that lies
    in it changes nothing, and one that reaches into it is as large as its part of the image.

    Source: Zeiler & Fergus 2014, arXiv:1311.2901, section 4.2; computed by Captum.
    """

    window: int = 16  # pixels a side
    stride: int = 8  # pixels from one window to the next
    baseline: float = 0.0  # grey level of what covers, in [0, 1]

    signed: ClassVar[bool] = True

    def __post_init__(self) -> None:
        at_least("window", self.window, 1)
        at_least("stride", self.stride, 1)
        in_unit_range("baseline", self.baseline)
        if self.stride > self.window:
            raise UsageError(
                f"stride {self.stride} is larger than window {self.window}, so that pixels between the windows would "
                "never be covered: make it the window at most"
            )

    def explained(self, model: Model) -> str:
        """Raises UsageError where the window is larger than the images that the model takes."""
        preprocessing = getattr(model, "preprocessing", None)
        if preprocessing is not None:
            self._check_window(preprocessing.size, preprocessing.size)
        return "image"

    def forwards(self, model: Model, size: tuple[int, int]) -> int:
        rows, columns = (1 + -(-max(0, side - self.window) // self.stride) for side in size)
        return 2 + rows * columns  # the windows, and the image as it is

    def _check_window(self, rows: int, columns: int) -> None:
        if self.window > min(rows, columns):
            raise UsageError(
                f"the explainer occlusion: window {self.window} is larger than the image of {rows} × {columns} pixels; "
                "make it smaller, e.g. occlusion:window=16"
            )

    def attribute(
        self, model: Model, images: Images, target: Labels, valid: Valid, seeds: Sequence[int]
    ) -> Saliency:
        """Raises UsageError where the window is larger than the image."""
        from captum.attr import Occlusion as Captum  # takes a second, and brings in matplotlib

        n, channels, rows, columns = images.shape
        self._check_window(rows, columns)
        with torch.no_grad():
            found = Captum(score_of(model)).attribute(
                images,
                sliding_window_shapes=(channels, self.window, self.window),
                strides=(channels, self.stride, self.stride),
                baselines=torch.where(valid, self.baseline, images),
                additional_forward_args=(target,),
                perturbations_per_eval=max(1, AT_ONCE // n),
            )
        maps: Saliency = found[:, 0].to(
            images
        )  # float32 by Captum; every channel of a covered pixel tells the same
        return maps
