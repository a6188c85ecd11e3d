"""Silent shift: every way a map can move, and who is counted."""

import numpy as np
import pytest

from xaiaudit.metrics.silent_shift import moved, silent_shift

NAN = np.nan


def one(before: str, after: str, mm: float = 0.0, diagonal: float = 0.0, vanished: bool = False) -> bool:
    return bool(moved([before], [after], np.array([mm]), np.array([diagonal]), np.array([vanished]))[0])


@pytest.mark.parametrize("inside", ["lesion", "ring", "posterior"])
@pytest.mark.parametrize("outside", ["elsewhere", "padding"])
def test_the_peak_leaves(inside: str, outside: str) -> None:
    assert one(inside, outside)
    assert not one(outside, inside)
    assert not one(outside, "elsewhere")
    assert not one(inside, "lesion")


@pytest.mark.parametrize(
    ("mm", "diagonal", "far"),
    [(5.0, 0.9, False), (5.01, 0.0, True), (NAN, 0.1, False), (NAN, 0.11, True), (NAN, NAN, False)],
)
def test_the_mass_centre_goes_far(mm: float, diagonal: float, far: bool) -> None:
    assert one("unknown", "unknown", mm, diagonal) == far


def test_a_map_that_vanishes_has_moved() -> None:
    assert one("lesion", "undefined", NAN, NAN, vanished=True)
    assert not one("undefined", "undefined", NAN, NAN)


def test_only_a_standing_decision_is_silent_and_only_a_defined_clean_map_counts() -> None:
    flags = silent_shift(
        np.array([True, True, False, False, True]),
        np.array([False, True, False, True, False]),
        np.array([True, True, True, True, False]),
    )
    np.testing.assert_array_equal(flags, [1, 0, 0, 0, NAN])


def test_states_of_two_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        moved(["lesion"], [], np.zeros(1), np.zeros(1), np.zeros(1, bool))
