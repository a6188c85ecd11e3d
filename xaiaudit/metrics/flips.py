"""Label flips: how often, and in which direction, an attack changed the decision.

Throughout `before` and `after` are decisions, (n,) class indices; `labels` the ground truth, -1 where none is
known; `positive` the index of the malignant class; `cases` the case id of each image. Every rate is a share
in [0, 1] with a case-level interval; its estimate is None where no image could have been counted.
"""

import numpy as np

from xaiaudit.metrics.cases import Cases, select
from xaiaudit.metrics.classification import class_mean
from xaiaudit.metrics.proportions import proportion
from xaiaudit.records import Interval
from xaiaudit.types import Decisions, Flags

FAILED = 0.05  # share of images on which an attack may fail before what it found says nothing
ONE_DECISION = 0.95  # a model that gives one decision to more images than this does not decide


def flip_rate(before: Decisions, after: Decisions, cases: Cases) -> Interval:
    """Share of images whose decision after the attack differs from the clean decision, right or wrong."""
    return proportion(before != after, cases)


def right_throughout(labels: Decisions, before: Decisions, *after: Decisions) -> Flags:
    """(n,) right when clean and after every attack given; False without a label."""
    right: Flags = (labels >= 0) & (before == labels)
    for decisions in after:
        right = right & (decisions == labels)
    return right


def robust_accuracy(labels: Decisions, before: Decisions, *after: Decisions, cases: Cases) -> Interval | None:
    """Share of labelled images decided rightly when clean and after every attack; None without labels."""
    if not (labels >= 0).any():
        return None
    return _among(right_throughout(labels, before, *after), labels >= 0, cases)


def robust_balanced_accuracy(
    labels: Decisions, before: Decisions, *after: Decisions, cases: Cases, k: int
) -> Interval | None:
    """Mean over k classes of the share decided rightly when clean and after every attack.

    In [0, 1]; a model of one decision scores at most 1 / k, however the classes are mixed. Images without a
    label are left out; None where a class has no image. Interval as in `classification.class_mean`.
    """
    known = labels >= 0
    right = right_throughout(labels, before, *after)
    return class_mean(right[known], labels[known], select(cases, known), k)


def found_cancers(labels: Decisions, before: Decisions, *, positive: int) -> Flags:
    """(n,) labelled malignant and decided so when clean: what an attack could hide."""
    found: Flags = (labels == positive) & (before == positive)
    return found


def rightly_quiet(labels: Decisions, before: Decisions, *, positive: int) -> Flags:
    """(n,) labelled otherwise and not decided malignant when clean: where an attack could raise a false alarm."""
    quiet: Flags = (labels >= 0) & (labels != positive) & (before != positive)
    return quiet


def missed_cancers(
    labels: Decisions, before: Decisions, after: Decisions, cases: Cases, *, positive: int
) -> Interval | None:
    """Of the cancers that were found on clean images, the share that the attack hides.

    Labelled malignant and decided so; the attack took them to another decision. None where there are none: of
    cancers already missed, an attack can hide nothing, and counting them would flatter a poor model.
    """
    found = found_cancers(labels, before, positive=positive)
    return _among(after != positive, found, cases) if found.any() else None


def false_alarms(
    labels: Decisions, before: Decisions, after: Decisions, cases: Cases, *, positive: int
) -> Interval | None:
    """Of the images rightly decided not malignant when clean, the share that the attack turns malignant.

    None where there are none.
    """
    quiet = rightly_quiet(labels, before, positive=positive)
    return _among(after == positive, quiet, cases) if quiet.any() else None


def from_positive(before: Decisions, after: Decisions, cases: Cases, *, positive: int) -> Interval:
    """Share that left malignant, of the images decided malignant, whatever their label."""
    return _among(after != positive, before == positive, cases)


def from_negative(before: Decisions, after: Decisions, cases: Cases, *, positive: int) -> Interval:
    """Share that became malignant, of the images not decided malignant, whatever their label."""
    return _among(after == positive, before != positive, cases)


def rounding(before: Decisions, after: Decisions, after_quantised: Decisions) -> tuple[int, int]:
    """How many flips rounding to 8 bits gained and how many it lost."""
    flipped, flipped_quantised = before != after, before != after_quantised
    return int((flipped_quantised & ~flipped).sum()), int((flipped & ~flipped_quantised).sum())


def assessable(before: Decisions) -> bool:
    """Whether the model decides at all: no decision goes to over 95 % of the images, and there are images.

    A constant classifier never flips and is worthless, so its flip rate says nothing.
    """
    return len(before) > 0 and float(np.bincount(before).max()) <= ONE_DECISION * len(before)


def _among(hits: Flags, among: Flags, cases: Cases) -> Interval:
    return proportion(hits[among], select(cases, among))
