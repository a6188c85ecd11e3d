"""Whether intervals cover, and tests reject, as often as they say, on samples of known truth in clustered cases.

The short versions run few samples of the designs that a wrong formula fails; a bound is the figure measured at length
(docs/statistics.md), less three standard errors of the simulation. Seeds are fixed. At length: pytest -m slow.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(ROOT)
    from benchmarks import simulation as sim

FEW, MANY = 400, 2000
ALIKE, LOOSE = sim.Design(30, True, 0.9), sim.Design(30, True, 0.3)
SMALL = sim.Design(10, True, 0.3)


def error(share: float, repeats: int) -> float:
    """Three standard errors of a simulated share."""
    return 3 * (share * (1 - share) / repeats) ** 0.5


def check(share: float, low: float, high: float, repeats: int) -> None:
    assert low - error(low, repeats) <= share <= high + error(high, repeats)


@pytest.mark.parametrize(
    ("rate", "design", "low", "high"),
    [
        (0.01, sim.Design(100, True, 0.3), 0.97, 1.0),
        (0.05, LOOSE, 0.97, 0.99),
        (0.5, SMALL, 0.94, 0.96),
        (0.5, ALIKE, 0.94, 0.96),
        (0.95, LOOSE, 0.97, 0.99),
        (0.99, sim.Design(10, True, 0.9), 0.93, 0.95),
    ],
)  # fmt: skip
def test_proportions_cover(rate: float, design: sim.Design, low: float, high: float) -> None:
    check(sim.proportion(rate, design, FEW), low, high, FEW)


@pytest.mark.parametrize(("limit", "design"), [(0.05, sim.Design(60)), (0.1, LOOSE), (0.5, ALIKE)])
def test_a_model_at_the_limit_seldom_passes(limit: float, design: sim.Design) -> None:
    assert sim.passed(limit, design, FEW) <= 0.05 + error(0.05, FEW)


@pytest.mark.parametrize(
    ("change", "design"),
    [((0.05, 0.0), LOOSE), ((0.2, 0.2), ALIKE), ((0.3, 0.1), SMALL), ((0.05, 0.05), sim.Design(100))],
)
def test_differences_cover(change: tuple[float, float], design: sim.Design) -> None:
    check(sim.difference(*change, design, FEW), 0.945, 0.995, FEW)


@pytest.mark.parametrize(
    ("change", "design"), [((0.3, 0.2), ALIKE), ((0.1, 0.1), sim.Design(100)), ((0.3, 0.3), LOOSE)]
)
def test_a_tolerated_rise_is_seldom_called_a_regression(
    change: tuple[float, float], design: sim.Design
) -> None:
    check(sim.regression(*change, design, FEW), 0.03, 0.055, FEW)


@pytest.mark.parametrize("design", [sim.Design(100), ALIKE], ids=str)
def test_sign_flips_keep_their_size(design: sim.Design) -> None:
    check(sim.sign_flip(0.5, design, FEW), 0.02, 0.05, FEW)


@pytest.mark.parametrize(("unchanged", "design"), [(0.0, sim.Design(10)), (0.5, ALIKE)])
def test_wilcoxon_keeps_its_size(unchanged: float, design: sim.Design) -> None:
    check(sim.wilcoxon(unchanged, design, FEW), 0.035, 0.05, FEW)


def test_holm_keeps_a_family_at_five_percent() -> None:
    check(sim.family(ALIKE, FEW // 2), 0.02, 0.055, FEW // 2)


@pytest.mark.parametrize(
    ("kind", "statistic", "design", "low"),
    [
        ("normal", "mean", sim.Design(10), 0.94),
        ("normal", "median", ALIKE, 0.94),
        ("skewed", "median", LOOSE, 0.94),
    ],
)
def test_bootstraps_cover(kind: str, statistic: str, design: sim.Design, low: float) -> None:
    check(sim.bootstrap(kind, statistic, design, FEW, resamples=400), low, 0.97, FEW)


@pytest.mark.parametrize(("area", "high"), [(0.5, 0.96), (0.9, 0.98), (0.99, 0.99)])
@pytest.mark.parametrize("design", [LOOSE, ALIKE], ids=str)
def test_auc_intervals_cover(area: float, high: float, design: sim.Design) -> None:
    check(sim.auc(area, design, FEW), 0.94, high, FEW)


def test_auc_intervals_cover_where_a_case_holds_both_classes() -> None:
    check(sim.auc(0.8, sim.Design(100, True, 0.9), FEW, mixed=True), 0.94, 0.96, FEW)


@pytest.mark.parametrize(("area", "high"), [(0.5, 0.96), (0.9, 1.0)])
def test_changes_of_auc_cover(area: float, high: float) -> None:
    check(sim.auc_difference(area, LOOSE, FEW), 0.94, high, FEW)


def test_aucs_of_cross_validations_cover_and_so_do_their_changes() -> None:
    check(sim.folds_auc(0.9, LOOSE, FEW // 2), 0.94, 0.98, FEW // 2)
    check(sim.folds_difference(0.9, LOOSE, FEW // 2), 0.94, 1.0, FEW // 2)


def test_an_auc_that_did_not_fall_is_seldom_said_to() -> None:
    check(sim.auc_regression(0.5, sim.Design(30, True, 0.9), FEW), 0.03, 0.06, FEW)


def test_balanced_accuracy_covers() -> None:
    check(sim.balanced(0.5, LOOSE, FEW), 0.94, 0.97, FEW)


@pytest.mark.parametrize(
    ("rates", "design", "low", "high"),
    [((0.5, 0.5), sim.Design(30), 0.93, 0.96), ((0.9, 0.6), LOOSE, 0.96, 0.985)],
)
def test_differences_of_two_groups_cover(
    rates: tuple[float, float], design: sim.Design, low: float, high: float
) -> None:
    check(sim.group_difference(*rates, design, FEW), low, high, FEW)


def test_areas_under_risk_and_coverage_cover() -> None:
    check(sim.aurc(0.3, 0.7, ALIKE, FEW // 2, resamples=400), 0.91, 0.97, FEW // 2)


@pytest.mark.parametrize("design", [sim.Design(30), ALIKE], ids=str)
def test_right_probabilities_are_seldom_called_wrong(design: sim.Design) -> None:
    repeats = FEW // 4
    brier, intercept, slope, error_called = sim.calibrated(design, repeats, resamples=300)
    for covered in (brier, intercept, slope):
        check(covered, 0.93, 0.97, repeats)
    assert error_called <= 0.05 + error(0.05, repeats)


SLOW: list[tuple[str, Callable[[sim.Design, int], float], float, float]] = [
    *((f"proportion {r}", lambda d, n, r=r: sim.proportion(r, d, n), 0.90, 1.0) for r in (0.01, 0.05, 0.5, 0.95, 0.99)),
    *((f"limit {r}", lambda d, n, r=r: sim.passed(r, d, n), 0.0, 0.06) for r in (0.05, 0.1, 0.5)),
    *((f"difference {c}", lambda d, n, c=c: sim.difference(*c, d, n), 0.94, 1.0) for c in ((0.05, 0.05), (0.3, 0.1))),
    *((f"regression {c}", lambda d, n, c=c: sim.regression(*c, d, n), 0.0, 0.065) for c in ((0.1, 0.1), (0.3, 0.2))),
    *((f"sign flips {c}", lambda d, n, c=c: sim.sign_flip(c, d, n), 0.0, 0.05) for c in (0.1, 0.5)),
    *((f"wilcoxon {c}", lambda d, n, c=c: sim.wilcoxon(c, d, n), 0.0, 0.05) for c in (0.0, 0.5)),
    ("bootstrap mean", lambda d, n: sim.bootstrap("normal", "mean", d, n // 2), 0.93, 0.97),
    ("bootstrap median", lambda d, n: sim.bootstrap("normal", "median", d, n // 2), 0.93, 0.99),
    *((f"groups {r}", lambda d, n, r=r: sim.group_difference(*r, d, n), 0.93, 1.0) for r in ((0.5, 0.5), (0.9, 0.6))),
    ("aurc", lambda d, n: sim.aurc(0.3, 0.7, d, n // 4), 0.90, 0.985),
    *((f"auc {a}", lambda d, n, a=a: sim.auc(a, d, n // 2), 0.935, 1.0) for a in (0.5, 0.9, 0.99)),
    *((f"auc change {a}", lambda d, n, a=a: sim.auc_difference(a, d, n // 2), 0.92, 1.0) for a in (0.5, 0.9)),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("design", sim.DESIGNS, ids=str)
@pytest.mark.parametrize(
    ("measure", "low", "high"), [case[1:] for case in SLOW], ids=[case[0] for case in SLOW]
)
def test_at_length(
    measure: Callable[[sim.Design, int], float], low: float, high: float, design: sim.Design
) -> None:
    check(measure(design, MANY), low, high, MANY // 2)
