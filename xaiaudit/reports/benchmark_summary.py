"""A benchmark in a terminal: a table a dataset, the comparisons that stand, and what was stopped."""

from collections.abc import Sequence

from xaiaudit.benchmark_record import BenchmarkRecord, ComparisonRecord, ResultRecord, RunRecord
from xaiaudit.reports import benchmark_words as words
from xaiaudit.reports import format as f

PRINTED = ("auc", "balanced_accuracy", "sensitivity", "specificity", "f1", "dice")


def lines(record: BenchmarkRecord) -> list[str]:
    """Plain text, with 95 % intervals over cases."""
    shown: list[str] = []
    for data in record.data:
        results = [result for result in record.results if result.dataset == data.name]
        shown.append(f"{words.dataset(data)}; in brackets 95 % intervals over cases:")
        there = words.shown_metrics(record, data.name)
        shown += _table(results, [name for name in PRINTED if name in there])
    stands = words.findings(record)
    shown.append(
        words.nothing_to_compare(record)
        if not record.comparisons
        else f"Against {f.printable(record.reference)}: at 5 %, {len(stands) or 'none'} of "
        f"{f.count(len(record.comparisons), 'comparison')} {words.stand(record)} after Holm's adjustment"
    )
    shown += [f"  {_comparison(item)}" for item in stands]
    shown += [f"GIVEN THE OUTLINE: {told}"] if (told := words.given_outline(record)) else []
    for result in record.results:
        shown += [
            f"STOPPED, in no figure: {f.printable(item.run)}: {f.printable(item.reason)}"
            for item in result.stopped
        ]
        for reason, (runs, attacks) in words.not_assessable(result).items():
            shown.append(
                f"NOT ASSESSABLE under {f.listing(attacks)}, in no flip rate: {f.printable('; '.join(runs))}: {reason}"
            )
    return [line.replace(f.NBSP, " ").replace("\u202f", " ") for line in shown]


def run_line(record: RunRecord) -> str:
    """What one run found: AUC 0.931, balanced accuracy 88.2 %, Dice 0.713, 45.0 % flips under pgd, 12.1 s."""
    if record.clean is None:
        return f"{record.status.upper()}: {record.reason}"
    parts = [
        f"{words.NAMES[name]} {_estimate(name, getattr(record.clean, name))}"
        for name in ("auc", "balanced_accuracy", "dice")
        if name in record.metrics and getattr(record.clean, name) is not None
    ]
    parts += [
        f"flips under {attack.attack_id} not assessable"
        if record.why_not(attack)
        else f"{f.percent(attack.flips.estimate)} flips under {attack.attack_id}"
        for attack in record.attacks
    ]
    parts += [] if record.seconds is None else [f"trained in {f.duration(record.seconds)}"]
    return ", ".join(parts).replace(f.NBSP, " ")


def _estimate(name: str, interval: object) -> str:
    value = getattr(interval, "estimate", None)
    return f.percent(value) if name in words.SHARES else f.fixed(value, 3)


def _table(results: Sequence[ResultRecord], metrics: Sequence[str]) -> list[str]:
    attacks = list(dict.fromkeys(item.attack_id for result in results for item in result.robustness))
    header = ["configuration", "runs", *(words.NAMES[name] for name in metrics)]
    for attack in attacks:
        header += [
            f"flips under {attack}",
            f"silent shift under {attack}{words.first_explainer(results, attack)}",
        ]
    rows = [header]
    for result in results:
        row = [f.printable(result.configuration), words.runs(result)]
        row += [words.pooled(result, name) for name in metrics]
        for attack_id in attacks:
            found = next((item for item in result.robustness if item.attack_id == attack_id), None)
            row.append(f.DASH if found is None else f.rate(found.flips))
            row.append(f.rate(found.shifts[0].silent_shift) if found is not None and found.shifts else f.DASH)
        rows.append(row)
    widths = [max(len(row[place]) for row in rows) for place in range(len(header))]
    return [
        "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _comparison(item: ComparisonRecord) -> str:
    return (
        f"{f.printable(item.dataset)}, {f.printable(item.configuration)}: {words.measure(item)} "
        f"{words.difference(item)}, p {f.p_value(item.p_holm)}"
    )
