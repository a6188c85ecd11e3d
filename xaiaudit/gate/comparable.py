"""Whether two audits can be compared image by image, and which image is which. No torch."""

from collections.abc import Sequence

from xaiaudit.errors import AuditError
from xaiaudit.gate.asked import Asked
from xaiaudit.gate.audited import Audited
from xaiaudit.gate.metrics import METRICS
from xaiaudit.gate.pairs import Pairing
from xaiaudit.gate.policy import FindingTable
from xaiaudit.gate.questions import NotThere, question
from xaiaudit.records import AuditRecord
from xaiaudit.same_images import lacking, otherwise_prepared, relabelled, rows_of

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
    return Pairing(baseline=baseline, order=rows_of(audited.clean.table, baseline.clean.table))


def _images(audited: Audited, baseline: Audited) -> list[str]:
    ours, theirs = audited.clean.table, baseline.clean.table
    new, gone = len(lacking(ours, theirs)), len(lacking(theirs, ours))
    if new or gone:
        return [
            f"images ({new} of {ours.num_rows} are not in the baseline, {gone} of its {theirs.num_rows} not here)"
        ]
    other = len(relabelled(ours, theirs, rows_of(ours, theirs)))
    return [f"labels (of {other} of {ours.num_rows} images)"] if other else []


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
    found = otherwise_prepared(ours.checkpoint.preprocessing, theirs.checkpoint.preprocessing)
    told = ", ".join(f"{key} {own} here, {other} there" for key, own, other in found)
    return [f"preprocessing ({told})"] if found else []


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
