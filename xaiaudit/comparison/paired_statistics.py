"""Both audits' statistic and its paired difference, for flags and for values an image."""

from collections.abc import Callable, Iterable

import numpy as np

from xaiaudit.comparison_record import PairedStatistic
from xaiaudit.metrics.bootstrap import bootstrap
from xaiaudit.metrics.cases import Cases
from xaiaudit.metrics.differences import paired_difference
from xaiaudit.metrics.paired import holm, sign_flip, wilcoxon
from xaiaudit.metrics.proportions import proportion
from xaiaudit.records import Interval
from xaiaudit.types import Flags, Vector


def share(name: str, before: Flags, after: Flags, cases: Cases) -> PairedStatistic:
    """Shares of the same images, (n,) bool each."""
    return PairedStatistic(
        name=name,
        before=proportion(before, cases),
        after=proportion(after, cases),
        difference=paired_difference(before, after, cases),
        test="sign flips of cases",
        p=sign_flip(before, after, cases),
        gained=int((after & ~before).sum()),
        lost=int((before & ~after).sum()),
    )


def hits(name: str, before: Vector, after: Vector, cases: Cases) -> PairedStatistic:
    """The same of hits in [0, 1], where an extreme that several cells share counts by those inside.

    Where every hit is whole it is `share`; else the difference is a bootstrapped mean, and its test Wilcoxon's.
    """
    if set(np.concatenate([before, after]).tolist()) <= {0.0, 1.0}:
        return share(name, before == 1, after == 1, cases)
    return _of_values(name, proportion, before, after, cases)


def mean(name: str, before: Vector, after: Vector, cases: Cases) -> PairedStatistic:
    """Means of one value an image, NaN left out of both."""
    known = np.isfinite(before) & np.isfinite(after)
    before, after = (np.where(known, values, np.nan) for values in (before, after))
    return _of_values(name, bootstrap, before, after, cases)


def _of_values(
    name: str, each: Callable[[Vector, Cases], Interval], before: Vector, after: Vector, cases: Cases
) -> PairedStatistic:
    return PairedStatistic(
        name=name,
        before=each(before, cases),
        after=each(after, cases),
        difference=bootstrap(after - before, cases),
        test="Wilcoxon on case means",
        p=wilcoxon(before, after, cases),
    )


def family(statistics: Iterable[PairedStatistic]) -> list[PairedStatistic]:
    """The same with `p_holm` among them; None where there is no p."""
    found = list(statistics)
    adjusted = iter(holm([item.p for item in found if item.p is not None]))
    return [item if item.p is None else item.model_copy(update={"p_holm": next(adjusted)}) for item in found]
