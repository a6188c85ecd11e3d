"""Regions of the mask that a model draws: those of the image that was judged, and never in the padding."""

from pathlib import Path

import numpy as np
import pytest
import torch
from two_headed import Net

from xaiaudit.auditing.judging import Judged, judge
from xaiaudit.auditing.loading import Loaded, load_images
from xaiaudit.auditing.look import look
from xaiaudit.auditing.map_rows import map_rows
from xaiaudit.auditing.planning import planned_images
from xaiaudit.auditing.predicted_regions import predicted_regions
from xaiaudit.data import open_dataset
from xaiaudit.explainers.registry import explainer
from xaiaudit.metrics.energy import energy_shares
from xaiaudit.models import AuditedModel
from xaiaudit.records import REGIONS
from xaiaudit.types import Preprocessing

GREY = Preprocessing(size=32, channels=1, mean=(0.0,), std=(1.0,))
EXPLAINERS = {"grad-cam": explainer("grad-cam")}


@pytest.fixture(scope="module")
def model() -> AuditedModel:
    return AuditedModel(Net(), preprocessing=GREY)


@pytest.fixture(scope="module")
def loaded(model: AuditedModel, phantoms: Path) -> Loaded:
    dataset = open_dataset(phantoms)
    planned = planned_images(look(dataset).views, None, 0)[:4]
    return load_images(planned, model, dataset, ring_mm=5.0, tolerance_mm=0.0)


def judged(model: AuditedModel, loaded: Loaded, images: torch.Tensor, row: int, column: int) -> Judged:
    """What the model says of `images`, with a mask of 8 x 6 pixels in the place of the one that it draws."""
    found = judge(
        model, images, loaded.masks, loaded.has_outline, EXPLAINERS, np.zeros(len(images), np.int64)
    )
    mask = torch.full_like(images, -1.0)
    mask[:, :, row : row + 8, column : column + 6] = 0.0  # mask logits >= 0 are the lesion
    return Judged(**{**vars(found), "mask_logits": mask})


def test_under_attack_the_regions_are_those_of_the_attacked_mask(model: AuditedModel, loaded: Loaded) -> None:
    clean = judged(model, loaded, loaded.images, 2, 2)
    after = judged(model, loaded, loaded.images.flip(3), 14, 20)
    rows = map_rows(model, loaded, EXPLAINERS, clean, after, attack_id="some")
    own = [row for row in rows if row["target"] == "own"]
    codes, found, _ = predicted_regions(loaded, after)
    assert found.all()
    assert (codes[:, 14:22, 20:26] == REGIONS.index("lesion")).all()
    energy = energy_shares(after.maps["grad-cam", "own"], codes, found)
    expected = sum(energy[f"energy_{region}"] for region in ("lesion", "ring", "posterior"))
    assert np.isfinite(expected).any()
    shares = np.array([row["predicted_share_any"] for row in own], float)
    np.testing.assert_allclose(shares, expected)


def test_what_the_model_draws_on_padding_is_no_lesion(model: AuditedModel, loaded: Loaded) -> None:
    valid = torch.ones_like(loaded.valid)
    valid[:, :, :, 24:] = False
    padded = Loaded(
        **{**{name: getattr(loaded, name) for name in Loaded.__dataclass_fields__}, "valid": valid}
    )
    codes, found, member = predicted_regions(padded, judged(model, padded, loaded.images, 14, 20))
    assert found.all()
    assert (codes[:, 14:22, 20:24] == REGIONS.index("lesion")).all()
    assert (codes[:, :, 24:] == REGIONS.index("padding")).all()
    assert not member.valid[:, :, 24:].any()
    _, found, _ = predicted_regions(padded, judged(model, padded, loaded.images, 14, 25))
    assert not found.any()  # a mask on padding alone


def test_without_a_mask_head_there_are_no_regions(model: AuditedModel, loaded: Loaded) -> None:
    drawn = judged(model, loaded, loaded.images, 2, 2)
    assert predicted_regions(loaded, Judged(**{**vars(drawn), "mask_logits": None})) is None
