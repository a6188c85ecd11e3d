"""Whether the model is better than chance on clean images: a warning where that is not shown, and by which figure."""

from xaiaudit.metrics.auc import perfect_bound
from xaiaudit.records import CheckpointRecord, CleanRecord, Interval
from xaiaudit.reports import format as f
from xaiaudit.reports.blocks import Alarm


def chance_alarms(clean: CleanRecord, checkpoint: CheckpointRecord) -> list[Alarm]:
    """A warning where the AUC is not shown to lie above 0.5. Balanced accuracy may be: it asks something else."""
    auc = clean.auc
    if auc is None or auc.estimate is None or (auc.estimate >= 0.5 and (auc.low or 0.0) >= 0.5):
        return []
    surely = auc.high is not None and auc.high < 0.5
    asks = f"It asks whether {f.printable(checkpoint.positive)} images score above the others, whatever the threshold"
    swapped = " Perhaps the classes are swapped in the checkpoint." if surely else ""
    return [
        Alarm(
            title="AUC worse than chance" if surely else "AUC not shown to be better than chance",
            text=f"The clean AUC is {f.value(auc)}. {asks}{'' if surely else _why(clean, checkpoint)}.{swapped}"
            f"{_balanced(clean.balanced_accuracy, len(checkpoint.classes))}",
        )
    ]


def _why(clean: CleanRecord, checkpoint: CheckpointRecord) -> str:
    """What in the interval leaves 0.5 possible."""
    auc = clean.auc
    if auc is None or auc.low is None:
        return "; no interval can be given"
    if not clean.confusion:
        return "; 0.5, which is chance, lies in its interval"
    positive = sum(clean.confusion[checkpoint.classes.index(checkpoint.positive)])
    fewest = min(positive, clean.images - positive)
    if perfect_bound(fewest, auc.level) < 0.5:
        return f"; with {f.count(fewest, 'image')} of a class, not even a perfect order would show that"
    return "; 0.5, which is chance, lies in its interval"


def _balanced(accuracy: Interval | None, classes: int) -> str:
    """What balanced accuracy says beside it."""
    if accuracy is None or accuracy.low is None or accuracy.high is None:
        return ""
    guess = f"{f.percent(1 / classes)} of guessing"
    asks = f" Balanced accuracy, {f.rate(accuracy)}, asks only whether decisions as they are made beat the {guess}"
    if accuracy.low > 1 / classes:
        return (
            f"{asks}: by its interval they do. That is no contradiction: the two are different questions, and where "
            "images are few the interval of an AUC, which claims no more than a perfect order of so few could, is the "
            "more careful one."
        )
    if accuracy.high < 1 / classes:
        return f"{asks}: by its interval they do worse."
    return f"{asks}: that is not shown either."
