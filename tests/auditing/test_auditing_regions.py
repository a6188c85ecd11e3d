"""From maps to regions through the whole audit: tolerance, pseudo-masks and what takes no part, on phantoms."""

import csv
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from small_models import train_small

import xaiaudit
from xaiaudit.data import open_dataset, prepare
from xaiaudit.metrics.grids import centre_pixels
from xaiaudit.models import AuditedModel
from xaiaudit.records import AuditRecord

TOLERANCE = 1.5  # mm


@pytest.fixture(scope="module")
def model(checkpoint: Path) -> AuditedModel:
    return xaiaudit.load(checkpoint)


@pytest.fixture(scope="module")
def partial(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve phantoms: the first three without spacing, the fourth without an outline."""
    table = tmp_path_factory.mktemp("partial") / "partial.csv"
    with (phantoms / "manifest.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[:12]
    for number, row in enumerate(rows):
        row |= {key: str(phantoms / row[key]) for key in ("image", "mask")}
        if number < 3:
            row["spacing_mm"] = ""
        if number == 3:
            row["mask"] = ""
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return table


@pytest.fixture(scope="module")
def folder(model: AuditedModel, partial: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("audits") / "tolerance"
    xaiaudit.audit(model, partial, ["fgsm:steps=2"], out=out, curve=False, checks=0, tolerance_mm=TOLERANCE)
    return out


@pytest.fixture(scope="module")
def record(folder: Path) -> AuditRecord:
    return AuditRecord.model_validate_json((folder / "audit.json").read_bytes())


def clean_rows(folder: Path, explainer: str = "cam") -> list[dict]:
    rows = pq.read_table(folder / "maps.parquet").to_pylist()
    return [row for row in rows if row["attack_id"] == "none" and row["explainer_id"] == explainer]


def test_a_tolerance_is_recorded_and_counts_what_it_cannot_assess(folder: Path, record: AuditRecord) -> None:
    assert record.regions.tolerance_mm == TOLERANCE
    assert (record.regions.without_lesion, record.regions.without_tolerance) == (1, 3)
    assert (record.regions.relative, record.regions.calibrated) == (3, 8)
    rows = clean_rows(folder)
    assert [row["maximum_in_any"] is None for row in rows] == [True] * 4 + [False] * 8
    assert [row["area_lesion"] is None for row in rows] == [False] * 3 + [True] + [False] * 8
    for item in record.maps:
        assert {p.before.n for p in item.pointing} <= {8 - item.undefined_before, 8}


def test_hits_and_chance_are_those_of_the_distances(folder: Path, partial: Path, model: AuditedModel) -> None:
    dataset = open_dataset(partial)
    for index, row in enumerate(clean_rows(folder)):
        sample = prepare(dataset[index], model.preprocessing)
        if sample.spacing is None or sample.mask is None:
            continue
        grid = row["grid_rows"], row["grid_columns"]
        ways = np.argwhere(sample.mask)[:, None, None] - np.moveaxis(np.indices(sample.mask.shape), 0, -1)
        near = np.linalg.norm(ways * np.array(sample.spacing), axis=-1).min(0) <= TOLERANCE + 1e-9
        valid = sample.valid if sample.valid is not None else np.ones_like(near)
        assert row["chance_lesion"] == pytest.approx((near & valid).sum() / valid.sum())
        assert row["chance_lesion"] > row["area_lesion"]
        peak = np.divmod(int(np.argmax(row["map"])), grid[1])
        pixel = tuple(centre_pixels(grid[a], near.shape[a])[peak[a]] for a in (0, 1))
        assert row["maximum_in_lesion"] == near[pixel]
        lesion_bit = np.array(row["inside"]).reshape(grid) & 1
        cells = near[np.ix_(*(centre_pixels(grid[a], near.shape[a]) for a in (0, 1)))]
        np.testing.assert_array_equal(lesion_bit, cells)


def test_pseudo_masks_stand_in_every_row_that_has_a_map_and_a_lesion(
    folder: Path, record: AuditRecord
) -> None:
    rows = pq.read_table(folder / "maps.parquet").to_pylist()
    for row in rows:
        assert (row["pseudo_box"] is None) == (max(row["map"]) <= 0)
        assert (row["pseudo_dice"] is None) == (row["pseudo_box"] is None or row["area_lesion"] is None)
    for item in record.maps:
        for pseudo in item.pseudo_masks:
            own = [
                row[pseudo.metric]
                for row in rows
                if (row["attack_id"], row["explainer_id"], row["target"])
                == (item.attack_id, item.explainer_id, item.target)
            ]
            known = [value for value in own if value is not None]
            assert pseudo.after.n == len(known)
            assert pseudo.after.median == (pytest.approx(np.median(known)) if known else None)


def test_without_a_tolerance_spacing_is_not_needed(
    model: AuditedModel, partial: Path, tmp_path: Path
) -> None:
    out = tmp_path / "none"
    xaiaudit.audit(model, partial, ["fgsm:steps=1"], ["cam"], out=out, curve=False, checks=0)
    rows = clean_rows(out)
    assert [row["maximum_in_any"] is None for row in rows] == [False] * 3 + [True] + [False] * 8
    assert all(row["chance_lesion"] == row["area_lesion"] for row in rows)


def test_withheld_decisions_are_those_whose_map_points_outside_or_nowhere(
    folder: Path, record: AuditRecord
) -> None:
    maps = pq.read_table(folder / "maps.parquet").to_pylist()
    predictions = {
        (row["attack_id"], row["image"]): row
        for row in pq.read_table(folder / "predictions.parquet").to_pylist()
        if not row["curve"] and not row["quantised"]
    }
    assert [(r.attack_id, r.explainer_id) for r in record.abstention] == [
        (attack, explainer) for attack in ("none", "fgsm") for explainer in ("grad-cam", "cam")
    ]
    for item in record.abstention:
        assert (item.regions, item.images, item.without_regions) == ("outline", 8, 4)
        own = [
            row
            for row in maps
            if (row["attack_id"], row["explainer_id"], row["target"])
            == (item.attack_id, item.explainer_id, "own")
            and row["chance_any"] is not None
        ]
        kept = np.array([bool(row["maximum_in_any"]) for row in own])
        facts = [predictions[item.attack_id, row["image"]] for row in own]
        wrong = np.array([fact["decision"] != fact["label"] for fact in facts])
        assert item.coverage.estimate == kept.mean()
        assert item.undefined == sum(not row["defined"] for row in own)
        assert item.risk_kept.estimate == (wrong[kept].mean() if kept.any() else None)
        assert item.energy.risk[-1] == item.confidence.risk[-1] == pytest.approx(wrong.mean())
        margins = np.abs([fact["margin"] for fact in facts])
        first = wrong[np.argmax(margins)]
        assert item.confidence.risk[0] == first  # the surest decision is kept last


def test_right_and_wrong_decisions_are_set_side_by_side(folder: Path, record: AuditRecord) -> None:
    rows = clean_rows(folder, "cam")
    decided = {
        row["image"]: row["decision"] == row["label"]
        for row in pq.read_table(folder / "predictions.parquet").to_pylist()
        if row["attack_id"] == "none"
    }
    for relation in record.hit_relations:
        if relation.explainer_id != "cam":
            continue
        hits = {
            right: [
                row[f"maximum_in_{relation.region}"]
                for row in rows
                if decided[row["image"]] == right and row["maximum_in_any"] is not None
            ]
            for right in (True, False)
        }
        for right, rate in ((True, relation.right), (False, relation.wrong)):
            assert rate.n == len(hits[right])
            assert rate.estimate == (np.mean(hits[right]) if hits[right] else None)


def test_a_model_that_outlines_needs_no_reader(phantoms: Path, partial: Path, tmp_path: Path) -> None:
    path = train_small(phantoms, tmp_path / "mtl.pt", "thesis-mtl", epochs=1, backbone="resnet18")
    out = tmp_path / "mtl"
    xaiaudit.audit(
        xaiaudit.load(path), partial, ["fgsm:steps=1"], ["grad-cam"], out=out, curve=False, checks=0
    )
    record = AuditRecord.model_validate_json((out / "audit.json").read_bytes())
    kinds = {item.regions: item for item in record.abstention if item.attack_id == "none"}
    assert kinds["outline"].images == 11  # one has no outline
    assert kinds["predicted"].images == 12
    for row in clean_rows(out, "grad-cam"):
        known = row["predicted_maximum_any"] is not None
        assert not known or row["predicted_share_any"] is not None
    assert kinds["predicted"].undefined == sum(
        row["predicted_maximum_any"] is None for row in clean_rows(out, "grad-cam")
    )
