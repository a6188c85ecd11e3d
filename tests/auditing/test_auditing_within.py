"""Which cells the columns of an audit look at, from made-up maps: those of padding and those that left the view."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from two_headed import Net
from wide_images import write_wide

from xaiaudit.auditing import acquisition_rows
from xaiaudit.auditing.faithfulness import Settings, faithfulness, running, statistics
from xaiaudit.auditing.judging import Judged, judge
from xaiaudit.auditing.loading import Loaded, load_images
from xaiaudit.auditing.look import look
from xaiaudit.auditing.map_rows import map_rows
from xaiaudit.auditing.planning import planned_images
from xaiaudit.data import open_dataset
from xaiaudit.explainers.registry import explainer
from xaiaudit.faithfulness import randomisation
from xaiaudit.faithfulness.similarity import between_images, similarity
from xaiaudit.metrics.map_shift import map_shift
from xaiaudit.metrics.top_pixels import relevance_rank
from xaiaudit.metrics.undo import undo_motion
from xaiaudit.models import AuditedModel
from xaiaudit.types import Preprocessing

PIXELS = {"smoothgrad": explainer("smoothgrad"), "integrated-gradients": explainer("integrated-gradients")}


@pytest.fixture(scope="module")
def model() -> AuditedModel:
    small = Preprocessing(size=32, channels=1, mean=(0.0,), std=(1.0,))
    return AuditedModel(Net(), preprocessing=small, cam_layer="act")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wide(tmp_path_factory.mktemp("wide"), 4, darkest=50)


@pytest.fixture(scope="module")
def loaded(model: AuditedModel, data: Path) -> Loaded:
    images = open_dataset(data)
    planned = planned_images(look(images).views, None, 0)
    return load_images(planned, model, images, ring_mm=5.0, tolerance_mm=0.0)


@pytest.fixture(scope="module")
def clean(model: AuditedModel, loaded: Loaded) -> Judged:
    return judge(model, loaded.images, loaded.masks, loaded.has_outline)


def with_maps(judged: Judged, target: str, maps: np.ndarray) -> Judged:
    return replace(judged, maps={("integrated-gradients", target): maps})


def negative(loaded: Loaded) -> np.ndarray:
    """Below zero in all tissue, least so in the lesion; 0 in padding."""
    draws = np.random.default_rng(0).random(loaded.codes.shape)
    return np.where(loaded.codes == 4, 0.0, np.where(loaded.codes == 0, -0.5, -1 - draws))


def test_a_map_that_turns_constant_on_tissue_vanishes(
    model: AuditedModel, loaded: Loaded, clean: Judged
) -> None:
    lively, flat = negative(loaded), np.where(loaded.codes == 4, 0.0, -1.0)
    for before, after, expected in (
        (lively, flat, (False, True, True)),
        (flat, lively, (True, False, None)),
        (flat, flat, (False, False, None)),
    ):
        first, then = with_maps(clean, "own", before), with_maps(clean, "same", after)
        for row in map_rows(model, loaded, PIXELS, first, then, attack_id="a"):
            assert (row["defined"], row["vanished"], row["silent_shift"]) == expected


def test_padding_is_no_maximum_beside_a_predicted_mask(
    model: AuditedModel, loaded: Loaded, clean: Judged
) -> None:
    drawn = torch.from_numpy(np.where(loaded.codes == 0, 1.0, -1.0)[:, None])
    judged = replace(with_maps(clean, "own", negative(loaded)), mask_logits=drawn)
    for row in map_rows(model, loaded, PIXELS, judged, judged):
        assert row["predicted_maximum_any"] == 1


def test_a_second_sweep_is_compared_where_both_look(loaded: Loaded, clean: Judged) -> None:
    n = len(loaded.planned)
    before, after = np.random.default_rng(1).random((2, n, 8, 8))
    motions = np.repeat(np.array([[[1.0, 0, 0], [0, 1, 12.0]]]), n, 0)  # three of eight columns
    columns = acquisition_rows._columns(
        loaded, with_maps(clean, "own", before), with_maps(clean, "same", after), motions,
        "integrated-gradients", signed=True,
    )  # fmt: skip
    valid = loaded.valid[:, 0].numpy()
    one, other, within, _ = undo_motion(before, after, motions, valid)
    facts = one, other, loaded.codes, loaded.has_lesion, loaded.spacing
    expected, blind = (map_shift(*facts, signed=True, within=cells) for cells in (within, None))
    for name in ("spearman", "pearson", "ssim", "topk_intersection"):
        np.testing.assert_array_equal(columns[name], expected[name])
    assert (columns["spearman"] != blind["spearman"]).all()


def test_a_map_that_is_constant_where_both_sweeps_look_says_nothing_of_silence(
    loaded: Loaded, clean: Judged
) -> None:
    n = len(loaded.planned)
    before, after = np.ones((n, 8, 8)), np.random.default_rng(1).random((n, 8, 8))
    before[:, :, 5:] = 2.0  # which leave
    motions = np.repeat(np.array([[[1.0, 0, 0], [0, 1, 12.0]]]), n, 0)
    before[:, [0, 1, 6, 7]] = 1.0  # padding, which stays
    columns = acquisition_rows._columns(
        loaded, with_maps(clean, "own", before), with_maps(clean, "same", after), motions,
        "integrated-gradients", signed=True,
    )  # fmt: skip
    assert columns["silent_shift"] == [None] * n


def test_faithfulness_compares_maps_of_pixels_on_real_pixels(
    model: AuditedModel, data: Path, loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: dict[str, list[object]] = {"similarity": [], "between": [], "rank": []}

    def similar(*given: object, within: object, **named: object) -> object:
        looked["similarity"].append(within)
        return similarity(*given, within=within, **named)  # type: ignore[arg-type]

    def between(*given: object, within: object, **named: object) -> object:
        looked["between"].append(within)
        return between_images(*given, within=within, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(randomisation, "similarity", similar)

    def ranked(*given: object, within: object, **named: object) -> object:
        looked["rank"].append(within)
        return relevance_rank(*given, within=within, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(statistics, "between_images", between)
    monkeypatch.setattr(running, "relevance_rank", ranked)
    quick = Settings(steps=2, samples=2, blocks=1, draws=1)
    valid = loaded.valid[:, 0].numpy()
    for name, of_pixels in (("smoothgrad", True), ("grad-cam", False)):
        for seen in looked.values():
            seen.clear()
        faithfulness(model, data, [(name, {})], tests=quick)
        assert looked["similarity"]
        for within in (*looked["similarity"], looked["between"][0], looked["rank"][0]):
            assert np.array_equal(within, valid) if of_pixels else within is None
        assert looked["between"][1:] == looked["rank"][1:] == [None]  # random maps, which speak everywhere


def test_the_mask_is_explained_by_its_real_part_alone(model: AuditedModel, loaded: Loaded) -> None:
    """Whoever made the forward."""
    made = explainer("seg-grad-cam")
    judged = judge(
        model, loaded.images, loaded.masks, loaded.has_outline, {"seg-grad-cam": made}, valid=loaded.valid
    )
    target = torch.from_numpy(judged.decision)
    alone, blind = (made(model, loaded.images, target, valid=valid) for valid in (loaded.valid, None))
    torch.testing.assert_close(torch.from_numpy(judged.maps["seg-grad-cam", "own"]), alone)
    assert not torch.allclose(alone, blind)
