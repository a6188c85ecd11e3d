"""Free-response ROC: the share of lesions found against false marks an image."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from xaiaudit.metrics.bootstrap import bootstrap
from xaiaudit.metrics.cases import Cases
from xaiaudit.metrics.marks import MISS, Marks, found
from xaiaudit.metrics.proportions import proportion
from xaiaudit.records import FrocPoint, Interval

IOU = 0.2  # above which a box finds a lesion, as in Gao et al. 2020, section 3.4.2


class Sorted:
    """All marks of n images by falling score; boxes on a lesion that was found already are neither."""

    def __init__(self, images: Sequence[Marks], iou: float) -> None:
        first = [found(marks, iou) for marks in images]
        kept = [own == MISS for own in first], [own >= 0 for own in first]
        score = np.concatenate(
            [m.scores[a | b] for m, a, b in zip(images, *kept, strict=True)] or [np.zeros(0)]
        )
        hit = np.concatenate([b[a | b] for a, b in zip(*kept, strict=True)] or [np.zeros(0, bool)])
        image = np.repeat(np.arange(len(images)), [int((a | b).sum()) for a, b in zip(*kept, strict=True)])
        order = np.argsort(-score, kind="stable")
        # (m,) each: score, whether it hits, its image, whether it is the last of its score; (n,) lesions an image
        self.score = score[order]
        self.hit = hit[order]
        self.image = image[order]
        self.last = np.append(self.score[1:] != self.score[:-1], True)[: len(score)]
        self.lesions = np.array([len(marks.lesions) for marks in images], np.int64)

    def counts(
        self, weights: Int[np.ndarray, "b n"]
    ) -> tuple[Float[np.ndarray, "b m"], Float[np.ndarray, "b m"]]:
        """Share found and false marks an image if all marks of a score and above count, one column a score."""
        drawn = weights[:, self.image]
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(self.hit, drawn, 0).cumsum(1) / (weights @ self.lesions)[:, None]
            false = np.where(self.hit, 0, drawn).cumsum(1) / weights.sum(1)[:, None]
        return share[:, self.last], false[:, self.last]


def froc(images: Sequence[Marks], iou: float = IOU) -> list[FrocPoint]:
    """The curve from nothing drawn to everything, one point a score.

    Empty where there is no lesion. Images without a lesion take part with their false marks.

    Source: Bunch et al. 1977 ("A free response approach ..."); the hit of Gao et al. 2020.
    """
    marks = Sorted(images, iou)
    if not marks.lesions.sum():
        return []
    share, false = marks.counts(np.ones((1, len(images)), np.int64))
    points = [FrocPoint(false_marks=0.0, share=0.0)]
    return points + [
        FrocPoint(false_marks=float(f), share=float(s)) for f, s in zip(false[0], share[0], strict=True)
    ]


def share_at(
    images: Sequence[Marks], cases: Cases, rate: float, iou: float = IOU, *, seed: int = 0
) -> Interval:
    """Share of lesions that are found at no more than `rate` false marks an image, with a bootstrap over cases.

    No point is interpolated: it is the highest share of a score at which the rate holds, in every resample anew.

    Returns:
        Estimate and bounds in [0, 1]; n counts images. All None without a lesion. Of none and of all lesions the
        bounds are Wilson's over lesions (n counts these), as a bootstrap would be certain.
    """
    marks = Sorted(images, iou)

    def statistic(_: Float[np.ndarray, "n"], weights: Int[np.ndarray, "b n"]) -> Float[np.ndarray, "b"]:
        if not len(marks.score):
            return np.where(weights @ marks.lesions > 0, 0.0, np.nan)
        share, false = marks.counts(weights)
        best = np.where(false <= rate, share, 0.0).max(1)
        return np.where(weights @ marks.lesions > 0, best, np.nan)

    values = np.zeros(len(images)) if marks.lesions.sum() else np.full(len(images), np.nan)
    interval = bootstrap(values, cases, statistic, resamples=2000, seed=seed)
    if interval.estimate not in (0.0, 1.0):
        return interval
    of_lesion = [case for case, n in zip(cases, marks.lesions, strict=True) for _ in range(n)]
    return proportion(np.full(len(of_lesion), interval.estimate == 1.0), of_lesion)
