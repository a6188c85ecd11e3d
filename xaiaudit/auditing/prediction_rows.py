"""Rows of predictions.parquet."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from xaiaudit.auditing.box_columns import box_columns
from xaiaudit.auditing.cells import none_if_nan
from xaiaudit.auditing.judging import Judged
from xaiaudit.auditing.loading import Loaded
from xaiaudit.auditing.outline_columns import outline_columns
from xaiaudit.models import AuditedModel
from xaiaudit.tensors import AttackResult


def prediction_rows(
    model: AuditedModel,
    loaded: Loaded,
    clean: Judged,
    judged: Judged,
    *,
    images: Tensor | None = None,
    result: AttackResult | None = None,
    attack_id: str = "none",
    goal: str = "none",
    applicable: np.ndarray | None = None,
    members: Sequence[str] = (),
    epsilon: float | None = None,
    curve: bool = False,
    quantised: bool = False,
) -> list[dict[str, Any]]:
    """One row an image, in the order of the plan. Without a result: the clean images.

    `goal` says in words what the attack was after, `members` names the attacks that `result.broken_by` counts.
    """
    flipped = judged.decision != clean.decision
    reached = _reached(result, len(flipped), quantised=quantised)
    linf, l2 = _norms(loaded.images, loaded.images if images is None else images)
    outlines = outline_columns(loaded, clean, judged) | box_columns(loaded, judged)
    rows = []
    for row, (planned, sample) in enumerate(zip(loaded.planned, loaded.samples, strict=True)):
        rows.append(
            {
                "image": planned.name,
                "dataset": sample.dataset,
                "file": sample.file,
                "sha256": planned.sha256,
                "case": planned.case,
                "label": sample.label,
                **loaded.subgroups[row],
                "attack_id": attack_id,
                "epsilon": epsilon,
                "curve": curve,
                "quantised": quantised,
                "criterion": goal,
                "applicable": applicable is None or bool(applicable[row]),
                "logits": judged.logits[row].tolist(),
                "margin": none_if_nan(judged.margin[row]),
                "decision": model.classes[judged.decision[row]],
                "decision_clean": model.classes[clean.decision[row]],
                "flipped": bool(flipped[row]),
                "reached": bool(reached[row]),
                "failed": False if result is None else bool(result.failed[row]),
                "broken_by": _broken_by(result, row, members),
                "linf": float(linf[row]),
                "l2": float(l2[row]),
                "forwards": 0 if result is None else int(result.forwards[row]),
                "backwards": 0 if result is None else int(result.backwards[row]),
                "dice": none_if_nan(judged.dice[row]),
                **{name: values[row] for name, values in outlines.items()},
                "seed": planned.seed,
            }
        )
    return rows


def _reached(result: AttackResult | None, n: int, *, quantised: bool) -> np.ndarray:
    """(n,) bool: the criterion holds on the image, or on the rounded one."""
    if result is None:
        return np.zeros(n, bool)
    flags = result.survived if quantised and result.survived is not None else result.reached
    return np.asarray(flags.cpu().numpy(), bool)


def _broken_by(result: AttackResult | None, row: int, members: Sequence[str]) -> str | None:
    if result is None or result.broken_by is None or int(result.broken_by[row]) < 0:
        return None
    return members[int(result.broken_by[row])]


def _norms(clean: Tensor, images: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """L-infinity and L2 norms of the perturbation really reached, (n,), in float64."""
    difference = (images.to(torch.float64) - clean.to(torch.float64)).flatten(1)
    return difference.abs().amax(1).cpu().numpy(), difference.norm(dim=1).cpu().numpy()
