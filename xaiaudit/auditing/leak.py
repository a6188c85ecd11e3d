"""Was the model trained on what it is now audited with?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xaiaudit.data.cases import hash_case
from xaiaudit.data.datasets import Dataset
from xaiaudit.data.duplicates import near
from xaiaudit.models import AuditedModel
from xaiaudit.records import LeakRecord

FITTED = ("train", "validation")  # the validation split chose the epoch and the threshold
FOLDERS = ("folder", "manifest", "phantoms")  # kinds whose name says nothing of whose images they are


@dataclass(frozen=True, kw_only=True)
class Known:
    """What tells an image without its pixels."""

    name: str
    dataset: str
    sha256: str
    fingerprint: str
    case_id: str | None  # "dataset/case"; None where the dataset has no case ids


def find_leak(model: AuditedModel, images: Sequence[Known], dataset: Dataset) -> LeakRecord:
    """Audited images that the checkpoint was trained on: the same, near-duplicates, and other images of a case.

    The same by pixel hash, near-duplicates by fingerprint, cases by their hashed id where the dataset is the one
    that the checkpoint records. Not assessed where it records no hashes.
    """
    training = model.info.training if model.info is not None else {}
    fitted = [item for part in FITTED for item in training.get("split", {}).get(part, ())]
    if not fitted:
        reason = "the checkpoint does not say which images it was trained on"
        return LeakRecord(assessed=False, reason=reason, exact=[], near=[])
    hashes = {item["sha256"] for item in fitted}
    prints = [value for part in FITTED for value in training.get("fingerprints", {}).get(part, ())]
    alike = near([image.fingerprint for image in images], prints) if prints else np.zeros(len(images), bool)
    exact = [image.name for image in images if image.sha256 in hashes]
    close = [
        image.name for image, flag in zip(images, alike, strict=True) if flag and image.sha256 not in hashes
    ]
    found, cases = {*exact, *close}, {item["case"] for item in fitted}
    recorded = _recorded(training, dataset)
    same_case = [
        image.name
        for image in images
        if image.name not in found and image.dataset in recorded and _hashed(image, training) in cases
    ]
    return LeakRecord(assessed=True, reason="", exact=exact, near=close, same_case=same_case)


def _hashed(image: Known, training: Mapping[str, Any]) -> str | None:
    """The case as the checkpoint would record it; None where there is no case id."""
    salt = training.get("salt")
    if image.case_id is None or salt is None:
        return image.case_id
    return hash_case(image.case_id, salt)


def _recorded(training: Mapping[str, Any], dataset: Dataset) -> set[str]:
    """Names of the datasets at hand that the checkpoint was trained on too."""
    return {
        part.name
        for part in dataset.parts
        for item in training.get("data", ())
        if (item["kind"], item["name"]) == (part.kind, part.name)
        and (part.kind not in FOLDERS or item["path"] == str(part.path.resolve()))
    }
