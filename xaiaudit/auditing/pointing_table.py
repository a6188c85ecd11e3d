"""The table of Byra et al. 2022: how often the map of a decision points at the lesion, its ring, what lies behind it.

Clean images only: no attack is made. The rates, regions and chance levels are those of an audit.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xaiaudit.auditing.chosen_explainers import made_explainers, planned_explainers
from xaiaudit.auditing.coverage import coverage
from xaiaudit.auditing.hit_statistics import RELATED, hit_relations
from xaiaudit.auditing.judging import judge
from xaiaudit.auditing.leak import find_leak
from xaiaudit.auditing.loading import load_images
from xaiaudit.auditing.look import Looked, Progress, look
from xaiaudit.auditing.map_check import PROBES, check_maps
from xaiaudit.auditing.map_rows import map_rows
from xaiaudit.auditing.map_statistics import explainer_record
from xaiaudit.auditing.plan import PlannedExplainer
from xaiaudit.auditing.planning import checkpoint_record, planned_images
from xaiaudit.auditing.pointing_statistics import pointing_cells
from xaiaudit.auditing.specs import Spec
from xaiaudit.data.datasets import Dataset
from xaiaudit.errors import DataError, UsageError
from xaiaudit.models import AuditedModel
from xaiaudit.models.execution import deterministic
from xaiaudit.records import MAPS, PointingGroup, PointingReport, PointingTable
from xaiaudit.rows import Rows
from xaiaudit.version import __version__


def pointing_report(
    model: AuditedModel,
    dataset: Dataset,
    explainers: Sequence[Spec] | None = None,
    *,
    ring_mm: float = 5.0,
    tolerance_mm: float = 0.0,
    batch_size: int = 32,
    seed: int = 0,
    strict: bool = False,
    on_look: Progress | None = None,
    on_map: Progress | None = None,
) -> PointingReport:
    """Play the pointing game on a dataset with outlines; `explainers` as for `audit`.

    Raises:
        UsageError: no image has a label that the model knows, so that no decision is right or wrong; an unknown
            explainer.
        DataError: no image can be read, has an outline, or, with a tolerance, a spacing; with `strict`, any image
            cannot be read.
        AuditError: a map of the first images differs from a clean recomputation.
    """
    chosen = planned_explainers(model, explainers)
    seen = look(dataset, strict=strict, progress=on_look)
    _check_answerable(seen, model, dataset, tolerance_mm)
    planned = planned_images(seen.views, None, seed)
    made = made_explainers(chosen)
    rows, labels, decisions = [], [], []
    load = partial(load_images, model=model, dataset=dataset, ring_mm=ring_mm, tolerance_mm=tolerance_mm)
    with deterministic():
        check_maps(model, load(planned[:PROBES]), made)
        for start in range(0, len(planned), batch_size):
            loaded = load(planned[start : start + batch_size])
            judged = judge(
                model,
                loaded.images,
                loaded.masks,
                loaded.has_outline,
                made,
                valid=loaded.valid,
                seeds=loaded.seeds,
            )
            rows += map_rows(model, loaded, made, judged, judged)
            labels.append(loaded.labels)
            decisions.append(judged.decision)
            if on_map is not None:
                on_map(min(start + batch_size, len(planned)), len(planned))
    table = pa.Table.from_pylist(rows, schema=MAPS)
    truth, decided = np.concatenate(labels), np.concatenate(decisions)
    return PointingReport(
        xaiaudit=__version__,
        checkpoint=checkpoint_record(model),
        data=dataset.describe(),
        images=len(planned),
        left_out=seen.left_out,
        warnings=[*(model.info.notes if model.info is not None else ()), *seen.warnings],
        leak=find_leak(model, seen.views, dataset),
        regions=coverage(_of(table, chosen[0]), ring_mm, tolerance_mm),
        tables=[_table(_of(table, item), item, truth, decided, model.classes) for item in chosen],
    )


def _check_answerable(seen: Looked, model: AuditedModel, dataset: Dataset, tolerance_mm: float) -> None:
    if not any(view.label in model.classes for view in seen.views):
        raise UsageError(
            f"no image of {dataset.name} has a label among the model's classes ({', '.join(model.classes)}), so no "
            "decision is known to be right; name labelled images with --data DIR"
        )
    if not any(view.has_mask for view in seen.views):
        raise DataError(
            f"no image of {dataset.name} has an outlined lesion, so there is no region to point at; name images with "
            "masks by --data DIR"
        )
    if tolerance_mm and not any(view.has_mask and view.has_spacing for view in seen.views):
        raise DataError(
            f"no outlined image of {dataset.name} has a pixel spacing, so no distance is known in mm; leave "
            "--tolerance-mm out, or name images with spacing by --data DIR"
        )


def _of(table: pa.Table, explainer: PlannedExplainer) -> Rows:
    return Rows(table.filter(pc.equal(table["explainer_id"], explainer.id)))


def _table(
    rows: Rows, item: PlannedExplainer, labels: np.ndarray, decisions: np.ndarray, classes: Sequence[str]
) -> PointingTable:
    record = explainer_record(rows, item)
    left_out, known = _left_out(rows, labels)
    groups = [
        _group(rows, record.signed, decided, label, known & of & ((labels == number) | (number is None)))
        for decided, of in (("rightly", decisions == labels), ("wrongly", decisions != labels))
        for number, label in ((None, None), *enumerate(classes))
    ]
    return PointingTable(
        explainer=record,
        left_out=left_out,
        groups=groups,
        relations=hit_relations(rows, item.id, labels, decisions),
    )


def _left_out(rows: Rows, labels: np.ndarray) -> tuple[dict[str, int], np.ndarray]:
    """Images by the first reason why no hit or no rightness is known, and the others, (n,) bool."""
    reasons = {
        "without a label that the model knows": labels < 0,
        "without a lesion outline": np.isnan(rows.floats("area_lesion")),
        "without pixel spacing, which the tolerance needs": np.isnan(rows.floats("chance_any")),
        "with an undefined map": np.isnan(rows.floats("maximum_in_any")),
    }
    counts, known = {}, np.ones(len(labels), bool)
    for reason, holds in reasons.items():
        counts[reason] = int((known & holds).sum())
        known &= ~holds
    return counts, known


def _group(rows: Rows, signed: bool, decided: str, label: str | None, among: np.ndarray) -> PointingGroup:
    own = Rows(rows.table.filter(pa.array(among)))
    return PointingGroup.model_validate(
        {
            "decided": decided,
            "label": label,
            "images": int(among.sum()),
            "cases": len(set(own.cases)),
            "cells": pointing_cells(own, signed=signed, regions=RELATED),
        }
    )
