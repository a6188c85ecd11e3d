"""From what the tests said of every image to the figures of faithfulness.json, each with its interval over cases."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from xaiaudit.auditing.faithfulness.running import Outcome, Results, control_id
from xaiaudit.faithfulness.layers import Block
from xaiaudit.faithfulness.similarity import MEASURES as SIMILARITIES
from xaiaudit.faithfulness.similarity import Similarity, between_images
from xaiaudit.faithfulness_record import (
    HIGHER_IS_BETTER,
    MEASURES,
    CanvasRecord,
    ExplainerRecord,
    MeasureRecord,
    RandomisationRecord,
    StepRecord,
)
from xaiaudit.metrics.bootstrap import bootstrap, distribution
from xaiaudit.metrics.cases import select
from xaiaudit.metrics.proportions import proportion

OF_LESIONS = frozenset({"relevance_mass", "relevance_rank"})
SCALE_DEPENDENT = "infidelity"  # raw: maps of another scale are no yardstick
Cases = Sequence[str]


def explainer_record(
    name: str,
    results: Results,
    cases: Cases,
    *,
    signed: bool,
    size: tuple[int, int],
    said: dict[str, Any],
) -> ExplainerRecord:
    """All figures of one explainer, or of random maps, whose id is their own control's.

    Args:
        size: of the image's grid, for SSIM between images.
        said: name, parameters and what is explained.
    """
    outcome = results.outcomes[name]
    grid = (outcome.maps.shape[1], outcome.maps.shape[2])
    control = control_id(grid) if name != control_id(grid) else ""
    against = results.outcomes[control] if control else None
    between = between_images(outcome.maps, size, signed=signed, within=outcome.within)
    return ExplainerRecord(
        **said,
        id=name,
        grid=grid,
        signed=signed,
        control=control,
        undefined=int((~outcome.values["defined"]).sum()),
        vanished=int(outcome.values["vanished"].sum()) if control else 0,
        wrong_sign=int((outcome.values["infidelity_scale"] < 0).sum()),
        measures=[
            measure_record(measure, outcome, against, results.facts.has_lesion, cases)
            for measure in MEASURES
            if measure in outcome.values
        ],
        deletion=mean_curve(outcome.values["deletion"]),
        insertion=mean_curve(outcome.values["insertion"]),
        randomisation=[
            RandomisationRecord(
                way="cascading" if way == "cascading" else "independent",
                steps=step_records(similar, outcome.values["defined"], results.blocks, cases),
            )
            for way, similar in outcome.randomisation.items()
        ],
        between_images={measure: bootstrap(getattr(between, measure), cases) for measure in SIMILARITIES},
    )


def measure_record(
    name: str, outcome: Outcome, control: Outcome | None, has_lesion: np.ndarray, cases: Cases
) -> MeasureRecord:
    """One measure, and how it compares with that of random maps, image by image."""
    asked = has_lesion if name in OF_LESIONS else np.ones(len(has_lesion), bool)
    values = outcome.values[name]
    gain = better = None
    if control is not None and name in control.values and name != SCALE_DEPENDENT:
        sign = 1 if name in HIGHER_IS_BETTER else -1
        ahead = sign * (values - control.values[name])
        known = np.isfinite(ahead)
        gain = bootstrap(ahead, cases)
        better = proportion(ahead[known] > 0, select(cases, known))
    return MeasureRecord(
        name=name,
        images=int(asked.sum()),
        undefined=int((asked & ~np.isfinite(values)).sum()),
        mean=bootstrap(values, cases),
        distribution=distribution(values, cases),
        gain=gain,
        better=better,
    )


def step_records(
    similar: Similarity, defined: np.ndarray, blocks: Sequence[Block], cases: Cases
) -> list[StepRecord]:
    """The steps of one way of randomising, the logits' block first."""
    records = []
    for step, block in enumerate(blocks):
        means = {name: _mean_over_draws(getattr(similar, name)[:, step]) for name in SIMILARITIES}
        records.append(
            StepRecord(
                top=_layer(block[0]),
                layers=len({_layer(name) for name in block}),
                **{name: bootstrap(values, cases) for name, values in means.items()},
                spread=_spread(similar.spearman[:, step]),
                maps=int(defined.sum()) * similar.spearman.shape[2],
                undefined=int(similar.undefined[:, step].sum()),
                identical=int(similar.identical[:, step].sum()),
            )
        )
    return records


def canvas_record(results: Results, positive: int, cases: Cases, words: str) -> CanvasRecord:
    """What the canvas still says of the images."""
    facts = results.facts
    rows = np.arange(len(facts.target))
    return CanvasRecord(
        words=words,
        probability_clean=distribution(facts.clean[rows, facts.target], cases),
        probability_canvas=distribution(facts.canvas[rows, facts.target], cases),
        positive_canvas=distribution(facts.canvas[:, positive], cases),
        decisions_kept=proportion(facts.canvas_decision == facts.target, cases),
    )


def mean_curve(curves: np.ndarray) -> list[float | None]:
    """The mean over images with a curve, at each step; None where there is none."""
    known = curves[np.isfinite(curves).all(1)]
    return [float(value) for value in known.mean(0)] if len(known) else [None] * curves.shape[1]


def _mean_over_draws(values: np.ndarray) -> np.ndarray:
    """(n, draws) to (n,), over the draws with a value; NaN where none has one."""
    known = np.isfinite(values)
    total, count = np.where(known, values, 0).sum(1), known.sum(1)
    means: np.ndarray = np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0)
    return means


def _spread(values: np.ndarray) -> float | None:
    """Standard deviation between draws of the mean over images; None with fewer than two draws that have one."""
    means = _mean_over_draws(values.T)
    means = means[np.isfinite(means)]
    return float(means.std(ddof=1)) if len(means) > 1 else None


def _layer(parameter: str) -> str:
    return parameter.rpartition(".")[0]
