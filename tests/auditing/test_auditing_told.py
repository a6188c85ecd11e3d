"""Maps of pixels on padded images: what an audit, `pointing` and `explain` call their extremes."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import nn
from wide_images import write_wide

import xaiaudit
from xaiaudit.auditing.explanation import explain
from xaiaudit.auditing.told import told_cells
from xaiaudit.data import open_dataset
from xaiaudit.explainers.registry import EXPLAINERS, explainer
from xaiaudit.models import AuditedModel
from xaiaudit.reports.explanation import draw
from xaiaudit.types import Preprocessing

SPECS = [("integrated-gradients", {"steps": 2}), ("occlusion", {"window": 4, "stride": 4})]


class LikesDark(nn.Module):
    """Decides for class 0, against which every light pixel speaks: its map is negative in all tissue."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        light = x.sum((1, 2, 3))
        return torch.stack([1e4 - light, light], 1)


@pytest.fixture(scope="module")
def model() -> AuditedModel:
    return AuditedModel(
        LikesDark(), preprocessing=Preprocessing(size=32, channels=1, mean=(0.0,), std=(1.0,))
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two wide images; the lesion is the darkest of a light image."""
    return write_wide(tmp_path_factory.mktemp("wide"), 2, darkest=150, lesion_grey=90)


def test_in_an_audit_the_least_negative_tissue_leads_and_not_the_padding(
    model: AuditedModel, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "audit"
    xaiaudit.audit(
        model, open_dataset(data), ["fgsm:steps=1"], SPECS, acquisition=(), out=out, curve=False, checks=0, gallery=0
    )  # fmt: skip
    rows = pq.read_table(out / "maps.parquet").to_pylist()
    assert len(rows) == 2 * 2 * 3  # clean, and of both targets after the attack
    for row in rows:
        assert row["peak_state"] == "lesion"
        assert (row["maximum_in_lesion"], row["maximum_in_padding"], row["minimum_in_padding"]) == (1, 0, 0)
        assert row["relevance_rank"] == 1
        assert not set(row["maximum_cells"]) & set(np.flatnonzero(np.array(row["cells"]) == 4))


def test_explain_names_a_place_in_the_image(model: AuditedModel, data: Path) -> None:
    for found in explain(model, data / "0.png", SPECS):
        column, row = found.maximum
        assert 12 <= column <= 16
        assert 4 <= row <= 8
        assert 0 <= found.minimum[1] <= 16  # rows of padding lie outside


def test_the_picture_marks_the_places_that_explain_names(
    model: AuditedModel, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked: list[tuple[float, float]] = []

    def plot(_axes: Axes, x: float, y: float, *_: object, **__: object) -> None:
        marked.append((x, y))

    said: list[str] = []
    monkeypatch.setattr(Axes, "plot", plot)
    monkeypatch.setattr(Figure, "supxlabel", lambda _figure, text, **_: said.append(text))
    for found in explain(model, data / "0.png", SPECS):
        marked.clear()
        draw(found, tmp_path)
        # 16 x 32 pixels between 8 rows of padding above and below; pixel 0 is drawn about 0
        assert marked == [(x - 0.5, y + 8 - 0.5) for x, y in (found.maximum, found.minimum)]
    assert said == ["cross: maximum, circle: minimum"] * len(SPECS)


@pytest.mark.parametrize("name", EXPLAINERS)
def test_padding_is_told_of_by_layers_and_not_by_pixels(name: str) -> None:
    valid = np.eye(3, dtype=bool)[None]
    of_pixels = name in ("integrated-gradients", "smoothgrad", "occlusion", "guided-grad-cam")
    assert (told_cells(explainer(name), valid) is valid) == of_pixels
