"""A made-up audit folder that keeps to the schemas: numbers follow from seeded draws, pictures look like "
"speckle."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from scipy.ndimage import gaussian_filter

from xaiaudit.auditing.abstention_statistics import abstention_record
from xaiaudit.auditing.stored_maps import packed_bits
from xaiaudit.auditing.subgroup_statistics import subgroup_records
from xaiaudit.auditing.tables import Tables
from xaiaudit.data.regions import regions
from xaiaudit.metrics.calibration import reliability_record
from xaiaudit.metrics.chance import chance_uniform
from xaiaudit.metrics.classification import class_mean
from xaiaudit.metrics.confidence import confidence_record
from xaiaudit.metrics.contrast import permutation, rate_difference
from xaiaudit.metrics.f1 import f1
from xaiaudit.metrics.membership import membership
from xaiaudit.metrics.multiples import amount, farther, median_amount, times
from xaiaudit.metrics.proportions import complement
from xaiaudit.metrics.pseudo_mask import THRESHOLD, largest_boxes, pseudo_masks, pseudo_scores
from xaiaudit.metrics.statistics import distribution, proportion
from xaiaudit.records import (
    ACQUISITION,
    CURVE_GREY_LEVELS,
    MAPS,
    ONE_CHANGE,
    PEAK_STATES,
    PREDICTIONS,
    PSEUDO_METRICS,
    REGIONS,
    SCHEMA,
    SECOND_SWEEP,
    SHIFT_METRICS,
    AbstentionRecord,
    AttackRecord,
    AuditRecord,
    ChangeRecord,
    CheckpointRecord,
    CleanRecord,
    CurvePoint,
    DatasetRecord,
    Distribution,
    Environment,
    ExplainerRecord,
    GalleryCase,
    HitRelation,
    Interval,
    LeakRecord,
    LeftOutRecord,
    MapRecord,
    MultipleRecord,
    NaturalShiftRecord,
    PointingRecord,
    PseudoMaskRecord,
    RegionCoverage,
    RocPoint,
    SelfCheckRecord,
    SubgroupRecord,
    SubgroupTest,
    VariabilityRecord,
)

SIZE, GRID = 112, 7  # pixels of the network's input, cells of a map
CLASSES = ["benign", "malignant"]
SPACING = (0.4, 0.4)
DEVICES = ("GE LOGIQ 7", "GE LOGIQ 5", None)
BIRADS = (("2", "4A"), ("4A", "5"))  # by label
SIZES = ("up to 10 mm", "10 to 20 mm", "over 20 mm")
ATTACKS: dict[str, dict[str, Any]] = {
    "fgsm": {"epsilon": 0.1, "steps": 25, "step_size": 0.004, "random_start": False, "strength": 1.0},
    "pgd": {
        "epsilon": 8 / 255,
        "steps": 40,
        "step_size": 2.5 * 8 / 255 / 40,
        "random_start": True,
        "strength": 1.15,
    },
    "deepfool": {"epsilon": None, "steps": 50, "step_size": None, "random_start": False, "strength": 0.8},
}
SUMMARIES = {
    "fgsm": "iterative FGSM in the L-inf ball of 25.5 grey levels, 25 steps of 1.02 grey levels, start at "
    "the image",
    "pgd": "PGD in the L-inf ball of 8 grey levels, 40 steps of 0.5 grey levels, random start, 1 restart",
    "deepfool": "DeepFool, the smallest L2 step over the decision boundary, at most 50 steps, overshoot 0.02",
}
DELTAS = [f"delta_energy_{region}" for region in REGIONS]
EXPLAINERS = {"cam": True, "grad-cam": False}  # signed?


class Example:
    """The draws behind one made-up audit."""

    def __init__(self, images: int, seed: int, spacing: tuple[float, float] | None) -> None:
        rng = np.random.default_rng(seed)
        self.n, self.rng, self.spacing = images, rng, spacing
        self.label = (rng.random(images) < 0.4).astype(int)
        self.names = [f"BUSI/{CLASSES[c]}/{CLASSES[c]} ({i + 1}).png" for i, c in enumerate(self.label)]
        self.case = [f"{i // 2 if i < images // 4 else i:012x}" for i in range(images)]
        self.sha = [f"{rng.integers(2**62):064x}" for _ in range(images)]
        self.margin = 2.2 * (2 * self.label - 1) + rng.normal(0, 2, images)
        self.decision = (self.margin >= 0).astype(int)
        self.radius = np.exp(rng.normal(-0.7, 0.9, images))  # grey levels that flip, at strength 1
        self.radius[4::9] = 60.0  # a few that hold
        self.centre = rng.uniform(0.3, 0.6, (images, 2)) * SIZE
        self.subgroups = [
            {"device": DEVICES[i % 3], "birads": BIRADS[c][i % 2], "size": SIZES[i % 5 // 2]}
            for i, c in enumerate(self.label)
        ]

    def flipped(self, attack: str, epsilon: float | None, quantised: bool) -> np.ndarray:
        if epsilon is None:
            return self.radius < (30 if not quantised else 4)
        reach = 255 * epsilon * ATTACKS[attack]["strength"]
        return self.radius < (np.round(reach) if quantised else reach)

    def lesion(self, i: int) -> np.ndarray:
        y, x = np.mgrid[:SIZE, :SIZE]
        return ((y - self.centre[i, 0]) / 14) ** 2 + ((x - self.centre[i, 1]) / 19) ** 2 < 1

    def image(self, i: int) -> np.ndarray:
        rng = np.random.default_rng(i)
        speckle = gaussian_filter(rng.rayleigh(1.0, (SIZE, SIZE)), (0.6, 1.1))
        tissue = speckle * np.where(self.lesion(i), 0.35, 1.0) * np.linspace(1.2, 0.5, SIZE)[:, None]
        image = np.clip(90 * tissue, 0, 255)
        image[:, :10] = image[:, -10:] = 0
        return image.round().astype(np.uint8)

    def map(self, i: int, explainer: str, moved: bool) -> np.ndarray:
        row, column = self.centre[i] / SIZE * GRID
        if moved:
            row, column = 5.4, 1.0 + 5.0 * ((i * 37 % 10) / 10)
        y, x = np.mgrid[:GRID, :GRID] + 0.5
        blob = 2.4 * np.exp(-((y - row) ** 2 + (x - column) ** 2) / 3)
        return (blob - 0.9 if EXPLAINERS[explainer] else np.maximum(blob - 0.3, 0)).astype(np.float16)


def build(
    folder: Path,
    *,
    images: int = 60,
    seed: int = 0,
    attacks: Sequence[str] = tuple(ATTACKS),
    spacing: tuple[float, float] | None = SPACING,
    **changes: Any,
) -> Path:
    """Write the folder; `changes` replace fields of the record."""
    example = Example(images, seed, spacing)
    folder.mkdir(parents=True, exist_ok=True)
    predictions = [row for attack in ("none", *attacks) for row in _prediction_rows(example, attack)]
    pq.write_table(pa.Table.from_pylist(predictions, PREDICTIONS), folder / "predictions.parquet")
    maps = _map_rows(example, attacks)
    pq.write_table(pa.Table.from_pylist(maps, MAPS), folder / "maps.parquet")
    sweeps = _sweep_rows(example)
    pq.write_table(pa.Table.from_pylist(sweeps, ACQUISITION), folder / "acquisition.parquet")
    gallery = [
        _gallery_case(example, folder, kind, i, attack)
        for attack in attacks
        for kind, i in (("worst", 0), ("typical", 1), ("random", 2))
    ]
    record = _record(example, attacks, maps, gallery)
    subgroups, tests = _subgroups(record, predictions, maps)
    found = {
        "variability": _variability(example, attacks, maps, sweeps),
        "subgroups": subgroups,
        "subgroup_tests": tests,
    }
    record = record.model_copy(update=found | changes)
    (folder / "audit.json").write_text(record.model_dump_json(indent=1))
    return folder


def _prediction_rows(example: Example, attack: str) -> list[dict[str, Any]]:
    main = None if attack == "none" else ATTACKS[attack]["epsilon"]
    passes = [(main, False, False)]
    if attack != "none":
        passes.append((main, False, True))
    if attack in ("fgsm", "pgd"):
        passes += [(g / 255, True, quantised) for g in CURVE_GREY_LEVELS for quantised in (False, True)]
    return [
        _prediction_row(example, i, attack, *how)
        for how in passes
        for i in range(example.n)
    ]  # fmt: skip


def _prediction_row(
    example: Example, i: int, attack: str, epsilon: float | None, curve: bool, quantised: bool
) -> dict[str, Any]:
    clean = int(example.decision[i])
    flipped = attack != "none" and bool(example.flipped(attack, epsilon, quantised)[i])
    margin = -np.sign(example.margin[i]) * 3.0 if flipped else example.margin[i]
    reached = 0.0 if attack == "none" else (epsilon if epsilon is not None else 3 * example.radius[i] / 255)
    return {
        "image": example.names[i],
        "dataset": "BUSI",
        "file": example.names[i].removeprefix("BUSI/"),
        "sha256": example.sha[i],
        "case": example.case[i],
        "label": CLASSES[example.label[i]],
        **example.subgroups[i],
        "attack_id": attack,
        "epsilon": epsilon,
        "curve": curve,
        "quantised": quantised,
        "applicable": True,
        "criterion": "none" if attack == "none" else "leave the clean decision",
        "logits": [0.0, float(margin)],
        "margin": float(margin),
        "decision": CLASSES[1 - clean if flipped else clean],
        "decision_clean": CLASSES[clean],
        "flipped": flipped,
        "reached": flipped,
        "failed": False,
        "linf": reached,
        "l2": 0.3 * reached * SIZE,
        "forwards": 25,
        "backwards": 25,
        "dice": None,
        "seed": i,
    }


def _map_rows(example: Example, attacks: Sequence[str]) -> list[dict[str, Any]]:
    rows = []
    every = [regions(example.lesion(i), spacing=example.spacing).codes for i in range(example.n)]
    for explainer in EXPLAINERS:
        for i, codes in enumerate(every):
            before = example.map(i, explainer, False)
            clean = _map_row(example, i, explainer, "none", "own", before, before, codes)
            rows.append(clean)
            for attack in attacks:
                flipped = bool(example.flipped(attack, ATTACKS[attack]["epsilon"], False)[i])
                for target in ("same", "own"):
                    moved = (i * 7 % 10) / 10 < (0.7 if flipped else 0.4)
                    after = example.map(i, explainer, moved)
                    if not EXPLAINERS[explainer] and target == "same" and i % 11 == 5:
                        after = np.zeros_like(after)
                    row = _map_row(example, i, explainer, attack, target, before, after, codes)
                    row["silent_shift"] = not flipped and (moved or row["vanished"])
                    rows.append(row)
    return rows


def _map_row(
    example: Example, i: int, explainer: str, attack: str, target: str,
    before: np.ndarray, after: np.ndarray, codes: np.ndarray,
) -> dict[str, Any]:  # fmt: skip
    defined = bool(after.max() > 0)
    cell = SIZE / GRID
    peak = np.array(np.unravel_index(after.argmax(), after.shape)) + 0.5
    state = REGIONS[codes[tuple((peak * cell).astype(int))]] if defined else "undefined"
    row: dict[str, Any] = dict.fromkeys(MAPS.names)
    row |= {
        "image": example.names[i],
        "sha256": example.sha[i],
        "case": example.case[i],
        "attack_id": attack,
        "explainer_id": explainer,
        "target": target,
        "target_class": CLASSES[example.decision[i]],
        "defined": defined,
        "peak_state": state,
        "vanished": attack != "none" and not defined,
        "silent_shift": None,
        "calibrated": example.spacing is not None,
        "spacing": example.spacing,
        "diagonal": float(np.hypot(SIZE, SIZE)),
        "lesion_pixels": int((codes == 0).sum()),
        "valid_pixels": SIZE * SIZE,
        "native_rows": GRID,
        "native_columns": GRID,
        "grid_rows": GRID,
        "grid_columns": GRID,
        "cells": codes[np.ix_(*[((np.arange(GRID) + 0.5) * cell).astype(int)] * 2)].ravel(),
        "maximum_cells": np.flatnonzero(after == after.max()) if defined else [],
        "minimum_cells": np.flatnonzero(after == after.min()) if EXPLAINERS[explainer] and defined else [],
        "map_scale": float(np.abs(after).max()) or 1.0,
        "map": after.ravel() / (np.abs(after).max() or 1.0),
    }
    row |= {f"area_{region}": float((codes == index).mean()) for index, region in enumerate(REGIONS[:4])}
    member = membership(codes[None], np.array([True]))
    row["inside"] = packed_bits(member.at_cells((GRID, GRID)))[0]
    row |= {
        f"chance_{region}": float(chance_uniform(member)[f"maximum_in_{region}"][0])
        for region in (*REGIONS[:4], "any")
    }
    masks = pseudo_masks(after[None], (SIZE, SIZE))
    boxes = largest_boxes(masks)
    found = pseudo_scores(masks, boxes, codes[None], np.array([True]))
    row |= {metric: None if np.isnan(value[0]) else float(value[0]) for metric, value in found.items()}
    row["pseudo_box"] = None if np.isnan(boxes[0]).any() else boxes[0]
    if not defined:
        return row
    positive = np.maximum(after.astype(float), 0)
    fine = np.kron(positive, np.ones((SIZE // GRID,) * 2))
    for index, region in enumerate(REGIONS):
        row[f"maximum_in_{region}"] = float(state == region)
        row[f"energy_{region}"] = float(fine[codes == index].sum() / fine.sum())
    row["maximum_in_any"] = float(state in REGIONS[:3])
    if attack != "none":
        start = np.array(np.unravel_index(before.argmax(), before.shape)) + 0.5
        cells = float(np.linalg.norm(peak - start))
        likeness = 1 - min(cells / 6, 1.2) - 0.02 * (i % 5)
        mass = np.kron(np.maximum(before.astype(float), 0), np.ones((SIZE // GRID,) * 2))
        for index, region in enumerate(REGIONS):
            share = float(mass[codes == index].sum() / mass.sum())
            row[f"delta_energy_{region}"] = row[f"energy_{region}"] - share
        row |= {
            "peak_diagonal": cells / (GRID * 2**0.5),
            "mass_centre_diagonal": 0.6 * cells / (GRID * 2**0.5),
        }
        row |= {
            "topk_intersection": max(likeness, 0.0),
            "spearman": likeness,
            "pearson": likeness,
            "ssim": likeness,
        }
        if example.spacing is not None:
            mm = cells * cell * example.spacing[0]
            row |= {"peak_mm": mm, "mass_centre_mm": 0.6 * mm, "wasserstein_mm": 0.7 * mm}
    return row


def _gallery_case(example: Example, folder: Path, kind: Any, i: int, attack: str) -> GalleryCase:
    stem = f"{attack}-{kind}".replace(":", "-")
    (folder / "images").mkdir(exist_ok=True)
    clean = example.image(i)
    valid = np.zeros((SIZE, SIZE), bool)
    valid[:, 10:-10] = True
    epsilon = {"pgd": 1.0, "deepfool": 3 * float(example.radius[i])}.get(attack, 2.5) / 255
    step = gaussian_filter(np.random.default_rng(i + 100).normal(size=clean.shape), 1.5)
    adversarial = (
        (clean / 255 + epsilon * np.clip(step / step.std(), -1, 1) * valid).clip(0, 1).astype(np.float32)
    )
    files = {key: f"images/{stem}-{key}.png" for key in ("clean", "adversarial", "mask", "valid")}
    files["adversarial_float"] = f"images/{stem}-adversarial.npy"
    np.save(folder / files["adversarial_float"], adversarial)
    eight_bits = np.round(255 * adversarial).astype(np.uint8)
    masks = {key: 255 * m.astype(np.uint8) for key, m in (("mask", example.lesion(i)), ("valid", valid))}
    for key, picture in {"clean": clean, "adversarial": eight_bits, **masks}.items():
        Image.fromarray(picture).save(folder / files[key])
    flipped = bool(example.flipped(attack, ATTACKS[attack]["epsilon"], False)[i])
    before = int(example.decision[i])
    return GalleryCase(
        kind=kind,
        image=example.names[i],
        attack_id=attack,
        files=files,
        label=CLASSES[example.label[i]],
        decision_before=CLASSES[before],
        decision_after=CLASSES[1 - before if flipped else before],
        probability_before=float(1 / (1 + np.exp(-example.margin[i]))),
        probability_after=0.03 if before and flipped else 0.95,
        linf=float(epsilon),
        spacing=example.spacing,
    )


def _record(
    example: Example, attacks: Sequence[str], maps: list[dict[str, Any]], gallery: list[GalleryCase]
) -> AuditRecord:
    cases = len(set(example.case))
    return AuditRecord(
        schema_version=SCHEMA,
        xaiaudit="0.1.0",
        created="2026-11-20T14:05:00+00:00",
        seconds=192.4,
        command=["xaiaudit", "attack", "model.pt", "--method", "fgsm", "--method", "deepfool"],
        seed=0,
        batch_size=16,
        batch_size_retries=[],
        shards=-(-example.n // 16),
        search=["searched in float32, channels last, 52 of 52 batch norms folded; judged in float32"],
        environment=Environment(
            python="3.11.2",
            platform="Linux-6.1-x86_64",
            device="cpu",
            threads=2,
            precision="float32",
            versions={"torch": "2.11.0", "torchvision": "0.26.0", "numpy": "2.3.1"},
        ),
        checkpoint=_checkpoint(),
        datasets=[
            DatasetRecord(
                name="BUSI",
                path="data/busi",
                kind="busi",
                citation="Al-Dhabyani W, Gomaa M, Khaled H, Fahmy A. Dataset of breast ultrasound images. "
                "Data in Brief 2020;28:104863.",
                selection="test split of the checkpoint, seed 0",
                images=example.n,
                cases=cases,
                labels={name: int((example.label == k).sum()) for k, name in enumerate(CLASSES)},
                with_mask=example.n,
                with_spacing=example.n if example.spacing else 0,
            )
        ],
        images=example.n,
        left_out=[LeftOutRecord(file="BUSI/benign/benign (7).png", reason="the file is truncated")],
        warnings=["2 groups of near-duplicate images act as one case each"],
        leak=LeakRecord(assessed=True, reason="", exact=[], near=[]),
        clean=_clean(example),
        attacks=[_attack(example, attack) for attack in attacks],
        checks=_checks(attacks),
        explainers=[
            ExplainerRecord(id=name, name=name, layer="features.18", grid=(GRID, GRID), signed=signed)
            for name, signed in EXPLAINERS.items()
        ],
        maps=[
            _map_record(example, maps, attack, explainer, target)
            for attack in attacks
            for explainer in EXPLAINERS
            for target in ("same", "own")
        ],
        hit_relations=_relations(example, maps),
        abstention=[
            _abstention(example, maps, attack, explainer)
            for attack in ("none", *attacks)
            for explainer in EXPLAINERS
        ],
        regions=RegionCoverage(
            ring_mm=5.0,
            calibrated=example.n if example.spacing else 0,
            relative=0 if example.spacing else example.n,
            without_lesion=0,
        ),
        gallery=gallery,
        keep_ids=False,
    )


def _subgroups(
    record: AuditRecord, predictions: list[dict[str, Any]], maps: list[dict[str, Any]]
) -> tuple[list[SubgroupRecord], list[SubgroupTest]]:
    plan: Any = SimpleNamespace(
        checkpoint=record.checkpoint,
        attacks=record.attacks,
        explainers=record.explainers,
        data=[SimpleNamespace(record=data) for data in record.datasets],
    )
    tables = Tables(plan, pa.Table.from_pylist(predictions, PREDICTIONS), pa.Table.from_pylist(maps, MAPS))
    return subgroup_records(tables, record.attacks)


def _checks(attacks: Sequence[str]) -> list[SelfCheckRecord]:
    """Four of the model; of each attack one that passed, one that could not be assessed."""
    found: list[tuple[str | None, str, Any, str]] = [
        (
            None,
            "outputs are repeatable",
            "passed",
            "asked again, the model gave the same logits for 32 images",
        ),
        (
            None,
            "outputs are logits",
            "passed",
            "outputs of clean, inverted and noise images lie in -5.1 to 4.9",
        ),
        (None, "gradients are neither zero nor NaN", "passed", "all 32 clean images have a gradient"),
        (None, "the model decides at all", "passed", "the most frequent decision goes to 20 of 32 images"),
    ]
    for attack in attacks:
        if attack != "deepfool":
            words = "runs of their own reach 2 of 32 images at 0.1 grey levels and 32 at 25.5 grey levels"
            found.append((attack, "success rises with the radius", "passed", words))
        words = "no radius tried reaches 5 to 95 % of 32 images: 1 at 0.1 grey levels, 32 at 0.25 grey levels"
        found.append((attack, "gradients find more than noise", "not assessable", words))
    return [
        SelfCheckRecord(attack_id=attack, name=name, status=status, words=words, figures={"images": 32})
        for attack, name, status, words in found
    ]


def _checkpoint() -> CheckpointRecord:
    return CheckpointRecord(
        path="model.pt",
        sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        format="pt",
        loaded="weights only",
        architecture="mobilenet_v2",
        arguments={"classes": 2, "channels": 3},
        parameters=2226434,
        classes=CLASSES,
        positive="malignant",
        one_logit=False,
        threshold=0.41,
        preprocessing={"size": SIZE, "mode": "pad", "channels": 3, "mean": [0.485, 0.456, 0.406],
                       "std": [0.229, 0.224, 0.225]},
        cam_layer="features.18",
        training={"recipe": "classifier", "seed": 0, "data": [{"path": "busi", "name": "BUSI"}]},
    )  # fmt: skip


def interval(estimate: float, n: int, half: float = 0.05, method: str = "case bootstrap, 10000") -> Interval:
    return Interval(
        estimate=estimate, low=estimate - half, high=min(1.0, estimate + half), n=n, cases=n, method=method
    )


def _clean(example: Example) -> CleanRecord:
    positive, cases = example.label == 1, np.array(example.case)
    right = example.decision == example.label
    cuts = [np.inf, *sorted(example.margin, reverse=True)]
    return CleanRecord(
        images=example.n,
        auc=interval(0.89, example.n, 0.06, "clustered DeLong"),
        accuracy=proportion(right, cases),
        balanced_accuracy=interval((right[positive].mean() + right[~positive].mean()) / 2, example.n),
        sensitivity=proportion(right[positive], cases[positive]),
        specificity=proportion(right[~positive], cases[~positive]),
        f1=f1(positive, example.decision == 1, cases),
        false_positive_rate=complement(proportion(right[~positive], cases[~positive])),
        false_negative_rate=complement(proportion(right[positive], cases[positive])),
        dice=None,
        reliability=reliability_record(
            example.label, _logits(0.6 * example.margin), example.case, positive=1
        ),
        confusion=[
            [int(((example.label == a) & (example.decision == b)).sum()) for b in (0, 1)] for a in (0, 1)
        ],
        roc=[
            RocPoint(
                false_positive_rate=float((example.margin[~positive] >= cut).mean()),
                true_positive_rate=float((example.margin[positive] >= cut).mean()),
                margin=float(min(cut, 1e6)),
            )
            for cut in cuts
        ],
        decision_shares={name: float((example.decision == k).mean()) for k, name in enumerate(CLASSES)},
    )


def _logits(margin: np.ndarray) -> np.ndarray:
    return np.stack([np.zeros_like(margin), margin], axis=1)


def _attack(example: Example, attack: str) -> AttackRecord:
    how, cases = ATTACKS[attack], np.array(example.case)
    epsilon = how["epsilon"]
    flipped, rounded = (example.flipped(attack, epsilon, q) for q in (False, True))
    label, decision = example.label, example.decision
    right = (decision == label) & ~flipped

    def among(selected: np.ndarray, what: np.ndarray = flipped) -> Interval:
        return proportion(what[selected], cases[selected])

    smallest = example.radius[flipped] / how["strength"] / 255
    if attack != "deepfool":
        grid = np.array(CURVE_GREY_LEVELS) / 255
        smallest = grid[np.minimum(np.searchsorted(grid, smallest), len(grid) - 1)]
    reached = np.full(example.n, epsilon) if epsilon else 3 * example.radius / 255
    return AttackRecord(
        id=attack,
        name=attack,
        summary=SUMMARIES[attack],
        parameters={"epsilon": epsilon, "steps": how["steps"]},
        norm="l2" if attack == "deepfool" else "linf",
        epsilon=epsilon,
        steps=how["steps"],
        step_size=how["step_size"],
        random_start=how["random_start"],
        criterion="leave the clean decision",
        criterion_name="leave-decision",
        criterion_parameters={},
        applicable=example.n,
        reached=among(np.ones(example.n, bool)),
        reached_quantised=among(np.ones(example.n, bool), rounded),
        broken_by={},
        assessable=True,
        why_not="",
        images=example.n,
        flips=among(np.ones(example.n, bool)),
        flips_quantised=among(np.ones(example.n, bool), rounded),
        flips_by_rounding_alone=int((rounded & ~flipped).sum()),
        lost_in_rounding=int((flipped & ~rounded).sum()),
        robust_accuracy=among(np.ones(example.n, bool), right),
        robust_balanced_accuracy=class_mean(right, label, example.case, 2),
        missed_cancers=among((label == 1) & (decision == 1)),
        false_alarms=among((label == 0) & (decision == 0)),
        from_positive=among(decision == 1),
        from_negative=among(decision == 0),
        confidence=confidence_record(
            np.abs(example.margin), np.where(flipped, 3.0, np.abs(example.margin)), flipped, example.case
        ),
        failed=1 if attack == "deepfool" else 0,
        linf=distribution(reached, cases),
        l2=distribution(0.3 * SIZE * reached, cases),
        smallest_radius=distribution(smallest, cases[flipped]),
        never_flipped=int((~flipped).sum()),
        curve=[] if attack == "deepfool" else [_point(example, attack, g / 255) for g in CURVE_GREY_LEVELS],
        curve_note="DeepFool looks for the smallest step, so there is no radius to vary"
        if attack == "deepfool"
        else "",
        dice_after=None,
        dice_drop=None,
        mcnemar_p=1e-9,
        mcnemar_holm=3e-9,
        forwards=example.n * 25,
        backwards=example.n * 25,
    )


def _point(example: Example, attack: str, epsilon: float) -> CurvePoint:
    flipped, rounded = (example.flipped(attack, epsilon, q) for q in (False, True))
    right = (example.decision == example.label) & ~flipped
    return CurvePoint(
        epsilon=epsilon,
        reached=proportion(flipped, example.case),
        reached_quantised=proportion(rounded, example.case),
        flips=proportion(flipped, example.case),
        flips_quantised=proportion(rounded, example.case),
        robust_accuracy=proportion(right, example.case),
    )


def _map_record(
    example: Example, rows: list[dict[str, Any]], attack: str, explainer: str, target: Any
) -> MapRecord:
    before = [r for r in rows if r["explainer_id"] == explainer and r["attack_id"] == "none"]
    after = [
        r for r in rows
        if r["explainer_id"] == explainer and r["attack_id"] == attack and r["target"] == target
    ]  # fmt: skip
    flipped = example.flipped(attack, ATTACKS[attack]["epsilon"], False)

    def shift(chosen: np.ndarray) -> dict[str, Distribution]:
        picked = [r for r, c in zip(after, chosen, strict=True) if c and r["defined"]]
        columns = {metric: _column(picked, metric) for metric in (*SHIFT_METRICS, *DELTAS)}
        return {m: distribution(v, [r["case"] for r in picked]) for m, v in columns.items() if len(picked)}

    silent = np.array([bool(r["silent_shift"]) for r in after])
    transitions = np.zeros((len(PEAK_STATES), len(PEAK_STATES)), int)
    for b, a in zip(before, after, strict=True):
        transitions[PEAK_STATES.index(b["peak_state"]), PEAK_STATES.index(a["peak_state"])] += 1
    return MapRecord(
        attack_id=attack,
        explainer_id=explainer,
        target=target,
        images=example.n,
        undefined_before=sum(not r["defined"] for r in before),
        undefined_after=sum(not r["defined"] for r in after),
        vanished=sum(r["vanished"] for r in after),
        shift=shift(np.ones(example.n, bool)),
        shift_flipped=shift(flipped),
        shift_unflipped=shift(~flipped),
        wilcoxon={"energy_lesion": 0.0004, "energy_elsewhere": 0.013},
        silent_shift=proportion(silent, example.case),
        silent_shift_unflipped=proportion(silent[~flipped], np.array(example.case)[~flipped]),
        pseudo_masks=[
            PseudoMaskRecord(
                metric=metric,
                before=distribution(_column(before, metric), example.case),
                after=distribution(_column(after, metric), example.case),
            )
            for metric in PSEUDO_METRICS
        ],
        pseudo_threshold=THRESHOLD,
        pointing=[_pointing(before, after, region) for region in (*REGIONS[:3], "any")],
        transitions=transitions.tolist(),
    )


def _relations(example: Example, rows: list[dict[str, Any]]) -> list[HitRelation]:
    right, found = example.decision == example.label, []
    for explainer in EXPLAINERS:
        own = [r for r in rows if r["explainer_id"] == explainer and r["attack_id"] == "none"]
        for region in (*REGIONS[:3], "any"):
            hits, cases = _column(own, f"maximum_in_{region}") > 0, np.array(example.case)
            rates = [proportion(hits[of], cases[of]) for of in (right, ~right)]
            found.append(
                HitRelation(
                    explainer_id=explainer,
                    region=region,
                    extreme="maximum",
                    right=rates[0],
                    wrong=rates[1],
                    difference=rate_difference(*rates, cases=len(set(example.case))),
                    p=permutation(hits.astype(float), right, example.case),
                )
            )
    return found


def _abstention(
    example: Example, rows: list[dict[str, Any]], attack: str, explainer: str
) -> AbstentionRecord:
    own = [
        r for r in rows
        if r["explainer_id"] == explainer and r["attack_id"] == attack and r["target"] == "own"
    ]  # fmt: skip
    flipped = (
        example.flipped(attack, ATTACKS[attack]["epsilon"], False)
        if attack != "none"
        else np.zeros(example.n, bool)
    )
    facts: dict[str, object] = {
        "attack_id": attack,
        "explainer_id": explainer,
        "regions": "outline",
        "without_label": 0,
        "without_regions": 0,
    }
    wrong = (example.decision != example.label) ^ flipped
    energy = np.sum([_column(own, f"energy_{region}") for region in REGIONS[:3]], axis=0)
    return abstention_record(
        facts, wrong, _column(own, "maximum_in_any"), energy, np.abs(example.margin), example.case
    )


def _sweep_rows(example: Example) -> list[dict[str, Any]]:
    """Maps that drift a little under each change; the second sweep twice as far."""
    rows = []
    for name, far in (("gain", 0.01), ("speckle", 0.02), (SECOND_SWEEP, 0.03)):
        for explainer in EXPLAINERS:
            for i in range(example.n):
                drift = far * (1 + (i * 7 % 10) / 10)
                row: dict[str, Any] = dict.fromkeys(ACQUISITION.names)
                row |= {
                    "image": example.names[i],
                    "sha256": example.sha[i],
                    "case": example.case[i],
                    "change_id": name,
                    "seed": i,
                    "motion": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
                    "logits": [0.0, float(example.margin[i])],
                    "decision": CLASSES[example.decision[i]],
                    "decision_clean": CLASSES[example.decision[i]],
                    "flipped": False,
                    "explainer_id": explainer,
                    "vanished": False,
                    "silent_shift": drift > 0.05,
                }
                row |= dict.fromkeys(("peak_diagonal", "mass_centre_diagonal"), drift)
                row |= dict.fromkeys(("topk_intersection", "spearman", "pearson", "ssim"), 1 - drift)
                if example.spacing is not None:
                    millimetres = drift * 2**0.5 * SIZE * example.spacing[0]
                    row |= dict.fromkeys(("peak_mm", "mass_centre_mm", "wasserstein_mm"), millimetres)
                rows.append(row)
    return rows


def _variability(
    example: Example, attacks: Sequence[str], maps: list[dict[str, Any]], sweeps: list[dict[str, Any]]
) -> VariabilityRecord:
    names, still = ("gain", "speckle", SECOND_SWEEP), np.zeros(example.n, bool)
    words = {
        "gain": "gain 2 dB up or down",
        "speckle": "speckle drawn anew",
        SECOND_SWEEP: "all of them at once",
    }
    strengths: dict[str, dict[str, Any]] = {
        "gain": {"db": 2.0},
        "speckle": {"correlation": 0.8},
        SECOND_SWEEP: {},
    }
    shifts, multiples = [], []
    for explainer in EXPLAINERS:
        own = {
            name: [r for r in sweeps if (r["change_id"], r["explainer_id"]) == (name, explainer)]
            for name in names
        }
        parts = own | {ONE_CHANGE: own["gain"] + own["speckle"]}
        for name, rows in parts.items():
            cases = [row["case"] for row in rows]
            silent = proportion(np.array([row["silent_shift"] for row in rows]), cases)
            shifts.append(
                NaturalShiftRecord(
                    change_id=name,
                    explainer_id=explainer,
                    images=example.n,
                    undefined_after=0,
                    vanished=0,
                    shift={metric: distribution(_column(rows, metric), cases) for metric in SHIFT_METRICS},
                    silent_shift=silent,
                    silent_shift_unflipped=silent,
                )
            )
        for attack in attacks:
            wanted = (attack, explainer, "same")
            after = [r for r in maps if (r["attack_id"], r["explainer_id"], r["target"]) == wanted]
            gone = np.array([row["vanished"] for row in after])
            for metric in SHIFT_METRICS:
                under = amount(metric, _column(after, metric), gone)
                each = np.stack([amount(metric, _column(own[name], metric), still) for name in names], axis=1)
                typical = np.median(each[:, :2], axis=1)
                multiples.append(
                    MultipleRecord(
                        attack_id=attack,
                        explainer_id=explainer,
                        metric=metric,
                        attack=median_amount(under),
                        second_sweep=median_amount(each[:, 2]),
                        one_change=median_amount(typical),
                        times_second_sweep=times(under, each[:, 2], example.case, resamples=500),
                        times_one_change=times(under, typical, example.case, resamples=500),
                        farther=farther(under, each, example.case),
                    )
                )
    changes = [
        ChangeRecord(
            id=name,
            name=name,
            summary=words[name],
            parameters=strengths[name],
            decisions_changed=proportion(still, example.case),
        )
        for name in names
    ]
    return VariabilityRecord(changes=changes, shifts=shifts, multiples=multiples)


def _column(rows: list[dict[str, Any]], name: str) -> np.ndarray:
    return np.array([np.nan if r[name] is None else r[name] for r in rows])


def _pointing(before: list[dict[str, Any]], after: list[dict[str, Any]], region: str) -> PointingRecord:
    hits = [[r for r in rows if r["defined"]] for rows in (before, after)]
    shares = [proportion(_column(r, f"maximum_in_{region}") > 0, [x["case"] for x in r]) for r in hits]
    energy = None if region == "any" else [
        distribution(_column(r, f"energy_{region}"), [x["case"] for x in r]) for r in hits
    ]  # fmt: skip
    return PointingRecord(
        region=region,
        extreme="maximum",
        before=shares[0],
        after=shares[1],
        chance_uniform={"lesion": 0.07, "ring": 0.12, "posterior": 0.16, "any": 0.35}[region],
        chance_shuffled={"lesion": 0.21, "ring": 0.15, "posterior": 0.12, "any": 0.48}[region],
        energy_before=energy[0] if energy else None,
        energy_after=energy[1] if energy else None,
    )
