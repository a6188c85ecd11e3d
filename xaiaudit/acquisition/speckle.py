"""Speckle drawn anew in part, as where the probe comes to lie beside its old place."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from xaiaudit.acquisition.checks import check_range
from xaiaudit.acquisition.view import AXIAL_MM, DYNAMIC_RANGE_DB, LATERAL_MM, Changed, Grey, View

FULLY_DEVELOPED_DB = (
    np.pi / np.sqrt(6) * 10 / np.log(10)
)  # standard deviation of the log of a Rayleigh echo: 5.57 dB


@dataclass(frozen=True, kw_only=True)
class Speckle:
    """The fine grain of the image correlates with that of the first sweep by `correlation`, and is as strong.

    Speckle multiplies the echo, so in the log-compressed image it is added: each pixel is a local mean (Gaussian, one
    point spread wide) and a rest. Of the rest, r remains and sqrt(1 - r^2) of its local strength is drawn anew, as
    noise as coarse as the point spread. Local mean and variance stay what they were, so that black stays black and an
    echo-free cyst stays smooth; no more than fully developed speckle (5.57 dB) is taken for speckle, so that bright
    edges keep the rest of their contrast.

    Source: Burckhardt 1978, IEEE Trans Sonics Ultrason 25:1-6; Wagner et al. 1988, IEEE Trans UFFC 35:34-44.
    """

    correlation: float = (
        0.8  # of the grain in the two sweeps; 0 where they are a beam width apart, 1: the same
    )

    def __post_init__(self) -> None:
        check_range("correlation", self.correlation, 0, 1)

    def __call__(self, image: Grey, view: View, rng: np.random.Generator) -> Changed:
        window = view.pixels(AXIAL_MM, LATERAL_MM)
        rest = np.where(view.valid, image - view.smooth(image, window), 0.0)
        strength = np.sqrt(view.smooth(np.square(rest), window))
        most = FULLY_DEVELOPED_DB / DYNAMIC_RANGE_DB
        share = most / np.maximum(strength, most)  # of the rest that is taken for speckle
        kept, fresh = self.correlation, np.sqrt(1 - self.correlation**2)
        return Changed(image + share * ((kept - 1) * rest + fresh * strength * grain(view, rng)))

    def describe(self) -> str:
        return f"speckle drawn anew, to a correlation of {self.correlation:g} with the first"


def grain(view: View, rng: np.random.Generator) -> Grey:
    """Gaussian noise of unit variance, as coarse as the point spread."""
    sigmas = view.point_spread
    noise = ndimage.gaussian_filter(rng.standard_normal(view.valid.shape), sigmas, mode="wrap")
    impulse = np.zeros(view.valid.shape)
    impulse[0, 0] = 1
    power = np.square(ndimage.gaussian_filter(impulse, sigmas, mode="wrap")).sum()
    return np.asarray(noise / np.sqrt(power))
