"""Did something change between two states of the same images? Tests that keep a case together."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int
from scipy import stats

from xaiaudit.metrics.cases import Cases, case_sums, number_cases, select
from xaiaudit.types import Flags, Vector

EXACT = 200  # cases up to which Wilcoxon's distribution is enumerated: 0.1 s


def sign_flip(before: Flags, after: Flags, cases: Cases) -> float | None:
    """Exact two-sided p that flags changed, by flipping the sign of each case's sum of changes.

    With one image a case this is McNemar's exact test. The distribution of the sum over all 2^c sign patterns
    is built by convolution, so nothing is drawn.

    Args:
        before, after: (n,) bool, of the same images.
        cases: the case id of each image.

    Returns:
        p in (0, 1]; 1 where no case changed on balance; None for n = 0. Underflows to 0 below 1e-300.

    Source: McNemar 1947, Psychometrika 12:153-157; Fisher 1935, The Design of Experiments, section 21.
    """
    if len(before) == 0:
        return None
    index, count = number_cases(cases, len(before))
    return _flipping(case_sums(after.astype(float) - before, index, count).round().astype(int))


def wilcoxon(before: Vector, after: Vector, cases: Cases) -> float | None:
    """Two-sided p of Wilcoxon's signed-rank test on case means, zeros by Pratt.

    Exact, ties and zeros included, up to 200 cases: given the sizes of the changes, all patterns of their signs are
    equally likely. With more cases the normal approximation with its correction for ties and zeros.

    Args:
        before, after: (n,), of the same images; a pair with a NaN is left out.
        cases: the case id of each image.

    Returns:
        p in [0, 1]; 1 where no case mean differs; None where no pair is defined.

    Source: Wilcoxon 1945, Biometrics Bulletin 1:80-83; Pratt 1959, JASA 54:655-667.
    """
    change = after - before
    defined = np.isfinite(change)
    if not defined.any():
        return None
    index, count = number_cases(select(cases, defined), int(defined.sum()))
    means = case_sums(change[defined], index, count) / np.bincount(index, minlength=count)
    if not means.any():
        return 1.0
    if count > EXACT:
        return float(stats.wilcoxon(means, zero_method="pratt", method="asymptotic").pvalue)
    ranks = stats.rankdata(
        np.abs(means)
    )  # halves where there are ties; zeros take the lowest, and count for none
    return _flipping((2 * ranks * np.sign(means)).astype(int))


def _flipping(changes: Int[np.ndarray, "c"]) -> float:
    """Two-sided p of a sum, from its distribution over all patterns of the signs of its terms."""
    sizes = np.abs(changes[changes != 0])
    reach = int(sizes.sum())
    chance = np.ones(1)  # of the sums -reach, -reach + 2, ..., reach; a step of 2 as every flip moves by 2 d
    for size in sizes:
        chance = (np.pad(chance, (0, size)) + np.pad(chance, (size, 0))) / 2
    sums = np.abs(np.arange(-reach, reach + 1, 2))
    return min(1.0, float(chance[sums >= abs(int(changes.sum()))].sum()))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for a family of tests, in the order given, each in [0, 1].

    Source: Holm 1979, Scandinavian Journal of Statistics 6:65-70.
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = highest
    return adjusted
