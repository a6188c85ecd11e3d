"""Choose the cases that the report shows and write their pictures, so that a report needs no dataset."""

import io
import json
import re
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from PIL import Image

from xaiaudit.attacks.criteria.lower_dice import LowerDice
from xaiaudit.auditing.candidates import mask_fall, support, unpacked
from xaiaudit.auditing.plan import AuditFolder, AuditPlan, PlannedAttack
from xaiaudit.auditing.tables import Tables
from xaiaudit.records import GalleryCase
from xaiaudit.writing import write_atomically

Kind = Literal["worst", "typical", "random"]


def write_gallery(tables: Tables, folder: AuditFolder, sources: Sequence[AuditFolder]) -> list[GalleryCase]:
    """The gallery of every attack, written to images/.

    Worst: missed cancers first, then by how far the logits fell away from the clean decision; under an attack on the
    mask alone, by how little of the clean mask is left. Typical: nearest
    to the median fall of all images, among those that the shards kept. Random: drawn by a hash of name and seed
    when the audit was planned.
    """
    plan = tables.plan
    folder.images.mkdir(exist_ok=True)
    cases = []
    facts = [
        fact | {"shard": shard}
        for shard in range(plan.shards)
        for fact in json.loads(_holder(sources, shard).shard(shard, "json").read_bytes())["facts"]
    ]
    for attack in plan.attacks:
        own = [fact for fact in facts if fact["attack_id"] == attack.id]
        for kind, fact in _choose(own, plan, _median_fall(tables, attack)):
            archive = np.load(_holder(sources, fact["shard"]).shard(fact["shard"], "gallery.npz"))
            cases.append(_write(folder, archive, kind, fact))
    return cases


def _holder(sources: Sequence[AuditFolder], shard: int) -> AuditFolder:
    return next(source for source in sources if source.done(shard))


def _median_fall(tables: Tables, attack: PlannedAttack) -> float:
    """Over all images, as the facts are of the extreme ones above all."""
    if attack.criterion == LowerDice.name:
        return float(np.median(mask_fall(tables.prediction(attack.id).floats("mask_overlap"))))
    clean, checkpoint = tables.clean, tables.plan.checkpoint
    decision = clean.classes("decision", checkpoint.classes)
    before, after = (
        support(rows.stacked("logits"), decision, checkpoint.threshold)
        for rows in (clean, tables.prediction(attack.id))
    )
    return float(np.median(before - after))


def _choose(facts: list[dict[str, Any]], plan: AuditPlan, middle: float) -> list[tuple[Kind, dict[str, Any]]]:
    worst = sorted(facts, key=lambda fact: (not fact["missed"], -fact["fall"], fact["image"]))[: plan.gallery]
    shown = {fact["image"] for fact in worst}
    typical = [
        fact
        for fact in sorted(facts, key=lambda fact: (abs(fact["fall"] - middle), fact["image"]))
        if fact["image"] not in shown
    ][: plan.gallery]
    drawn = [fact for name in plan.random_cases for fact in facts if fact["image"] == name]
    return [
        *(("worst", fact) for fact in worst),
        *(("typical", fact) for fact in typical),
        *(("random", fact) for fact in drawn),
    ]


def _write(folder: AuditFolder, archive: Any, kind: Kind, fact: dict[str, Any]) -> GalleryCase:
    # art:NAME is no file name everywhere
    attacked = f"{fact['key']}-" + re.sub(r"[^A-Za-z0-9.-]", "-", fact["attack_id"])
    adversarial = unpacked(archive, fact["key"], fact["attack_id"])[0]
    files = {}
    for what, (name, pixels) in _pictures(archive, fact, attacked, adversarial).items():
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, format="PNG")
        write_atomically(folder.images / name, buffer.getvalue())
        files[what] = f"images/{name}"
    buffer = io.BytesIO()
    np.save(buffer, adversarial)
    write_atomically(folder.images / f"{attacked}.npy", buffer.getvalue())
    files["adversarial_float"] = f"images/{attacked}.npy"
    return GalleryCase(
        kind=kind,
        image=fact["image"],
        attack_id=fact["attack_id"],
        files=files,
        label=fact["label"],
        decision_before=fact["decision_before"],
        decision_after=fact["decision_after"],
        probability_before=fact["probability_before"],
        probability_after=fact["probability_after"],
        linf=fact["linf"],
        spacing=fact["spacing"],
    )


def _pictures(
    archive: Any, fact: dict[str, Any], attacked: str, adversarial: np.ndarray
) -> dict[str, tuple[str, np.ndarray]]:
    """Of each picture its file and its 8-bit pixels; masks are 255 inside."""
    key, attack_id = fact["key"], fact["attack_id"]
    pictures = {
        "clean": (f"{key}-clean.png", unpacked(archive, key, "clean")),
        "valid": (f"{key}-valid.png", unpacked(archive, key, "valid") * np.uint8(255)),
        "adversarial": (f"{attacked}.png", np.rint(adversarial * 255).astype(np.uint8)),
    }
    if fact["outlined"]:
        pictures["mask"] = (f"{key}-mask.png", unpacked(archive, key, "mask") * np.uint8(255))
    if fact["drawn"]:
        before, after = (unpacked(archive, key, what) for what in ("predicted", f"{attack_id}|predicted"))
        pictures["predicted_clean"] = (f"{key}-predicted.png", before * np.uint8(255))
        pictures["predicted"] = (f"{attacked}-predicted.png", after * np.uint8(255))
    return pictures
