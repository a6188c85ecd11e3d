"""Run one shard of a plan: its images, every attack on them, every map. Writes its tables, then its marker."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import torch

from xaiaudit.attacks.base import Attack, Criterion
from xaiaudit.attacks.criteria.building import build
from xaiaudit.attacks.criteria.named import CleanFacts
from xaiaudit.attacks.registry import attack as make_attack
from xaiaudit.attacks.sweep import nothing_spent
from xaiaudit.auditing.acquisition_rows import acquisition_rows
from xaiaudit.auditing.audited_maps import AuditedMaps
from xaiaudit.auditing.candidates import Candidates
from xaiaudit.auditing.chosen_explainers import made_explainers
from xaiaudit.auditing.counted import Seen, unheard
from xaiaudit.auditing.curve import Case, Outcome, curve, rounded_images
from xaiaudit.auditing.judging import Judged, judge
from xaiaudit.auditing.loading import Loaded, load_images
from xaiaudit.auditing.map_rows import map_rows
from xaiaudit.auditing.plan import AuditFolder, AuditPlan, PlannedAttack
from xaiaudit.auditing.prediction_rows import prediction_rows
from xaiaudit.data.datasets import Dataset
from xaiaudit.explainers.base import Explainer
from xaiaudit.models import AuditedModel
from xaiaudit.models.memory import out_of_memory
from xaiaudit.models.prepared import Prepared
from xaiaudit.parquet import write_table
from xaiaudit.records import ACQUISITION, MAPS, PREDICTIONS
from xaiaudit.writing import write_atomically

Work = TypeVar("Work")
Step = Callable[[str, float], None]  # id of the attack, images done by it: half of them before the curve


@dataclass
class _Rows:
    predictions: list[dict[str, Any]]
    maps: list[dict[str, Any]]
    acquisition: list[dict[str, Any]]


def run_shard(
    plan: AuditPlan,
    folder: AuditFolder,
    ready: Prepared,
    model: AuditedModel,
    dataset: Dataset,
    shard: int,
    step: Step = lambda _attack, _images: None,
    map_differences: Mapping[str, float] | None = None,
    seen: Seen = unheard,
) -> None:
    """Compute one shard and write it. Running it again gives the same tables.

    `ready` is the model made ready for attacks, as `prepared` yields it. `map_differences` is what `check_maps` found
    before; it goes into the record. `seen` as for `judge`.

    When the device runs out of memory the shard is tried again in halves, which its marker records; pixels of
    an attack may then differ in their last digits from those of a whole batch.

    Raises:
        AuditError: an image has changed since the plan.
        torch.OutOfMemoryError: a single image does not fit.
    """
    started = time.perf_counter()
    planned, explainers = plan.shard_images(shard), made_explainers(plan.explainers)
    told: list[float] = []

    def tell(attack_id: str, images: float) -> None:
        told.append(images)
        step(attack_id, images)

    def computed(size: int) -> tuple[_Rows, Candidates]:
        rows, candidates = _Rows([], [], []), Candidates(plan)
        if told:  # of a try that ran out of memory
            tell(plan.attacks[0].id, -sum(told))
        for start in range(0, len(planned), size):
            loaded = load_images(
                planned[start : start + size],
                model,
                dataset,
                ring_mm=plan.ring_mm,
                tolerance_mm=plan.tolerance_mm,
            )
            _attack_all(plan, ready, model, explainers, loaded, rows, candidates, tell, seen)
        return rows, candidates

    (rows, candidates), retries = halving(computed, len(planned), f"shard {shard}")
    _write_tables(plan, folder, shard, rows)
    write_atomically(folder.shard(shard, "gallery.npz"), candidates.packed())
    marker = {
        "seconds": time.perf_counter() - started,
        "retries": retries,
        "facts": candidates.facts(),
        "map_differences": dict(map_differences or {}),
        "search": ready.words(),
    }
    write_atomically(folder.shard(shard, "json"), json.dumps(marker).encode())


def _write_tables(plan: AuditPlan, folder: AuditFolder, shard: int, rows: _Rows) -> None:
    def write(what: str, found: list[dict[str, Any]], schema: pa.Schema) -> None:
        write_table(folder.shard(shard, what), pa.Table.from_pylist(found, schema=schema))

    write("predictions.parquet", rows.predictions, PREDICTIONS)
    write("maps.parquet", rows.maps, MAPS)
    if plan.acquisition:
        write("acquisition.parquet", rows.acquisition, ACQUISITION)


def halving(work: Callable[[int], Work], size: int, name: str) -> tuple[Work, list[str]]:
    """What `work` gives with `size` images at once, halved each time memory runs out, and a word on each time.

    Raises:
        torch.OutOfMemoryError: a single image does not fit.
    """
    retries: list[str] = []
    while True:
        try:
            return work(size), retries
        except (RuntimeError, MemoryError) as error:
            if size == 1 or not out_of_memory(error):
                raise
        size = -(-size // 2)
        retries.append(f"{name}: out of memory, tried again with {size} images at once")
        torch.cuda.empty_cache()  # here the error is gone, and with it what its frames held


def _attack_all(
    plan: AuditPlan,
    ready: Prepared,
    model: AuditedModel,
    explainers: Mapping[str, Explainer],
    loaded: Loaded,
    rows: _Rows,
    candidates: Candidates,
    step: Step,
    seen: Seen,
) -> None:
    clean = judge(
        model,
        loaded.images,
        loaded.masks,
        loaded.has_outline,
        explainers,
        valid=loaded.valid,
        seeds=loaded.seeds,
        seen=seen,
    )
    rows.predictions += prediction_rows(model, loaded, clean, clean)
    rows.maps += map_rows(model, loaded, explainers, clean, clean)
    rows.acquisition += acquisition_rows(plan, model, loaded, explainers, clean)
    case, facts = Case(ready, model, loaded, clean), clean_facts(model, loaded, clean)
    for item in plan.attacks:
        attack = make_attack(item.name, **item.parameters)
        criterion = build(item.criterion, item.criterion_parameters, facts)
        whole, along = _attacked(case, item, attack, criterion, explainers, seen)
        write = _Writer(case, item, attack, criterion)
        rows.predictions += write.rows(whole, attack.epsilon, curve=False)
        rows.maps += map_rows(model, loaded, explainers, clean, whole.judged, attack_id=item.id)
        candidates.take(item.id, model, loaded, clean, whole.judged, whole.result.images)
        part = len(loaded.planned) / (2 if item.radii else 1)
        step(item.id, part)
        if item.radii:
            for radius, outcome in along or curve(case, attack, criterion, item.radii):
                rows.predictions += write.rows(outcome, radius, curve=True)
            step(item.id, part)


def _attacked(
    case: Case,
    item: PlannedAttack,
    attack: Attack,
    criterion: Criterion,
    explainers: Mapping[str, Explainer],
    seen: Seen,
) -> tuple[Outcome, list[tuple[float, Outcome]]]:
    """The outcome at the attack's own radius, and the curve with it where that says all that the attack itself would.

    The passes of such a curve are booked with its points.
    """
    model, loaded = case.model, case.loaded
    along: list[tuple[float, Outcome]] = []
    if attack.epsilon is not None and attack.always_to_goal and item.radii:
        along = list(curve(case, attack, criterion, sorted({*item.radii, attack.epsilon})))
        result, _, rounded, judged_rounded = dict(along)[attack.epsilon]
        result = nothing_spent(result)
    else:
        result = case.attacked(attack, criterion)
        rounded = rounded_images(result)
        judged_rounded = judge(model, rounded, loaded.masks, loaded.has_outline)
    judged = judge(
        model,
        result.images,
        loaded.masks,
        loaded.has_outline,
        explainers,
        case.clean.decision,
        valid=loaded.valid,
        seeds=loaded.seeds,
        seen=seen,
    )
    return Outcome(result, judged, rounded, judged_rounded), along


def clean_facts(model: AuditedModel, loaded: Loaded, clean: Judged) -> CleanFacts:
    """What criteria may know of a batch."""
    device = model.device
    known = loaded.true_boxes if clean.drawn_boxes is not None else []  # nobody else asks
    return CleanFacts(
        logits=torch.from_numpy(clean.logits).to(device),
        threshold=model.threshold,
        classes=model.classes,
        labels=torch.from_numpy(loaded.labels).to(device),
        mask_logits=clean.mask_logits,
        outlines=torch.from_numpy(loaded.masks[:, None]).to(device),
        has_outline=torch.from_numpy(loaded.has_outline).to(device),
        boxes=clean.drawn_boxes,
        lesions=tuple(torch.from_numpy(_none_known(boxes)).to(device) for boxes in known),
        normal=torch.tensor([boxes is not None and not len(boxes) for boxes in known], device=device),
        maps=AuditedMaps(loaded.codes, loaded.has_lesion, loaded.spacing),
    )


def _none_known(boxes: np.ndarray | None) -> np.ndarray:
    return np.zeros((0, 4), np.float32) if boxes is None else boxes.astype(np.float32)


@dataclass(frozen=True)
class _Writer:
    """Rows of one attack."""

    case: Case
    item: PlannedAttack
    attack: Attack
    criterion: Criterion

    def rows(self, outcome: Outcome, epsilon: float | None, *, curve: bool) -> list[dict[str, Any]]:
        """Of the images as the attack left them, and of the same rounded to 8 bits."""
        told = outcome.result.applicable  # by an attack that knows better than its criterion
        applicable = self.criterion.applicable if told is None else told
        common: Mapping[str, Any] = {
            "attack_id": self.item.id,
            "goal": self.item.goal,
            "applicable": None if applicable is None else applicable.cpu().numpy(),
            "members": getattr(self.attack, "members", ()),
            "epsilon": epsilon,
            "curve": curve,
            "result": outcome.result,
        }
        _, model, loaded, clean = self.case
        images = outcome.result.images
        return [
            *prediction_rows(model, loaded, clean, outcome.judged, images=images, **common),
            *prediction_rows(
                model,
                loaded,
                clean,
                outcome.judged_rounded,
                images=outcome.rounded,
                quantised=True,
                **common,
            ),
        ]
