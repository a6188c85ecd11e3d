"""How a linear array sees a field of scatterers: point spread, envelope, noise, logarithmic compression."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from xaiaudit.data.phantom_tissue import Field, Grid, Tissue
from xaiaudit.types import GreyImage

ROUGHNESS = 0.6  # share of an interface's echo that is diffuse
SIGMAS_PER_WIDTH = 2 * math.sqrt(2 * math.log(2))  # of a Gaussian's full width at half maximum


@dataclass(frozen=True, kw_only=True)
class Scanner:
    """The point spread and the display. Lengths are full widths at half maximum, in mm."""

    axial_mm: float = 0.34
    lateral_mm: float = 0.60  # in the focus
    focus_mm: float = 18.0  # depth of the focus
    focal_zone_mm: float = 14.0  # away from the focus by this much, the beam is sqrt(2) times as wide
    display_mm: float = 0.25  # smoothing of the compressed picture by interpolation and speckle reduction
    dynamic_range_db: float = 55.0
    gain_db: float = 0.0
    grey: float = 0.45  # of white, at the mean level of glandular tissue
    angles: int = 3  # images from this many steering angles are averaged (spatial compounding)
    noise_db: float = -42.0  # electronic noise, against the mean of glandular tissue, at the surface
    noise_slope_db: float = 0.3  # per mm: time gain compensation amplifies the noise with depth

    def lateral_at(self, depth_mm: Field) -> Field:
        """Beam width in mm at each depth."""
        away = (depth_mm - self.focus_mm) / self.focal_zone_mm
        return np.asarray(self.lateral_mm * np.sqrt(1 + away**2), np.float32)


def scan(scanner: Scanner, tissue: Tissue, grid: Grid, rng: np.random.Generator) -> GreyImage:
    """A B-mode image of the tissue, (h, w).

    The scatterers of a pixel are many and their phases random, so their sum is complex Gaussian (fully
    developed speckle: Wagner et al. 1983, IEEE Trans Sonics Ultrason 30:156-163); a smooth interface adds
    coherently. The arrays lie as (angle, h, w).
    """
    height, width = (float(axis[1] - axis[0]) for axis in (grid.depth, grid.across))
    shape = (scanner.angles, *tissue.echo_db.shape)
    scatterers = _complex_normal(rng, shape)
    scatterers *= _amplitude(tissue.echo_db) + ROUGHNESS * tissue.specular
    scatterers += (1 - ROUGHNESS) * tissue.specular
    scatterers *= _amplitude(-tissue.loss_db)
    beam = _lateral(scatterers, scanner.lateral_at(grid.depth) / SIGMAS_PER_WIDTH / width)
    beam = _axial(beam, scanner.axial_mm / SIGMAS_PER_WIDTH / height)
    power = (np.square(beam.real) + np.square(beam.imag)).mean(0)
    noise = np.square(_amplitude(scanner.noise_db + scanner.noise_slope_db * grid.depth))
    power += noise[:, None] * rng.standard_gamma(scanner.angles, power.shape, np.float32) / scanner.angles
    smoothing = scanner.display_mm / SIGMAS_PER_WIDTH
    decibel = ndimage.gaussian_filter(
        10 * np.log10(power), (smoothing / height, smoothing / width), truncate=3
    )
    white = scanner.grey + (decibel + scanner.gain_db) / scanner.dynamic_range_db
    return np.asarray(np.clip(white, 0, 1) * 255 + 0.5, np.uint8)


def _amplitude(decibel: Field) -> Field:
    return np.asarray(np.exp(decibel * np.float32(math.log(10) / 20)))


def _complex_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.complex64]:
    """Unit mean power."""
    parts = rng.standard_normal((*shape, 2), np.float32)
    parts *= math.sqrt(0.5)
    return _complex(parts)


def _complex(parts: NDArray[np.float32]) -> NDArray[np.complex64]:
    """Real and imaginary parts on the last axis, without a copy."""
    return parts.view(np.complex64)[..., 0]


def _lateral(field: NDArray[np.complex64], sigma: Field) -> NDArray[np.complex64]:
    """Blur each row by its own Gaussian (standard deviations in pixels, (h,)), keeping the power of noise."""
    columns = field.shape[-1]
    frequency = fft.fftfreq(columns).astype(np.float32)
    transfer = np.exp(-2 * np.square(np.pi * sigma[:, None] * frequency))
    transfer /= np.sqrt(np.square(transfer).mean(1, keepdims=True))
    spectrum = fft.fft(field, axis=-1, overwrite_x=True)
    spectrum *= transfer
    return np.asarray(fft.ifft(spectrum, axis=-1, overwrite_x=True))


def _axial(field: NDArray[np.complex64], sigma: float) -> NDArray[np.complex64]:
    """Blur each column, keeping the power of noise."""
    reach = math.ceil(3 * sigma)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= math.sqrt(np.square(kernel).sum())
    parts = field[..., None].view(np.float32)
    return _complex(ndimage.correlate1d(parts, kernel, axis=-3, mode="nearest"))
