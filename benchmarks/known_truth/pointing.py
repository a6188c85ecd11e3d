"""How often the maps of an explainer point where the cue is."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.known_truth.cases import Cases, inside
from benchmarks.known_truth.subject import BATCH
from xaiaudit.errors import UsageError
from xaiaudit.explainers.base import Explainer
from xaiaudit.metrics.chance import chance_shuffled, chance_uniform
from xaiaudit.metrics.energy import energy_shares
from xaiaudit.metrics.extremes import defined
from xaiaudit.metrics.membership import membership
from xaiaudit.metrics.pointing import pointing, pointing_inside
from xaiaudit.models import AuditedModel
from xaiaudit.records import REGIONS
from xaiaudit.types import Codes, Maps

IN, OUT = REGIONS.index("lesion"), REGIONS.index("elsewhere")  # stand for the place and for all else


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Of n cases, each a list of n in [0, 1]; NaN where the map is undefined (and "either" of an unsigned one)."""

    maximum: list[float]  # in the place; tied cells give their share
    within_a_cell: list[float]  # in the place or at most one cell of the network's last layer away from it
    aligned: list[float]  # of a layer's map: in the place, where cells lie at the centre of what they see
    either: list[float]  # maximum or minimum
    energy: list[float]  # share of the positive mass
    in_region: dict[str, list[float]]  # the maximum, in each region by itself
    chance: list[float]  # a point drawn from the image lies in the place
    chance_within: list[float]  # or within a cell of it
    shuffled: float  # the maximum of another case's map lies in the place; NaN with fewer than two maps


def maps_of(explainer: Explainer, model: AuditedModel, images: np.ndarray, target: np.ndarray) -> Maps:
    """(n, u, v), raw.

    Raises:
        UsageError: the network cannot be explained so.
    """
    explainer.explained(model)
    parts = zip(torch.from_numpy(images).split(BATCH), torch.from_numpy(target).split(BATCH), strict=True)
    return np.concatenate([explainer(model, *part).numpy() for part in parts]).astype(np.float64)


def score(maps: Maps, cases: Cases, place: Collection[str], *, signed: bool, cell: float) -> Scores:
    """`cell` is the side of a cell of the last layer, in pixels."""
    everywhere = np.ones(len(maps), bool)
    codes: Codes = np.where(inside(cases.codes, place), IN, OUT).astype(np.uint8)
    pixels = np.ones((len(maps), 2))  # so that a tolerance counts in pixels
    strict = membership(codes, everywhere)
    wide = membership(codes, everywhere, tolerance_mm=cell, spacing=pixels)
    exact, near = (pointing_inside(maps, member, signed=signed) for member in (strict, wide))
    each = pointing(maps, cases.codes, everywhere, signed=signed)
    energy = energy_shares(maps, codes, everywhere)["energy_lesion"]
    energy[~defined(maps, signed=signed)] = np.nan
    aligned = pointing_inside(maps, membership(_moved(codes, maps), everywhere), signed=signed)
    return Scores(
        maximum=exact["maximum_in_lesion"].tolist(),
        within_a_cell=near["maximum_in_lesion"].tolist(),
        aligned=aligned["maximum_in_lesion"].tolist()
        if maps.shape[1] < codes.shape[1]
        else [np.nan] * len(maps),
        either=exact["either_in_lesion"].tolist(),
        energy=energy.tolist(),
        in_region={region: each[f"maximum_in_{region}"].tolist() for region in REGIONS},
        chance=chance_uniform(strict)["maximum_in_lesion"].tolist(),
        chance_within=chance_uniform(wide)["maximum_in_lesion"].tolist(),
        shuffled=chance_shuffled(maps, strict.at_cells(maps.shape[1:]), signed=signed)["maximum_in_lesion"],
    )


def _moved(codes: Codes, maps: Maps) -> Codes:
    """The regions as far down and to the right as the cells of small-cnn lie too far there.

    A convolution of stride 2 over 3 pixels with padding 1 puts the centre of what cell i sees at pixel 2 i, while the
    cell covers 2 i and 2 i + 1: down to cells of s pixels, at pixel s i, while hits are looked up at s i + s // 2.
    """
    by = codes.shape[1] // maps.shape[1] // 2
    return np.pad(codes, ((0, 0), (by, 0), (by, 0)), mode="edge")[:, : codes.shape[1], : codes.shape[2]]


def scores_or_reason(
    explainer: Explainer,
    model: AuditedModel,
    cases: Cases,
    target: np.ndarray,
    place: Collection[str],
    cell: float,
) -> Scores | str:
    """The scores; where the network cannot be explained so, why not."""
    try:
        maps = maps_of(explainer, model, cases.images, target)
    except UsageError as refused:
        return str(refused)
    return score(maps, cases, place, signed=explainer.signed, cell=cell)
