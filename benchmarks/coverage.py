"""The tables of docs/statistics.md: `python -m benchmarks.coverage`."""

from collections.abc import Callable, Sequence

import click

from benchmarks import simulation as sim
from xaiaudit.metrics.power import detectable_rise, passing_rate

RATES = (0.01, 0.05, 0.5, 0.95, 0.99)
LIMITS = (0.05, 0.1, 0.2, 0.5)
CHANGES = ((0.01, 0.01), (0.05, 0.05), (0.2, 0.2), (0.05, 0.0), (0.1, 0.02), (0.3, 0.1), (0.8, 0.01))
TOLERATED = ((0.02, 0.02), (0.1, 0.1), (0.3, 0.3), (0.05, 0.0), (0.1, 0.05), (0.3, 0.2))
AREAS = (0.5, 0.9, 0.99)
GROUPS = ((0.5, 0.5), (0.9, 0.6), (0.95, 0.95))  # hit rates
RANKINGS = ((0.1, 0.7), (0.3, 0.7), (0.3, 0.0))  # share wrong, skill of the score
STATISTICS = tuple(sim.TRUTHS)
Row = Callable[[sim.Design, int], Sequence[float]]


def _percent(value: float) -> str:
    return f"{100 * value:g} %"


def _pairs(pairs: Sequence[tuple[float, float]]) -> list[str]:
    return [f"+{_percent(gained)} −{_percent(lost)}" for gained, lost in pairs]


TABLES: dict[str, tuple[list[str], Row]] = {
    "proportion": (
        [_percent(rate) for rate in RATES],
        lambda design, n: [sim.proportion(rate, design, n) for rate in RATES],
    ),
    "requirement": (
        [_percent(limit) for limit in LIMITS],
        lambda design, n: [sim.passed(limit, design, n) for limit in LIMITS],
    ),
    "difference": (
        _pairs(CHANGES),
        lambda design, n: [sim.difference(*change, design, n) for change in CHANGES],
    ),
    "regression": (
        _pairs(TOLERATED),
        lambda design, n: [sim.regression(*change, design, n) for change in TOLERATED],
    ),
    "means": (
        ["normal values", "skewed values"],
        lambda design, n: [sim.mean_regression(design, n, skewed=skewed) for skewed in (False, True)],
    ),
    "tests": (
        ["sign flips, 10 % discordant", "50 %", "Wilcoxon, all changed", "half unchanged"],
        lambda design, n: [
            *(sim.sign_flip(discordant, design, n) for discordant in (0.1, 0.5)),
            *(sim.wilcoxon(unchanged, design, n) for unchanged in (0.0, 0.5)),
        ],
    ),
    "family": (["any of four"], lambda design, n: [sim.family(design, n)]),
    "bootstrap": (
        [f"{kind}, {statistic}" for kind, statistic in STATISTICS],
        lambda design, n: [sim.bootstrap(kind, statistic, design, n) for kind, statistic in STATISTICS],
    ),
    "auc": (
        [f"{what} {area}" for what in ("AUC", "change at", "fall at") for area in AREAS],
        lambda design, n: [
            measure(area, design, n)
            for measure in (sim.auc, sim.auc_difference, sim.auc_regression)
            for area in AREAS
        ],
    ),
    "folds": (
        [f"{what} {area}" for what in ("AUC", "change at") for area in AREAS],
        lambda design, n: [
            measure(area, design, n) for measure in (sim.folds_auc, sim.folds_difference) for area in AREAS
        ],
    ),
    "mixed": (
        [f"AUC {area}" for area in AREAS],
        lambda design, n: [sim.auc(area, design, n, mixed=True) for area in AREAS],
    ),
    "balanced": (
        [_percent(rate) for rate in RATES[2:]],
        lambda design, n: [sim.balanced(rate, design, n) for rate in RATES[2:]],
    ),
    "groups": (
        [f"{_percent(first)} and {_percent(second)}" for first, second in GROUPS],
        lambda design, n: [sim.group_difference(*rates, design, n) for rates in GROUPS],
    ),
    "aurc": (
        [f"{_percent(rate)} wrong, skill {skill:g}" for rate, skill in RANKINGS],
        lambda design, n: [sim.aurc(*ranking, design, n) for ranking in RANKINGS],
    ),
    "calibration": (
        ["Brier score", "intercept", "slope", "error called more than chance"],
        lambda design, n: sim.calibrated(design, n),
    ),
    "power": (
        ["passes 20 %", "how often", "rise over 0 %", "noticed", "over 10 %", "noticed", "over 50 %", "noticed"],
        lambda design, n: _power(design, n),
    ),
}  # fmt: skip


def _power(design: sim.Design, repeats: int) -> list[float]:
    """The advice for this design, and how often it comes true."""
    worth = design.cases * (1.0 if not design.several else 5 / (1 + design.correlation * (5.8 - 1)))
    # 2 to 8 images a case: 5 on the mean, 29 / 5 = 5.8 as an image sees it
    rate = passing_rate(0.2, worth, design.cases)
    row = [float("nan")] * 2 if rate is None else [rate, 1 - _failed(0.2, rate, design, repeats)]
    for start in (0.0, 0.1, 0.5):
        # where nothing flips an audit knows of no correlation, and counts cases
        rise = detectable_rise(start, worth if start else float(design.cases))
        row += [float("nan")] * 2 if rise is None else [rise, sim.noticed(start, rise, design, repeats)]
    return row


def _failed(limit: float, rate: float, design: sim.Design, repeats: int) -> float:
    def once(rng: sim.Rng) -> bool:
        drawn, index = sim.categories(rng, (rate, 1 - rate), design)
        high = sim.s.bound(drawn == 0, index).high
        return high is None or high > limit

    return sim.share(repeats, once)


@click.command()
@click.option("--table", "names", type=click.Choice(list(TABLES)), multiple=True, help="Only this one.")
@click.option("--repeats", default=4000, show_default=True, help="Samples a cell.")
def main(names: tuple[str, ...], repeats: int) -> None:
    """Print tables of coverage, size and power, in per cent, as Markdown."""
    for name in names or TABLES:
        titles, row = TABLES[name]
        click.echo(f"\n{name}\n\n| cases | images | correlation | {' | '.join(titles)} |")
        click.echo("|---" * (3 + len(titles)) + "|")
        for design in sim.DESIGNS:
            click.echo(f"| {design} | {' | '.join(sim.cells(list(row(design, repeats))))} |")


if __name__ == "__main__":
    main()
