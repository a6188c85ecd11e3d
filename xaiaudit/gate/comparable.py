"""Whether two audits can be compared image by image, and which image is which. No torch."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from xaiaudit.errors import AuditError
from xaiaudit.gate.asked import Asked
from xaiaudit.gate.audited import Audited
from xaiaudit.gate.metrics import METRICS
from xaiaudit.gate.pairs import Pairing
from xaiaudit.gate.policy import FindingTable
from xaiaudit.gate.questions import NotThere, question
from xaiaudit.records import AuditRecord

Regression = tuple[FindingTable, Asked]


def pairing(audited: Audited, baseline: Audited, asked: Sequence[Regression]) -> Pairing:
    """Rows pair by the hash of their image, whatever the order of the two.

    Args:
        asked: the regressions that the two shall be compared on.

    Raises:
        AuditError: the two differ in what decides a figure; it says in what.
    """
    differing = [*_images(audited, baseline), *_settings(audited.record, baseline.record, asked)]
    if differing:
        raise AuditError(
            f"{audited.name} and the baseline {baseline.name} cannot be compared, as they differ in "
            f"{'; '.join(differing)}; audit both alike, or accept a baseline that was"
        )
    order = np.empty(len(audited.images), np.int64)
    order[_sorted(audited)] = _sorted(baseline)
    return Pairing(baseline=baseline, order=order)


def _sorted(audited: Audited) -> np.ndarray:
    """Images by hash; of one that is there twice, by label and name."""
    rows = audited.clean
    keys = list(zip(rows.strings("sha256"), map(str, rows.strings("label")), audited.images, strict=True))
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), np.int64)


def _images(audited: Audited, baseline: Audited) -> list[str]:
    ours, theirs = (Counter(side.clean.strings("sha256")) for side in (audited, baseline))
    new, gone = (ours - theirs).total(), (theirs - ours).total()
    if new or gone:
        return [
            f"images ({new} of {ours.total()} are not in the baseline, {gone} of its {theirs.total()} not here)"
        ]
    pairs = [
        Counter(zip(side.clean.strings("sha256"), side.clean.strings("label"), strict=True))
        for side in (audited, baseline)
    ]
    other = (pairs[0] - pairs[1]).total()
    return [f"labels (of {other} of {ours.total()} images)"] if other else []


def _settings(ours: AuditRecord, theirs: AuditRecord, asked: Sequence[Regression]) -> list[str]:
    pairs = {
        "classes": (", ".join(ours.checkpoint.classes), ", ".join(theirs.checkpoint.classes)),
        "positive class": (ours.checkpoint.positive, theirs.checkpoint.positive),
        "ring": (f"{ours.regions.ring_mm:g} mm", f"{theirs.regions.ring_mm:g} mm"),
        "tolerance": (f"{ours.regions.tolerance_mm:g} mm", f"{theirs.regions.tolerance_mm:g} mm"),
        "seed": (ours.seed, theirs.seed),
        "precision": (ours.environment.precision, theirs.environment.precision),
    }
    if any(named.explainer is not None for _, named in asked):
        pairs["lesions with pixel spacing, without, images without a lesion"] = (_known(ours), _known(theirs))
    found = [f"{name} ({own} here, {other} there)" for name, (own, other) in pairs.items() if own != other]
    found += _preprocessing(ours, theirs)
    if any(METRICS[finding.metric].of.startswith("sweep") for finding, _ in asked):
        found += _sweep(ours, theirs)
    for finding, named in asked:
        try:
            question(ours, finding, named)
        except NotThere:
            continue  # that is no fault of the baseline, and the finding will say so
        try:
            question(theirs, finding, named, any_layer=True)
        except NotThere as missing:
            words = f"what {finding.metric} is of (in the baseline, {missing})"
            found += [words] if words not in found else []
    return found


def _known(record: AuditRecord) -> str:
    """Spacing and outlines stand beside the images, and may have come or changed since."""
    regions = record.regions
    return f"{regions.calibrated}, {regions.relative}, {regions.without_lesion}"


def _preprocessing(ours: AuditRecord, theirs: AuditRecord) -> list[str]:
    own, other = ours.checkpoint.preprocessing, theirs.checkpoint.preprocessing
    keys = [key for key in {**own, **other} if own.get(key) != other.get(key)]
    if not keys:
        return []
    told = ", ".join(f"{key} {own.get(key)} here, {other.get(key)} there" for key in keys)
    return [f"preprocessing ({told})"]


def _sweep(ours: AuditRecord, theirs: AuditRecord) -> list[str]:
    changes = [
        [] if record.variability is None else [(item.name, item.parameters) for item in record.variability.changes]
        for record in (ours, theirs)
    ]  # fmt: skip
    if changes[0] == changes[1]:
        return []
    told = [", ".join(name for name, _ in side) or "none" for side in changes]
    return [
        f"simulated second sweeps ({told[0]} here, {told[1]} there"
        + (", of other strengths)" if told[0] == told[1] else ")")
    ]
