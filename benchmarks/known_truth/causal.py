"""Where a network's evidence is, found by intervention: a region of the image loses the cue, all else stays."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.known_truth.cases import Cases
from xaiaudit.metrics.auc import auc
from xaiaudit.records import REGIONS, Interval

TISSUE = tuple(region for region in REGIONS if region != "padding")
KEPT = 0.05  # of AUC may be lost when all but the cue's place loses the cue
Margins = Callable[[np.ndarray], np.ndarray]  # (n, 1, h, w) to (n,), above 0 for malignant


@dataclass(frozen=True, kw_only=True)
class Causal:
    """Areas under the ROC curve on held-out cases, and how much each region adds to the margin."""

    whole: Interval  # the images as they are
    without_place: Interval  # the cue's place neutral
    place_alone: Interval  # all but the cue's place neutral
    without: Mapping[str, Interval]  # one region neutral
    most: tuple[str, ...]  # of each case, the region without which the decision loses most margin
    rests: tuple[
        bool, ...
    ]  # of each case: its decision turns without the cue's place, and stands without all else

    @property
    def uses_the_cue(self) -> bool:
        """Without the cue's place the network does no better than chance, and with nothing else as well as before."""
        alone, whole = self.place_alone.estimate, self.whole.estimate
        kept = alone is not None and whole is not None and alone >= whole - KEPT
        return kept and _at_chance(self.without_place)


def causal(margins: Margins, cases: Cases, place: Collection[str]) -> Causal:
    """Let every region, the cue's place and all but this place lose the cue in turn.

    A neutral region is that of the twin: the same breast and speckle, with the cue half way between the classes,
    so that nothing in it depends on the label and no image leaves the distribution of images.
    """
    others = [region for region in TISSUE if region not in place]
    before, without, alone = (margins(cases.spliced(lost)) for lost in ((), place, others))
    after = {region: margins(cases.spliced([region])) for region in TISSUE}
    decided = before >= 0
    drops = np.stack([np.where(decided, 1, -1) * (before - after[region]) for region in TISSUE])

    def area(found: np.ndarray) -> Interval:
        return auc(cases.malignant, found, cases.names)

    return Causal(
        whole=area(before),
        without_place=area(without),
        place_alone=area(alone),
        without={region: area(found) for region, found in after.items()},
        most=tuple(TISSUE[best] for best in drops.argmax(0)),
        rests=tuple((((without >= 0) != decided) & ((alone >= 0) == decided)).tolist()),
    )


def _at_chance(area: Interval) -> bool:
    """0.5 lies in the interval; equal answers to all images have no interval, and are at chance."""
    if area.low is None or area.high is None:
        return area.estimate == 0.5
    return area.low <= 0.5 <= area.high
