"""What the measures of a benchmark are called, and their figures in words."""

from collections.abc import Sequence

from xaiaudit.benchmark_record import (
    BenchmarkRecord,
    ComparisonRecord,
    DataRecord,
    MetricRecord,
    ResultRecord,
)
from xaiaudit.records import Interval
from xaiaudit.reports import format as f
from xaiaudit.reports.words import GIVEN_OUTLINE

NAMES = {
    "auc": "AUC",
    "balanced_accuracy": "balanced accuracy",
    "accuracy": "accuracy",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "f1": "F1",
    "dice": "Dice",
    "jsi": "JSI",
    "box_jsi": "JSI of boxes",
    "flips": "flips",
    "silent_shift": "silent shift",
}
SHARES = frozenset({"balanced_accuracy", "accuracy", "sensitivity", "specificity", "flips", "silent_shift"})


def title(name: str) -> str:
    words = NAMES[name]
    return words if words[0].isupper() else words.capitalize()


def figure(name: str, interval: Interval | None) -> str:
    """88.2 % (80.1 to 93.3), or 0.912 (0.880 to 0.937)."""
    return f.rate(interval) if name in SHARES else f.value(interval, 3)


def pooled(result: ResultRecord, name: str) -> str:
    found = result.metric(name)
    return f.DASH if found is None else figure(name, found.pooled)


def over_folds(found: MetricRecord | None) -> str:
    """Mean ± standard deviation."""
    if found is None or found.mean is None:
        return f.DASH
    scale, decimals = (100, 1) if found.name in SHARES else (1, 3)
    spread = f.DASH if found.sd is None else f.fixed(scale * found.sd, decimals)
    return f"{f.fixed(scale * found.mean, decimals)}{f.NBSP}±{f.NBSP}{spread}"


def measure(comparison: ComparisonRecord) -> str:
    """The measure, with the attack that it is under."""
    under = f" under {comparison.attack_id}" if comparison.attack_id else ""
    of = f", {comparison.explainer_id}" if comparison.explainer_id else ""
    return f"{title(comparison.measure)}{under}{of}"


def difference(comparison: ComparisonRecord) -> str:
    """In percentage points where it is one of shares."""
    if comparison.measure in SHARES:
        return f"{f.points(comparison.difference)} points"
    return f.value(comparison.difference, 3)


def runs(result: ResultRecord) -> str:
    """9 of 10."""
    return f"{result.done}{f.NBSP}of{f.NBSP}{result.planned}"


def shown_metrics(record: BenchmarkRecord, dataset: str) -> list[str]:
    """Those that a configuration has on this dataset, in their order."""
    there = {item.name for result in record.results if result.dataset == dataset for item in result.metrics}
    return [name for name in NAMES if name in there]


def not_assessable(result: ResultRecord) -> dict[str, tuple[list[str], list[str]]]:
    """By reason: the runs whose flips say nothing, and under which attacks."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for attack in result.robustness:
        for item in attack.not_assessable:
            runs_, attacks = found.setdefault(item.reason, ([], []))
            runs_ += [item.run] if item.run not in runs_ else []
            attacks += [attack.attack_id] if attack.attack_id not in attacks else []
    return found


def findings(record: BenchmarkRecord) -> list[ComparisonRecord]:
    """Differences that stand after Holm's adjustment."""
    return [item for item in record.comparisons if item.p_holm is not None and item.p_holm < 0.05]


def dataset(data: DataRecord) -> str:
    """Its images and cases, and what this benchmark calls it, where that is another name."""
    called = "" if data.words.casefold().startswith(data.name.casefold()) else f"{data.name}: "
    untested = (
        f"; {data.images - data.never_tested} images are tested, the others are of cases with two labels and only train"
        if data.never_tested
        else ""
    )
    return f.printable(f"{called}{data.words}; {f.count(data.cases, 'case')}{untested}")


def first_explainer(results: Sequence[ResultRecord], attack_id: str) -> str:
    """Whose maps are meant where there is room for one explainer; nothing without maps."""
    found = (item for result in results for item in result.robustness if item.attack_id == attack_id)
    name = next((item.shifts[0].explainer_id for item in found if item.shifts), None)
    return "" if name is None else f" by {f.printable(name)}"


def nothing_to_compare(record: BenchmarkRecord) -> str:
    """Whether a run was stopped, or a network has no such figure, e.g. a classifier no Dice."""
    return (
        f"There is nothing to compare: in no fold do {f.printable(record.reference)} and another configuration have "
        "the same figure."
    )


def given_outline(record: BenchmarkRecord) -> str:
    """Which configurations are shown the outlined lesion, so that nobody takes their lead for a better model."""
    names = [
        item.name for item in record.configurations if "mask" in (item.preprocessing.get("inputs") or ())
    ]
    return f"{f.printable(f.listing(names))}. {GIVEN_OUTLINE}." if names else ""


def stand(record: BenchmarkRecord) -> str:
    """The verb of a sentence on the findings: none stands, 6 of 24 stand."""
    return "stand" if len(findings(record)) > 1 else "stands"
