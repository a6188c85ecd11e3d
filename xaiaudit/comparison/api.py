"""`xaiaudit compare` without the command line."""

from pathlib import Path

import pyarrow as pa

from xaiaudit.comparison.attacks import attack_comparisons, matched_attacks
from xaiaudit.comparison.clean import clean_comparison
from xaiaudit.comparison.drift import compared_maps, drift_records
from xaiaudit.comparison.gallery import drift_cases
from xaiaudit.comparison.images import image_table
from xaiaudit.comparison.notes import notes
from xaiaudit.comparison.pairing import paired
from xaiaudit.comparison.sides import Side, read_side
from xaiaudit.comparison.stored import matched_explainers
from xaiaudit.comparison_record import CleanComparison, ComparedAudit, ComparisonRecord, DriftRecord
from xaiaudit.version import __version__


def compare(before: Path | str, after: Path | str) -> tuple[ComparisonRecord, pa.Table]:
    """Two finished audits of the same images, the older first; neither is changed.

    Returns:
        comparison.json, and the table behind images.csv, one row an image in the order of the newer audit.

    Raises:
        AuditError: a folder without a finished audit, or audits that differ in images, labels, outlines, classes or
            preprocessing.
    """
    pair = paired(read_side(Path(before)), read_side(Path(after)))
    attacks, other_attacks = matched_attacks(pair)
    explainers, other_explainers = matched_explainers(pair)
    maps = compared_maps(pair, explainers)
    clean, drift = clean_comparison(pair), drift_records(pair, maps)
    checkpoint = pair.after.record.checkpoint
    record = ComparisonRecord(
        xaiaudit=__version__,
        before=_audit(pair.before),
        after=_audit(pair.after),
        classes=checkpoint.classes,
        positive=checkpoint.positive,
        ring_mm=pair.after.record.regions.ring_mm,
        images=len(pair.names),
        labelled=int((pair.labels >= 0).sum()),
        cases=len(set(pair.cases)),
        clean=clean,
        attacks=attack_comparisons(pair, attacks),
        drift=drift,
        explanation_drift=explanation_drift(clean, drift),
        gallery=drift_cases(pair, maps),
        left_out=[*other_attacks, *other_explainers],
        notes=notes(pair, explainers, maps),
    )
    return record, image_table(pair, attacks, maps)


def explanation_drift(clean: CleanComparison, drift: list[DriftRecord]) -> bool | None:
    """Whether maps moved, farther than a second sweep moves them, while nothing says that accuracy differs.

    False where accuracy differs. None without labels, without maps, and where a map moved that has no yardstick.
    """
    findings = {item.finding for item in drift} - {"not assessed"}
    if clean.differs is None or not findings:
        return None
    if clean.differs or findings & {"drifted", "farther"}:
        return not clean.differs
    return None if "no yardstick" in findings else False


def _audit(side: Side) -> ComparedAudit:
    record = side.record
    return ComparedAudit(
        path=str(side.folder),
        audit_sha256=side.sha256,
        created=record.created,
        xaiaudit=record.xaiaudit,
        checkpoint=record.checkpoint.path,
        checkpoint_sha256=record.checkpoint.sha256,
        architecture=record.checkpoint.architecture,
        threshold=record.checkpoint.threshold,
        seed=record.seed,
        leaked=len(record.leak.found) if record.leak.assessed else None,
    )
