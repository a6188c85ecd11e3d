"""The epsilon curve of one shard: at which radius each image first flips, before and after rounding to 8 bits."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from xaiaudit.attacks.base import Attack
from xaiaudit.attacks.criteria import LeaveDecision
from xaiaudit.attacks.quantise import quantise
from xaiaudit.auditing.judging import Judged, judge
from xaiaudit.auditing.loading import Loaded
from xaiaudit.models import AuditedModel
from xaiaudit.tensors import AttackResult

HALF_A_GREY_LEVEL = 0.5 / 255


class Outcome(NamedTuple):
    """What an attack left of a shard's images, before and after rounding to 8 bits, and the model's word on both."""

    result: AttackResult
    judged: Judged
    rounded: Tensor
    judged_rounded: Judged


def curve(
    model: AuditedModel, loaded: Loaded, clean: Judged, attack: Attack, radii: Sequence[float]
) -> Iterator[tuple[float, Outcome]]:
    """The outcome at each radius, rising.

    An image that flipped stays flipped at every larger radius, with the same adversarial image, as that lies in
    the larger ball too; the same after rounding. An image is attacked again while either is wanting. Full runs
    are made, because an image that has only just flipped seldom outlives rounding; but a radius under half a
    grey level, where rounding gives the clean image back, needs the goal alone.
    """
    logits = torch.from_numpy(clean.logits).to(model.device)
    best = _untouched(loaded)
    rounded = loaded.images.clone()
    flipped, flipped_rounded = (np.zeros(len(loaded.planned), bool) for _ in range(2))
    for radius in sorted(radii):
        survives = attack.norm == "l2" or radius >= HALF_A_GREY_LEVEL
        open_rows = np.flatnonzero(~flipped | (~flipped_rounded & survives))
        best = replace(best, forwards=best.forwards * 0, backwards=best.backwards * 0)
        if len(open_rows):
            rows = torch.from_numpy(open_rows).to(model.device)
            found = attack(
                model,
                loaded.images[rows],
                LeaveDecision(logits[rows], model.threshold),
                valid=loaded.valid[rows],
                seeds=[loaded.seeds[row] for row in open_rows],
                radii=(radius,),
                to_goal=not survives,
            )
            best = _keep(best, found, rows, torch.from_numpy(~flipped[open_rows]).to(model.device))
            rounded = rounded.index_copy(
                0,
                rows,
                torch.where(
                    _wide(flipped_rounded[open_rows], rows), rounded[rows], quantise(found.images[0])
                ),
            )
        judged = judge(model, best.images, loaded.masks, loaded.has_outline)
        judged_rounded = judge(model, rounded, loaded.masks, loaded.has_outline)
        flipped = judged.decision != clean.decision
        flipped_rounded = judged_rounded.decision != clean.decision
        yield radius, Outcome(best, judged, rounded, judged_rounded)


def _untouched(loaded: Loaded) -> AttackResult:
    count = torch.zeros(len(loaded.planned), dtype=torch.int64, device=loaded.images.device)
    return AttackResult(
        images=loaded.images.clone(),
        reached=count.bool(),
        distance=count.to(loaded.images.dtype),
        forwards=count,
        backwards=count.clone(),
        failed=count.bool(),
    )


def _keep(best: AttackResult, found: AttackResult, rows: Tensor, fresh: Tensor) -> AttackResult:
    """`best` with the costs of this radius, and with its images where none had flipped before."""
    take, place = fresh.nonzero()[:, 0], rows[fresh]
    return AttackResult(
        images=best.images.index_copy(0, place, found.images[0][take]),
        reached=best.reached.index_copy(0, place, found.reached[0][take]),
        distance=best.distance.index_copy(0, place, found.distance[0][take].to(best.distance)),
        forwards=best.forwards.index_copy(0, rows, found.forwards[0].to(best.forwards)),
        backwards=best.backwards.index_copy(0, rows, found.backwards[0].to(best.backwards)),
        failed=best.failed.index_copy(0, place, found.failed[0][take]),
    )


def _wide(flags: np.ndarray, like: Tensor) -> Tensor:
    """(n,) flags to be broadcast over images."""
    return torch.from_numpy(flags).to(like.device)[:, None, None, None]
