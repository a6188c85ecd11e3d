"""The figures of one configuration over its folds and repeats.

Every case is tested once in a repeat, by the model of its fold at that model's threshold, so that decisions pool: rates
are over all test images, and several repeats of an image share its case. Scores do not pool, see `cross_validated`.
"""

from collections.abc import Hashable, Sequence

import numpy as np

from xaiaudit.benchmark_record import (
    METRICS,
    MetricRecord,
    ResultRecord,
    RobustnessRecord,
    RunRecord,
    ShiftRecord,
    StoppedRecord,
)
from xaiaudit.benchmarking.finished import Finished, all_cases, cases_of_rows, joined
from xaiaudit.benchmarking.tables import metric_values
from xaiaudit.metrics.bootstrap import bootstrap, distribution
from xaiaudit.metrics.cases import select
from xaiaudit.metrics.classification import balanced_accuracy, share_among
from xaiaudit.metrics.cross_validated import cv_auc
from xaiaudit.metrics.f1 import f1
from xaiaudit.metrics.proportions import proportion
from xaiaudit.metrics.segmentation import iou_from_dice
from xaiaudit.records import Interval


def result_record(
    dataset: str, configuration: str, records: Sequence[RunRecord], tested: Sequence[Finished]
) -> ResultRecord:
    """All figures of a configuration on a dataset; of `records` only the finished ones, `tested`, are in them."""
    seconds = [run.record.seconds for run in tested if run.record.seconds is not None]
    return ResultRecord(
        dataset=dataset,
        configuration=configuration,
        planned=len(records),
        done=len(tested),
        stopped=[
            StoppedRecord(run=item.name, status=item.status, reason=item.reason)
            for item in records
            if item.status != "done"
        ],
        parameters=tested[0].record.parameters if tested else None,
        seconds=float(np.mean(seconds)) if seconds else None,
        metrics=metric_records(tested),
        robustness=[robustness_record(attack_id, tested) for attack_id in attack_ids(tested)],
    )


def attack_ids(tested: Sequence[Finished]) -> list[str]:
    return list(dict.fromkeys(attack.attack_id for run in tested for attack in run.record.attacks))


def metric_records(tested: Sequence[Finished]) -> list[MetricRecord]:
    """Those that are defined."""
    by_fold = [metric_values(run.record) for run in tested]
    found = []
    for name, interval in pooled(tested).items():
        if interval is None:
            continue
        values = [row[name] for row in by_fold]
        known = [value for value in values if value is not None]
        found.append(
            MetricRecord(
                name=name,
                pooled=interval,
                mean=float(np.mean(known)) if known else None,
                sd=float(np.std(known, ddof=1)) if len(known) > 1 else None,
                folds=values,
            )
        )
    return found


def pooled(tested: Sequence[Finished]) -> dict[str, Interval | None]:
    """Every metric over all test images of finished runs, in the order of METRICS; None where undefined."""
    if not tested:
        return dict.fromkeys(METRICS)
    truth, decided = (joined([getattr(run, name) for run in tested]) for name in ("truth", "decided"))
    cases, positive = all_cases(tested), tested[0].positive
    sick = truth == positive
    dice, boxes = (joined([run.rows.floats(name) for run in tested]) for name in ("dice", "box_jsi"))
    outlined = bool(np.isfinite(dice).any())
    found = {
        "auc": cv_auc([run.fold() for run in tested]) if both_classes(tested) else None,
        "balanced_accuracy": balanced_accuracy(truth, decided, cases, len(tested[0].record.classes)),
        "accuracy": proportion(decided == truth, cases),
        "sensitivity": share_among(decided == positive, sick, cases),
        "specificity": share_among(decided != positive, ~sick, cases),
        "f1": f1(sick, decided == positive, cases),
        "dice": bootstrap(dice, cases) if outlined else None,
        "jsi": bootstrap(iou_from_dice(dice), cases) if outlined else None,
        "box_jsi": bootstrap(boxes, cases) if np.isfinite(boxes).any() else None,
    }
    return {name: found[name] if name in tested[0].record.metrics else None for name in METRICS}


def both_classes(tested: Sequence[Finished]) -> bool:
    """In every fold; so it is but for networks that only outline lesions."""
    positives = [run.truth == run.positive for run in tested]
    return all(flags.any() and not flags.all() for flags in positives)


def why_not(run: Finished, attack_id: str) -> str:
    """Why the run's flips under an attack say nothing; empty where they say something, or it was not attacked."""
    attack = run.attack(attack_id)
    return "" if attack is None else run.record.why_not(attack)


def assessable(run: Finished, attack_id: str) -> bool:
    return run.attack(attack_id) is not None and not why_not(run, attack_id)


def robustness_record(attack_id: str, tested: Sequence[Finished]) -> RobustnessRecord:
    """One attack over the folds; a run in which its flips say nothing is named and in no figure."""
    summary = next(attack.summary for run in tested if (attack := run.attack(attack_id)) is not None)
    good = [run for run in tested if assessable(run, attack_id)]
    rows = [run.attacked(attack_id) for run in good]
    cases = [case for run, part in zip(good, rows, strict=True) for case in cases_of_rows(run, part)]
    right = joined([np.array(part.strings("decision")) == np.array(part.strings("label")) for part in rows])
    right_before = joined(
        [np.array(part.strings("decision_clean")) == np.array(part.strings("label")) for part in rows]
    )
    return RobustnessRecord(
        attack_id=attack_id,
        summary=summary,
        runs=len(good),
        not_assessable=[
            StoppedRecord(run=run.record.name, status="done", reason=reason)
            for run in tested
            if (reason := why_not(run, attack_id))
        ],
        flips=proportion(joined([part.flags("flipped") for part in rows]).astype(bool), cases),
        robust_accuracy=proportion((right.astype(bool) & right_before.astype(bool)), cases)
        if cases
        else None,
        clean_accuracy=proportion(right_before.astype(bool), cases) if cases else None,
        dice_lost=dice_lost(attack_id, tested),
        shifts=[shift_record(attack_id, name, good) for name in tested[0].explainers(attack_id)],
    )


def dice_lost(attack_id: str, tested: Sequence[Finished]) -> Interval | None:
    """What an attack on the decision takes from the outline of a lesion; None for networks without a mask.

    Where an outline is known to be empty, Dice is 0 or undefined: a mask that stays wrong would count as nothing lost.
    """
    lost: list[float] = []
    cases: list[Hashable] = []
    for run in tested:
        clean, rows = run.attacked("none"), run.attacked(attack_id)
        before = dict(zip(clean.strings("image"), clean.floats("dice"), strict=True))
        after = zip(rows.strings("image"), rows.floats("dice"), strict=True)
        lesion = rows.floats("outlined_lesion") == 1
        lost += [before[name] - value for (name, value), shown in zip(after, lesion, strict=True) if shown]
        cases += select(cases_of_rows(run, rows), lesion)
    return bootstrap(np.array(lost), cases) if np.isfinite(lost).any() else None


def shift_record(attack_id: str, explainer_id: str, runs: Sequence[Finished]) -> ShiftRecord:
    rows = [run.shifted(attack_id, explainer_id) for run in runs]
    cases = [case for run, part in zip(runs, rows, strict=True) for case in cases_of_rows(run, part)]
    silent = joined([part.floats("silent_shift") for part in rows])
    known = np.isfinite(silent)
    return ShiftRecord(
        explainer_id=explainer_id,
        silent_shift=proportion(silent[known] == 1, select(cases, known)),
        mass_centre=distribution(joined([part.floats("mass_centre_diagonal") for part in rows]), cases),
    )
