"""From the tables of an audit to what a metric says of each image, with the audit's own denominators. No torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.special import softmax

from xaiaudit.gate.audited import Audited
from xaiaudit.gate.questions import NotThere, Question
from xaiaudit.metrics.calibration import brier_scores
from xaiaudit.metrics.classification import positive_scores
from xaiaudit.metrics.flips import found_cancers, right_throughout, rightly_quiet
from xaiaudit.rows import Rows

Kind = Literal["share", "mean", "auc", "balanced"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Measure:
    """(n,) in the order of the audit's images."""

    kind: Kind
    values: (
        np.ndarray
    )  # float; hits, or shares of a hit; of an AUC scores; NaN where the image does not count
    truth: np.ndarray | None = (
        None  # class index, of a balanced accuracy; 1 for the positive class, of an AUC
    )
    undefined: np.ndarray | None = None  # bool: the clean map is undefined, so that the image does not count
    standing: np.ndarray | None = None  # bool: the decision stands, without which no map can move in silence
    of: str = "images"  # what counts, in words


def measure(audited: Audited, question: Question) -> Measure:
    """What the metric says of each image.

    Raises:
        NotThere: the audit does not record it.
    """
    try:
        return MEASURES[question.metric](audited, question)
    except LookupError as error:
        raise NotThere(str(error)) from error


def _auc(audited: Audited, question: Question) -> Measure:
    checkpoint = audited.record.checkpoint
    scores = positive_scores(_logits(audited), audited.positive, checkpoint.threshold)
    known = audited.labels >= 0
    truth = (audited.labels == audited.positive).astype(np.int64)
    return Measure(
        kind="auc", values=np.where(known, scores, np.nan), truth=truth, of="images of both classes"
    )


def _accuracy(audited: Audited, question: Question) -> Measure:
    known = audited.labels >= 0
    return _share(audited.decisions == audited.labels, known, "images with a label")


def _balanced(audited: Audited, question: Question) -> Measure:
    found = replace(_accuracy(audited, question), kind="balanced", truth=audited.labels)
    return replace(found, of="images of every class")


def _sensitivity(audited: Audited, question: Question) -> Measure:
    cancers = audited.labels == audited.positive
    return _share(audited.decisions == audited.positive, cancers, f"{_positive(audited)} images")


def _specificity(audited: Audited, question: Question) -> Measure:
    others = (audited.labels >= 0) & (audited.labels != audited.positive)
    return _share(audited.decisions != audited.positive, others, f"images that are not {_positive(audited)}")


def _brier(audited: Audited, question: Question) -> Measure:
    scores = brier_scores(audited.labels, softmax(_logits(audited), axis=1))
    return Measure(kind="mean", values=scores, of="images with a label")


def _dice(audited: Audited, question: Question) -> Measure:
    rows = (
        audited.clean
        if question.attack is None
        else audited.attacked(question.attack.id, rounded=question.rounded)
    )
    dice = rows.floats("dice")
    if "outlined_lesion" in audited.clean.table.column_names:
        dice = np.where(audited.clean.floats("outlined_lesion") == 1, dice, np.nan)
    return Measure(kind="mean", values=dice, of="images with an outlined lesion and a mask of the model")


def _flips(audited: Audited, question: Question) -> Measure:
    rows = audited.attacked(_attack(question), rounded=question.rounded)
    return _share(rows.flags("flipped"), np.ones(len(audited.images), bool), "images")


def _robust(audited: Audited, question: Question) -> Measure:
    right = right_throughout(audited.labels, audited.decisions, _after(audited, question))
    return _share(right, audited.labels >= 0, "images with a label")


def _missed(audited: Audited, question: Question) -> Measure:
    found = found_cancers(audited.labels, audited.decisions, positive=audited.positive)
    hidden = _after(audited, question) != audited.positive
    return _share(hidden, found, f"{_positive(audited)} images that the model finds")


def _alarms(audited: Audited, question: Question) -> Measure:
    quiet = rightly_quiet(audited.labels, audited.decisions, positive=audited.positive)
    raised = _after(audited, question) == audited.positive
    return _share(raised, quiet, f"images rightly decided not {_positive(audited)}")


def _goal(audited: Audited, question: Question) -> Measure:
    rows = audited.attacked(_attack(question), rounded=question.rounded)
    return _share(rows.flags("reached"), rows.flags("applicable"), "images that the goal applies to")


def _silent(audited: Audited, question: Question) -> Measure:
    found = _of_maps(audited, question, _explained(audited, question).floats("silent_shift"))
    return replace(found, standing=~audited.attacked(_attack(question), rounded=False).flags("flipped"))


def _vanished(audited: Audited, question: Question) -> Measure:
    defined = audited.explained("none", _explainer(question)).flags("defined")
    gone = _explained(audited, question).flags("vanished")
    return _of_maps(audited, question, np.where(defined, gone, np.nan))


def _pointing(audited: Audited, question: Question) -> Measure:
    """After an attack a map that vanished is a miss; the images are those whose hit is known on the clean image."""
    column = f"{question.extreme}_in_{question.region}"
    hits = audited.explained("none", _explainer(question)).floats(column)
    if question.attack is not None:
        after = np.nan_to_num(_explained(audited, question).floats(column), nan=0.0)
        hits = np.where(np.isfinite(hits), after, np.nan)
    found = _of_maps(audited, question, hits)
    return replace(found, of="images with a lesion whose regions are known and a defined clean map")


def _sweep_flips(audited: Audited, question: Question) -> Measure:
    return _share(audited.swept(None).flags("flipped"), np.ones(len(audited.images), bool), "images")


def _sweep_silent(audited: Audited, question: Question) -> Measure:
    rows = audited.swept(_explainer(question))
    return replace(_of_maps(audited, question, rows.floats("silent_shift")), standing=~rows.flags("flipped"))


MEASURES: Mapping[str, Callable[[Audited, Question], Measure]] = {
    "auc": _auc,
    "accuracy": _accuracy,
    "balanced-accuracy": _balanced,
    "sensitivity": _sensitivity,
    "specificity": _specificity,
    "brier": _brier,
    "dice": _dice,
    "flip-rate": _flips,
    "robust-accuracy": _robust,
    "missed-cancers": _missed,
    "false-alarms": _alarms,
    "goal-rate": _goal,
    "silent-shift": _silent,
    "vanished": _vanished,
    "pointing": _pointing,
    "sweep-flip-rate": _sweep_flips,
    "sweep-silent-shift": _sweep_silent,
}


def _share(hits: np.ndarray, among: np.ndarray, of: str) -> Measure:
    return Measure(kind="share", values=np.where(among, hits.astype(float), np.nan), of=of)


def _of_maps(audited: Audited, question: Question, values: np.ndarray) -> Measure:
    undefined = ~audited.explained("none", _explainer(question)).flags("defined")
    return Measure(kind="share", values=values, undefined=undefined, of="images with a defined clean map")


def _after(audited: Audited, question: Question) -> np.ndarray:
    rows = audited.attacked(_attack(question), rounded=question.rounded)
    return rows.classes("decision", audited.record.checkpoint.classes)


def _explained(audited: Audited, question: Question) -> Rows:
    return audited.explained(_attack(question), _explainer(question))


def _attack(question: Question) -> str:
    if question.attack is None:
        raise ValueError(f"{question.metric} is of an attack, and none is named")
    return question.attack.id


def _explainer(question: Question) -> str:
    if question.explainer is None:
        raise ValueError(f"{question.metric} is of maps, and no explainer is named")
    return question.explainer.id


def _logits(audited: Audited) -> np.ndarray:
    return audited.clean.stacked("logits").astype(np.float64)


def _positive(audited: Audited) -> str:
    return audited.record.checkpoint.positive
