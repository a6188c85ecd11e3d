"""Do probabilities mean what they say? Brier score, reliability curve and its expected calibration error."""

import numpy as np
from jaxtyping import Float, Int
from scipy.special import softmax

from xaiaudit.metrics.bootstrap import CELLS, bootstrap
from xaiaudit.metrics.calibration_line import calibration_line
from xaiaudit.metrics.cases import Cases, number_cases, select
from xaiaudit.metrics.proportions import FEWEST, proportion
from xaiaudit.records import ReliabilityBin, ReliabilityRecord
from xaiaudit.types import Decisions, Flags, Vector

Probabilities = Float[np.ndarray, "n k"]
Bins = Int[np.ndarray, "n"]  # of each image, 0 to the number of bins - 1, in rising order of the values
MOST = 10  # bins of a reliability curve
DRAWS = 2000  # of labels, for the error that chance alone gives
DIGITS = 12  # of an error, so that one as large as chance's is no larger, whatever was added up first


def reliability_record(
    labels: Decisions, logits: Float[np.ndarray, "n k"], cases: Cases, *, positive: int
) -> ReliabilityRecord | None:
    """What is said of the probabilities, the softmax of the logits; the operating threshold plays no part.

    Args:
        labels: (n,) class index, -1 for an image without a label, which is left out.
        logits: (n, k), as the model gave them.
        cases: the case id of each image.
        positive: the class whose probability the curve, its error and its line are of, against all others.

    Returns:
        None where the positive class, or every other, has no image. Without a curve, and so without its error, where
        fewer than two bins of 10 images can be made.
    """
    known = labels >= 0
    truth, given = labels[known], softmax(logits[known].astype(np.float64), axis=1)
    hits, of_case = truth == positive, select(cases, known)
    if not hits.any() or hits.all():
        return None
    chances = given[:, positive]
    shares = np.bincount(truth, minlength=logits.shape[1]) / len(truth)
    bins = equal_bins(chances, MOST)
    found = chance = None
    if bins.max() > 0:
        found = calibration_error(hits, chances, bins)
        chance = errors_by_chance(chances, bins, of_case)
    rest = np.delete(logits[known].astype(np.float64), positive, axis=1)
    odds = logits[known, positive] - np.logaddexp.reduce(rest, axis=1)
    intercept, slope = calibration_line(hits, odds, of_case)
    return ReliabilityRecord(
        positive_share=float(hits.mean()),
        mean_probability=float(chances.mean()),
        brier=bootstrap(brier_scores(truth, given), of_case),
        brier_of_shares=float((1 - (shares**2).sum()) / 2),
        bins=[] if found is None else reliability_curve(hits, chances, bins, of_case),
        ece=found,
        ece_by_chance=None if chance is None else float(chance.mean()),
        ece_by_chance_high=None if chance is None else float(np.quantile(chance, 0.95, method="higher")),
        intercept=intercept,
        slope=slope,
    )


def brier_scores(labels: Decisions, probabilities: Probabilities) -> Vector:
    """Half the squared distance between an image's probabilities and certainty of its label, (n,), in [0, 1].

    Of two classes it is (p - y)^2. NaN without a label (-1). The Brier score is the mean.

    Source: Brier 1950, Monthly Weather Review 78:1-3, there twice as large.
    """
    known = labels >= 0
    certain = np.eye(probabilities.shape[1])[np.where(known, labels, 0)]
    scores: Vector = np.where(known, ((probabilities - certain) ** 2).sum(1) / 2, np.nan)
    return scores


def equal_bins(values: Vector, most: int) -> Bins:
    """Each value's bin, of at most `most` bins of about as many values, parted by quantiles.

    None has fewer than 10 values (`FEWEST`), unless all are fewer. Equal values share a bin, so that many of them make
    bins fewer and larger.
    """
    count = int(np.clip(len(values) // FEWEST, 1, most))
    borders = np.quantile(values, np.arange(1, count) / count)
    parts = np.searchsorted(borders, values)
    ends, held = [], 0  # of the parts that are joined to a bin, the last
    for part, size in enumerate(np.bincount(parts, minlength=count).tolist()):
        held += size
        if held >= FEWEST:
            ends.append(part)
            held = 0
    # what is left over after the last full bin belongs to it
    bins: Bins = np.searchsorted(np.array(ends[:-1], np.int64), parts)
    return bins


def reliability_curve(hits: Flags, chances: Vector, bins: Bins, cases: Cases) -> list[ReliabilityBin]:
    """Of each bin the mean probability given and the share of positive images, with its case-level interval."""
    return [
        ReliabilityBin(
            low=float(chances[own].min()),
            high=float(chances[own].max()),
            mean_probability=float(chances[own].mean()),
            positive_share=proportion(hits[own], select(cases, own)),
        )
        for own in (bins == number for number in range(bins.max() + 1))
    ]


def calibration_error(hits: Flags, chances: Vector, bins: Bins) -> float:
    """Mean over images of the distance between their bin's mean probability and its share of positive images.

    In [0, 1]. It is biased upwards: within a bin chance parts the two even where the probabilities are right, the
    more the fewer its images. Read it beside `errors_by_chance`.

    Source: Naeini et al. 2015, AAAI 29:2901-2907 (ECE), there with bins of equal width.
    """
    return round(float(np.abs(np.bincount(bins, weights=hits - chances)).sum() / len(hits)), DIGITS)


def errors_by_chance(
    chances: Vector, bins: Bins, cases: Cases, *, draws: int = DRAWS, seed: int = 0
) -> Float[np.ndarray, "b"]:
    """`calibration_error` of a model whose probabilities are right, (draws,): its labels are drawn from them.

    One uniform number a case decides about all its images, as images of one lesion have one label: with independent
    draws the error of chance would be too small, and a model would be blamed for it.
    """
    index, count = number_cases(cases, len(chances))
    rng, step = np.random.default_rng(seed), max(1, CELLS // len(chances))
    member = np.eye(bins.max() + 1)[bins]  # (n, bins)
    found = []
    for start in range(0, draws, step):
        uniform = rng.random((min(step, draws - start), count))[:, index]
        found.append(np.abs(((uniform < chances) - chances) @ member).sum(1) / len(chances))
    return np.concatenate(found).round(DIGITS)
