"""Was the model trained on what it is now audited with?"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from xaiaudit.data.duplicates import near
from xaiaudit.models import AuditedModel
from xaiaudit.records import LeakRecord

FITTED = ("train", "validation")  # the validation split chose the epoch and the threshold


class Known(Protocol):
    """An image without its pixels."""

    @property
    def name(self) -> str: ...

    @property
    def sha256(self) -> str: ...

    @property
    def fingerprint(self) -> str: ...


class Seen(NamedTuple):
    """A `Known` that is nothing more."""

    name: str
    sha256: str
    fingerprint: str


def find_leak(model: AuditedModel, views: Sequence[Known]) -> LeakRecord:
    """Audited images that the checkpoint was trained on, by hash, and their near-duplicates, by fingerprint.

    Not assessed where the checkpoint holds no hashes of its training images.
    """
    training = model.info.training if model.info is not None else {}
    split = training.get("split", {})
    hashes = {item["sha256"] for part in FITTED for item in split.get(part, ())}
    prints = [value for part in FITTED for value in training.get("fingerprints", {}).get(part, ())]
    if not hashes:
        reason = "the checkpoint does not say which images it was trained on"
        return LeakRecord(assessed=False, reason=reason, exact=[], near=[])
    alike = near([view.fingerprint for view in views], prints) if prints else np.zeros(len(views), bool)
    exact = [view.name for view in views if view.sha256 in hashes]
    close = [view.name for view, flag in zip(views, alike, strict=True) if flag and view.sha256 not in hashes]
    return LeakRecord(assessed=True, reason="", exact=exact, near=close)
