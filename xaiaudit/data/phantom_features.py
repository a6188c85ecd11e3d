"""What tells a benign phantom lesion from a malignant one, and how both are drawn."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal, get_args

import numpy as np
from scipy.special import ndtr

from xaiaudit.errors import UsageError

Label = Literal["benign", "malignant"]
Cue = Literal["shape", "margin", "echo", "texture", "posterior"]
CUES: tuple[Cue, ...] = get_args(Cue)

# Regions (of data.regions) that hold the evidence, where one cue alone tells the classes apart.
PLACES: Mapping[Cue, tuple[str, ...]] = {
    "shape": ("lesion", "ring", "posterior"),  # what an upright lesion casts is narrower
    "margin": ("lesion", "ring"),
    "echo": ("lesion",),
    "texture": ("lesion",),
    "posterior": ("ring", "posterior"),
}
FIELDS: Mapping[Cue, str] = {
    "shape": "shape",
    "margin": "margin_mm",
    "echo": "echo_db",
    "texture": "texture_db",
    "posterior": "posterior_db",
}
SEPARATION = 1.4  # of the class means of each cue, in standard deviations


@dataclass(frozen=True, kw_only=True)
class PhantomFeatures:
    """A lesion. The first five are the cues; the others are the same for both classes."""

    shape: float  # 0 oval and lying, over lobulated, to 1 spiculated and upright
    margin_mm: float  # width of the transition: 0.1 circumscribed to 2.5 indistinct
    echo_db: float  # against glandular tissue: -7 isoechoic, -20 markedly hypoechoic, -26 and less anechoic
    texture_db: float  # standard deviation of the echo level inside
    posterior_db: float  # behind the lesion's centre: enhancement above 0, shadow below
    diameter_mm: float  # of the disc of the same area
    angle_deg: float  # of the long axis against the skin
    across: float  # of the centre: 0 leftmost to 1 rightmost place with room for the lesion
    down: float  # of the centre: 0 shallowest to 1 deepest


def draw_features(label: Label, rng: np.random.Generator, cue: Cue | None = None) -> PhantomFeatures:
    """A lesion of this class. The classes overlap: an ideal observer of the features has an AUC of 0.987.

    Args:
        cue: the only feature that tells the classes apart, as well as all five together do otherwise; every
            other feature then has one distribution for both. None: all five, independent within a class.

    Each cue follows a score, normal with unit variance, whose mean is half the separation above 0 for
    malignant and below it for benign lesions; five separations d add up to sqrt(5) d.
    """
    if cue is not None and cue not in CUES:
        near = get_close_matches(cue, CUES, 1, 0.4) or CUES
        raise UsageError(f"there is no cue {cue!r}; did you mean {' or '.join(near)}?")
    side = 0.5 if label == "malignant" else -0.5
    separations = [
        SEPARATION if cue is None else SEPARATION * math.sqrt(len(CUES)) * (name == cue) for name in CUES
    ]
    quantiles = ndtr(rng.standard_normal(len(CUES)) + side * np.array(separations))
    cues = {
        FIELDS[name]: _value(name, float(quantile)) for name, quantile in zip(CUES, quantiles, strict=True)
    }
    return PhantomFeatures(
        **cues,
        diameter_mm=float(np.clip(13 * math.exp(0.25 * rng.standard_normal()), 7, 22)),
        angle_deg=float(10 * rng.standard_normal()),
        across=float(rng.uniform()),
        down=float(rng.uniform()),
    )


def neutral(features: PhantomFeatures, cue: Cue) -> PhantomFeatures:
    """The same lesion with one cue half way between the classes, whatever it was: it no longer tells them apart."""
    return replace(features, **{FIELDS[cue]: _value(cue, 0.5)})


def _value(cue: Cue, quantile: float) -> float:
    """From the benign end, 0, to the malignant end, 1."""
    match cue:
        case "shape":
            return quantile
        case "margin":
            return float(0.12 * (2.5 / 0.12) ** quantile)
        case "echo":
            return _echo(quantile)
        case "texture":
            return 0.5 + 5.5 * quantile
        case "posterior":
            return 8 - 24 * quantile


def _echo(quantile: float) -> float:
    """A fifth of the range, on the benign side, are cysts; the others darken from isoechoic."""
    if quantile < 0.2:
        return -26 - 30 * quantile
    return -7 - 20 * (quantile - 0.2)
