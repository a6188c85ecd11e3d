"""The self-checks of model and attacks as a unit of work of its own, on images drawn for them."""

import json
import time

import torch

from xaiaudit.attacks.criteria import LeaveDecision
from xaiaudit.auditing.loading import load_images
from xaiaudit.auditing.plan import AuditFolder, AuditPlan
from xaiaudit.auditing.self_checks.facts import Tell, gather
from xaiaudit.auditing.self_checks.record import Facts
from xaiaudit.auditing.shard import halving
from xaiaudit.data.datasets import Dataset
from xaiaudit.models import AuditedModel
from xaiaudit.models.prepared import Prepared
from xaiaudit.writing import write_atomically


def run_checks(
    plan: AuditPlan,
    folder: AuditFolder,
    ready: Prepared,
    model: AuditedModel,
    dataset: Dataset,
    tell: Tell,
) -> None:
    """See what the self-checks want to know, and write it down; `merge` passes judgement.

    `tell` is the `on_check` of `audit`.

    When the device runs out of memory they are made again in halves, which the marker records.

    Raises:
        AuditError: an image has changed since the plan.
        torch.OutOfMemoryError: a single image does not fit.
    """
    started = time.perf_counter()
    loaded = load_images(
        [plan.images[index] for index in plan.checked],
        model,
        dataset,
        ring_mm=plan.ring_mm,
        tolerance_mm=plan.tolerance_mm,
    )

    def seen(size: int) -> Facts:
        with torch.inference_mode():
            clean = torch.cat([model(some).logits for some in torch.split(loaded.images, size)])
        return gather(
            ready,
            loaded.images,
            loaded.valid,
            loaded.seeds,
            LeaveDecision(clean.clone(), model.threshold),  # inference tensors cannot take part in a backward
            {item.id: (item.name, item.parameters) for item in plan.attacks},
            batch_size=size,
            tell=tell,
        )

    facts, retries = halving(seen, min(plan.batch_size, len(plan.checked)), "self-checks")
    marker = {
        "seconds": time.perf_counter() - started,
        "retries": retries,
        "facts": facts.plain(),
        "search": ready.words(),
    }
    write_atomically(folder.shard(plan.shards, "json"), json.dumps(marker).encode())
