"""What the metrics of one map cost: `python -m benchmarks.map_metrics`.

Processor time on one thread of a whole row of maps.parquet: every metric of an attacked map, and all that is stored
of it. The map is made up: smoothed noise on the image's own grid (224 cells a side) or a layer's, of a phantom.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy reads it

import statistics
import time
from types import SimpleNamespace
from typing import Any

import click
import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from xaiaudit.auditing.judging import Judged
from xaiaudit.auditing.loading import Loaded, load_images
from xaiaudit.auditing.map_rows import map_rows
from xaiaudit.auditing.plan import PlannedImage
from xaiaudit.data.phantoms import phantom_dataset
from xaiaudit.types import Preprocessing

GRIDS = (7, 14, 28, 224)


@click.command(context_settings={"show_default": True})
@click.option(
    "--repeats", type=click.IntRange(1), default=15, help="Rows timed of each grid, after one to warm up."
)
@click.option("--size", type=click.IntRange(32), default=224, help="Pixels of the square image.")
def main(repeats: int, size: int) -> None:
    """Median processor time of the metrics of one map, in ms."""
    torch.set_num_threads(1)
    loaded = image(size)
    click.echo("cells  signed  median ms  (least to greatest)")
    for cells in GRIDS:
        for signed in (False, True):
            times = [1e3 * row_seconds(loaded, min(cells, size), signed) for _ in range(repeats + 1)][1:]
            spread = f"({min(times):.1f} to {max(times):.1f})"
            click.echo(f"{cells:>5}  {signed!s:<6}  {statistics.median(times):>9.1f}  {spread}")


def image(size: int) -> Loaded:
    """A phantom on the network's grid, with its regions."""
    dataset = phantom_dataset(1, seed=0, size=size)
    sample = dataset[0]
    planned = PlannedImage(name=sample.name, part=0, index=0, sha256=sample.sha256, case="0", seed=0)
    preprocessing = Preprocessing(size=size, channels=1, mean=(0.5,), std=(0.5,))
    model: Any = SimpleNamespace(preprocessing=preprocessing, device="cpu", classes=("benign", "malignant"))
    return load_images([planned], model, dataset, ring_mm=5.0, tolerance_mm=0.0)


def row_seconds(loaded: Loaded, cells: int, signed: bool) -> float:
    """Of one row under an attack that moved the map."""
    rng = np.random.default_rng(0)
    before, after = (gaussian_filter(rng.normal(size=(1, cells, cells)), (0, 1, 1)) for _ in range(2))
    maps = [(plane if signed else plane.clip(0)).astype(np.float32) for plane in (before, before + after)]
    clean, attacked = (judged(plane) for plane in maps)
    model: Any = SimpleNamespace(classes=("benign", "malignant"))
    explainers: Any = {"made-up": SimpleNamespace(signed=signed)}
    start = time.process_time()
    map_rows(model, loaded, explainers, clean, attacked, attack_id="made-up")
    return time.process_time() - start


def judged(maps: np.ndarray) -> Judged:
    """A decision that stands."""
    return Judged(
        logits=np.zeros((1, 2), np.float32),
        margin=np.zeros(1),
        decision=np.zeros(1, np.int64),
        dice=np.full(1, np.nan),
        maps={("made-up", "own"): maps},
    )


if __name__ == "__main__":
    main()
