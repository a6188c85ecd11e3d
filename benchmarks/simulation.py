"""Samples of known truth, in cases of several images, and how often each statistic tells that truth."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr, ndtri

from xaiaudit.metrics import abstention, calibration
from xaiaudit.metrics import statistics as s
from xaiaudit.metrics.calibration_line import calibration_line
from xaiaudit.metrics.classification import class_mean
from xaiaudit.metrics.contrast import rate_difference
from xaiaudit.metrics.cross_validated import Fold, cv_auc, cv_auc_difference
from xaiaudit.metrics.mean_difference import mean_worsening
from xaiaudit.records import Interval

Rng = np.random.Generator
MOST = 8  # images a case, of 2 to 8 drawn uniformly


@dataclass(frozen=True)
class Design:
    """So many cases, of one image or of 2 to 8 that correlate by `correlation` within their case."""

    cases: int
    several: bool = False
    correlation: float = 0.0

    def __str__(self) -> str:
        return f"{self.cases} | 2 to 8 | {self.correlation:g}" if self.several else f"{self.cases} | 1 | –"

    def index(self, rng: Rng) -> np.ndarray:
        """The case of each image."""
        sizes = rng.integers(2, MOST + 1, self.cases) if self.several else np.ones(self.cases, int)
        return np.repeat(np.arange(self.cases), sizes)


DESIGNS = [
    Design(cases, several, correlation)
    for cases in (10, 30, 100)
    for several, correlation in ((False, 0.0), (True, 0.0), (True, 0.3), (True, 0.9))
]


def categories(rng: Rng, chances: tuple[float, ...], design: Design) -> tuple[np.ndarray, np.ndarray]:
    """One of k categories an image, and its case; the chances of a case are drawn by Dirichlet."""
    index = design.index(rng)
    if design.correlation:
        gammas = rng.standard_gamma(
            np.array(chances) * (1 / design.correlation - 1), (design.cases, len(chances))
        )
        own = (gammas / np.maximum(gammas.sum(1, keepdims=True), 1e-300)).cumsum(1)[index]
    else:
        own = np.broadcast_to(np.cumsum(chances), (len(index), len(chances)))
    return (rng.random(len(index))[:, None] > own[:, :-1]).sum(1), index


def normals(rng: Rng, index: np.ndarray, design: Design) -> np.ndarray:
    """Standard normal values of images that correlate within their case."""
    shared = design.correlation
    own = rng.normal(size=design.cases)[index]
    return np.sqrt(shared) * own + np.sqrt(1 - shared) * rng.normal(size=len(index))


def scores(
    rng: Rng, area: float, design: Design, *, mixed: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Labels, scores of two models that correlate by 0.7, and cases.

    Two cases of five are positive; if `mixed`, two images of five, whatever their case.
    """
    index = design.index(rng)
    labels = rng.random(len(index)) < 0.4 if mixed else index < round(0.4 * design.cases)
    shared = normals(rng, index, design)
    before, after = (np.sqrt(0.7) * shared + np.sqrt(0.3) * normals(rng, index, design) for _ in range(2))
    distance = float(np.sqrt(2) * ndtri(area))
    return labels, before + distance * labels, after + distance * labels, index


def share(repeats: int, once: Callable[[Rng], bool], seed: int = 0) -> float:
    """How often `once` came out true."""
    rng = np.random.default_rng(seed)
    return sum(bool(once(rng)) for _ in range(repeats)) / repeats


def covers(interval: Interval, truth: float) -> bool:
    """Whether the truth lies within; an interval without bounds says nothing, and so excludes nothing."""
    low = -np.inf if interval.low is None else interval.low
    high = np.inf if interval.high is None else interval.high
    return bool(low <= truth <= high)


def proportion(rate: float, design: Design, repeats: int) -> float:
    def once(rng: Rng) -> bool:
        drawn, index = categories(rng, (rate, 1 - rate), design)
        return covers(s.proportion(drawn == 0, index), rate)

    return share(repeats, once)


def passed(limit: float, design: Design, repeats: int) -> float:
    """How often a requirement is passed by a model whose true rate is the limit and should fail."""

    def once(rng: Rng) -> bool:
        drawn, index = categories(rng, (limit, 1 - limit), design)
        high = s.bound(drawn == 0, index).high
        return high is not None and high < limit

    return share(repeats, once)


def states(rng: Rng, gained: float, lost: float, design: Design) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hits before, hits after, cases."""
    drawn, index = categories(rng, (gained, lost, 1 - gained - lost), design)
    return drawn == 1, drawn == 0, index


def difference(gained: float, lost: float, design: Design, repeats: int) -> float:
    def once(rng: Rng) -> bool:
        before, after, index = states(rng, gained, lost, design)
        return covers(s.paired_difference(before, after, index), gained - lost)

    return share(repeats, once)


def regression(gained: float, lost: float, design: Design, repeats: int) -> float:
    """How often a rise is called more than tolerated that is just what is tolerated."""

    def once(rng: Rng) -> bool:
        before, after, index = states(rng, gained, lost, design)
        return (s.worsening(before, after, index, tolerated=gained - lost) or 0.0) <= 0.05

    return share(repeats, once)


def noticed(rate: float, rise: float, design: Design, repeats: int) -> float:
    """How often a rise is noticed, between two checkpoints whose hits are independent of one another."""

    def once(rng: Rng) -> bool:
        after = rate + rise
        before_hit, after_hit, index = states(rng, after * (1 - rate), rate * (1 - after), design)
        return (s.worsening(before_hit, after_hit, index) or 0.0) <= 0.05

    return share(repeats, once)


def mean_regression(design: Design, repeats: int, *, skewed: bool = False) -> float:
    """How often a rise of a mean is found where there is none; of normal values, or of their exponentials."""

    def once(rng: Rng) -> bool:
        index = design.index(rng)
        before, after = (normals(rng, index, design) for _ in range(2))
        if skewed:
            before, after = np.exp(before), np.exp(after)
        return (mean_worsening(before, after, index) or 0.0) < 0.05

    return share(repeats, once)


def sign_flip(discordant: float, design: Design, repeats: int) -> float:
    """How often a change is found where gains and losses are equally likely."""

    def once(rng: Rng) -> bool:
        before, after, index = states(rng, discordant / 2, discordant / 2, design)
        return (s.sign_flip(before, after, index) or 0.0) <= 0.05

    return share(repeats, once)


def wilcoxon(unchanged: float, design: Design, repeats: int) -> float:
    """How often a change is found where none is: values in steps of 0.1, so many cases unchanged altogether."""

    def once(rng: Rng) -> bool:
        index = design.index(rng)
        moves = rng.random(design.cases)[index] >= unchanged
        change = np.round(normals(rng, index, design), 1) * moves
        return (s.wilcoxon(np.zeros(len(index)), change, index) or 0.0) <= 0.05

    return share(repeats, once)


TRUTHS = {("normal", "mean"): 0.0, ("normal", "median"): 0.0,
          ("skewed", "mean"): float(np.exp(0.5)), ("skewed", "median"): 1.0}  # fmt: skip


def bootstrap(kind: str, statistic: str, design: Design, repeats: int, resamples: int = 1000) -> float:
    """Of standard normal values, or of their exponentials, whose skewness is 6."""
    truth = TRUTHS[kind, statistic]

    def once(rng: Rng) -> bool:
        index = design.index(rng)
        values = normals(rng, index, design)
        values = np.exp(values) if kind == "skewed" else values
        seed = int(rng.integers(2**31))  # equal draws would share their error
        return covers(s.bootstrap(values, index, statistic, resamples=resamples, seed=seed), truth)

    return share(repeats, once)


def aurc(rate: float, skill: float, design: Design, repeats: int, resamples: int = 1000) -> float:
    """Area under the risk-coverage curve: so many wrong, and a score that correlates by `skill` with being right."""

    def drawn(rng: Rng, index: np.ndarray, of: Design) -> tuple[np.ndarray, np.ndarray]:
        hidden, noise = normals(rng, index, of), normals(rng, index, of)
        return skill * hidden + np.sqrt(1 - skill**2) * noise, hidden < ndtri(rate)

    many = Design(500_000)
    sample = np.random.default_rng(1)
    truth = abstention.risk_coverage(*drawn(sample, many.index(sample), many)).mean()

    def once(rng: Rng) -> bool:
        index = design.index(rng)
        seed = int(rng.integers(2**31))
        return covers(
            abstention.aurc(*drawn(rng, index, design), index, resamples=resamples, seed=seed), truth
        )

    return share(repeats, once)


def group_difference(first: float, second: float, design: Design, repeats: int) -> float:
    """Two rates on images of one sample; seven of ten images fall into the first group, whatever their case."""

    def once(rng: Rng) -> bool:
        index = design.index(rng)
        group = rng.random(len(index)) < 0.7
        hits = normals(rng, index, design) < np.where(group, ndtri(first), ndtri(second))
        rates = [s.proportion(hits[of], index[of]) for of in (group, ~group)]
        return covers(rate_difference(rates[0], rates[1], cases=design.cases), first - second)

    return share(repeats, once)


def auc(area: float, design: Design, repeats: int, *, mixed: bool = False) -> float:
    def once(rng: Rng) -> bool:
        labels, before, _, index = scores(rng, area, design, mixed=mixed)
        return covers(s.auc(labels, before, index), area)

    return share(repeats, once)


def auc_difference(area: float, design: Design, repeats: int) -> float:
    def once(rng: Rng) -> bool:
        labels, before, after, index = scores(rng, area, design)
        return covers(s.auc_difference(labels, before, after, index), 0.0)

    return share(repeats, once)


def auc_regression(area: float, design: Design, repeats: int) -> float:
    """How often a fall is found of an AUC that did not fall."""

    def once(rng: Rng) -> bool:
        labels, before, after, index = scores(rng, area, design)
        high = s.auc_difference(
            labels, before, after, index, level=0.9
        ).high  # as p of auc_worsening, but quicker
        return high is not None and high < 0

    return share(repeats, once)


def folds_auc(area: float, design: Design, repeats: int) -> float:
    """Of a cross-validation: 2 folds of 10 cases, else 5, each with a scale of its own."""

    def once(rng: Rng) -> bool:
        before, _ = _folds(rng, area, design)
        return covers(cv_auc(before), area)

    return share(repeats, once)


def folds_difference(area: float, design: Design, repeats: int) -> float:
    def once(rng: Rng) -> bool:
        return covers(cv_auc_difference(*_folds(rng, area, design)), 0.0)

    return share(repeats, once)


def _folds(rng: Rng, area: float, design: Design) -> tuple[list[Fold], list[Fold]]:
    labels, before, after, index = scores(rng, area, design)
    count = 2 if design.cases < 30 else 5
    fold = np.arange(design.cases)[index] % count  # cases of a class follow one another
    sides = []
    for drawn in (before, after):
        parts = [(labels[fold == k], drawn[fold == k] + 10 * k, index[fold == k]) for k in range(count)]
        sides.append([Fold(labels=y, scores=x, cases=cases) for y, x, cases in parts])
    return sides[0], sides[1]


def calibrated(design: Design, repeats: int, resamples: int = 1000) -> list[float]:
    """Of probabilities that are right: how often intervals hold the truth of Brier score, intercept and slope.

    And how often the calibration error is above what 95 % of draws give, where none is. Odds, and labels given odds,
    correlate within their case.
    """

    def drawn(rng: Rng, of: Design) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        index = of.index(rng)
        odds = 1.5 * normals(rng, index, of) - 0.5
        return ndtr(normals(rng, index, of)) < expit(odds), odds, index

    many = expit(drawn(np.random.default_rng(1), Design(1_000_000))[1])
    truth, rng, found = float((many * (1 - many)).mean()), np.random.default_rng(0), []
    for _ in range(repeats):
        hits, odds, index = drawn(rng, design)
        chances, seed = expit(odds), int(rng.integers(2**31))
        scores = calibration.brier_scores(hits.astype(int), np.stack([1 - chances, chances], 1))
        line = calibration_line(hits, odds, index) if 0 < hits.sum() < len(hits) else (None, None)
        bins = calibration.equal_bins(chances, calibration.MOST)
        high = np.quantile(
            calibration.errors_by_chance(chances, bins, index, draws=resamples, seed=seed),
            0.95,
            method="higher",
        )
        found.append(
            [
                covers(s.bootstrap(scores, index, resamples=resamples, seed=seed), truth),
                line[0] is None or covers(line[0], 0.0),
                line[1] is None or covers(line[1], 1.0),
                calibration.calibration_error(hits, chances, bins) > high,
            ]
        )
    return [float(share) for share in np.mean(found, axis=0)]


def balanced(rate: float, design: Design, repeats: int) -> float:
    """Of two classes, each decided rightly at `rate`; two cases of five are of class 1."""

    def once(rng: Rng) -> bool:
        drawn, index = categories(rng, (rate, 1 - rate), design)
        truth = (index < round(0.4 * design.cases)).astype(int)
        found = class_mean(drawn == 0, truth, index, 2)
        return found is not None and covers(found, rate)

    return share(repeats, once)


def family(design: Design, repeats: int, tests: int = 4) -> float:
    """How often Holm finds any change in a family of tests that has none."""

    def once(rng: Rng) -> bool:
        found = []
        for _ in range(tests):
            before, after, index = states(rng, 0.15, 0.15, design)
            found.append(s.worsening(before, after, index) or 0.0)
        return min(s.holm(found)) <= 0.05

    return share(repeats, once)


def cells(values: list[float]) -> Iterator[str]:
    """As percentages; a dash where there is none."""
    return ("–" if np.isnan(value) else f"{100 * value:.1f}" for value in values)
