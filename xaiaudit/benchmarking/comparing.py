"""Every configuration against the reference: paired by run, image and case."""

from collections.abc import Callable, Sequence

import numpy as np

from xaiaudit.benchmark_record import ComparisonRecord
from xaiaudit.benchmarking.finished import Finished, all_cases, joined
from xaiaudit.benchmarking.pooling import assessable, attack_ids, both_classes
from xaiaudit.metrics.bootstrap import bootstrap
from xaiaudit.metrics.cases import select
from xaiaudit.metrics.class_difference import balanced_accuracy_difference, balanced_accuracy_test
from xaiaudit.metrics.cross_validated import cv_auc_difference, cv_auc_test
from xaiaudit.metrics.differences import paired_difference
from xaiaudit.metrics.paired import holm, sign_flip, wilcoxon
from xaiaudit.records import Interval
from xaiaudit.rows import Rows

Pair = tuple[Finished, Finished]  # reference and configuration, of one repeat and fold
Found = tuple[Interval, str, float | None]  # difference, test in words, p


def comparison_records(
    dataset: str, configuration: str, reference: Sequence[Finished], tested: Sequence[Finished]
) -> list[ComparisonRecord]:
    """All that can be compared, over the runs that both finished; p not yet adjusted."""
    by_key = {run.key: run for run in reference}
    pairs = [(by_key[run.key], run) for run in tested if run.key in by_key]
    found: list[ComparisonRecord] = []

    def add(
        measure: str, runs: int, answer: Found | None, attack_id: str = "", explainer_id: str = ""
    ) -> None:
        if answer is None or answer[0].estimate is None:
            return
        difference, test, p = answer
        found.append(
            ComparisonRecord(
                dataset=dataset,
                configuration=configuration,
                measure=measure,
                attack_id=attack_id,
                explainer_id=explainer_id,
                runs=runs,
                difference=difference,
                test=test,
                p=p,
                p_holm=None,
            )
        )

    measures: dict[str, Callable[[Sequence[Pair]], Found | None]] = {
        "auc": _auc,
        "balanced_accuracy": _balanced_accuracy,
        "dice": _dice,
    }
    for measure, compare in measures.items():
        add(measure, len(pairs), compare(pairs) if pairs else None)
    for attack_id in attack_ids([run for pair in pairs for run in pair]):
        sound = [pair for pair in pairs if all(assessable(run, attack_id) for run in pair)]
        if not sound:
            continue
        if all(run.after_a_flip(attack_id) for pair in sound for run in pair):
            add("flips", len(sound), _flips(sound, attack_id), attack_id)
        for name in sound[0][0].explainers(attack_id):
            add("silent_shift", len(sound), _silent(sound, attack_id, name), attack_id, name)
    return found


def adjusted(records: Sequence[ComparisonRecord]) -> list[ComparisonRecord]:
    """The whole family by Holm."""
    p = iter(holm([record.p for record in records if record.p is not None]))
    return [
        record if record.p is None else record.model_copy(update={"p_holm": next(p)}) for record in records
    ]


def _same_question(pairs: Sequence[Pair]) -> bool:
    """A network that only outlines lesions decides about something else."""
    return not any(run.record.outlines_only for pair in pairs for run in pair)


def _auc(pairs: Sequence[Pair]) -> Found | None:
    sides = [[pair[side] for pair in pairs] for side in (0, 1)]
    if not _same_question(pairs) or not all(both_classes(side) for side in sides):
        return None
    before, after = ([run.fold() for run in side] for side in sides)
    return cv_auc_difference(before, after), "DeLong by case, over folds", cv_auc_test(before, after)


def _balanced_accuracy(pairs: Sequence[Pair]) -> Found | None:
    if not _same_question(pairs):
        return None
    truth = joined([one.truth for one, _ in pairs])
    before, after = (joined([pair[side].decided for pair in pairs]) for side in (0, 1))
    cases, k = all_cases([one for one, _ in pairs]), len(pairs[0][0].record.classes)
    return (
        balanced_accuracy_difference(truth, before, after, cases, k),
        "Tango by class",
        balanced_accuracy_test(truth, before, after, cases, k),
    )


def _dice(pairs: Sequence[Pair]) -> Found | None:
    before, after = (joined([pair[side].rows.floats("dice") for pair in pairs]) for side in (0, 1))
    if not np.isfinite(after - before).any():
        return None
    cases = all_cases([one for one, _ in pairs])
    return bootstrap(after - before, cases), "Wilcoxon on case means", wilcoxon(before, after, cases)


def _flips(pairs: Sequence[Pair], attack_id: str) -> Found:
    before, after, cases = _matched(pairs, lambda run: run.attacked(attack_id), "flipped")
    return _flags(before == 1, after == 1, cases)


def _silent(pairs: Sequence[Pair], attack_id: str, explainer_id: str) -> Found:
    """Of images whose clean map is defined in both."""
    before, after, cases = _matched(pairs, lambda run: run.shifted(attack_id, explainer_id), "silent_shift")
    known = np.isfinite(before) & np.isfinite(after)
    return _flags(before[known] == 1, after[known] == 1, select(cases, known))


def _matched(
    pairs: Sequence[Pair], rows_of: Callable[[Finished], Rows], column: str
) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """A column of the images that both audits hold, side by side, and their cases."""
    found = []
    for pair in pairs:
        one, other = (
            dict(zip(rows.strings("image"), rows.floats(column), strict=True)) for rows in map(rows_of, pair)
        )
        found += [(one[name], other[name], pair[0].case_of[name]) for name in one if name in other]
    before, after = (np.array([item[side] for item in found], float) for side in (0, 1))
    return before, after, [item[2] for item in found]


def _flags(before: np.ndarray, after: np.ndarray, cases: Sequence[object]) -> Found:
    return paired_difference(before, after, cases), "sign flips by case", sign_flip(before, after, cases)
