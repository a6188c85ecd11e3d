"""The images of one shard, read again, checked against the plan and brought to the network's grid."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from xaiaudit.auditing.cells import none_if_nan
from xaiaudit.auditing.plan import PlannedImage
from xaiaudit.data.datasets import Dataset
from xaiaudit.data.preprocess import network_inputs, prepare, stack
from xaiaudit.data.regions import Regions, regions
from xaiaudit.data.subgroups import subgroups
from xaiaudit.errors import AuditError
from xaiaudit.metrics.chance import chance_uniform
from xaiaudit.metrics.displacement import diagonals
from xaiaudit.metrics.lesions import true_boxes
from xaiaudit.metrics.membership import Membership, membership
from xaiaudit.models import AuditedModel
from xaiaudit.records import REGIONS
from xaiaudit.types import Mask, Sample


@dataclass(frozen=True, kw_only=True, eq=False)
class Loaded:
    """One shard's images on the network's grid, with all that the metrics need to know of them."""

    planned: Sequence[PlannedImage]
    samples: Sequence[Sample]
    images: (
        Tensor  # (n, 1, h, w) float32 in [0, 1], on the 8-bit grid; see `network_inputs` for a second channel
    )
    valid: Tensor  # (n, 1, h, w) bool, of each channel
    masks: np.ndarray  # (n, h, w) bool
    has_outline: np.ndarray  # (n,) an outline is known, empty or not
    has_lesion: np.ndarray  # (n,) and it is not empty
    codes: np.ndarray  # (n, h, w) uint8, index into REGIONS
    member: Membership  # the same within the tolerance of the pointing game
    calibrated: np.ndarray  # (n,) the ring is in true millimetres
    ring_mm: float
    spacing: np.ndarray  # (n, 2) mm per pixel, NaN where unknown
    labels: np.ndarray  # (n,) class index of the model, -1 for none or for a class the model does not know
    subgroups: Sequence[dict[str, str | None]]  # of each image, by the source, whatever the network's grid

    @cached_property
    def areas(self) -> dict[str, np.ndarray]:
        """Share of the valid image in each region, (n,), and within the tolerance of it: what a random point hits.

        NaN without a lesion, and with a tolerance without spacing.
        """
        area = chance_uniform(membership(self.codes, self.has_lesion))
        chance = chance_uniform(self.member)
        return {f"area_{region}": area[f"maximum_in_{region}"] for region in REGIONS[:4]} | {
            f"chance_{region}": chance[f"maximum_in_{region}"] for region in (*REGIONS[:4], "any")
        }

    @cached_property
    def field(self) -> dict[str, Sequence[Any]]:
        """What a comparison of two audits asks of the images: columns of `records.MAPS`, one value an image."""
        valid = self.codes != REGIONS.index("padding")
        lesion = np.where(self.has_lesion, (self.codes == 0).sum((1, 2)), 0)
        known = np.isfinite(self.spacing).all(1)
        return {
            "spacing": [
                pair if there else None for pair, there in zip(self.spacing.tolist(), known, strict=True)
            ],
            "diagonal": [none_if_nan(value) for value in diagonals(valid)],
            "lesion_pixels": lesion.tolist(),
            "valid_pixels": valid.sum((1, 2)).tolist(),
        }

    @cached_property
    def true_boxes(self) -> list[np.ndarray | None]:
        """Of each image (g, 4), see `metrics.lesions`; None where there is a lesion and nobody knows where."""
        return [true_boxes(sample) for sample in self.samples]

    @property
    def seeds(self) -> list[int]:
        return [image.seed for image in self.planned]


def load_images(
    planned: Sequence[PlannedImage],
    model: AuditedModel,
    dataset: Dataset,
    *,
    ring_mm: float,
    tolerance_mm: float,
) -> Loaded:
    """Read, check and prepare the planned images.

    Raises:
        AuditError: an image is no longer what it was when the audit was planned.
    """
    samples, groups = [], []
    for image in planned:
        source = dataset[image.index]
        if source.sha256 != image.sha256:
            raise AuditError(
                f"{image.name} has changed since the audit was planned; start afresh in another folder"
            )
        groups.append(subgroups(source))
        samples.append(prepare(source, model.preprocessing))
    batch = stack(samples)
    images, valid = network_inputs(batch, model.preprocessing)
    has_lesion = batch.has_mask & batch.masks.any((1, 2))
    divided = [
        regions_around(mask, sample, real, ring_mm)
        for sample, mask, real in zip(samples, batch.masks, batch.valid[:, 0], strict=True)
    ]
    codes = np.stack([item.codes for item in divided])
    classes = {name: index for index, name in enumerate(model.classes)}
    return Loaded(
        planned=planned,
        samples=samples,
        images=torch.from_numpy(images).to(model.device),
        valid=torch.from_numpy(valid).to(model.device),
        masks=batch.masks,
        has_outline=batch.has_mask,
        has_lesion=has_lesion,
        codes=codes,
        member=membership(codes, has_lesion, tolerance_mm=tolerance_mm, spacing=batch.spacing),
        calibrated=np.array([item.calibrated for item in divided]) & has_lesion,
        ring_mm=ring_mm,
        spacing=batch.spacing,
        labels=np.array([classes.get(sample.label or "", -1) for sample in samples], np.int64),
        subgroups=groups,
    )


def regions_around(mask: Mask, sample: Sample, valid: Mask, ring_mm: float) -> Regions:
    """The regions that a mask defines on the grid of a prepared sample."""
    return regions(
        mask,
        spacing=sample.spacing,
        valid=valid,
        ring_mm=ring_mm,
        aspect=float(sample.affine[0, 0] / sample.affine[1, 1]),
    )
