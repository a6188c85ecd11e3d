"""One image explained: the model's decision and where its map has its extremes."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from xaiaudit.auditing.candidates import probability
from xaiaudit.auditing.chosen_explainers import made_explainers, planned_explainers
from xaiaudit.auditing.judging import judge
from xaiaudit.auditing.specs import Spec
from xaiaudit.auditing.told import told_cells
from xaiaudit.data.preprocess import network_inputs, prepare, stack
from xaiaudit.data.reading import pixel_hash, read_grey
from xaiaudit.errors import UsageError
from xaiaudit.metrics.extremes import defined, peak_cells
from xaiaudit.models import AuditedModel
from xaiaudit.records import Explanation
from xaiaudit.seeds import image_seed
from xaiaudit.types import Cells, GreyImage, Sample

FEW_LEVELS = 2  # a mask has so many
FEW_PIXELS = 4  # times smaller than the model's input, an image has a sixteenth of the pixels that it reads
Cell = tuple[int, int]  # row and column of a map


def explain(
    model: AuditedModel, path: Path, explainers: Sequence[Spec] = (), *, target: str | None = None
) -> Iterator[Explanation]:
    """Explain the image in a file, once an explainer; none named: Grad-CAM, and CAM where the model allows it.

    Raises:
        UsageError: a target that is none of the model's classes, an explainer that does not suit the model, or a model
            that is shown the outline, which an image alone does not bring.
        DataError: an image that cannot be read.
    """
    if target is not None and target not in model.classes:
        raise UsageError(f"the model has no class {target!r}; it has {', '.join(model.classes)}")
    if model.preprocessing.takes_mask:
        raise UsageError(
            "this model takes the outlined lesion as a channel of its input, and an image named alone brings no "
            "outline; xaiaudit attack MODEL --data DIR shows maps of images with masks"
        )
    source = _sample(path)
    warnings = _doubts(source.image, model.preprocessing.size)
    sample = prepare(source, model.preprocessing)
    batch = stack([sample])
    planned = planned_explainers(model, explainers or None)
    chosen = made_explainers(planned)
    wanted = None if target is None else np.array([model.classes.index(target)])
    images, valid = (
        torch.from_numpy(part).to(model.device) for part in network_inputs(batch, model.preprocessing)
    )
    seeds = [image_seed(sample.sha256, 0)]
    judged = judge(model, images, batch.masks, batch.has_mask, chosen, wanted, valid=valid, seeds=seeds)
    for item in planned:
        explainer, maps = chosen[item.id], judged.maps[item.id, "own" if target is None else "same"]
        told = told_cells(explainer, batch.valid[:, 0])
        highest = _cell(maps, told, signed=explainer.signed)
        lowest = _cell(-maps, told, signed=True) if explainer.signed else None
        yield Explanation(
            file=str(path),
            explainer=item.id,
            layer=item.layer,
            signed=explainer.signed,
            decision=model.classes[judged.decision[0]],
            positive=model.classes[model.positive],
            probability=float(probability(judged.logits[0], model.positive)),
            target=target or model.classes[judged.decision[0]],
            maximum=_place(highest, maps.shape[1:], sample),
            minimum=_place(lowest, maps.shape[1:], sample),
            maximum_cell=highest,
            minimum_cell=lowest,
            map=maps[0].tolist(),
            image=sample.image.tolist(),
            source_shape=sample.source_shape,
            warnings=warnings,
        )


def _doubts(image: GreyImage, size: int) -> list[str]:
    """Why an image is hardly a B-mode image, though it can be read and the model decides on it as on any other."""
    levels, (rows, columns) = len(np.unique(image)), image.shape
    found = []
    if levels <= FEW_LEVELS:
        found.append(f"holds {levels} grey level{'s' * (levels > 1)}: is it a mask, and no B-mode image?")
    if max(rows, columns) * FEW_PIXELS <= size:
        found.append(
            f"is {columns} x {rows} pixels, enlarged {size / max(rows, columns):.0f} times for the model's {size} x "
            f"{size}: what the model sees is made up between so few"
        )
    return found


def _sample(path: Path) -> Sample:
    image = read_grey(path)
    return Sample(
        image=image,
        label=None,
        mask=None,
        case=None,
        file=path.name,
        dataset="",
        sha256=pixel_hash(image),
        source_shape=image.shape,
    )


def _cell(maps: np.ndarray, told: Cells | None, *, signed: bool) -> Cell | None:
    """Of the maximum of the only map; None where the map is undefined."""
    if not defined(maps, signed=signed, within=told)[0]:
        return None
    row, column = peak_cells(maps, told)[0]
    return int(row), int(column)


def _place(cell: Cell | None, grid: tuple[int, ...], sample: Sample) -> tuple[float, float] | None:
    """Column and row of the cell's centre in the source image, pixels."""
    if cell is None:
        return None
    rows, columns = sample.image.shape
    x, y = (cell[1] + 0.5) * columns / grid[1], (cell[0] + 0.5) * rows / grid[0]
    matrix: Any = sample.affine
    source = np.linalg.solve(matrix[:, :2], np.array([x, y]) - matrix[:, 2])
    return float(source[0]), float(source[1])
