"""Rows of acquisition.parquet: every image as a second sweep would show it, and where its maps went."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from xaiaudit.acquisition.sweep import swept
from xaiaudit.acquisition.view import view_of
from xaiaudit.auditing.cells import none_if_nan, plain_cell
from xaiaudit.auditing.judging import Judged, judge
from xaiaudit.auditing.loading import Loaded
from xaiaudit.auditing.plan import AuditPlan
from xaiaudit.auditing.shift_columns import shift_columns
from xaiaudit.auditing.sweeps import Sweep, sweeps
from xaiaudit.explainers.base import Explainer, FromOutputs
from xaiaudit.metrics.extremes import defined
from xaiaudit.metrics.undo import undo_motion
from xaiaudit.models import AuditedModel
from xaiaudit.records import ACQUISITION


def acquisition_rows(
    plan: AuditPlan,
    model: AuditedModel,
    loaded: Loaded,
    explainers: Mapping[str, Explainer],
    clean: Judged,
) -> Iterator[dict[str, Any]]:
    """One row a change, explainer and image, in the order of the plan. Maps explain the clean decision.

    Of the explainers only those that read their maps from the forward that is made anyway: the others ask for dozens of
    forwards of every changed image. Without any of them there is one row a change and image, without an explainer.
    """
    explainers = {name: item for name, item in explainers.items() if isinstance(item, FromOutputs)}
    for sweep in sweeps(plan):
        images, motions = _second_sweep(loaded, sweep)
        judged = judge(
            model,
            torch.from_numpy(images).to(model.device),
            loaded.masks,
            loaded.has_outline,
            explainers,
            clean.decision,
            valid=loaded.valid,
        )
        heads = [{"change_id": sweep.id} | row for row in _decisions(model, loaded, clean, judged, motions)]
        if not explainers:
            yield from heads
        for name, explainer in explainers.items():
            columns = _columns(loaded, clean, judged, motions, name, signed=explainer.signed)
            for row, head in enumerate(heads):
                values = {key: plain_cell(column[row]) for key, column in columns.items()}
                own = {"explainer_id": name, "target_class": model.classes[clean.decision[row]]}
                yield head | own | values


def _second_sweep(loaded: Loaded, sweep: Sweep) -> tuple[np.ndarray, np.ndarray]:
    """The images, (n, 1, h, w) float32 on the 8-bit grid, and their motions, (n, 2, 3)."""
    shown, motions = [], []
    for image, sample, seed in zip(
        loaded.images.cpu().numpy()[:, 0], loaded.samples, loaded.seeds, strict=True
    ):
        valid = np.ones(image.shape, bool) if sample.valid is None else sample.valid
        view = view_of(valid, sample.spacing, float(sample.affine[0, 0] / sample.affine[1, 1]))
        changed = swept(image.astype(np.float64), view, sweep.changes, seed)
        shown.append(np.rint(changed.image * 255).astype(np.uint8))
        motions.append(changed.motion)
    return np.stack(shown)[:, None] / np.float32(255), np.stack(motions)


def _decisions(
    model: AuditedModel, loaded: Loaded, clean: Judged, judged: Judged, motions: np.ndarray
) -> Iterator[dict[str, Any]]:
    for row, planned in enumerate(loaded.planned):
        yield {
            "image": planned.name,
            "sha256": planned.sha256,
            "case": planned.case,
            "seed": planned.seed,
            "motion": motions[row].ravel().tolist(),
            "logits": judged.logits[row].tolist(),
            "margin": none_if_nan(judged.margin[row]),
            "decision": model.classes[judged.decision[row]],
            "decision_clean": model.classes[clean.decision[row]],
            "flipped": bool(judged.decision[row] != clean.decision[row]),
        }


def _columns(
    loaded: Loaded, clean: Judged, judged: Judged, motions: np.ndarray, name: str, *, signed: bool
) -> dict[str, Any]:
    maps = judged.maps[name, "same"]
    valid = loaded.valid.cpu().numpy()[:, 0]
    before, after, within, compared = undo_motion(clean.maps[name, "own"], maps, motions, valid)
    was = defined(before, signed=signed, within=within)  # where both sweeps look
    found = {
        "compared": compared,
        "defined": defined(maps, signed=signed),
        **shift_columns(
            loaded,
            before,
            after,
            defined_before=was,
            vanished=was & ~defined(maps, signed=signed),
            flipped=judged.decision != clean.decision,
            signed=signed,
            within=within,
        ),
    }
    return {key: column for key, column in found.items() if key in ACQUISITION.names}
