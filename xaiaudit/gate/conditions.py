"""What is asked of every audit, whatever its policy says: no leak, nothing left out, settings as asked. No torch."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from xaiaudit.gate.policy import AuditTable
from xaiaudit.gate.reading import ReadPolicy
from xaiaudit.gate_record import Finding, Status
from xaiaudit.records import AuditRecord, DatasetRecord

SHOWN = 3  # names of files
_SPLIT = re.compile(r"(test|validation|train) split of the checkpoint")  # in a dataset's selection
_NORMALS = re.compile(r"\bnormals? (left out|counts? as benign)")  # likewise


def conditions(record: AuditRecord, read: ReadPolicy) -> list[Finding]:
    """In the order of a verdict."""
    gate = read.policy.gate
    return [
        settings(record, read.policy.audit, read.path.parent),
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


def settings(record: AuditRecord, asked: AuditTable, folder: Path) -> Finding:
    """What decides figures beside attacks and explainers must be as the policy says: a wider ring hides moves, other
    images may be easier ones, and without self-checks an attack that finds nothing looks like robustness.

    Args:
        folder: of the policy, which its paths are relative to.
    """
    pairs = {
        "ring_mm": (record.regions.ring_mm, asked.ring_mm),
        "tolerance_mm": (record.regions.tolerance_mm, asked.tolerance_mm),
        "precision": (record.environment.precision, asked.precision),
        "seed": (record.seed, asked.seed),
    }
    differing = [f"{key} {own}, not {wanted}" for key, (own, wanted) in pairs.items() if own != wanted]
    differing += _images(record, asked, folder)
    if asked.checks and not record.checks:
        differing.append("no self-checks")
    if not differing:
        words = f"images, {', '.join(pairs)} and self-checks are as the policy asks"
        return _condition("settings", "passed", words)
    words = f"the audit was not made as the policy asks: {', '.join(differing)}; audit again with --policy"
    return _condition("settings", "not assessed", words)


def _images(record: AuditRecord, asked: AuditTable, folder: Path) -> Iterator[str]:
    """How the images are others than asked for. Where a folder lies plays no part, as audits are made on other
    machines; what it is called does. Of a policy without folders, those of the command line are taken."""
    if record.limit is not None and (asked.limit is None or record.limit < asked.limit):
        yield f"limit {record.limit}, not {'all images' if asked.limit is None else asked.limit}"
    names = {Path(os.path.abspath(folder / path)).name for path in asked.data}
    there = {path: set(Path(os.path.abspath(path)).parts) for path in (item.path for item in record.datasets)}
    if names and not (
        all(names & parts for parts in there.values()) and names <= set().union(*there.values())
    ):
        yield f"data {', '.join(there)}, not {', '.join(asked.data)}"
    taken = {found[1] for item in record.datasets if (found := _SPLIT.search(item.selection))} or {"all"}
    wanted = asked.split or ("all" if asked.data else "test")
    if taken != {wanted} and (asked.split is not None or taken != {"all"}):
        yield f"split {', '.join(sorted(taken))}, not {wanted}"
    kinds = sorted({item.kind for item in record.datasets} - {asked.dataset})
    if asked.dataset is not None and kinds:
        yield f"dataset {', '.join(kinds)}, not {asked.dataset}"
    normals = sorted({taken_as for item in record.datasets if (taken_as := _normals(item))} - {asked.normals})
    if asked.normals is not None and normals:
        yield f"normals {', '.join(normals)}, not {asked.normals}"


def _normals(dataset: DatasetRecord) -> str:
    """What images without a lesion were taken for; empty where there are none."""
    if "normal" in dataset.labels:
        return "class"
    found = _NORMALS.search(dataset.selection)
    return "" if found is None else "leave-out" if found[1] == "left out" else "benign"


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
