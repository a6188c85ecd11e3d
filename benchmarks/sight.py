"""Where the cells of a layer look: `python -m benchmarks.sight model.pt`, the table of docs/regions.md."""

from pathlib import Path

import click
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from benchmarks.cells import CHECKPOINT
from benchmarks.subjects import Source, subject
from xaiaudit.metrics.grids import centres
from xaiaudit.models import AuditedModel

Field = Float[Tensor, "images h w"]


@click.command(context_settings={"show_default": True})
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), help="The data it was trained on, where they moved.")
@click.option("--layer", help="By its dotted name.  [default: the model's own]")
@click.option("--images", type=click.IntRange(1), default=16, help="Of the recorded test split.")
def main(checkpoint: Path, data: Path | None, layer: str | None, images: int) -> None:
    """Print where the cells on the diagonal of a layer's grid look, from the upper left one to the lower right one.

    For each cell: how far below and to the right of its own centre the centre of its gradients to the image lies,
    in pixels, and the share of their squares that lies inside the cell; medians of the images.
    """
    found = subject(CHECKPOINT, images, "cpu", 0, Source(checkpoint=checkpoint, data=data))
    model = found.model
    chosen = layer or model.cam_layer
    click.echo("| cell | looks lower by, px | further right by, px | share inside the cell, % |")
    click.echo("| --- | --- | --- | --- |")
    for cell, (down, right, inside) in enumerate(looks(model, found.images, chosen)):
        click.echo(f"| {cell} | {down:.0f} | {right:.0f} | {100 * inside:.0f} |")


def looks(model: AuditedModel, images: Tensor, layer: str) -> list[tuple[float, float, float]]:
    """Displacement downwards and to the right, pixels, and the share inside, of each cell on the diagonal.

    The gradients are those of a random sum of the cell's channels: all of them count, and none by its size.
    """
    inputs = images.clone().requires_grad_()
    features = model(inputs, (layer,)).features[layer]  # (n, c, u, v)
    signs = torch.randn(features.shape[1], generator=torch.Generator().manual_seed(0))
    summed = torch.einsum("ncuv,c->nuv", features, signs)
    cells, size = min(summed.shape[1:]), (images.shape[2], images.shape[3])
    rows, columns = (centres(n, pixels) for n, pixels in zip(summed.shape[1:], size, strict=True))
    found = []
    for cell in range(cells):
        (slopes,) = torch.autograd.grad(summed[:, cell, cell].sum(), inputs, retain_graph=True)
        field = slopes[:, 0].double() ** 2
        down, right = _centre(field)
        inside = _inside(field, cell, (summed.shape[1], summed.shape[2]))
        found.append(
            (
                float(np.median(down - rows[cell])),
                float(np.median(right - columns[cell])),
                float(np.median(inside)),
            )
        )
    return found


def _centre(field: Field) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of the mass centre, (n,) each, pixels from the upper left corner."""
    total = field.sum((1, 2))
    down = (field.sum(2) * (torch.arange(field.shape[1]) + 0.5)).sum(1) / total
    right = (field.sum(1) * (torch.arange(field.shape[2]) + 0.5)).sum(1) / total
    return down.numpy(), right.numpy()


def _inside(field: Field, cell: int, grid: tuple[int, int]) -> np.ndarray:
    """Share of the mass in the square that the cell is drawn as, (n,)."""
    rows, columns = (
        slice(cell * pixels // n, (cell + 1) * pixels // n)
        for pixels, n in zip(field.shape[1:], grid, strict=True)
    )
    return np.asarray((field[:, rows, columns].sum((1, 2)) / field.sum((1, 2))).numpy())


if __name__ == "__main__":
    main()
