"""One network that learns one cue, and all explainers on its held-out cases."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from benchmarks.known_truth.cases import Cases, blinded, cases_of
from benchmarks.known_truth.causal import causal
from benchmarks.known_truth.pointing import Scores, maps_of, score, scores_or_reason
from benchmarks.known_truth.subject import margins, trained
from benchmarks.results import Record
from xaiaudit.data.phantom_features import PLACES, Cue
from xaiaudit.data.phantoms import phantom_dataset
from xaiaudit.explainers.registry import explainer
from xaiaudit.explainers.spec import parse
from xaiaudit.metrics.auc import auc
from xaiaudit.models import AuditedModel

HELD_OUT = 1_000_000  # added to the seed of a network's phantoms gives that of its held-out ones
TURNED = "cam less its neutral twin's"  # no explainer: it knows the twin
STRIDE = 16.0  # of small-cnn's last layer, in pixels


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How large the experiment is."""

    train: int  # phantoms
    cases: int  # held-out phantoms of each network
    size: int  # pixels a side
    epochs: int


def experiment(cue: Cue, network: int, settings: Settings, explainers: tuple[str, ...]) -> Record:
    """Train network number `network` on the cue, find where its evidence is, and score the explainers.

    The first network of a cue has a blind twin, trained and tested on phantoms whose cue is neutral in its place.
    """
    fit = partial(trained, size=settings.size, epochs=settings.epochs, seed=network)
    make = partial(phantom_dataset, size=settings.size, cue=cue)
    known = make(settings.train, seed=network)
    cases, place = cases_of(make(settings.cases, seed=HELD_OUT + network), cue), PLACES[cue]
    model = fit(known)
    decided = (margins(model, cases.images) >= 0).astype(np.int64)
    found: dict[str, Any] = {}
    for name in explainers:
        kind, parameters = parse(name)
        scored = scores_or_reason(explainer(kind, **parameters), model, cases, decided, place, cell=STRIDE)
        found[name] = scored if isinstance(scored, str) else asdict(scored)
    found[TURNED] = asdict(_turned(model, cases, decided, place))
    evidence = causal(partial(margins, model), cases, place)
    return {
        "settings": asdict(settings),
        "cue": cue,
        "network": network,
        "cases": cases.names,
        "decided": decided.tolist(),
        "causal": plain(asdict(evidence)) | {"uses_the_cue": evidence.uses_the_cue},
        "blind": None
        if network
        else auc(
            cases.malignant, margins(fit(blinded(known, cue)), cases.spliced(place)), cases.names
        ).model_dump(),
        "explainers": found,
    }


def _turned(model: AuditedModel, cases: Cases, decided: np.ndarray, place: Collection[str]) -> Scores:
    """Of what CAM loses with the cue in its place: cell by cell exactly what the margin loses."""
    before, after = (
        maps_of(explainer("cam"), model, images, decided) for images in (cases.images, cases.spliced(place))
    )
    return score(before - after, cases, place, signed=True, cell=STRIDE)


def plain(value: Any) -> Any:
    """Intervals as JSON has them."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    return value.model_dump() if hasattr(value, "model_dump") else value
