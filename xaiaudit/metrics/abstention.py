"""What withholding decisions buys: the error rate of those that are kept, against the share that is.

Decisions are ranked by a score, the highest kept first; NaN ranks below every number, so that what has no score is
the first to be withheld. Tied decisions are taken in every order at once: the risk is its mean over all of them.

Source: El-Yaniv & Wiener 2010, JMLR 11:1605 (risk and coverage); Geifman & El-Yaniv 2017, arXiv:1705.08500; Geifman,
Uziel & El-Yaniv 2019, arXiv:1805.08206 (AURC and its excess).
"""

import numpy as np
from jaxtyping import Float, Int

from xaiaudit.metrics.bootstrap import bootstrap
from xaiaudit.metrics.cases import Cases
from xaiaudit.records import Interval
from xaiaudit.types import Flags, Vector

Risks = Float[np.ndarray, "n"]


def risk_coverage(scores: Vector, wrong: Flags) -> Risks:
    """Error rate among the k decisions kept, for k = 1 to n, (n,) in [0, 1]; coverage is k / n."""
    order, ends = _ranked(scores)
    kept = np.arange(1, len(scores) + 1)
    errors = np.append(0, wrong[order].cumsum()[ends])  # among all down to each group of ties
    counts = np.append(0, ends + 1)
    group = np.searchsorted(ends + 1, kept)
    share = (errors[group + 1] - errors[group]) / (counts[group + 1] - counts[group])
    return np.asarray((errors[group] + (kept - counts[group]) * share) / kept)


def aurc(scores: Vector, wrong: Flags, cases: Cases, *, resamples: int = 10_000, seed: int = 0) -> Interval:
    """Area under the risk-coverage curve, the mean of `risk_coverage`, in [0, 1]: the less the better.

    The interval is a case bootstrap, each resample ranked anew. Bounds are None where all or none are wrong, so that
    no variance can be seen, and with fewer than two cases; all are None without a decision.
    """
    order, ends = _ranked(scores)

    def areas(values: Vector, weights: Int[np.ndarray, "b n"]) -> Float[np.ndarray, "b"]:
        return _areas(values[order], weights[:, order], ends)

    found = bootstrap(wrong.astype(np.float64), cases, areas, resamples=resamples, seed=seed)
    return found.model_copy(update={"low": None, "high": None}) if wrong.all() or not wrong.any() else found


def least_aurc(wrong: Flags) -> float:
    """The AURC of a score that ranks every right decision above every wrong one; NaN without a decision.

    What `aurc` exceeds it by is the excess AURC, which does not punish a model for its error rate itself.
    """
    errors, right = int(wrong.sum()), int((~wrong).sum())
    places = np.arange(1, errors + 1)
    return float((places / (right + places)).sum() / len(wrong)) if len(wrong) else float("nan")


def _ranked(scores: Vector) -> tuple[Int[np.ndarray, "n"], Int[np.ndarray, "groups"]]:
    """Images from the highest score down, and the last place of each group of ties."""
    falling = -np.where(np.isnan(scores), -np.inf, scores)
    order = np.argsort(falling, kind="stable")
    ordered = falling[order]
    last = np.append(ordered[1:] != ordered[:-1], np.ones(min(len(scores), 1), bool))
    return order, np.flatnonzero(last)


def _areas(
    wrong: Vector, weights: Int[np.ndarray, "b n"], ends: Int[np.ndarray, "groups"]
) -> Float[np.ndarray, "b"]:
    """The mean risk over all coverages when image i, ranked, occurs weights[i] times, (b,).

    Of a group of m tied decisions, e of them wrong, below a others, E of them wrong, the risks sum to
    E (H(a+m) - H(a)) + e/m (m - a (H(a+m) - H(a))), where H are the harmonic numbers.
    """
    counts = np.pad(weights.cumsum(1)[:, ends], ((0, 0), (1, 0)))  # (b, groups + 1)
    errors = np.pad((weights * wrong).cumsum(1)[:, ends], ((0, 0), (1, 0)))
    harmonic = np.append(0.0, (1 / np.arange(1, counts.max() + 1)).cumsum())
    above, size = counts[:, :-1], np.diff(counts, axis=1)
    span = harmonic[counts[:, 1:]] - harmonic[above]
    share = np.diff(errors, axis=1) / np.maximum(size, 1)
    return np.asarray((errors[:, :-1] * span + share * (size - above * span)).sum(1) / counts[:, -1])
