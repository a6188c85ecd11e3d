"""How often the gate refuses a checkpoint that is no worse, and one that is: `python -m benchmarks.gate`.

Every run draws a baseline and a new checkpoint on the same images in cases, and lets the gate itself compare the two
by all regressions of the starter policy. The two are alike as retrained checkpoints are: each decision, flip, silent
shift and hit of the one is that of the other but for a share of images each way. docs/gate.md prints the tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import as_file, files

import click
import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri
from scipy.stats import multivariate_normal

from benchmarks import simulation as sim
from benchmarks.gate_audits import Columns, make
from xaiaudit.gate.audited import Audited
from xaiaudit.gate.judging import judged
from xaiaudit.gate.policy import FindingTable
from xaiaudit.gate.reading import ReadPolicy, read_policy
from xaiaudit.metrics.power import POWER, noticed

ATTACKS = {"fgsm": {"epsilon": 1 / 255}, "pgd": {"epsilon": 1 / 255}}  # of the starter policy
DESIGNS = [
    sim.Design(200),
    sim.Design(200, True, 0.0),
    sim.Design(200, True, 0.3),
    sim.Design(200, True, 0.9),
]
SIZES = (30, 50, 100, 200, 400, 800)  # cases
EACH_WAY = (0.05, 0.1)  # share of images on which checkpoints of one recipe differ, each way
BASE = {"right": 0.85, "flip": 0.45, "moved": 0.3, "hit": 0.65, "swept": 0.1}  # rates of the baseline


@dataclass(frozen=True)
class Retrained:
    """What becomes of a checkpoint that is trained again: of each rate so much is gained and lost, and `rise` added to
    that of flips."""

    each_way: float = 0.075
    rise: float = 0.0
    rates: tuple[tuple[str, float], ...] = tuple(BASE.items())


def starter() -> ReadPolicy:
    """The starter policy, with its regressions alone: requirements are of one audit, and refuse for other reasons."""
    with as_file(files("xaiaudit.gate") / "starter.toml") as path:
        read = read_policy(path)
    kept = [
        number for number, finding in enumerate(read.policy.finding) if finding.max_regression is not None
    ]
    findings = [_regression(read.policy.finding[number]) for number in kept]
    return replace(
        read,
        policy=read.policy.model_copy(update={"finding": findings}),
        asked=tuple(read.asked[number] for number in kept),
        lines=tuple(read.lines[number] for number in kept),
    )


def _regression(finding: FindingTable) -> FindingTable:
    return finding.model_copy(update={"max": None, "min": None})


def correlation(rate: float, each_way: float) -> float:
    """Of two normal values, so that one alone lies below the quantile of `rate` with the chance `each_way`."""
    cut = float(ndtri(rate))
    if each_way >= rate * (1 - rate):
        return 0.0

    def excess(r: float) -> float:
        both = multivariate_normal.cdf([cut, cut], mean=[0, 0], cov=[[1, r], [r, 1]])
        return float(rate - both) - each_way

    return float(brentq(excess, 0.0, 0.999999))


def audits(rng: sim.Rng, design: sim.Design, how: Retrained) -> tuple[Audited, Audited]:
    """The baseline and the new checkpoint's audit."""
    index = design.index(rng)
    label = (index < round(0.4 * design.cases)).astype(int)
    before: dict[str, np.ndarray] = {}
    after: dict[str, np.ndarray] = {}
    for name, rate in how.rates:
        r = CORRELATIONS.setdefault((rate, how.each_way), correlation(rate, how.each_way))
        shared, one, two = (sim.normals(rng, index, design) for _ in range(3))
        rise = how.rise if name == "flip" else 0.0
        before[name] = np.sqrt(r) * shared + np.sqrt(1 - r) * one < ndtri(rate)
        after[name] = np.sqrt(r) * shared + np.sqrt(1 - r) * two < ndtri(rate + rise)
    return _audit(before, label, index, "baseline"), _audit(after, label, index, "new")


CORRELATIONS: dict[tuple[float, float], float] = {}


def _audit(found: Mapping[str, np.ndarray], label: np.ndarray, case: np.ndarray, name: str) -> Audited:
    flipped = found["flip"]
    silent = (found["moved"] & ~flipped).astype(float)
    columns = Columns(
        case=case,
        label=label,
        margin=np.where(found["right"], 2.0 * label - 1, 1 - 2.0 * label),
        flipped={"fgsm": flipped, "pgd": flipped},
        silent={"fgsm": silent, "pgd": silent},
        hit=found["hit"].astype(float),
        swept=found["swept"],
    )
    return make(columns, ATTACKS, name)


def refused(read: ReadPolicy, design: sim.Design, how: Retrained, repeats: int, seed: int = 0) -> float:
    """How often any regression of the policy fails."""

    def once(rng: sim.Rng) -> bool:
        baseline, new = audits(rng, design, how)
        verdict = judged(new, read, baseline)
        return any(item.kind == "regression" and item.status == "failed" for item in verdict.findings)

    return sim.share(repeats, once, seed)


def smallest_rise(cases: int, each_way: float, family: int = 1) -> float | None:
    """The smallest rise of a rate that is noticed with a chance of 80 %, one image a case; None where none is.

    Args:
        each_way: share of images that differ each way besides.
        family: regressions of the policy; the one that is worse must then be below 5 % over their number, by Holm.
    """

    def excess(rise: float) -> float:
        return noticed(each_way + rise, each_way, cases, alpha=0.05 / family) - POWER

    most = 1 - 2 * each_way
    return None if excess(most) < 0 else float(brentq(excess, 1e-6, most, xtol=1e-5))


def _refusals(repeats: int) -> None:
    read = starter()
    click.echo(
        "\n| cases | images | correlation | differing each way | equal, refused | 15 points worse, refused |"
    )
    click.echo("|---" * 6 + "|")
    for design in DESIGNS:
        for each_way in EACH_WAY:
            shares = [refused(read, design, Retrained(each_way, rise), repeats) for rise in (0.0, 0.15)]
            cells = " | ".join(f"{100 * share:.1f}" for share in shares)
            click.echo(f"| {design} | {100 * each_way:g} % | {cells} |")


def _rises() -> None:
    family = len(starter().policy.finding)
    titles = [
        f"{100 * each_way:g} % each way, {name}"
        for each_way in (0.05, 0.1)
        for name in ("alone", f"of {family}")
    ]
    click.echo(f"\n| cases | {' | '.join(titles)} |")
    click.echo("|---" * (1 + len(titles)) + "|")
    for cases in SIZES:
        rises = [smallest_rise(cases, each_way, count) for each_way in (0.05, 0.1) for count in (1, family)]
        cells = " | ".join("–" if rise is None else f"{100 * rise:.1f}" for rise in rises)
        click.echo(f"| {cases} | {cells} |")


@click.command()
@click.option("--table", type=click.Choice(["refusals", "rises"]), help="Only this one.")
@click.option("--repeats", default=1000, show_default=True, help="Runs of the gate a cell.")
def main(table: str | None, repeats: int) -> None:
    """Print how often the gate refuses, in per cent, and the smallest rise that it notices, in points."""
    if table in (None, "rises"):
        _rises()
    if table in (None, "refusals"):
        _refusals(repeats)


if __name__ == "__main__":
    main()
