"""Clean performance in a terminal."""

from collections.abc import Callable, Sequence

from xaiaudit.records import CleanRecord, Interval
from xaiaudit.reports import format as f
from xaiaudit.reports import words
from xaiaudit.reports.calibration_words import error_words
from xaiaudit.reports.detection_lines import detection_lines


def clean_lines(record: CleanRecord, *, diagnoses: bool = True, given_outline: bool = False) -> list[str]:
    """One statistic a line with its 95 % interval; a statistic that could not be computed says why.

    `diagnoses` False: of a model that outlines alone, which the last line says; `given_outline`: of one that is shown
    the outlined lesion, likewise.
    """
    if not record.images:
        return ["  no image has a label that the model knows, so nothing can be measured"]
    lines = [
        _line("AUC", record.auc, f.value),
        _line("accuracy", record.accuracy, f.rate),
        _line("balanced accuracy", record.balanced_accuracy, f.rate),
        _line("sensitivity", record.sensitivity, f.rate),
        _line("specificity", record.specificity, f.rate),
    ]
    lines += [
        _line(name, interval, show)
        for name, interval, show in (
            ("F1", record.f1, f.value),
            ("FPR, 1 - spec.", record.false_positive_rate, f.rate),
            ("FNR, 1 - sens.", record.false_negative_rate, f.rate),
        )
        if interval is not None  # records of old lack them
    ]
    if record.reliability is not None:
        lines.append(_line("Brier score", record.reliability.brier, lambda brier: f.value(brier, 3)))
        lines.append(f"  {'ECE':<18} {error_words(record.reliability)}")
    overlaps = {"Dice": record.dice, "JSI (IoU)": record.jsi, "JSI of boxes": record.box_jsi}
    lines += [_line(name, overlap, f.value) for name, overlap in overlaps.items() if overlap is not None]
    lines += [] if record.detection is None else detection_lines(record.detection)
    lines += [] if diagnoses else [f"  {words.NO_DIAGNOSIS}."]
    lines += [f"  {words.GIVEN_OUTLINE}."] if given_outline else []
    return [f.terminal(line) for line in lines]


def threshold_words(classes: Sequence[str], threshold: float) -> str:
    """To be added to a line; nothing where decisions between more than two classes take no threshold."""
    return f", operating threshold {threshold:.4f}" if len(classes) == 2 else ""


def _line(name: str, interval: Interval | None, show: Callable[[Interval], str]) -> str:
    if interval is None or interval.estimate is None:
        return f"  {name:<18} not assessed: a class is missing among the labels"
    over = "over" if interval.low is None else "95 % interval over"
    return f"  {name:<18} {show(interval)}, {over} {f.count(interval.cases, 'case')}"
