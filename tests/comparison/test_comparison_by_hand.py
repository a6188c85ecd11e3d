"""Drift, paired statistics and what they are called, on tables small enough to work out by hand."""

from dataclasses import replace
from types import SimpleNamespace as Named
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from xaiaudit.comparison.api import explanation_drift
from xaiaudit.comparison.attacks import _left_out, _robust
from xaiaudit.comparison.clean import clean_comparison
from xaiaudit.comparison.drift import _record, finding
from xaiaudit.comparison.gallery import _farthest, _map
from xaiaudit.comparison.natural import _made_of, drift_amounts, no_yardstick
from xaiaudit.comparison.notes import _of_audits
from xaiaudit.comparison.paired_statistics import family, hits, mean, share
from xaiaudit.comparison.pairing import same_grouping
from xaiaudit.comparison.pointing import _chance, pointing_differences
from xaiaudit.comparison.shifts import Shifts, shifts
from xaiaudit.comparison.stored import Stored, field, field_at, matched_explainers, stored
from xaiaudit.comparison_record import CleanComparison, MapOf
from xaiaudit.metrics.map_shift import Field
from xaiaudit.records import REGIONS, SHIFT_METRICS, ExplainerRecord
from xaiaudit.rows import Rows

SIZE = 70  # pixels of the input grid: cells of 10 pixels on a grid of 7
MM = 0.5  # a pixel


def point(row: int, column: int, side: int = 7) -> np.ndarray:
    """A map with all its mass in one cell; row -1: none."""
    plane = np.zeros((side, side))
    if row >= 0:
        plane[row, column] = 2.0
    return plane


def maps_of(
    points: list[tuple[int, int]], states: list[str], side: int = 7, layer: str = "features"
) -> Stored:
    planes = np.stack([point(*at, side) for at in points])
    energy = {f"energy_{region}": [float(state == region) for state in states] for region in REGIONS}
    table = pa.table({"peak_state": states, **energy, "cells": [[3] * side**2] * len(points)})
    peaks = [row * side + column if row >= 0 else -1 for row, column in points]
    return Stored(
        explainer=ExplainerRecord(id="cam", name="cam", layer=layer, grid=(side, side), signed=False),
        rows=Rows(table),
        maps=planes,
        defined=planes.any((1, 2)),
        peaks=np.array(peaks, np.int64),
    )


def field_of(n: int, spacing: float = MM) -> Field:
    return Field(
        shape=(SIZE, SIZE),
        diagonal=np.full(n, SIZE * 2**0.5),
        top=np.full(n, 100),
        spacing=np.full((n, 2), spacing),
    )


# image: what happened to its map
STARTS = [(1, 1), (1, 1), (3, 3), (2, 2), (-1, 0), (4, 4)]
ENDS = [(1, 4), (1, 1), (-1, 0), (5, 5), (2, 2), (5, 4)]
STATES = ["lesion", "lesion", "ring", "lesion", "undefined", "posterior"]
STATES_AFTER = ["elsewhere", "lesion", "undefined", "elsewhere", "lesion", "posterior"]
SAME = np.array([True, True, True, False, True, True])


@pytest.fixture
def found() -> Shifts:
    return shifts(field_of(6), maps_of(STARTS, STATES), maps_of(ENDS, STATES_AFTER), SAME)


def test_maps_are_compared_where_both_decide_alike_and_the_older_is_defined(found: Shifts) -> None:
    assert found.compared.tolist() == [True, True, True, False, False, True]
    assert found.vanished.tolist() == [False, False, True, False, False, False]


def test_distances_are_those_between_the_cells(found: Shifts) -> None:
    # three cells of 10 pixels of half a millimetre; one cell, 5 mm, is not more than 5 mm
    for metric in ("peak_mm", "mass_centre_mm", "wasserstein_mm"):
        np.testing.assert_allclose(found.values[metric], [15, 0, np.nan, np.nan, np.nan, 5])
    np.testing.assert_allclose(found.values["peak_diagonal"][0], 30 / (70 * 2**0.5))
    np.testing.assert_allclose(found.values["pearson"][[0, 1]], [-1 / 48, 1])  # 1 of 49 cells, disjoint


def test_a_map_drifts_by_the_rule_of_the_silent_shift(found: Shifts) -> None:
    assert found.moved.tolist() == [True, False, True, False, False, False]
    assert found.peak_left.tolist() == [True, False, False, False, False, False]
    assert found.centre_far.tolist() == [True, False, False, False, False, False]


def test_energy_goes_from_region_to_region(found: Shifts) -> None:
    np.testing.assert_allclose(found.values["delta_energy_lesion"], [-1, 0, np.nan, np.nan, np.nan, 0])
    np.testing.assert_allclose(found.values["delta_energy_elsewhere"], [1, 0, np.nan, np.nan, np.nan, 0])


def test_without_spacing_far_is_a_tenth_of_the_diagonal() -> None:
    # of 98.99 pixels: one cell of 10 pixels is more than a tenth of it
    before, after = maps_of([(4, 4)], ["unknown"]), maps_of([(5, 4)], ["unknown"])
    one = shifts(field_of(1, np.nan), before, after, np.array([True]))
    assert np.isnan(one.values["mass_centre_mm"]).all()
    assert one.values["mass_centre_diagonal"] == pytest.approx(10 / (70 * 2**0.5))
    assert one.moved.tolist() == [True]


def test_on_grids_that_differ_only_places_are_compared() -> None:
    # cell 1 of 7 has its centre at 15 pixels, cell 2 of 14 at 12.5, and lies in it
    before, after = maps_of([(1, 1)], ["lesion"]), maps_of([(2, 2)], ["lesion"], side=14)
    one = shifts(field_of(1), before, after, np.array([True]))
    for metric in ("peak_mm", "mass_centre_mm"):
        assert one.values[metric] == pytest.approx(2.5 * 2**0.5 * MM)
    assert one.values["wasserstein_mm"] == pytest.approx(0)
    for metric in ("topk_intersection", "spearman", "pearson", "ssim"):
        assert np.isnan(one.values[metric]).all()


@pytest.mark.parametrize("metric", SHIFT_METRICS)
def test_a_map_that_is_not_compared_has_no_amount(found: Shifts, metric: str) -> None:
    amounts = drift_amounts(found, metric)
    assert np.isnan(amounts[~found.compared]).all()
    assert np.isposinf(amounts).tolist() == found.vanished.tolist()


def test_where_likeness_is_not_measured_vanished_maps_do_not_tell_of_it() -> None:
    before = maps_of([(1, 1), (3, 3)], ["lesion"] * 2)
    for side, known in ((7, True), (14, False)):
        after = maps_of([(2, 2), (-1, 0)], ["lesion", "undefined"], side=side)
        one = shifts(field_of(2), before, after, np.ones(2, bool))
        assert np.isposinf(drift_amounts(one, "mass_centre_mm")).tolist() == [False, True]
        for metric in ("topk_intersection", "spearman", "pearson", "ssim"):
            assert np.isposinf(drift_amounts(one, metric)).tolist() == [False, known]
            assert np.isnan(drift_amounts(one, metric)).tolist() == [not known] * 2


def test_maps_of_pixels_are_compared_on_real_pixels_alone() -> None:
    before, after = (maps_of([(3, 3)], ["unknown"], layer="image") for _ in range(2))
    assert before.told() is not None
    assert maps_of([(3, 3)], ["unknown"]).told() is None
    one = shifts(field_of(1), before, after, np.array([True]))
    assert one.values["spearman"] == pytest.approx(1)


def test_equal_maps_do_not_move_and_every_measure_says_so() -> None:
    before = maps_of(STARTS, STATES)
    one = shifts(field_of(6), before, before, np.ones(6, bool))
    assert not one.moved.any()
    for metric in SHIFT_METRICS:
        known = one.values[metric][before.defined]
        np.testing.assert_allclose(
            known, 1 if metric in {"topk_intersection", "spearman", "pearson", "ssim"} else 0
        )


def test_part_of_a_field_keeps_its_grid() -> None:
    part = field_at(field_of(3), np.array([True, False, True]))
    assert part.shape == (SIZE, SIZE)
    assert len(part.diagonal) == len(part.top) == len(part.spacing) == 2


def flags(text: str) -> np.ndarray:
    return np.array([letter == "1" for letter in text])


def test_paired_shares_are_counted() -> None:
    # 3 gained, 1 lost of 10 cases: McNemar's exact p is 2 x P(3 or more of 4) = 2 x 5/16
    found = share("flip rate", flags("1111000000"), flags("1110111000"), list(range(10)))
    assert (found.gained, found.lost) == (3, 1)
    assert found.before is not None
    assert found.after is not None
    assert (found.before.estimate, found.after.estimate) == (0.4, 0.6)
    assert found.difference.estimate == pytest.approx(0.2)
    assert found.p == pytest.approx(0.625)


def test_two_images_of_one_case_count_as_one_change() -> None:
    # all four changes are of one case: both signs of one sum are equally likely
    found = share("flip rate", flags("00000000"), flags("11110000"), [0, 0, 0, 0, 1, 2, 3, 4])
    assert found.p == 1.0


def test_hits_that_tied_cells_share_are_tested_as_values() -> None:
    whole = hits("maximum in lesion", np.array([1.0, 0, 1]), np.array([0.0, 0, 1]), [0, 1, 2])
    parted = hits("maximum in lesion", np.array([1.0, 0, 1]), np.array([0.5, 0, 1]), [0, 1, 2])
    assert whole.test == "sign flips of cases"
    assert parted.test == "Wilcoxon on case means"
    assert parted.difference.estimate == pytest.approx(-0.5 / 3)


def test_means_leave_undefined_images_out_of_both() -> None:
    found = mean("Dice", np.array([0.5, np.nan, 0.7]), np.array([0.7, 0.9, 0.7]), [0, 1, 2])
    assert found.before is not None
    assert found.after is not None
    assert found.before.estimate == pytest.approx(0.6)
    assert found.after.estimate == pytest.approx(0.7)
    assert found.difference.estimate == pytest.approx(0.1)


def test_a_family_is_adjusted_by_holm() -> None:
    one = share("a", flags("11111100"), flags("00000000"), list(range(8)))  # p = 2/64
    other = share("b", flags("11111000"), flags("00000000"), list(range(8)))  # p = 2/32
    none = one.model_copy(update={"p": None})
    adjusted = [item.p_holm for item in family([one, none, other])]
    assert adjusted == [pytest.approx(2 * 2 / 64), None, pytest.approx(2 / 32)]


class Sided:
    """As much of one audit as tells its explainers."""

    def __init__(self, architecture: str, *said: tuple[str, str, dict[str, Any]]) -> None:
        self.record = self.checkpoint = self
        self.architecture = architecture
        self.explainers = [
            ExplainerRecord(
                id=f"{name}-{i}", name=name, layer=layer, grid=(7, 7), signed=False, parameters=given
            )
            for i, (name, layer, given) in enumerate(said)
        ]


class Sides:
    def __init__(self, before: Sided, after: Sided) -> None:
        self.before, self.after = before, after


def test_explainers_are_matched_by_what_they_are() -> None:
    pair: Any = Sides(
        Sided(
            "resnet50",
            ("cam", "layer4", {}),
            ("grad-cam", "layer4", {"layer": None}),
            ("smoothgrad", "image", {"samples": 8}),
        ),
        Sided(
            "mobilenet_v2",
            ("grad-cam", "features", {"layer": None}),
            ("cam", "features", {}),
            ("smoothgrad", "image", {"samples": 16}),
        ),
    )
    matched, left = matched_explainers(pair)
    assert [(one.id, two.id) for one, two in matched] == [("grad-cam-1", "grad-cam-0"), ("cam-0", "cam-1")]
    assert left == [
        f"explainer smoothgrad-2 of image: in the {which} audit alone, or with another layer or other parameters"
        for which in ("older", "newer")
    ]


def test_in_one_architecture_another_layer_is_another_explainer() -> None:
    """What moved might be the layer, and no drift of the checkpoint."""
    pair: Any = Sides(
        Sided("resnet50", ("cam", "layer3", {"layer": "layer3"}), ("cam", "layer4", {"layer": None})),
        Sided("resnet50", ("cam", "layer4", {"layer": "layer4"}), ("cam", "layer2", {"layer": "layer2"})),
    )
    matched, left = matched_explainers(pair)
    assert [(one.id, two.id) for one, two in matched] == [
        ("cam-1", "cam-0")
    ]  # one named its layer, one found it
    assert len(left) == 2


@pytest.mark.parametrize(
    ("p", "difference", "low", "expected"),
    [
        (0.01, 0.3, 2.0, "drifted"),
        (0.01, 0.3, None, "drifted"),
        (0.06, 0.3, 1.2, "farther"),
        (0.06, 0.3, 0.8, "within"),
        (0.06, 0.3, None, "within"),
        (0.01, -0.3, 0.8, "within"),  # a second sweep moves more
        (None, None, None, "within"),
    ],
)
def test_a_finding_needs_more_than_a_second_sweep_moves(
    p: float | None, difference: float | None, low: float | None, expected: str
) -> None:
    moved = Named(p_holm=p, difference=Named(estimate=difference))
    shift = {"peak_diagonal": Named(maximum=0.4), "mass_centre_diagonal": Named(maximum=0.3)}
    record: Any = Named(
        compared=20,
        drifted=Named(estimate=0.5),
        shift=shift,
        natural=Named(moved=moved, centre=Named(low=low)),
    )
    assert finding(record) == expected
    assert finding(Named(**{**vars(record), "natural": None})) == "no yardstick"  # type: ignore[arg-type]
    assert finding(Named(**{**vars(record), "compared": 0})) == "not assessed"  # type: ignore[arg-type]
    still = {metric: Named(maximum=0.0) for metric in shift}
    unmoved: Any = Named(**{**vars(record), "drifted": Named(estimate=0.0), "shift": still})
    assert finding(unmoved) == "unmoved"


def pointed(hits: list[float | None]) -> Stored:
    """Maps that hit the lesion or not; None: undefined. The chance to hit is a tenth, a fifth for all regions."""
    n = len(hits)
    regions = ("lesion", "ring", "posterior", "any")
    table = pa.table(
        {f"maximum_in_{region}": hits for region in regions}
        | {f"chance_{region}": [0.1] * n for region in regions[:3]}
        | {"chance_any": [0.2] * (n - 1) + [None]}  # the last has no lesion
    )
    return Stored(
        explainer=ExplainerRecord(id="cam", name="cam", layer="features", grid=(7, 7), signed=False),
        rows=Rows(table),
        maps=np.zeros((n, 7, 7)),
        defined=np.array([hit is not None for hit in hits]),
        peaks=np.zeros(n, np.int64),
    )


def test_an_undefined_map_is_a_miss_and_two_of_them_take_no_part() -> None:
    pair: Any = Named(cases=list(range(6)))
    before, after = pointed([1, 1, 0, None, None, 1]), pointed([1, None, 1, 1, None, 1])
    found = pointing_differences(pair, before, after)
    assert [(item.region, item.extreme) for item in found] == [
        (region, "maximum") for region in ("lesion", "ring", "posterior", "any")
    ]
    lesion = found[0].hits
    assert lesion.difference.n == 4  # of five with a lesion, one is undefined in both
    assert lesion.before is not None
    assert lesion.after is not None
    assert (lesion.before.estimate, lesion.after.estimate) == (0.5, 0.75)
    assert (lesion.gained, lesion.lost) == (2, 1)
    assert found[0].chance_uniform == pytest.approx(0.1)
    assert found[3].chance_uniform == pytest.approx(0.2)


def test_clean_statistics_are_those_of_each_class() -> None:
    """Of 20 cancers and 20 others the newer finds as many cancers, 18, and clears 4 others where it cleared 16."""
    n, truth = 40, np.repeat([1, 0], 20)
    right = (
        np.repeat([True, False, True, False], [18, 2, 16, 4]),
        np.repeat([True, False] * 2, [18, 2, 4, 16]),
    )
    decisions = [np.where(hit, truth, 1 - truth) for hit in right]

    def side(decided: np.ndarray) -> Any:
        logits = np.stack([np.zeros(n), 2.0 * decided - 1], axis=1).tolist()
        rows = Rows(pa.table({"logits": logits, "dice": pa.array([None] * n, pa.float64())}))
        return Named(clean=lambda: rows, record=Named(checkpoint=Named(threshold=0.5, diagnoses=True)))

    pair: Any = Named(
        labels=truth,
        cases=list(range(n)),
        names=[str(i) for i in range(n)],
        classes=["benign", "malignant"],
        positive=1,
        decisions=lambda: decisions,
        before=side(decisions[0]),
        after=side(decisions[1]),
    )
    found = clean_comparison(pair)
    rates = {item.name: (item.before, item.after) for item in found.statistics}
    told = {name: [part.estimate for part in parts if part is not None] for name, parts in rates.items()}
    assert told["sensitivity"] == [0.9, 0.9]
    assert told["specificity"] == [0.8, 0.2]
    assert told["accuracy"] == [34 / 40, 22 / 40]
    for name in ("balanced accuracy", "AUC"):
        assert told[name] == pytest.approx([0.85, 0.55])
    assert found.differs is True  # one statistic is enough: sensitivity is what it was
    assert (len(found.right_to_wrong), found.wrong_to_right) == (12, [])


class Drift:
    def __init__(self, finding: str) -> None:
        self.finding = finding


@pytest.mark.parametrize(
    ("differs", "findings", "expected"),
    [
        (False, ["drifted"], True),
        (False, ["within", "farther"], True),
        (True, ["drifted"], False),
        (True, ["no yardstick"], False),  # whatever the maps did
        (False, ["within", "unmoved"], False),
        (False, ["within", "no yardstick"], None),  # what has no yardstick may have drifted
        (False, ["no yardstick", "drifted"], True),
        (False, ["not assessed"], None),
        (False, [], None),
        (None, ["drifted"], None),  # no labels: nothing is known of accuracy
    ],
)
def test_explanation_drift_is_maps_that_moved_at_equal_accuracy(
    differs: bool | None, findings: list[str], expected: bool | None
) -> None:
    clean = CleanComparison(
        statistics=[], decisions=[], right_to_wrong=[], wrong_to_right=[], differs=differs
    )
    drift: Any = [Drift(finding) for finding in findings]
    assert explanation_drift(clean, drift) is expected


def test_an_image_that_was_wrong_is_not_made_robust_by_its_flip() -> None:
    """Of four labelled images: two stay right; one was wrong and flips to right; one was right and flips."""

    def audited(after: list[str]) -> Any:
        return Named(attacked=lambda attack_id, quantised: Rows(pa.table({"decision": after})))

    decided = np.array([0, 1, 0, 1, 1])
    pair: Any = Named(
        labels=np.array([0, 1, 1, 1, -1]),
        cases=list(range(5)),
        classes=["benign", "malignant"],
        decisions=lambda: (decided, decided),
        before=audited(["benign", "malignant", "malignant", "benign", "malignant"]),
        after=audited(["malignant", "benign", "malignant", "benign", "malignant"]),
    )
    attack: Any = Named(id="fgsm")
    found = _robust(pair, attack, attack)
    assert found is not None
    assert found.before is not None
    assert found.after is not None
    assert (found.before.n, found.before.estimate, found.after.estimate) == (4, 0.5, 0.0)


def test_an_attack_that_was_made_otherwise_is_told_by_every_parameter() -> None:
    def attack(given: dict[str, Any], goal: dict[str, Any]) -> Any:
        said = {"name": "pgd", "criterion": "a target class", "id": "pgd"}
        return Named(**said, parameters=given, criterion_parameters=goal)

    own, other = attack({"steps": 3}, {"target": 0}), attack({"steps": 3, "restarts": 2}, {"target": 1})
    said = _left_out(own, "older", [other])
    assert "restarts None and 2" in said
    assert "target 0 and 1" in said
    assert "steps" not in said


def test_a_map_that_is_not_finite_is_kept_as_unknown_values() -> None:
    one = maps_of([(1, 1)], ["lesion"])
    kept = _map(replace(one, maps=np.full((1, 7, 7), np.nan), defined=np.array([False])), 0)
    assert kept.values == [None] * 49
    assert MapOf.model_validate_json(kept.model_dump_json()) == kept


def test_a_sweep_is_told_by_the_strengths_that_are_not_the_default() -> None:
    changes = [
        Named(name="gain", parameters={"db": 0.01}),
        Named(name="second-sweep", parameters={}),
    ]
    pair: Any = Named(before=Named(record=Named(variability=Named(changes=changes))))
    assert _made_of(pair) == ["gain:db=0.01"]


def test_a_map_that_appeared_was_undefined_and_is_not_any_more() -> None:
    before = maps_of([(1, 1), (-1, 0), (-1, 0)], ["lesion", "undefined", "undefined"])
    after = maps_of([(1, 1), (2, 2), (-1, 0)], ["lesion", "lesion", "undefined"])
    sides = [Named(record=Named(variability=None, regions=Named(tolerance_mm=at))) for at in (0.0, 1.0)]
    pair: Any = Named(names=["a", "b", "c"], cases=[0, 1, 2], before=sides[0], after=sides[1])
    found = _record(pair, before, after, shifts(field_of(3), before, after, np.ones(3, bool)), explainers=1)
    assert (found.undefined_before, found.appeared, found.compared, found.vanished) == (2, 1, 1, 0)


def test_the_farthest_are_vanished_maps_then_those_that_went_far(found: Shifts) -> None:
    assert _farthest(found, {}) == [2, 0, 5]


def test_stored_maps_have_their_scale_and_the_field_its_rows_before_its_columns() -> None:
    table = pa.table(
        {
            "grid_rows": [1], "grid_columns": [2], "map": [[0.5, -1.0]], "map_scale": [3.0], "defined": [True],
            "maximum_cells": [[0]], "spacing": [[0.1, 0.3]], "diagonal": [9.0], "lesion_pixels": [0],
            "valid_pixels": [200],
        }
    )  # fmt: skip
    explainer = ExplainerRecord(id="cam", name="cam", layer="features", grid=(1, 2), signed=True)
    side: Any = Named(
        map=lambda name: Rows(table),
        record=Named(explainers=[explainer], checkpoint=Named(preprocessing={"size": SIZE})),
    )
    one = stored(side, explainer)
    np.testing.assert_array_equal(one.maps, [[[1.5, -3.0]]])
    assert one.peaks.tolist() == [0]
    pair: Any = Named(after=side)
    whole = field(pair)
    assert whole.shape == (SIZE, SIZE)
    assert whole.spacing.tolist() == [[0.1, 0.3]]
    assert whole.top.tolist() == [10]  # 5 % of the valid pixels, without a lesion


def test_maps_stored_coarser_than_computed_have_no_yardstick() -> None:
    one = maps_of([(1, 1)], ["lesion"])
    finer = replace(one, explainer=one.explainer.model_copy(update={"grid": (56, 56)}))
    swept = Named(shifts=[Named(explainer_id="cam")])
    pair: Any = Named(before=Named(record=Named(variability=swept)))
    assert no_yardstick(pair, one) == ""
    assert "stored coarser" in no_yardstick(pair, finer)


def test_either_extreme_hits_by_chance_as_two_points_do() -> None:
    maps = pointed([1, 1])
    among = np.array([True, True])
    assert _chance(maps, "lesion", "either", among) == pytest.approx(0.19)
    assert _chance(maps, "lesion", "minimum", among) == pytest.approx(0.1)


@pytest.mark.parametrize(("cases", "same"), [(["x", "x", "y"], True), (["x", "y", "y"], False)])
def test_cases_are_alike_where_they_hold_the_same_images(cases: list[str], same: bool) -> None:
    before, after = (Named(clean=lambda own=own: Named(cases=own)) for own in (["a", "a", "b"], cases))
    pair: Any = Named(names=["1", "2", "3"], before=before, after=after)
    assert same_grouping(pair) is same


@pytest.mark.parametrize(("first", "second", "told"), [("2026-01", "2026-02", 0), ("2026-02", "2026-01", 1)])
def test_an_older_audit_that_is_younger_is_told(first: str, second: str, told: int) -> None:
    def side(created: str) -> Any:
        checkpoint = Named(sha256=created, threshold=0.5)
        record = Named(
            checkpoint=checkpoint,
            created=created,
            seed=0,
            environment=Named(precision="float32"),
            xaiaudit="1",
        )
        return Named(record=record, clean=lambda: Named(cases=["a"]))

    pair: Any = Named(before=side(first), after=side(second), classes=["benign", "malignant"], names=["1"])
    assert (
        sum("begun after the other" in note for note in _of_audits(pair))
        == told
        == len(list(_of_audits(pair)))
    )
