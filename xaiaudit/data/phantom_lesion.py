"""A lesion in the breast: its outline, its margin, its inside and what it does to the echoes behind it."""

import math

import numpy as np
from scipy import ndimage

from xaiaudit.data.phantom_features import PhantomFeatures
from xaiaudit.data.phantom_tissue import Field, Grid, Tissue, smooth
from xaiaudit.types import Mask

ANGLES = np.linspace(-math.pi, math.pi, 721)
EDGE_MM = 4.0  # kept free around a lesion, where the field of view has room
BEAM_MM = 1.0  # lateral blur of what a lesion casts


def place(
    tissue: Tissue, grid: Grid, features: PhantomFeatures, rng: np.random.Generator
) -> tuple[Tissue, Mask]:
    """The tissue with a lesion in it, and the lesion's outline, filled.

    The mask ends where the transition is half way, whatever the margin. What the lesion casts depends on its
    ellipse, not on its outline, and begins behind it: so no cue shows in the place of another, but that an upright
    lesion casts a narrower shadow.
    """
    aspect = 0.55 + 0.45 * features.shape  # height over width
    across, down = features.diameter_mm / 2 / math.sqrt(aspect), features.diameter_mm / 2 * math.sqrt(aspect)
    x = grid.across[None, :] - _centre(features.across, grid.extent_mm[1], across)
    z = grid.depth[:, None] - _centre(features.down, grid.extent_mm[0], down)
    turn = math.radians(features.angle_deg)
    along, through = x * math.cos(turn) + z * math.sin(turn), z * math.cos(turn) - x * math.sin(turn)
    radius = np.hypot(along / across, through / down) + np.float32(1e-6)
    angle = np.arctan2(through / down, along / across)
    outline = np.interp(angle, ANGLES, _outline(features.shape, rng)).astype(np.float32)
    distance = np.hypot(x, z) * (1 - outline / radius)  # mm outside the outline, towards the centre

    frayed = distance + 0.5 * features.margin_mm * smooth(grid, (1.5, 2.0), rng)
    inside = 0.5 - 0.5 * np.tanh(frayed / features.margin_mm)
    echo = features.echo_db + features.texture_db * smooth(grid, (0.8, 1.0), rng)
    capsule = 3 * (1 - features.shape) * math.exp(-features.margin_mm / 0.3) * np.square(np.sin(angle))
    specular = tissue.specular * (1 - inside) + capsule * np.exp(-np.square(distance / 0.2))
    return Tissue(
        echo_db=tissue.echo_db + inside * (echo - tissue.echo_db),
        specular=specular.astype(np.float32),
        loss_db=tissue.loss_db - features.posterior_db * _cast(radius < 1, grid),
    ), distance < 0


def _centre(fraction: float, extent: float, half: float) -> float:
    """In mm; the middle where the lesion finds no room."""
    first, last = half + EDGE_MM, extent - half - EDGE_MM
    return first + fraction * (last - first) if last > first else extent / 2


def _outline(shape: float, rng: np.random.Generator) -> Field:
    """Radius over that of the ellipse, at `ANGLES`; the enclosed area is the ellipse's."""
    waves = np.arange(2, 8)
    heights = rng.standard_normal(6) / np.sqrt(waves)
    lobes = (0.02 + 0.15 * shape**2) * (
        heights * np.cos(np.outer(ANGLES, waves) + rng.uniform(0, 2 * math.pi, 6))
    ).sum(1)
    at = rng.uniform(-math.pi, math.pi, 14)
    away = np.abs((ANGLES[:, None] - at + math.pi) % (2 * math.pi) - math.pi)
    spicules = (rng.uniform(0, 1, 14) * np.maximum(1 - away / rng.uniform(0.10, 0.22, 14), 0)).max(1)
    radius = np.maximum(1 + lobes + max(shape - 0.45, 0) * spicules, 0.4)
    return np.asarray(radius / math.sqrt(np.square(radius).mean()), np.float32)


def _cast(ellipse: Mask, grid: Grid) -> Field:
    """Share of the full effect behind the ellipse: the path through it over the longest path, (h, w)."""
    path = ellipse.sum(0) / max(int(ellipse.sum(0).max()), 1)
    bottom = grid.depth[len(ellipse) - 1 - ellipse[::-1].argmax(0)]  # of the ellipse in each column
    behind = 0.5 + 0.5 * np.tanh((grid.depth[:, None] - bottom - 0.6) / 0.4)
    pixel = float(grid.across[1] - grid.across[0])
    return np.asarray(ndimage.gaussian_filter1d(path * behind, BEAM_MM / pixel, axis=1), np.float32)
