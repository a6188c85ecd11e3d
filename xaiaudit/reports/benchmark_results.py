"""The sections of benchmark.pdf with the figures of each configuration: clean images, and robustness and map shift."""

from collections.abc import Sequence

from xaiaudit.benchmark_record import BenchmarkRecord, ResultRecord, RobustnessRecord, ShiftRecord
from xaiaudit.records import Interval
from xaiaudit.reports import benchmark_words as words
from xaiaudit.reports import format as f
from xaiaudit.reports.blocks import Alarm, Block, Canvas, Column, Picture, Section, Table, Text, chunks
from xaiaudit.reports.figures.benchmark import ABREAST, ROWS, WIDTH_MM, Panel, draw_forest

SPREAD = ("auc", "balanced_accuracy", "f1", "dice", "jsi", "box_jsi")  # of the table of means over folds


def clean_section(record: BenchmarkRecord, dataset: str, number: int, canvas: Canvas) -> Section:
    results = [result for result in record.results if result.dataset == dataset]
    metrics = words.shown_metrics(record, dataset)
    if not metrics:
        return Section(
            title=_titled("Clean images", dataset, record), blocks=[Text(text="No run was finished.")]
        )
    panels = [
        Panel(
            title=words.title(name) + (", %" if name in words.SHARES else ""),
            intervals=[
                None if (found := result.metric(name)) is None else found.pooled for result in results
            ],
            scale=100 if name in words.SHARES else 1,
        )
        for name in metrics
    ]
    return Section(
        title=_titled("Clean images", dataset, record),
        blocks=[
            _pooled_table(results, metrics),
            *_forests(record, results, panels, f"clean-{number}", f"on clean images of {dataset}", canvas),
            _spread_table(record, results, [name for name in SPREAD if name in metrics]),
        ],
    )


def _titled(words_: str, dataset: str, record: BenchmarkRecord) -> str:
    return words_ if len(record.data) == 1 else f"{words_}: {f.printable(dataset)}"


def _pooled_table(results: Sequence[ResultRecord], metrics: Sequence[str]) -> Table:
    shown = [name for name in metrics if name not in ("jsi", "box_jsi")]
    return Table(
        columns=[
            Column(title="Configuration", width=1.4),
            Column(title="Runs", width=0.5),
            *(
                Column(title=words.title(name), align="right", width=1.0 if name in words.SHARES else 1.2)
                for name in shown
            ),
        ],
        rows=[
            [
                f.printable(result.configuration),
                words.runs(result),
                *(words.pooled(result, name) for name in shown),
            ]
            for result in results
        ],
        caption="Over all test images (95 % intervals over cases)",
        note="AUC: mean over folds, each ranked by itself. Rates: decisions pooled over folds, each at its own "
        "threshold. Dice: mean over images with an outline, where an empty one in which something is drawn counts 0; "
        "JSI, its like, is below. False-positive and false-negative rate are 1 − specificity and 1 − sensitivity.",
        stacked=True,
    )


def _spread_table(record: BenchmarkRecord, results: Sequence[ResultRecord], metrics: Sequence[str]) -> Table:
    return Table(
        columns=[
            Column(title="Configuration", width=1.5),
            Column(title="Parameters", align="right"),
            Column(title="Training a run", align="right"),
            *(
                Column(title=words.title(name) + (", %" if name in words.SHARES else ""), align="right")
                for name in metrics
            ),
        ],
        rows=[
            [
                f.printable(result.configuration),
                f.DASH if result.parameters is None else f"{result.parameters:,}".replace(",", "\u202f"),
                f.DASH if result.seconds is None else f.duration(result.seconds),
                *(words.over_folds(result.metric(name)) for name in metrics),
            ]
            for result in results
        ],
        caption=f"Mean ± standard deviation over {f.count(record.folds * record.repeats, 'fold')}"
        + (f" ({record.folds} in each of {record.repeats} repeats)" if record.repeats > 1 else ""),
        note="Of the runs that were finished. Differs from the table above where folds have unequal numbers of images.",
    )


def _forests(
    record: BenchmarkRecord,
    results: Sequence[ResultRecord],
    panels: Sequence[Panel],
    stem: str,
    where: str,
    canvas: Canvas,
) -> list[Block]:
    """Pictures of at most `ABREAST` panels and `ROWS` rows; `where` says what their figures are of."""
    pictures: list[Block] = []
    for start in range(0, len(results), ROWS):
        names = [result.configuration for result in results[start : start + ROWS]]
        reference = names.index(record.reference) if record.reference in names else None
        for group in chunks(list(panels), ABREAST):
            own = [panel._replace(intervals=panel.intervals[start : start + ROWS]) for panel in group]
            file = f"{stem}-{len(pictures)}.svg"
            draw_forest(names, own, reference, canvas.path(file))
            measures = f.listing([_within(panel.title.removesuffix(", %")) for panel in own])
            shown = f"{measures[0].upper()}{measures[1:]} {f.printable(where)}"
            pictures.append(
                Picture(
                    file=file,
                    alt=_spoken(names, own, where),
                    caption=f"{shown}, with 95 % intervals over cases. Diamond and dotted line: the reference.",
                    width_mm=WIDTH_MM,
                )
            )
    return pictures


def _within(title: str) -> str:
    """As within a sentence: AUC stays, Robust accuracy does not."""
    known = {name.casefold(): name for name in words.NAMES.values()}
    return known.get(title.casefold(), title.lower())


def _spoken(names: Sequence[str], panels: Sequence[Panel], where: str) -> str:
    said = []
    for panel in panels:
        pairs = zip(names, panel.intervals, strict=True)
        values = [f"{f.printable(name)} {_number(interval, panel.scale)}" for name, interval in pairs]
        said.append(f"{panel.title}: {', '.join(values)}")
    return f"Forest plots {f.printable(where)}. {'; '.join(said)}."


def _number(interval: Interval | None, scale: float) -> str:
    if interval is None or interval.estimate is None:
        return "not computed"
    return f.number(scale * interval.estimate)


def robustness_section(record: BenchmarkRecord, dataset: str, number: int, canvas: Canvas) -> Section:
    results = [result for result in record.results if result.dataset == dataset]
    attacks = list(dict.fromkeys(item.attack_id for result in results for item in result.robustness))
    blocks: list[Block] = []
    for place, attack_id in enumerate(attacks):
        found = [_attacked(result, attack_id) for result in results]
        summary = next(item.summary for item in found if item is not None)
        blocks.append(Text(text=f.printable(attack_id), style="subheading"))
        blocks.append(Text(text=f"{f.printable(summary)}."))
        blocks.append(_attack_table(results, found))
        where = f"under {attack_id} on {dataset}"
        blocks += _forests(
            record,
            results,
            _attack_panels(found, words.first_explainer(results, attack_id)),
            f"attacked-{number}-{place}",
            where,
            canvas,
        )
    blocks += [
        Alarm(
            title=f"{f.count(len(runs), 'run')} not assessable under {f.listing(attacks_)}",
            text=f"In no flip rate and no map shift of this section: {f.printable('; '.join(runs))}. "
            f"Reason: {f.printable(reason)}.",
        )
        for result in results
        for reason, (runs, attacks_) in words.not_assessable(result).items()
    ]
    if not blocks:
        blocks.append(Text(text="No run was finished, so that nothing was attacked."))
    return Section(title=_titled("Robustness and map shift", dataset, record), blocks=blocks)


def _attacked(result: ResultRecord, attack_id: str) -> RobustnessRecord | None:
    return next((item for item in result.robustness if item.attack_id == attack_id), None)


def _attack_table(results: Sequence[ResultRecord], found: Sequence[RobustnessRecord | None]) -> Table:
    rows = [row for result, item in zip(results, found, strict=True) for row in _attack_rows(result, item)]
    return Table(
        columns=[
            Column(title="Configuration", width=1.4),
            Column(title="Runs", width=0.5, align="right"),
            Column(title="Accuracy, clean", align="right"),
            Column(title="Flips", align="right"),
            Column(title="Robust accuracy", align="right"),
            Column(title="Dice lost", align="right"),
            Column(title="Maps", width=0.8),
            Column(title="Silent shift", align="right"),
            Column(title="Mass centre moved, % of diagonal", align="right", width=1.1),
        ],
        rows=rows,
        caption="Under attack, over all audited test images (95 % intervals over cases)",
        note="Runs: those whose flips say something; accuracies, flips and maps are of their audited images alone. "
        "Robust accuracy: right when clean and after the attack. Dice lost: before minus after, of images with an "
        "outlined lesion, of all runs. Silent shift: the decision stands and its map moved, of all images "
        "with a defined clean map. Mass centre: median and quartiles, of the map of the clean decision.",
        stacked=True,
    )


def _attack_rows(result: ResultRecord, item: RobustnessRecord | None) -> list[list[str]]:
    """One line for each explainer; the figures of the decisions stand in the first."""
    name = f.printable(result.configuration)
    if item is None:
        return [[name, *[f.DASH] * 8]]
    decided = [f.rate(rate) for rate in (item.clean_accuracy, item.flips, item.robust_accuracy)]
    first = [name, str(item.runs), *decided, f.value(item.dice_lost)]
    of_maps = [_shift_cells(shift) for shift in item.shifts] or [[f.DASH] * 3]
    return [[*(first if place == 0 else [""] * 6), *cells] for place, cells in enumerate(of_maps)]


def _shift_cells(shift: ShiftRecord) -> list[str]:
    return [
        f.identifier(shift.explainer_id),
        f.rate(shift.silent_shift),
        f.spread(shift.mass_centre, 100, 1),
    ]


def _attack_panels(found: Sequence[RobustnessRecord | None], by: str) -> list[Panel]:
    return [
        Panel("Flips, %", [None if item is None else item.flips for item in found], 100),
        Panel("Robust accuracy, %", [None if item is None else item.robust_accuracy for item in found], 100),
        Panel(
            f"Silent shift{by}, %",
            [None if item is None or not item.shifts else item.shifts[0].silent_shift for item in found],
            100,
        ),
    ]
