"""Did something change between two states of the same images? Tests that keep a case together."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

from xaiaudit.metrics.cases import Cases, case_sums, number_cases, select
from xaiaudit.types import Flags, Vector


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
    change = case_sums(after.astype(float) - before, index, count).round().astype(int)
    sizes = np.abs(change[change != 0])
    reach = int(sizes.sum())
    chance = np.ones(1)  # of the sums -reach, -reach + 2, ..., reach; a step of 2 as every flip moves by 2 d
    for size in sizes:
        chance = (np.pad(chance, (0, size)) + np.pad(chance, (size, 0))) / 2
    sums = np.abs(np.arange(-reach, reach + 1, 2))
    return min(1.0, float(chance[sums >= abs(int(change.sum()))].sum()))


def wilcoxon(before: Vector, after: Vector, cases: Cases) -> float | None:
    """Two-sided p of Wilcoxon's signed-rank test on case means, zeros by Pratt.

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
    return float(stats.wilcoxon(means, zero_method="pratt").pvalue)


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
