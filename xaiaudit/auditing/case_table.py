"""shift_by_case.csv: map shift case by case, for whoever asks which patients it concerns."""

import csv
import io
from collections.abc import Iterator

import numpy as np

from xaiaudit.auditing.map_statistics import SHIFTED
from xaiaudit.auditing.sweeps import sweeps
from xaiaudit.auditing.tables import Tables
from xaiaudit.metrics.cases import case_sums, number_cases
from xaiaudit.rows import Rows

COUNTS = ("images", "flipped", "clean_maps", "silent_shifts", "vanished")
KEYS = ("kind", "under", "explainer", "target", "case")


def case_table(tables: Tables) -> str:
    """One line a case, attack (or simulated sweep), explainer and target, in order of the plan.

    Counts are of the case's images: with a flipped decision, with a defined clean map, shifted in silence, vanished.
    Measures are means over its images with a value, as in maps.parquet; empty where none has one.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*KEYS, *COUNTS, *SHIFTED])
    for keys, rows, flipped in _groups(tables):
        index, count = number_cases(rows.cases, len(rows.cases))
        names = dict(zip(index.tolist(), rows.cases, strict=True))
        silent = rows.floats("silent_shift")
        counted = (np.ones(len(index)), flipped, ~np.isnan(silent), silent == 1, rows.flags("vanished"))
        sums = [case_sums(np.asarray(flags, np.float64), index, count) for flags in counted]
        means = [_means(rows.floats(metric), index, count) for metric in SHIFTED]
        for case in range(count):
            numbers = ["" if np.isnan(mean[case]) else f"{mean[case]:.6g}" for mean in means]
            writer.writerow([*keys, names[case], *(int(total[case]) for total in sums), *numbers])
    return text.getvalue()


def _groups(tables: Tables) -> Iterator[tuple[tuple[str, str, str, str], Rows, np.ndarray]]:
    for attack in tables.plan.attacks:
        flipped = tables.prediction(attack.id).flags("flipped")
        for explainer in tables.plan.explainers:
            for target in ("same", "own"):
                yield (
                    ("attack", attack.id, explainer.id, target),
                    tables.map(attack.id, explainer.id, target),
                    flipped,
                )
    for sweep in sweeps(tables.plan):
        for explainer in tables.swept_explainers():
            rows = tables.change(sweep.id, explainer.id)
            yield ("sweep", sweep.id, explainer.id, "same"), rows, rows.flags("flipped")


def _means(values: np.ndarray, index: np.ndarray, count: int) -> np.ndarray:
    """Of each case, over defined values; NaN where there is none."""
    known = np.isfinite(values)
    sums = case_sums(np.where(known, values, 0.0), index, count)
    with np.errstate(invalid="ignore"):
        return np.asarray(sums / case_sums(known.astype(np.float64), index, count))
