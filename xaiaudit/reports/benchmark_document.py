"""benchmark.pdf: what was compared, how well, how robustly, against the reference, what was stopped, every setting."""

import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from xaiaudit.benchmark_record import BenchmarkRecord, ComparisonRecord, ConfigurationRecord
from xaiaudit.reports import benchmark_words as words
from xaiaudit.reports import format as f
from xaiaudit.reports.benchmark_results import clean_section, robustness_section
from xaiaudit.reports.blocks import (
    Alarm,
    Block,
    Canvas,
    Column,
    Document,
    Facts,
    Points,
    Section,
    Table,
    Text,
)
from xaiaudit.reports.typesetting import save, typeset

PDF = "benchmark.pdf"
LIMITS = [
    "Intervals are over the cases that were tested, and speak of the models as they were fitted here. What other "
    "training images would have made of them is not in the interval; the standard deviation over folds and repeats "
    "hints at it, and underrates it, because folds share most of their training images (Bengio & Grandvalet 2004).",
    "The AUC is the mean over folds, each ranked by itself, since every fold has a model with a scale of its own "
    "(LeDell et al. 2015). Decisions are pooled over folds, each at the threshold of its own validation images.",
    "A difference that Holm's adjustment leaves is one of these configurations on these datasets. One that is not left "
    "is no proof of equality: read its interval.",
    "Flip rates hold for the attacks named and at their radius, judged before rounding to 8 bits; a weaker attack "
    "proves no robustness. A model that is often wrong can flip seldom: read robust accuracy beside it.",
    "Hyperparameters were not tuned for each configuration unless the settings say so; a configuration may do better "
    "with its own.",
]


def write_pdf(record: BenchmarkRecord, path: Path) -> Path:
    """Write the report and return its path.

    Raises:
        AuditError: it cannot be written.
    """
    return save(typeset(partial(document, record), record.created), path)


def document(record: BenchmarkRecord, canvas: Canvas) -> Document:
    """All of the report apart from how it is set; its pictures are made in the canvas's folder."""
    names = f.listing([f.printable(data.name) for data in record.data])
    number = f.count(len(record.configurations), "configuration")
    return Document(
        title=f"Benchmark of {number}",
        subtitle=f"Accuracy, robustness and map shift of breast-ultrasound models on the same folds of {names}. "
        f"{f.date(record.created)}",
        running=f"Benchmark of {number} on {names}",
        sections=[
            _compared(record),
            *(clean_section(record, data.name, number, canvas) for number, data in enumerate(record.data)),
            *(
                robustness_section(record, data.name, number, canvas)
                for number, data in enumerate(record.data)
                if record.audit is not None
            ),
            _comparisons(record),
            _stopped(record),
            _settings(record),
            Section(title="What this does not show", blocks=[Points(items=LIMITS)]),
        ],
    )


def _compared(record: BenchmarkRecord) -> Section:
    done, planned = (sum(getattr(item, name) for item in record.results) for name in ("done", "planned"))
    audit = record.audit
    rows = [
        *(("Data", words.dataset(data)) for data in record.data),
        ("Folds", f"{record.folds}, by case: every case of one label is tested once in each repeat"),
        ("Repeats", str(record.repeats)),
        ("Validation", f"{f.percent(record.validation, 0)} of each class, for epoch and threshold; never tested"),
        ("Seed", f"{record.seed}; splits by seed and repeat, training by seed, repeat and fold"),
        ("Reference", f.printable(record.reference)),
        ("Runs", f"{done} done of {planned}"),
        ("Audit", "none was asked for" if audit is None else _audit_words(audit)),
        ("File", f.breakable(record.file)),
        ("Command", f.breakable(shlex.join(record.command)) if record.command else "called from Python"),
        ("Written", f"{f.date(record.created)}; xaiaudit {record.xaiaudit}"),
    ]  # fmt: skip
    alarms: list[Block] = []
    if told := words.given_outline(record):
        alarms.append(Alarm(title="A model is given the outline", text=told))
    if done < planned:
        alarms.append(
            Alarm(
                title=f"{f.count(planned - done, 'run')} of {planned} stopped",
                text="They are in no figure of this report, so that a configuration with stopped runs is shown by the "
                "folds that went well. They are named below with the reason.",
            )
        )
    return Section(title="What was compared", blocks=[*alarms, Facts(rows=rows, mono=["Command"])])


def _audit_words(audit: dict[str, Any]) -> str:
    limit = "all test images" if audit["limit"] is None else f"{audit['limit']} test images a fold"
    checks = (
        f"self-checks on {audit['checks']} images" if audit["checks"] else "no self-checks of the attacks"
    )
    methods, explainers = (f.breakable(", ".join(audit[what])) for what in ("methods", "explainers"))
    return f"{methods}; maps by {explainers}; {limit}; {checks}"


def _comparisons(record: BenchmarkRecord) -> Section:
    title = f"Against {f.printable(record.reference)}"
    if not record.comparisons:
        return Section(title=title, blocks=[Text(text=words.nothing_to_compare(record))])
    number = f.count(len(record.comparisons), "comparison")
    lead = f"At 5 %, {len(words.findings(record)) or 'none'} of {number} {words.stand(record)} after Holm's adjustment."
    groups: dict[tuple[str, str], list[ComparisonRecord]] = {}
    for item in record.comparisons:
        groups.setdefault((item.dataset, item.configuration), []).append(item)
    several = len(record.data) > 1
    tables = [
        _compared_with(f"{name} on {dataset}" if several else name, items)
        for (dataset, name), items in groups.items()
    ]
    note = (
        "Configuration minus reference, paired by image, on the folds that both finished. Intervals (95 %, over "
        f"cases) are not adjusted; p by Holm over all {number}."
    )
    return Section(title=title, blocks=[Text(text=lead), *tables, Text(text=note, style="note")])


def _compared_with(name: str, items: Sequence[ComparisonRecord]) -> Table:
    return Table(
        columns=[
            Column(title="Measure", width=1.8),
            Column(title="Difference", width=1.6, align="right"),
            Column(title="Test", width=1.4),
            Column(title="Runs", width=0.5, align="right"),
            Column(title="p", width=0.6, align="right"),
            Column(title="p, Holm", width=0.6, align="right"),
        ],
        rows=[
            [
                f.printable(words.measure(item)),
                words.difference(item),
                item.test,
                str(item.runs),
                f.p_value(item.p),
                f.p_value(item.p_holm),
            ]
            for item in items
        ],
        caption=f.printable(name),
    )


def _stopped(record: BenchmarkRecord) -> Section:
    rows = [
        [f.printable(item.run), item.status, f.printable(item.reason)]
        for result in record.results
        for item in result.stopped
    ]
    if not rows:
        return Section(title="Stopped runs", blocks=[Text(text="None: every run was trained to its end.")])
    table = Table(
        columns=[
            Column(title="Run", width=1.5),
            Column(title="Status", width=0.5),
            Column(title="Reason", width=2),
        ],
        rows=rows,
        caption="Runs that are in no figure of this report",
        note="Diverged: a loss was no longer a number. Refused: training ended in a model of one class.",
    )
    return Section(title="Stopped runs", blocks=[table])


def _settings(record: BenchmarkRecord) -> Section:
    rows = [(f.printable(item.name), _configuration(item)) for item in record.configurations]
    return Section(
        title="Settings",
        blocks=[
            Text(text="Configurations", style="subheading"),
            Facts(rows=rows, mono=[]),
            Text(text=f"{f.printable(Path(record.file).name)}, as it was read", style="subheading"),
            Facts(rows=[("TOML", "\n".join(map(f.printable, record.toml.splitlines())))], mono=["TOML"]),
        ],
    )


def _configuration(item: ConfigurationRecord) -> str:
    arguments = ", ".join(f"{key} {value}" for key, value in item.arguments.items())
    start = {"none": "from scratch", "default": "from the default pretrained weights"}
    said = [
        f"{item.architecture}" + (f" ({arguments})" if arguments else ""),
        start.get(item.weights, f"from {item.weights}"),
        f"{item.preprocessing['size']} pixels, {item.preprocessing['mode']}, {item.preprocessing['channels']} channels"
        + _inputs(item.preprocessing),
        *(f"{field.replace('_', ' ')} {_setting(value)}" for field, value in item.recipe.items()),
    ]
    return f.breakable("; ".join(said))


def _inputs(preprocessing: dict[str, Any]) -> str:
    """What the channels show, where it is not the image alone: a model that is given the outline knows more."""
    inputs = preprocessing.get("inputs") or []
    return f" ({', '.join(inputs)})" if set(inputs) - {"grey"} else ""


def _setting(value: Any) -> str:
    return "none" if value is None else str(value)
