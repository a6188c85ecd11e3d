"""The benchmark of known truth: its interventions and scores by hand, and its smallest run end to end."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from xaiaudit.data.phantoms import neutralised, phantom_dataset
from xaiaudit.models.small_cnn import SmallCNN
from xaiaudit.records import REGIONS

ROOT = Path(__file__).resolve().parent.parent.parent
LESION, RING, POSTERIOR, ELSEWHERE = range(4)


@pytest.fixture(scope="module", autouse=True)
def importable() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT)
        yield


def part(name: str) -> Any:
    return import_module(f"benchmarks.known_truth.{name}")


def quadrants(n: int = 20) -> Any:
    """Images of 8 × 8 pixels whose quarters are lesion, ring, posterior and elsewhere; the label shows in posterior."""
    rng = np.random.default_rng(0)
    codes = np.zeros((n, 8, 8), np.uint8)
    codes[:, :4, 4:], codes[:, 4:, :4], codes[:, 4:, 4:] = RING, POSTERIOR, ELSEWHERE
    images = rng.uniform(0.2, 0.8, (n, 1, 8, 8)).astype(np.float32)
    malignant = np.arange(n) % 2 == 1
    images[:, 0, 4:, :4] = np.where(malignant, 0.9, 0.1)[:, None, None]
    neutral = images.copy()
    neutral[:, 0, 4:, :4] = 0.5
    names = tuple(map(str, range(n)))
    return part("cases").Cases(images=images, neutral=neutral, codes=codes, malignant=malignant, names=names)


def reads(rows: slice, columns: slice, offset: float) -> Any:
    """A network that decides by the mean of one quarter."""
    return lambda images: images[:, 0, rows, columns].mean((1, 2)) - offset


def test_a_splice_takes_the_named_regions_from_the_twin_and_nothing_else() -> None:
    cases = quadrants()
    spliced = cases.spliced(["posterior", "ring"])
    taken = np.isin(cases.codes, [POSTERIOR, RING])[:, None]
    np.testing.assert_array_equal(spliced[taken], cases.neutral[taken])
    np.testing.assert_array_equal(spliced[~taken], cases.images[~taken])
    np.testing.assert_array_equal(cases.spliced([]), cases.images)


def test_a_network_that_reads_the_place_is_found_out() -> None:
    cases = quadrants()
    found = part("causal").causal(reads(slice(4, 8), slice(0, 4), 0.45), cases, ["posterior"])
    assert found.uses_the_cue
    assert [found.whole.estimate, found.place_alone.estimate, found.without_place.estimate] == [1, 1, 0.5]
    assert {region: area.estimate for region, area in found.without.items()} == {
        "lesion": 1,
        "ring": 1,
        "posterior": 0.5,
        "elsewhere": 1,
    }
    assert found.most == ("posterior",) * 20
    # the neutral place has a margin of 0.05: benign decisions turn, malignant ones stand
    assert list(found.rests) == list(~cases.malignant)


def test_a_network_that_reads_another_place_does_not_use_the_cue() -> None:
    cases = quadrants()
    cases.images[:, 0, :4, :4] = cases.images[:, 0, 4:, :4]  # the label shows in the lesion too
    cases.neutral[:, 0, :4, :4] = 0.5
    found = part("causal").causal(reads(slice(0, 4), slice(0, 4), 0.5), cases, ["posterior"])
    assert not found.uses_the_cue
    assert found.without_place.estimate == 1
    assert found.place_alone.estimate == 0.5
    assert not any(found.rests)
    assert set(found.most) == {"lesion"}


def test_scores_of_maps_made_by_hand() -> None:
    cases = quadrants(4)
    maps = np.zeros((4, 4, 4))  # cells of two pixels; posterior is rows 2 and 3, columns 0 and 1
    maps[0, 3, 0] = 1.0  # inside
    maps[1, 1, 1] = 1.0  # in the lesion, two pixels from the place
    maps[2, 3, 0] = maps[2, 0, 3] = 1.0  # half inside
    scores = part("pointing").score(
        maps, cases, ["posterior"], signed=False, cell=2.0
    )  # the last one is zero
    np.testing.assert_array_equal(scores.maximum, [1, 0, 0.5, np.nan])
    np.testing.assert_array_equal(scores.within_a_cell, [1, 1, 0.5, np.nan])
    # cells of two pixels are looked up one pixel before
    np.testing.assert_array_equal(scores.aligned, scores.maximum)
    assert np.isnan(scores.either).all()
    assert np.isnan(scores.energy[3])
    assert scores.energy[0] > 0.8 > 0.2 > scores.energy[1]
    np.testing.assert_array_equal(scores.in_region["lesion"], [0, 1, 0, np.nan])
    np.testing.assert_array_equal(scores.chance, [0.25] * 4)
    # within two pixels of a 4 × 4 corner: 16 + 2 · 4 · 2 + those diagonal to it: 1 at (1, 1), sqrt 2 away
    np.testing.assert_allclose(scores.chance_within, [33 / 64] * 4)
    # maps 0, 1, 2 on two other images each, all with the same place
    assert scores.shuffled == pytest.approx((1 + 0 + 0.5) / 3)


def test_a_cell_of_small_cnn_sees_the_pixels_around_its_first() -> None:
    """Why cells count as aligned at s i: with weights of one, the reach of every cell by its gradient."""
    net = SmallCNN(2, 1)
    torch.nn.init.ones_(net.head.weight)
    for block in net.features:
        torch.nn.init.ones_(block[0].weight)
    image = torch.rand(1, 1, 96, 96).requires_grad_()
    (slopes,) = torch.autograd.grad(net.eval().features(image)[0, :, 2, 3].sum(), image)
    rows, columns = (slopes[0, 0].abs().sum(axis).nonzero().flatten() for axis in (1, 0))
    assert (int(rows.min()), int(rows.max())) == (32 - 15, 32 + 15)
    assert (int(columns.min()), int(columns.max())) == (48 - 15, 48 + 15)


def test_an_aligned_maximum_lies_at_the_first_pixel_of_its_cell() -> None:
    cases = quadrants(1)
    cases.codes[0] = LESION
    cases.codes[0, 4, 4] = POSTERIOR
    maps = np.zeros((1, 2, 2))
    maps[0, 1, 1] = 1.0  # the cell of pixels 4 to 7, looked up at 6
    scores = part("pointing").score(maps, cases, ["posterior"], signed=False, cell=4.0)
    assert (scores.maximum, scores.aligned) == ([0.0], [1.0])


def test_the_extremes_of_a_signed_map_are_two() -> None:
    cases = quadrants(1)
    maps = np.zeros((1, 4, 4))
    maps[0, 0, 0], maps[0, 3, 0] = 1.0, -1.0
    scores = part("pointing").score(maps, cases, ["posterior"], signed=True, cell=2.0)
    assert (scores.maximum, scores.either) == ([0.0], [1.0])


def test_a_blinded_phantom_is_its_twin_in_the_place_and_itself_elsewhere() -> None:
    known = phantom_dataset(3, size=64, cue="posterior")
    hidden = part("cases").blinded(known, "posterior")
    assert hidden.classes == known.classes
    for sample, twin, blind in zip(known, neutralised(known, "posterior"), hidden, strict=True):
        codes = part("cases").regions_of(sample)
        place = np.isin(codes, [RING, POSTERIOR])
        np.testing.assert_array_equal(blind.image[place], twin.image[place])
        np.testing.assert_array_equal(blind.image[~place], sample.image[~place])
        assert (blind.label, blind.case) == (sample.label, sample.case)
        assert blind.sha256 != sample.sha256


def record(maximum: list[float]) -> dict[str, Any]:
    """Of four cases, the first three of which rest on the cue."""
    area = {"estimate": 0.9, "low": 0.8, "high": 1.0}
    per_case = {
        "maximum": maximum,
        "within_a_cell": maximum,
        "aligned": maximum,
        "either": [np.nan] * 4,
        "energy": maximum,
    }
    scores = per_case | {
        "in_region": dict.fromkeys(REGIONS, maximum),
        "chance": [0.25] * 4,
        "chance_within": [0.5] * 4,
        "shuffled": 0.3,
    }
    causal = dict.fromkeys(("whole", "without_place", "place_alone"), area) | {
        "without": dict.fromkeys(REGIONS[:4], area),
        "most": ["posterior"] * 4,
        "rests": [True, True, True, False],
        "uses_the_cue": True,
    }
    return {
        "settings": {"size": 8, "train": 4, "epochs": 1, "cases": 4},
        "cue": "posterior",
        "network": 0,
        "cases": ["a", "b", "c", "d"],
        "decided": [1, 0, 1, 0],
        "causal": causal,
        "blind": None,
        "explainers": {"grad-cam": scores, "seg-grad-cam": "no mask head"},
    }


def row(text: str, title: str, name: str) -> list[str]:
    lines = text.partition(f"### {title}")[2].partition("###")[0].splitlines()
    (found,) = [line for line in lines if line.startswith(f"| {name}")]
    return [cell.strip() for cell in found.split("|")[1:-1]]


def test_an_undefined_map_is_a_miss_and_counted() -> None:
    text = part("page").tables([record([1.0, np.nan, 1.0, 1.0])])
    resting = "Maximum in the cue's place, where"
    assert row(text, resting, "`grad-cam`")[1].startswith("67 (")
    assert row(text, "Maximum in the cue's place, of all", "`grad-cam`")[1].startswith("75 (")
    assert row(text, resting, "`seg-grad-cam`")[1] == "–"
    assert row(text, resting, "chance")[1] == "25"
    cells = row(text, "Posterior, whose place is ring and posterior", "`grad-cam`")
    assert cells[1].startswith("100 (")  # both that were decided malignant
    assert cells[2].startswith("0 (")  # the undefined one
    assert (cells[5], cells[6], cells[-1]) == ("–", "30", "1")


def test_one_command_trains_scores_writes_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = part("__main__")
    page, store = tmp_path / "page.md", tmp_path / "r.jsonl"
    page.write_text("before\n<!-- results: begin -->\n<!-- results: end -->\nafter\n")
    monkeypatch.setattr(command, "PAGE", page)
    words = ["--cue", "posterior", "--networks", "1", "--cases", "12", "--train", "60", "--epochs", "2"]
    words += ["--size", "32", "--explainer", "cam", "--explainer", "grad-cam:layer=features.2"]
    words += ["--json", str(store), "--write"]
    first = CliRunner().invoke(command.main, words, catch_exceptions=False)
    assert first.exit_code == 0, first.output
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    cells = row(text, "Maximum in the cue's place, of all", "`grad-cam:layer=features.2`")
    assert 0 <= int(cells[1].split()[0]) <= 100
    assert len(store.read_text().splitlines()) == 1
    monkeypatch.setattr(command, "experiment", None)  # called again, it would fail
    again = CliRunner().invoke(command.main, words, catch_exceptions=False)
    assert again.exit_code == 0
    assert page.read_text() == text
