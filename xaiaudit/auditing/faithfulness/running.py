"""Explainers put to every test of faithfulness, batch by batch, beside random maps on the same grid."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from torch import Tensor

from xaiaudit.auditing.faithfulness.batches import Facts, Images, joined, load_batch
from xaiaudit.auditing.faithfulness.settings import Settings
from xaiaudit.auditing.told import told_cells
from xaiaudit.explainers.base import Explainer
from xaiaudit.faithfulness import blocks_from_the_top, infidelity, random_maps
from xaiaudit.faithfulness.infidelity import Responses
from xaiaudit.faithfulness.layers import Block
from xaiaudit.faithfulness.similarity import Similarity
from xaiaudit.metrics.energy import energy_shares
from xaiaudit.metrics.extremes import defined
from xaiaudit.metrics.top_pixels import relevance_rank
from xaiaudit.models import AuditedModel
from xaiaudit.models.prepared import Prepared
from xaiaudit.tensors import Model
from xaiaudit.types import Cells, Sample

Progress = Callable[[int, int, str], None]  # tests of images done, in all, and what runs now
PARTS = ("pixel curves and infidelity", "max-sensitivity", "randomisation")


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """What the tests said of the maps of one explainer, (n, ...) each; random maps are asked less."""

    maps: np.ndarray  # (n, u, v)
    values: Mapping[str, np.ndarray]
    randomisation: Mapping[str, Similarity]  # by way, (n, blocks, draws) each; {} for random maps
    within: Cells | None = None  # (n, u, v) cells that the maps say something of; None: all


@dataclass(frozen=True, kw_only=True, eq=False)
class Results:
    facts: Facts
    outcomes: dict[str, Outcome]  # by id of the explainer, and by `control_id`
    blocks: tuple[Block, ...]


def run_tests(
    ready: Prepared,
    model: AuditedModel,
    samples: Sequence[Sample],
    explainers: Mapping[str, Explainer],
    tests: Settings,
    *,
    seed: int,
    batch_size: int,
    progress: Progress | None = None,
) -> Results:
    """Every test of every explainer on every sample (at least one), on their source grid.

    Pixel curves and infidelity ask the folded copy of the network, which agrees within 1e-4 of a logit; maps come
    from the model itself, whose weights are drawn anew and put back. Only maps and numbers of a batch outlive it.

    Raises:
        UsageError: nothing that the model learnt can be randomised.
    """
    facts: list[Facts] = []
    found: dict[str, list[Outcome]] = {}
    blocks: tuple[Block, ...] = ()
    for start in range(0, len(samples), batch_size):
        batch = load_batch(model, samples[start : start + batch_size], tests.canvas, seed)
        blocks = blocks or blocks_from_the_top(model, batch.images, tests.blocks)
        facts.append(batch.facts)
        tell = _telling(progress, start * len(explainers), len(samples) * len(explainers), len(batch.images))
        responses = tests.infidelity()(
            ready.search, batch.images, batch.target, valid=batch.valid, seeds=batch.seeds
        )
        seen: set[str] = set()
        for place, (name, explainer) in enumerate(explainers.items()):
            outcome = _explainer(
                ready.search,
                model,
                batch,
                explainer,
                responses,
                tests,
                blocks,
                seed,
                partial(tell, place, name),
            )
            found.setdefault(name, []).append(outcome)
            grid = (outcome.maps.shape[1], outcome.maps.shape[2])
            if control_id(grid) not in seen:
                seen.add(control_id(grid))
                control = _control(ready.search, batch, grid, responses, tests)
                found.setdefault(control_id(grid), []).append(control)
        tell(len(explainers), "", 0)
    return Results(
        facts=joined(facts), outcomes={name: _joined(parts) for name, parts in found.items()}, blocks=blocks
    )


def control_id(grid: tuple[int, int]) -> str:
    """Of the random maps on a grid."""
    return f"random {grid[0]}x{grid[1]}"


def _telling(
    progress: Progress | None, before: int, total: int, images: int
) -> Callable[[int, str, int], None]:
    """Told that a part of an explainer begins, it tells how many tests of images are done."""

    def tell(place: int, name: str, part: int) -> None:
        if progress is not None:
            words = f"{name}: {PARTS[part]}" if name else ""
            progress(len(PARTS) * (before + place * images) + part * images, len(PARTS) * total, words)

    return tell


def _explainer(
    asked: Model,
    model: AuditedModel,
    batch: Images,
    explainer: Explainer,
    responses: Responses,
    tests: Settings,
    blocks: Sequence[Block],
    seed: int,
    tell: Callable[[int], None],
) -> Outcome:
    # Changed images are explained with the draws of the originals: what moves is the map, not its luck.
    explain = partial(explainer, valid=batch.valid, seeds=batch.seeds)
    told = told_cells(explainer, batch.valid[:, 0].cpu().numpy())
    tell(0)
    maps = explain(model, batch.images, batch.target).detach()
    values = _values(asked, batch, maps, responses, tests, signed=explainer.signed, told=told)
    tell(1)
    sensitivity = tests.sensitivity(
        explain, model, batch.images, batch.target,
        signed=explainer.signed, valid=batch.valid, seeds=batch.seeds, within=told,
    )  # fmt: skip
    values |= {"max_sensitivity": sensitivity.value.numpy(), "vanished": sensitivity.vanished.numpy()}
    tell(2)
    similar = tests.randomisation(seed)(
        explain, model, batch.images, batch.target, blocks, signed=explainer.signed, within=told
    )
    return Outcome(maps=maps.double().cpu().numpy(), values=values, randomisation=similar, within=told)


def _control(
    asked: Model, batch: Images, grid: tuple[int, int], responses: Responses, tests: Settings
) -> Outcome:
    maps = random_maps(batch.images, grid, batch.seeds)
    values = _values(asked, batch, maps, responses, tests, signed=False, told=None)
    return Outcome(maps=maps.double().numpy(), values=values, randomisation={})


def _values(
    asked: Model,
    batch: Images,
    maps: Tensor,
    responses: Responses,
    tests: Settings,
    *,
    signed: bool,
    told: Cells | None,
) -> dict[str, np.ndarray]:
    values: dict[str, np.ndarray] = {}
    for way in ("deletion", "insertion"):
        curve = tests.curve(way)(
            asked, batch.images, batch.target, maps,
            signed=signed, valid=batch.valid, seeds=batch.seeds, within=told,
        )  # fmt: skip
        values |= {way: curve.probability.numpy(), f"{way}_area": curve.area.numpy()}
    found = infidelity(maps, responses, signed=signed, within=told)
    plain, has_lesion = maps.double().cpu().numpy(), batch.facts.has_lesion
    return values | {
        "defined": defined(plain, signed=signed, within=told),
        "infidelity": found.raw.numpy(),
        "infidelity_scaled": found.scaled.numpy(),
        "infidelity_unexplained": found.unexplained.numpy(),
        "infidelity_scale": found.scale.numpy(),
        "relevance_mass": energy_shares(plain, batch.codes, has_lesion)["energy_lesion"],
        "relevance_rank": relevance_rank(plain, batch.codes, has_lesion, signed=signed, within=told),
    }


def _joined(parts: Sequence[Outcome]) -> Outcome:
    told = [part.within for part in parts if part.within is not None]  # of all parts, or of none
    return Outcome(
        maps=np.concatenate([part.maps for part in parts]),
        within=np.concatenate(told) if told else None,
        values={name: np.concatenate([part.values[name] for part in parts]) for name in parts[0].values},
        randomisation={
            way: Similarity(
                *(
                    np.concatenate(columns)
                    for columns in zip(*(p.randomisation[way] for p in parts), strict=True)
                )
            )
            for way in parts[0].randomisation
        },
    )
