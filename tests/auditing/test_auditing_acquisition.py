"""Simulated second sweeps in an audit: every row can be made again, and no attack's figure is touched by them."""

import csv
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

import xaiaudit
from xaiaudit.acquisition.registry import CHANGES, change
from xaiaudit.acquisition.sweep import swept
from xaiaudit.acquisition.view import view_of
from xaiaudit.auditing.acquisition_rows import _second_sweep
from xaiaudit.auditing.selection import choose_data
from xaiaudit.auditing.sweeps import Sweep
from xaiaudit.data import prepare
from xaiaudit.explainers.registry import explainer
from xaiaudit.metrics.multiples import amount
from xaiaudit.records import ACQUISITION, ONE_CHANGE, SECOND_SWEEP, SHIFT_METRICS, AuditRecord
from xaiaudit.types import Preprocessing, Sample

SWEEPS = [*CHANGES, SECOND_SWEEP]


@pytest.fixture(scope="module")
def record(audit_folder: Path) -> AuditRecord:
    return AuditRecord.model_validate_json((audit_folder / "audit.json").read_bytes())


@pytest.fixture(scope="module")
def rows(audit_folder: Path) -> list[dict]:
    return pq.read_table(audit_folder / "acquisition.parquet").to_pylist()


def of(rows: list[dict], **wanted: object) -> list[dict]:
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def test_there_is_a_row_for_every_image_change_and_explainer(audit_folder: Path, record: AuditRecord) -> None:
    table = pq.read_table(audit_folder / "acquisition.parquet")
    assert table.schema.equals(ACQUISITION, check_metadata=True)
    assert table.num_rows == record.images * len(SWEEPS) * 2
    assert table["change_id"].unique().to_pylist() == SWEEPS
    attacks = {"none", *(attack.id for attack in record.attacks)}
    for name in ("predictions.parquet", "maps.parquet"):  # attacks and sweeps never share a table
        assert set(pq.read_table(audit_folder / name)["attack_id"].to_pylist()) == attacks


@pytest.mark.parametrize("name", ["speckle", "shift", SECOND_SWEEP])
def test_a_row_can_be_made_again_from_its_file_and_seed(
    rows: list[dict], checkpoint: Path, name: str
) -> None:
    model = xaiaudit.load(checkpoint)
    dataset = choose_data(model)
    (row,) = of(rows, change_id=name, image=rows[3]["image"], explainer_id="cam")
    index = [f"{dataset.name}/{entry.file}" for entry in dataset.entries].index(row["image"])
    sample = prepare(dataset[index], model.preprocessing)
    assert sample.valid is not None
    changes = [(item, change(item)) for item in CHANGES if name in (item, SECOND_SWEEP)]
    shown = swept(sample.image / 255, view_of(sample.valid, sample.spacing), changes, row["seed"])
    assert row["motion"] == shown.motion.ravel().tolist()
    images = torch.from_numpy(shown.image.astype(np.float32))[None, None]
    logits = model(images).logits.detach()[0]
    assert logits.tolist() == pytest.approx(row["logits"], abs=2e-3)
    if name == "speckle":  # nothing to undo: the map's correlation is that of the maps as they are
        clean = torch.from_numpy(sample.image.astype(np.float32) / 255)[None, None]
        target = torch.tensor([model.classes.index(row["decision_clean"])])
        maps = [explainer("cam")(model, x, target)[0].numpy().ravel() for x in (clean, images)]
        assert row["pearson"] == pytest.approx(np.corrcoef(*maps)[0, 1], abs=2e-3)


def test_only_what_moves_is_undone(rows: list[dict]) -> None:
    for row in rows:
        still = row["motion"] == [1, 0, 0, 0, 1, 0]
        assert still == (row["change_id"] not in ("shift", "rotation", SECOND_SWEEP))
        assert row["compared"] == 1 or not still
        assert row["compared"] > 0.7
        assert row["flipped"] == (row["decision"] != row["decision_clean"])
        assert row["target_class"] == row["decision_clean"]


def test_the_record_is_that_of_the_rows(record: AuditRecord, rows: list[dict]) -> None:
    found = record.variability
    assert found is not None
    assert [item.id for item in found.changes] == SWEEPS
    for item in found.changes:
        own = of(rows, change_id=item.id, explainer_id="cam")
        assert item.decisions_changed.n == len(own) == record.images
        assert item.decisions_changed.estimate == np.mean([row["flipped"] for row in own])
    assert [item.change_id for item in found.shifts] == [*SWEEPS, ONE_CHANGE] * 2
    for item in found.shifts:
        own = [
            row
            for row in of(rows, explainer_id=item.explainer_id)
            if row["change_id"] == item.change_id
            or (item.change_id == ONE_CHANGE and row["change_id"] != SECOND_SWEEP)
        ]
        values = [row["mass_centre_mm"] for row in own if row["mass_centre_mm"] is not None]
        assert item.shift["mass_centre_mm"].median == pytest.approx(np.median(values))
        silent = [row["silent_shift"] for row in own if row["silent_shift"] is not None]
        assert item.silent_shift.estimate == pytest.approx(np.mean(silent))
        stood = [row["silent_shift"] for row in own if row["silent_shift"] is not None and not row["flipped"]]
        assert item.silent_shift_unflipped.estimate == pytest.approx(np.mean(stood))
        assert item.undefined_after == sum(not row["defined"] for row in own)
        assert item.vanished == sum(row["vanished"] for row in own)
        assert item.silent_shift.cases <= record.datasets[0].cases


def test_multiples_are_those_of_the_rows(audit_folder: Path, record: AuditRecord, rows: list[dict]) -> None:
    assert record.variability is not None
    maps = pq.read_table(audit_folder / "maps.parquet").to_pylist()
    multiples = record.variability.multiples
    assert len(multiples) == 3 * 2 * len(SHIFT_METRICS)
    for item in multiples:

        def amounts(chosen: list[dict], metric: str = item.metric) -> np.ndarray:
            values = np.array([np.nan if row[metric] is None else row[metric] for row in chosen])
            return amount(metric, values, np.array([row["vanished"] for row in chosen]))

        own = {"explainer_id": item.explainer_id}
        attack = amounts(of(maps, attack_id=item.attack_id, target="same", **own))
        second = amounts(of(rows, change_id=SECOND_SWEEP, **own))
        known = ~np.isnan(attack) & ~np.isnan(second)
        assert item.times_second_sweep.n == known.sum()
        middle = [np.median(values[known]) for values in (attack, second)]
        assert (item.attack is None) == np.isinf(middle[0])
        if np.isfinite(middle).all() and middle[1] > 0:
            assert item.times_second_sweep.estimate == pytest.approx(middle[0] / middle[1])
        else:
            assert item.times_second_sweep.estimate is None
        every = np.stack([amounts(of(rows, change_id=name, **own)) for name in SWEEPS])
        typical = np.array(
            [np.median(one[~np.isnan(one)]) if any(~np.isnan(one)) else np.nan for one in every[:-1].T]
        )
        told = ~np.isnan(attack) & ~np.isnan(typical)
        assert item.times_one_change.n == told.sum()
        if item.times_one_change.estimate is not None:
            ratio = np.median(attack[told]) / np.median(typical[told])
            assert item.times_one_change.estimate == pytest.approx(ratio)
        if item.one_change is not None:
            assert item.one_change == pytest.approx(np.median(typical[known & ~np.isnan(typical)]))
        sure = known & ~np.isnan(every).any(0)
        assert item.farther.estimate == pytest.approx((attack > every.max(0))[sure].mean())


def test_the_case_table_sums_up_the_images_of_each_case(
    audit_folder: Path, record: AuditRecord, rows: list[dict]
) -> None:
    with open(audit_folder / "shift_by_case.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    cases = {row["case"] for row in rows}
    assert len(lines) == len(cases) * 2 * (3 * 2 + len(SWEEPS))  # explainers; attacks by target, and sweeps
    maps = pq.read_table(audit_folder / "maps.parquet").to_pylist()
    predictions = pq.read_table(audit_folder / "predictions.parquet").to_pylist()
    flipped = {
        (row["attack_id"], row["image"]): row["flipped"]
        for row in predictions
        if not row["curve"] and not row["quantised"]
    }
    for line in lines:
        if line["kind"] == "attack":
            wanted = {"attack_id": line["under"], "target": line["target"]}
            own = of(maps, explainer_id=line["explainer"], case=line["case"], **wanted)
            flips = sum(flipped[row["attack_id"], row["image"]] for row in own)
        else:
            own = of(rows, change_id=line["under"], explainer_id=line["explainer"], case=line["case"])
            flips = sum(row["flipped"] for row in own)
        assert int(line["images"]) == len(own) > 0
        assert int(line["flipped"]) == flips
        assert int(line["silent_shifts"]) == sum(row["silent_shift"] is True for row in own)
        assert int(line["clean_maps"]) == sum(row["silent_shift"] is not None for row in own)
        for metric in ("mass_centre_mm", "spearman", "delta_energy_lesion"):
            values = [row[metric] for row in own if row[metric] is not None]
            if values:
                assert float(line[metric]) == pytest.approx(np.mean(values), rel=1e-5, abs=1e-9)
            else:
                assert line[metric] == ""


def test_pixels_of_a_stretched_image_without_spacing_are_as_oblong_as_they_are() -> None:
    """40 rows and 64 columns on 64 x 64: a row is 40 / 64 of a millimetre, a column one."""
    image = np.random.default_rng(0).integers(256, size=(40, 64)).astype(np.uint8)
    source = Sample(
        image=image,
        label=None,
        mask=None,
        case=None,
        file="a.png",
        dataset="d",
        sha256="0",
        source_shape=(40, 64),
    )
    sample = prepare(source, Preprocessing(size=64, mode="stretch"))
    images = torch.from_numpy(sample.image[None, None].astype(np.float32) / 255)
    sweep = Sweep("shift", [("shift", change("shift", mm=10))])
    for seed in range(8):
        loaded = SimpleNamespace(images=images, samples=[sample], seeds=[seed])
        _, motions = _second_sweep(loaded, sweep)
        down, right = motions[0][:, 2]
        assert np.hypot(down * 0.625, right) == pytest.approx(10, abs=0.6)  # to whole pixels


def test_no_sweep_is_made_unasked_and_one_change_is_its_own_sweep(checkpoint: Path, tmp_path: Path) -> None:
    model = xaiaudit.load(checkpoint)
    common = {"limit": 4, "curve": False, "checks": 0}
    none = xaiaudit.audit(model, attacks=["fgsm-single"], out=tmp_path / "none", acquisition=(), **common)
    assert none is not None
    assert none.variability is None
    assert (none.limit, none.images) == (4, 4)  # the gate asks for it
    assert not (tmp_path / "none" / "acquisition.parquet").exists()
    one = xaiaudit.audit(
        model, attacks=["fgsm-single"], out=tmp_path / "one", acquisition=["gain:db=3"], **common
    )
    assert one is not None
    assert one.variability is not None
    assert [(item.id, item.parameters) for item in one.variability.changes] == [("gain", {"db": 3.0})]
    assert {item.change_id for item in one.variability.shifts} == {"gain"}
    assert one.attacks == none.attacks
    assert one.maps == none.maps


@pytest.mark.parametrize("explainers", [[], ["occlusion:window=32,stride=32"]])
def test_without_an_explainer_that_reads_a_forward_decisions_are_told_still(
    checkpoint: Path, tmp_path: Path, explainers: list[str]
) -> None:
    model = xaiaudit.load(checkpoint)
    record = xaiaudit.audit(
        model, attacks=["fgsm-single"], explainers=explainers, out=tmp_path / "audit", limit=4, curve=False, checks=0,
        acquisition=["gain", "speckle"],
    )  # fmt: skip
    assert record is not None
    assert record.variability is not None
    assert [item.id for item in record.variability.changes] == ["gain", "speckle", SECOND_SWEEP]
    assert all(item.decisions_changed.n == 4 for item in record.variability.changes)
    assert record.variability.shifts == record.variability.multiples == []
    assert xaiaudit.write_report(tmp_path / "audit").exists()


def test_explainers_that_read_a_forward_are_followed_beside_others_that_do_not(
    checkpoint: Path, tmp_path: Path
) -> None:
    model = xaiaudit.load(checkpoint)
    record = xaiaudit.audit(
        model, attacks=["fgsm-single"], explainers=["occlusion:window=32,stride=32", "eigen-cam"], limit=3,
        out=tmp_path / "audit", curve=False, checks=0, acquisition=["gain"],
    )  # fmt: skip
    assert record is not None
    assert record.variability is not None
    assert {item.explainer_id for item in record.variability.shifts} == {"eigen-cam"}
    assert {item.explainer_id for item in record.variability.multiples} == {"eigen-cam"}
    assert xaiaudit.write_report(tmp_path / "audit").exists()
