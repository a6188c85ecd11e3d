"""Phantoms: seeded, physically plausible, and told apart by the cue that was asked for and by no other."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pace import least_seconds, pace
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from xaiaudit.data.opening import open_dataset
from xaiaudit.data.phantom_features import (
    CUES,
    FIELDS,
    PLACES,
    SEPARATION,
    Cue,
    Label,
    PhantomFeatures,
    draw_features,
)
from xaiaudit.data.phantom_scanner import Scanner, scan
from xaiaudit.data.phantom_tissue import Grid, Tissue
from xaiaudit.data.phantoms import PhantomSpec, neutralised, phantom, phantom_dataset, write_phantoms
from xaiaudit.data.regions import regions
from xaiaudit.errors import DataError, UsageError
from xaiaudit.records import REGIONS

PLAIN = PhantomFeatures(
    shape=0.0,
    margin_mm=0.12,
    echo_db=-14.0,
    texture_db=0.5,
    posterior_db=0.0,
    diameter_mm=12.0,
    angle_deg=0.0,
    across=0.5,
    down=0.4,
)


def drawn(cue: Cue | None, n: int = 3000) -> tuple[np.ndarray, np.ndarray]:
    """Features (2n, 9) and labels (2n,)."""
    labels: tuple[Label, Label] = ("benign", "malignant")
    rows = [
        list(vars(draw_features(label, np.random.default_rng((number, i)), cue)).values())
        for number, label in enumerate(labels)
        for i in range(n)
    ]
    return np.array(rows), np.repeat([0, 1], n)


def mean_in(image: np.ndarray, codes: np.ndarray, region: str) -> float:
    return float(image[codes == REGIONS.index(region)].mean())


@pytest.mark.parametrize("cue", CUES)
def test_only_the_cue_differs_between_the_classes(cue: Cue) -> None:
    features, labels = drawn(cue)
    for column, name in enumerate(PhantomFeatures.__dataclass_fields__):
        p = stats.ks_2samp(features[labels == 0, column], features[labels == 1, column]).pvalue
        if name == FIELDS[cue]:
            assert p < 1e-100, name
        else:
            assert p > 1e-4, name


def test_every_cue_differs_by_default_and_nothing_else_does() -> None:
    features, labels = drawn(None)
    for column, name in enumerate(PhantomFeatures.__dataclass_fields__):
        p = stats.ks_2samp(features[labels == 0, column], features[labels == 1, column]).pvalue
        assert (p < 1e-50) == (name in FIELDS.values()), name


@pytest.mark.parametrize("cue", [None, *CUES])
def test_the_classes_overlap_as_much_as_the_docstring_says(cue: Cue | None) -> None:
    ideal = stats.norm.cdf(SEPARATION * math.sqrt(len(CUES)) / math.sqrt(2))  # AUC of equal-variance normals
    assert ideal == pytest.approx(0.987, abs=0.0005)
    features, labels = drawn(cue)
    features[:, 1] = np.log(features[:, 1])
    features[features[:, 2] < -25, 2] += 30  # cysts stand on the benign side of the echo levels
    classifier = make_pipeline(StandardScaler(), PolynomialFeatures(2), LogisticRegression(max_iter=500))
    scores = cross_val_predict(classifier, features, labels, cv=3, method="predict_proba")[:, 1]
    assert ideal - 0.03 < roc_auc_score(labels, scores) < ideal + 0.01


def test_an_image_depends_on_seed_and_number_alone() -> None:
    few, many, other = (
        phantom_dataset(2, size=64),
        phantom_dataset(5, size=64),
        phantom_dataset(2, size=64, seed=1),
    )
    np.testing.assert_array_equal(few[1].image, many[1].image)
    np.testing.assert_array_equal(many[1].image, many[1].image)
    assert few[1].sha256 == many[1].sha256 != other[1].sha256
    assert len({sample.sha256 for sample in many}) == 5
    assert len({sample.case for sample in many}) == 5
    assert [sample.label for sample in many] == ["benign", "malignant"] * 2 + ["benign"]
    part = many.subset([3, 1], "a choice")
    assert part[1].sha256 == many[1].sha256
    assert part.kind == "phantoms"


@pytest.mark.parametrize("shape", [(160, 224), (96, 64)])
def test_a_sample_fits_together(shape: tuple[int, int]) -> None:
    for sample in phantom_dataset(6, size=shape):
        assert sample.image.shape == shape
        assert sample.mask is not None
        assert sample.boxes is not None
        assert sample.spacing is not None
        assert sample.image.dtype == np.uint8
        x0, y0, x1, y1 = sample.boxes[0].astype(int)
        assert sample.mask[y0:y1, x0:x1].sum() == sample.mask.sum() > 0
        assert sample.mask[y0].any()
        assert sample.mask[y1 - 1].any()
        assert sample.mask[:, x0].any()
        assert sample.mask[:, x1 - 1].any()
        assert sample.spacing[0] == pytest.approx(sample.spacing[1])
        assert sample.spacing[1] * shape[1] == pytest.approx(40, abs=6)


@pytest.mark.parametrize("extent", [(40.0, 40.0), (25.0, 50.0)])
@pytest.mark.parametrize("shape", [0.0, 1.0])
def test_the_lesion_has_its_diameter_in_mm(extent: tuple[float, float], shape: float) -> None:
    spec = PhantomSpec(shape=(200, 240), extent_mm=extent)
    sample = phantom(replace(PLAIN, shape=shape), np.random.default_rng(0), spec=spec)
    assert sample.mask is not None
    area = sample.mask.sum() * spec.spacing[0] * spec.spacing[1]
    assert 2 * math.sqrt(area / math.pi) == pytest.approx(PLAIN.diameter_mm, rel=0.02)


def test_speckle_is_fully_developed_and_as_wide_as_the_point_spread() -> None:
    scanner = Scanner(angles=1, noise_db=-120, focal_zone_mm=1e6, dynamic_range_db=90, display_mm=0)
    axis = ((np.arange(400) + 0.5) * 0.1).astype(np.float32)
    flat = np.zeros((400, 400), np.float32)
    tissue = Tissue(echo_db=flat, specular=flat, loss_db=flat)
    image = scan(scanner, tissue, Grid(depth=axis, across=axis, extent_mm=(40, 40)), np.random.default_rng(0))
    envelope = 10 ** ((image / 255.0 - scanner.grey) * scanner.dynamic_range_db / 20)
    assert envelope.mean() / envelope.std() == pytest.approx(1.91, abs=0.05)  # Rayleigh: sqrt(pi / (4 - pi))
    assert np.square(envelope).mean() == pytest.approx(1, rel=0.05)
    intensity = np.square(envelope) - np.square(envelope).mean()
    # The intensity's correlation is the squared one of the field: a Gaussian as wide as the point spread.
    for axis_number, width_mm in ((0, scanner.axial_mm), (1, scanner.lateral_mm)):
        spectrum = np.square(np.abs(np.fft.fft(intensity, axis=axis_number))).mean(1 - axis_number)
        correlation = np.fft.ifft(spectrum).real
        half = np.interp(-0.5, -correlation[:20] / correlation[0], np.arange(20) * 0.1)
        assert 2 * half == pytest.approx(width_mm, rel=0.06)


def test_the_beam_widens_away_from_the_focus() -> None:
    depth = np.array([4.0, 18.0, 32.0], np.float32)
    np.testing.assert_allclose(
        Scanner().lateral_at(depth) / Scanner().lateral_mm, [2**0.5, 1, 2**0.5], rtol=1e-6
    )


def test_attenuation_darkens_by_its_decibels() -> None:
    axis = ((np.arange(200) + 0.5) * 0.2).astype(np.float32)
    flat, scanner = np.zeros((200, 200), np.float32), Scanner(noise_db=-120)
    grid = Grid(depth=axis, across=axis, extent_mm=(40, 40))
    means = [
        scan(
            scanner, Tissue(echo_db=flat, specular=flat, loss_db=flat + loss), grid, np.random.default_rng(0)
        ).mean()
        for loss in (0, 10)
    ]
    assert (means[0] - means[1]) / 255 * scanner.dynamic_range_db == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize("cast_db", [0.0, -16.0])
@pytest.mark.parametrize("cue", CUES)
def test_a_cue_changes_the_image_in_its_place_and_hardly_elsewhere(cue: Cue, cast_db: float) -> None:
    """The same breast and speckle, with the cue at both ends: where do the grey levels differ?"""
    ends = {
        "shape": (0.0, 1.0),
        "margin": (0.12, 2.5),
        "echo": (-7.0, -20.0),
        "texture": (0.5, 6.0),
        "posterior": (8.0, -16.0),
    }
    inside = total = 0.0
    for seed in range(8):
        name = FIELDS[cue]
        lesion = replace(PLAIN, posterior_db=cast_db)
        pair = [phantom(replace(lesion, **{name: end}), np.random.default_rng(seed)) for end in ends[cue]]
        assert pair[0].mask is not None
        assert pair[1].mask is not None
        codes = regions(pair[0].mask | pair[1].mask, spacing=pair[0].spacing).codes
        change = np.abs(pair[0].image.astype(float) - pair[1].image)
        total += change.sum()
        inside += change[np.isin(codes, [REGIONS.index(place) for place in PLACES[cue]])].sum()
    assert inside / total > 0.9


@pytest.mark.parametrize("cue", CUES)
def test_a_neutral_twin_differs_in_the_cue_alone_and_the_cue_is_the_same_in_all(cue: Cue) -> None:
    dataset = phantom_dataset(6, size=64, cue=cue)
    twins = neutralised(dataset, cue)
    for made, twin in zip(dataset, twins, strict=True):
        assert (made.label, made.case, made.file, made.spacing) == (
            twin.label,
            twin.case,
            twin.file,
            twin.spacing,
        )
        differ = {name for name in made.attributes if made.attributes[name] != twin.attributes[name]}
        assert differ == {FIELDS[cue]}
        assert (made.image != twin.image).any()
        if cue != "shape":
            np.testing.assert_array_equal(made.mask, twin.mask)
    assert len({sample.attributes[FIELDS[cue]] for sample in twins}) == 1


def test_the_cue_of_a_neutral_twin_lies_half_way_between_the_classes() -> None:
    for cue in CUES:
        column = list(PhantomFeatures.__dataclass_fields__).index(FIELDS[cue])
        features, labels = drawn(cue, 1000)
        value = float(neutralised(phantom_dataset(1, size=64), cue)[0].attributes[FIELDS[cue]])
        below = [float((features[labels == label, column] < value).mean()) for label in (0, 1)]
        # classes are normal, 1.4 sqrt(5) apart: 0.941 of each lie on their own side of the middle
        ideal = stats.norm.cdf(SEPARATION * math.sqrt(len(CUES)) / 2)
        assert max(below) == pytest.approx(ideal, abs=0.025)


def test_posterior_enhancement_brightens_and_shadow_darkens_what_lies_behind() -> None:
    images = {}
    for db in (8.0, 0.0, -16.0):
        sample = phantom(replace(PLAIN, posterior_db=db), np.random.default_rng(3))
        assert sample.mask is not None
        images[db] = mean_in(sample.image, regions(sample.mask, spacing=sample.spacing).codes, "posterior")
    assert images[8.0] > images[0.0] + 8
    assert images[-16.0] < images[0.0] - 16


def test_written_phantoms_read_back_as_they_were(tmp_path: Path) -> None:
    write_phantoms(tmp_path / "out", 4, seed=5, size=(48, 64), cue="margin")
    read, made = open_dataset(tmp_path / "out"), phantom_dataset(4, seed=5, size=(48, 64), cue="margin")
    assert (read.kind, len(read)) == ("manifest", 4)
    for a, b in zip(read, made, strict=True):
        assert (a.sha256, a.label, a.case, a.file, a.spacing) == (
            b.sha256,
            b.label,
            b.case,
            b.file,
            b.spacing,
        )
        assert a.attributes == b.attributes
        np.testing.assert_array_equal(a.mask, b.mask)
        np.testing.assert_array_equal(a.boxes, b.boxes)


def test_a_folder_with_files_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    with pytest.raises(DataError, match="not an empty folder"):
        write_phantoms(tmp_path, 2, size=32)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_bad_requests_are_refused() -> None:
    with pytest.raises(UsageError, match="got 0 and 0"):
        phantom_dataset(0)
    with pytest.raises(UsageError, match="no cue 'margins'; did you mean margin"):
        phantom_dataset(1, cue="margins")  # type: ignore[arg-type] # as a user would mistype it
    with pytest.raises(ValueError, match="at least 16 pixels"):
        phantom_dataset(1, size=8)


def test_a_phantom_takes_about_ten_paces() -> None:
    dataset, numbers = phantom_dataset(15), iter(range(15))
    taken = least_seconds(lambda: dataset[next(numbers)], 15)
    assert taken < 40 * pace()  # 9 to 16 measured on machines that took 15 to 60 ms
