"""What is asked of every audit, whatever its policy says: no leak, nothing left out, settings as asked. No torch."""

from xaiaudit.gate.policy import AuditTable, Policy
from xaiaudit.gate_record import Finding, Status
from xaiaudit.records import AuditRecord

SHOWN = 3  # names of files


def conditions(record: AuditRecord, policy: Policy) -> list[Finding]:
    """In the order of a verdict."""
    gate = policy.gate
    return [
        settings(record, policy.audit),
        *([leak(record)] if record.leak.assessed or gate.require_leak_check else []),
        left_out(record, gate.max_left_out),
        *([calibration(record)] if gate.require_calibration else []),
    ]


def leak(record: AuditRecord) -> Finding:
    """The model must not be judged by images that it was trained on."""
    found, images = len(record.leak.found), record.images
    if not record.leak.assessed:
        return _condition("leak", "not assessed", f"leak: {record.leak.reason}")
    status: Status = "failed" if found else "passed"
    words = f"{found} of {images} audited images are in the training data, or close to some of it"
    return _condition("leak", status, words, limit=0.0, estimate=found / images, images=images)


def left_out(record: AuditRecord, limit: float) -> Finding:
    """The share of files that could not be read."""
    missing = len(record.left_out)
    files = missing + record.images
    share = missing / files
    names = ", ".join(item.file for item in record.left_out[:SHOWN]) + (" ..." if missing > SHOWN else "")
    words = (
        f"{missing} of {files} files could not be read and were left out{f' ({names})' if missing else ''}; limit "
        f"{100 * limit:.1f} %"
    )
    status: Status = "passed" if share <= limit else "failed"
    return _condition("left-out", status, words, limit=limit, estimate=share, images=files)


def calibration(record: AuditRecord) -> Finding:
    """Every image with a lesion must have its pixel spacing, so that the ring and 5 mm are what they say."""
    regions = record.regions
    lesions = regions.calibrated + regions.relative
    if not lesions:
        words = "calibration: the audit knows of no lesion's regions, which takes outlined lesions and an explainer"
        return _condition("calibration", "not assessed", words)
    words = (
        f"{regions.relative} of {lesions} images with a lesion have no pixel spacing"
        + ", so that their ring and distances are relative" * (regions.relative > 0)
    )
    status: Status = "failed" if regions.relative else "passed"
    share = regions.relative / lesions
    return _condition("calibration", status, words, limit=0.0, estimate=share, images=lesions)


def settings(record: AuditRecord, asked: AuditTable) -> Finding:
    """What decides figures beside attacks and explainers must be as the policy says: a wider ring hides moves, and
    without self-checks an attack that finds nothing looks like robustness."""
    pairs = {
        "ring_mm": (record.regions.ring_mm, asked.ring_mm),
        "tolerance_mm": (record.regions.tolerance_mm, asked.tolerance_mm),
        "precision": (record.environment.precision, asked.precision),
        "seed": (record.seed, asked.seed),
    }
    differing = [f"{key} {own}, not {wanted}" for key, (own, wanted) in pairs.items() if own != wanted]
    if asked.checks and not record.checks:
        differing.append("no self-checks")
    if not differing:
        return _condition("settings", "passed", f"{', '.join(pairs)} and self-checks are as the policy asks")
    words = f"the audit was not made as the policy asks: {', '.join(differing)}; audit again with --policy"
    return _condition("settings", "not assessed", words)


def _condition(
    name: str,
    status: Status,
    words: str,
    *,
    limit: float | None = None,
    estimate: float | None = None,
    images: int | None = None,
) -> Finding:
    return Finding(
        id=name,
        kind="condition",
        metric=name,
        sense=None if limit is None else "at most",
        limit=limit,
        judged_by=None if limit is None else "estimate",
        estimate=estimate,
        images=images,
        status=status,
        words=words,
    )
