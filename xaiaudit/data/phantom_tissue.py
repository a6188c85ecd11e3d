"""The breast around a lesion: skin, fat with its septa, glandular tissue, pectoral muscle."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]


class Grid(NamedTuple):
    """Where the pixels lie, in mm."""

    depth: Field  # of each row, (h,), from the skin to beyond the field of view
    across: Field  # of each column, (w,); beyond the field of view on both sides
    extent_mm: tuple[float, float]  # of the field of view: depth, width


class Tissue(NamedTuple):
    """What sends echoes, each (h, w), against the mean of glandular tissue."""

    echo_db: Field  # mean power of the diffuse scatterers
    specular: Field  # amplitude of smooth interfaces
    loss_db: Field  # on the way to each pixel and back, beyond what time gain compensation makes good


def breast(grid: Grid, rng: np.random.Generator) -> Tissue:
    """A layered breast, (h, w), of interfaces and textures drawn from `rng`."""
    extent = grid.extent_mm[0]
    skin = rng.uniform(1.2, 2.2)
    fat_end = skin + rng.uniform(0.06, 0.28) * extent
    gland_end = rng.uniform(0.62, 0.85) * extent
    skin_at = skin + 0.15 * profile(grid.across, 8.0, rng)
    fat_at = fat_end + rng.uniform(0.5, 1.8) * profile(grid.across, rng.uniform(5, 12), rng)
    gland_at = np.maximum(gland_end + 1.2 * profile(grid.across, 14.0, rng), fat_at + 2)
    muscle_at = gland_at + rng.uniform(0.5, 4.0) + rng.normal(0, 0.06) * grid.across
    below_skin, below_fat, below_gland, below_muscle = (
        _step(grid.depth[:, None] - at, blur)
        for at, blur in ((skin_at, 0.15), (fat_at, 0.5), (gland_at, 0.4), (muscle_at, 0.25))
    )
    bend = 1.4 * profile(grid.across, 12.0, rng) + rng.normal(0, 0.08) * grid.across
    lobules = smooth(grid, (2.2, 4.0), rng)
    grain = _bent(0.7 * smooth(grid, (0.5, 2.5), rng) + 0.7 * smooth(grid, (1.2, 2.0), rng), bend, grid)
    gland_db = rng.uniform(2.0, 5.0) * lobules + rng.uniform(1.5, 3.0) * grain
    fat_db = rng.uniform(-14, -7) + rng.uniform(1.0, 2.5) * grain
    muscle_db = rng.uniform(-13, -8) + 2.5 * smooth(grid, (0.5, 6.0), rng)
    echo = np.full(lobules.shape, 4.0, np.float32)
    echo += below_skin * (fat_db - 4.0)
    echo += below_fat * (gland_db - fat_db)
    echo += below_gland * (fat_db - gland_db)
    echo += below_muscle * (muscle_db - fat_db)

    septa = ridges(grid, (2.5, 6.0), 0.2, rng) * (below_skin * (1 - 0.5 * below_fat) * (1 - below_muscle))
    streaks = _bent(ridges(grid, (0.9, 4.0), 0.2, rng) + ridges(grid, (0.7, 3.0), 0.16, rng), bend, grid)
    streaks *= 0.2 * below_skin + 0.6 * below_fat - 0.4 * below_muscle
    specular = rng.uniform(1.5, 5.0) * septa + rng.uniform(1.0, 5.0) * streaks
    for at, thickness, strength in ((0.3, 0.3, 5.0), (skin_at, 0.25, 3.0), (muscle_at, 0.25, 4.0)):
        line = strength * np.clip(0.5 + 0.5 * profile(grid.across, 3.0, rng), 0, 2)
        specular += line * np.exp(-np.square((grid.depth[:, None] - at) / thickness))
    return Tissue(echo_db=echo, specular=specular.astype(np.float32), loss_db=_loss(grid, rng))


def _loss(grid: Grid, rng: np.random.Generator) -> Field:
    """Attenuation that the time gain compensation leaves: with depth, and per column (contact, ligaments)."""
    extent = grid.extent_mm[0]
    deep = rng.uniform(0.1, 1.4) * np.maximum(grid.depth - rng.uniform(0.25, 0.7) * extent, 0)
    columns = rng.uniform(0.0, 0.16) * np.maximum(profile(grid.across, rng.uniform(3, 7), rng), -1)
    return np.asarray(deep[:, None] + columns * grid.depth[:, None], np.float32)


def smooth(grid: Grid, knots_mm: tuple[float, float], rng: np.random.Generator) -> Field:
    """A random field of about unit variance, (h, w): a cubic B-spline on knots in mm, whatever the pixels."""
    rows, columns = _basis(grid.depth, knots_mm[0]), _basis(grid.across, knots_mm[1])
    knots = rng.standard_normal((rows.shape[1], columns.shape[1]), np.float32)
    return np.asarray(rows @ knots @ columns.T, np.float32)


def profile(across: Field, knots_mm: float, rng: np.random.Generator) -> Field:
    """The same along one axis, (w,)."""
    basis = _basis(across, knots_mm)
    return basis @ rng.standard_normal(basis.shape[1], np.float32)


def ridges(grid: Grid, knots_mm: tuple[float, float], thickness_mm: float, rng: np.random.Generator) -> Field:
    """Thin sheets where a smooth field is zero, (h, w), in [0, 1]: bright where they face the beam."""
    rows, columns = _basis(grid.depth, knots_mm[0]), _basis(grid.across, knots_mm[1])
    knots = rng.standard_normal((rows.shape[1], columns.shape[1]), np.float32)
    level = rows @ knots @ columns.T
    down = np.gradient(level, grid.depth, axis=0)
    along = np.gradient(level, grid.across, axis=1)
    slope = np.sqrt(down**2 + along**2) + np.float32(1e-3)
    facing = np.square(down / slope)
    patchy = np.clip(0.5 + 0.6 * smooth(grid, (knots_mm[0], knots_mm[1] / 2), rng), 0, 1)
    return np.asarray(np.exp(-np.square(level / slope / thickness_mm)) * facing * patchy)


def _bent(field: Field, bend_mm: Field, grid: Grid) -> Field:
    """Each column moved down by its bend, to the nearest pixel; mirrored at top and bottom."""
    last = len(grid.depth) - 1
    bend = np.rint(bend_mm / (grid.depth[1] - grid.depth[0])).astype(int).clip(-last, last)
    moved = np.abs(np.arange(last + 1)[:, None] - bend)
    return np.take_along_axis(field, last - np.abs(last - moved), 0)


def _basis(at_mm: Field, knots_mm: float) -> Field:
    """Cubic B-splines on equal knots, (pixels, knots), scaled so that unit knots give about unit variance."""
    first = math.floor(float(at_mm[0]) / knots_mm) - 1
    last = math.ceil(float(at_mm[-1]) / knots_mm) + 2
    t = np.abs(at_mm[:, None] / np.float32(knots_mm) - np.arange(first, last, dtype=np.float32))
    near, far = t * t * (t / 2 - 1) + 2 / 3, np.maximum(2 - t, 0)
    return np.asarray(np.where(t < 1, near, far * far * far / 6) * 1.44, np.float32)


def _step(distance_mm: Field, width_mm: float) -> Field:
    """From 0 to 1 across an interface."""
    return np.asarray(0.5 + 0.5 * np.tanh(distance_mm / width_mm), np.float32)
