"""From finished shards to the tables and audit.json. Needs no model and no images."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from xaiaudit.audit_files import table_digests
from xaiaudit.auditing.abstention_statistics import abstention_records
from xaiaudit.auditing.agreement_statistics import agreement_records
from xaiaudit.auditing.attack_statistics import attack_records
from xaiaudit.auditing.box_columns import marks
from xaiaudit.auditing.case_table import case_table
from xaiaudit.auditing.coverage import coverage
from xaiaudit.auditing.gallery import write_gallery
from xaiaudit.auditing.hit_statistics import hit_relations
from xaiaudit.auditing.map_statistics import explainer_record, map_records
from xaiaudit.auditing.outline_statistics import outline_records
from xaiaudit.auditing.plan import AuditFolder, AuditPlan, read_plan
from xaiaudit.auditing.self_checks.verdicts import check_records, read_facts
from xaiaudit.auditing.subgroup_statistics import subgroup_records
from xaiaudit.auditing.tables import Tables
from xaiaudit.auditing.variability import variability_record
from xaiaudit.errors import AuditError
from xaiaudit.metrics.classification import clean_record
from xaiaudit.metrics.flips import assessable
from xaiaudit.parquet import write_table
from xaiaudit.records import (
    SCHEMA,
    AuditRecord,
    CleanRecord,
    HitRelation,
    RegionCoverage,
    SelfCheckRecord,
)
from xaiaudit.writing import write_atomically


def merge(folders: Sequence[Path], out: Path | None = None) -> AuditRecord:
    """Join the shards of one audit, computed here or elsewhere, and write its tables and audit.json.

    Args:
        folders: where shards of the same plan lie.
        out: the audit folder; None: the first of them.

    Raises:
        AuditError: shards are missing, the folders were begun with different plans, or a finished audit lies in
            `out`.
    """
    sources = [AuditFolder(path) for path in folders]
    folder = AuditFolder(out or folders[0])
    if folder.record.exists():
        raise AuditError(
            f"{folder.path} already holds a finished audit, which never changes; name another with --out"
        )
    plan = _one_plan(sources)
    _check_complete(plan, sources)
    folder.path.mkdir(parents=True, exist_ok=True)
    tables = Tables(
        plan,
        _joined(plan, sources, "predictions.parquet"),
        _joined(plan, sources, "maps.parquet"),
        _joined(plan, sources, "acquisition.parquet") if plan.acquisition else None,
    )
    markers = [_marker(plan, sources, unit) for unit in range(plan.units)]
    checks = _checks(tables, plan, markers[-1]["facts"])
    record = _record(tables, markers, write_gallery(tables, folder, sources), checks)
    write_table(folder.path / "predictions.parquet", tables.predictions)
    write_table(folder.path / "maps.parquet", tables.maps)
    if tables.acquisition is not None:
        write_table(folder.path / "acquisition.parquet", tables.acquisition)
    write_atomically(folder.path / "shift_by_case.csv", case_table(tables).encode())
    record = record.model_copy(update={"tables": table_digests(folder.path, record)})
    write_atomically(folder.plan, plan.model_dump_json(indent=1).encode())
    write_atomically(folder.record, record.model_dump_json(indent=1).encode())
    if folder.shards.exists():
        shutil.rmtree(folder.shards)
    return record


def _one_plan(sources: Sequence[AuditFolder]) -> AuditPlan:
    plans = [read_plan(source) for source in sources]
    for source, plan in zip(sources[1:], plans[1:], strict=True):
        differing = plans[0].differences(plan)
        if differing:
            raise AuditError(
                f"{source.path} and {sources[0].path} are parts of different audits "
                f"({', '.join(differing)} differ); merge parts of one"
            )
    return plans[0]


def _check_complete(plan: AuditPlan, sources: Sequence[AuditFolder]) -> None:
    missing = [unit for unit in range(plan.units) if not any(source.done(unit) for source in sources)]
    if missing:
        shown = ", ".join(str(shard + 1) for shard in missing[:10]) + (" ..." if len(missing) > 10 else "")
        raise AuditError(
            f"{len(missing)} of {plan.units} shards are not done ({shown}) in "
            f"{', '.join(str(source.path) for source in sources)}; finish them with --resume, "
            "or name the folders that hold them"
        )


def _marker(plan: AuditPlan, sources: Sequence[AuditFolder], shard: int) -> dict[str, Any]:
    holder = next(source for source in sources if source.done(shard))
    return dict(json.loads(holder.shard(shard, "json").read_bytes()))


def _checks(tables: Tables, plan: AuditPlan, seen: Any) -> list[SelfCheckRecord]:
    """The self-checks of model and attacks, by what was seen on the images drawn for them, in the last unit."""
    if not plan.checked:
        return []
    decisions = tables.clean.classes("decision", tables.plan.checkpoint.classes)
    return check_records(read_facts(seen), decisions.tolist(), diagnoses=plan.checkpoint.diagnoses)


def _joined(plan: AuditPlan, sources: Sequence[AuditFolder], what: str) -> pa.Table:
    parts = []
    for shard in range(plan.shards):
        holder = next(source for source in sources if source.done(shard))
        parts.append(pq.read_table(holder.shard(shard, what)))
    return pa.concat_tables(parts).combine_chunks()


def _record(
    tables: Tables, markers: Sequence[dict[str, Any]], gallery: list[Any], checks: list[SelfCheckRecord]
) -> AuditRecord:
    plan = tables.plan
    clean = _clean(tables)
    attacks = attack_records(tables)
    subgroups, subgroup_tests = subgroup_records(tables, attacks)
    return AuditRecord(
        schema_version=SCHEMA,
        xaiaudit=plan.xaiaudit,
        created=plan.created,
        seconds=sum(marker["seconds"] for marker in markers),
        command=plan.command,
        seed=plan.seed,
        batch_size=plan.batch_size,
        batch_size_retries=[text for marker in markers for text in marker["retries"]],
        shards=plan.shards,
        search=sorted({marker["search"] for marker in markers}),
        environment=plan.environment,
        checkpoint=plan.checkpoint,
        datasets=[data.record for data in plan.data],
        limit=plan.limit,
        images=len(plan.images),
        left_out=plan.left_out,
        warnings=[*plan.warnings, *_warnings(tables, clean)],
        leak=plan.leak,
        clean=clean,
        attacks=attacks,
        map_differences=_map_differences(markers),
        explainers=[explainer_record(tables.map("none", item.id, "own"), item) for item in plan.explainers],
        checks=checks,
        maps=map_records(tables),
        variability=variability_record(tables),
        hit_relations=_hit_relations(tables),
        abstention=abstention_records(tables),
        outlines=outline_records(tables),
        agreement=agreement_records(tables),
        subgroups=subgroups,
        subgroup_tests=subgroup_tests,
        regions=_coverage(tables),
        gallery=gallery,
        keep_ids=plan.keep_ids,
    )


def _map_differences(markers: Sequence[dict[str, Any]]) -> dict[str, float]:
    """The largest that any run of the audit found, by explainer."""
    found: dict[str, float] = {}
    for marker in markers:
        for name, difference in marker.get("map_differences", {}).items():
            found[name] = max(found.get(name, 0.0), difference)
    return found


def _clean(tables: Tables) -> CleanRecord:
    rows, checkpoint = tables.clean, tables.plan.checkpoint
    dice = rows.floats("dice")
    return clean_record(
        rows.classes("label", checkpoint.classes),
        rows.stacked("logits").astype(np.float64),
        rows.cases,
        classes=checkpoint.classes,
        positive=checkpoint.classes.index(checkpoint.positive),
        threshold=checkpoint.threshold,
        dice=dice if np.isfinite(dice).any() else None,
        marks=marks(rows),
    )


def _warnings(tables: Tables, clean: CleanRecord) -> list[str]:
    checkpoint, rows = tables.plan.checkpoint, tables.clean
    warnings = []
    auc = clean.auc.estimate if clean.auc is not None else None
    if auc is not None and auc < 0.5:
        warnings.append(
            f"the clean AUC is {auc:.3f}, under 0.5: were the classes named in the order of the model's outputs?"
        )
    if not assessable(rows.classes("decision", checkpoint.classes)):
        share, name = max((share, name) for name, share in clean.decision_shares.items())
        warnings.append(
            f"the model decides {name} for {100 * share:.1f} % of the clean images: its flip rates say nothing"
            + (
                ""
                if checkpoint.diagnoses
                else "; it makes no diagnosis, so look at what becomes of its outline"
            )
        )
    unknown = sorted({label for label in rows.strings("label") if label} - set(checkpoint.classes))
    if unknown:
        warnings.append(f"labels that the model has no class for ({', '.join(unknown)}) count as unlabelled")
    return warnings


def _hit_relations(tables: Tables) -> list[HitRelation]:
    classes, rows = tables.plan.checkpoint.classes, tables.clean
    labels, decisions = (rows.classes(name, classes) for name in ("label", "decision"))
    return [
        relation
        for planned in tables.plan.explainers
        for relation in hit_relations(tables.map("none", planned.id, "own"), planned.id, labels, decisions)
    ]


def _coverage(tables: Tables) -> RegionCoverage:
    plan = tables.plan
    if not plan.explainers:
        return RegionCoverage(
            ring_mm=plan.ring_mm,
            calibrated=0,
            relative=0,
            without_lesion=0,
            tolerance_mm=plan.tolerance_mm,
        )
    return coverage(tables.map("none", plan.explainers[0].id, "own"), plan.ring_mm, plan.tolerance_mm)
