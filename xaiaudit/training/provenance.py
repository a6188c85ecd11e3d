"""Where a checkpoint comes from, as plain values that travel in it."""

import hashlib
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from xaiaudit.data.cases import hash_case
from xaiaudit.data.duplicates import fingerprints, thumbnails
from xaiaudit.records import CleanRecord
from xaiaudit.training.material import Material
from xaiaudit.training.progress import Epoch
from xaiaudit.training.recipe import Recipe
from xaiaudit.types import Sample, plain
from xaiaudit.version import __version__

PACKAGES = ("torch", "torchvision", "timm", "lightning-fabric", "numpy")
FITTED = ("train", "validation")


def provenance(
    material: Material,
    *,
    recipe: Recipe,
    normals: str,
    salt: str | None,
    history: Sequence[Epoch],
    outlined: Sequence[int] | None,
    metrics: Mapping[str, CleanRecord],
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """The `training` entry of a checkpoint: data, split by image, fingerprints, recipe, versions and metrics.

    `salt` None keeps case ids as they are; otherwise they are hashed with it, so that images of one case can
    be told to be so, but not whose they are. `outlined` are the training images whose outline was used, as positions
    among them; None where nothing learns outlines.
    """
    dataset, samples, split = material.dataset, material.samples, material.split
    rows = {part: getattr(split, part) for part in ("train", "validation", "test")}
    prints = fingerprints(thumbnails([sample.image for sample in samples]))
    return {
        "data": [
            {"path": str(part.path.resolve()), "kind": part.kind, "name": part.name} for part in dataset.parts
        ],
        "selection": dataset.selection,
        "normals": normals,
        "split": {
            part: [_image(samples[row], split.cases[row], salt) for row in own] for part, own in rows.items()
        },
        "split_words": split.words,
        "outlined": None if outlined is None else list(outlined),
        "fingerprints": {part: [prints[row] for row in rows[part]] for part in FITTED},
        "left_out": [item._asdict() for item in material.left_out],
        "salt": salt,
        "seed": settings["seed"],
        "split_seed": split.seed,
        "recipe": asdict(recipe),
        "settings": plain(settings),
        "history": [asdict(epoch) for epoch in history],
        "metrics": {part: record.model_dump(exclude={"roc"}) for part, record in metrics.items()},
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Of what had a hand in the weights."""
    own = {"xaiaudit": __version__, "python": platform.python_version()}
    return own | {package: version(package) for package in PACKAGES}


def _image(sample: Sample, case: str, salt: str | None) -> dict[str, str]:
    return {
        "file": sample.file,
        "case": case if salt is None else hash_case(case, salt),
        "sha256": sample.sha256,
        "dataset": sample.dataset,
    }


def weights_sha256(weights: str) -> str | None:
    """Of the file that a training starts from; None where it starts from no file."""
    path = Path(weights)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
