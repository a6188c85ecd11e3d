"""What an audit writes: tables and audit.json agree with each other, with the images and with the model."""

from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import torch

import xaiaudit
from xaiaudit.attacks.criteria import LeaveDecision
from xaiaudit.attacks.registry import attack
from xaiaudit.auditing.plan import _differing
from xaiaudit.auditing.selection import choose_data
from xaiaudit.data import prepare, stack
from xaiaudit.data.subgroups import subgroups
from xaiaudit.metrics.paired import holm
from xaiaudit.records import CURVE_GREY_LEVELS, MAPS, PREDICTIONS, AuditRecord


@pytest.fixture(scope="module")
def record(audit_folder: Path) -> AuditRecord:
    return AuditRecord.model_validate_json((audit_folder / "audit.json").read_bytes())


@pytest.fixture(scope="module")
def predictions(audit_folder: Path) -> list[dict]:
    return pq.read_table(audit_folder / "predictions.parquet").to_pylist()


def rows_of(predictions: list[dict], attack_id: str, **wanted: object) -> list[dict]:
    wanted = {"curve": False, "quantised": False} | wanted
    return [
        row
        for row in predictions
        if row["attack_id"] == attack_id and all(row[key] == value for key, value in wanted.items())
    ]


def test_tables_have_the_promised_schema_and_a_row_for_everything(
    audit_folder: Path, record: AuditRecord
) -> None:
    predictions = pq.read_table(audit_folder / "predictions.parquet")
    maps = pq.read_table(audit_folder / "maps.parquet")
    assert predictions.schema.equals(PREDICTIONS, check_metadata=True)
    assert maps.schema.equals(MAPS, check_metadata=True)
    curves = 2  # fgsm and pgd; deepfool has no radius
    assert predictions.num_rows == record.images * (1 + 3 * 2 + curves * 2 * len(CURVE_GREY_LEVELS))
    assert maps.num_rows == record.images * 2 * (
        1 + 3 * 2
    )  # two explainers; clean, and two targets an attack


def test_every_row_names_the_subgroups_of_its_image(
    predictions: list[dict], checkpoint: Path, audit_folder: Path
) -> None:
    of_image = {sample.name: subgroups(sample) for sample in choose_data(xaiaudit.load(checkpoint))}
    assert {row["image"] for row in predictions} <= of_image.keys()
    assert all(
        {name: row[name] for name in of_image[row["image"]]} == of_image[row["image"]] for row in predictions
    )
    assert {row["size"] for row in predictions} > {"up to 10 mm"}  # phantoms know their spacing


def test_flip_rates_are_those_of_the_rows(record: AuditRecord, predictions: list[dict]) -> None:
    for item in record.attacks:
        rows = rows_of(predictions, item.id)
        assert item.images == len(rows) == record.images
        assert item.flips.estimate == pytest.approx(
            np.mean([row["decision"] != row["decision_clean"] for row in rows])
        )
        rounded = rows_of(predictions, item.id, quantised=True)
        assert item.flips_quantised.estimate == pytest.approx(np.mean([row["flipped"] for row in rounded]))
        right = [row["label"] == row["decision_clean"] == row["decision"] for row in rows]
        assert item.robust_accuracy is not None
        assert item.robust_accuracy.estimate == pytest.approx(np.mean(right))
        found = [row for row in rows if row["label"] == row["decision_clean"] == "malignant"]
        missed = [row["decision"] == "benign" for row in found]
        assert item.missed_cancers is not None
        assert item.missed_cancers.estimate == pytest.approx(np.mean(missed))


def test_the_tests_of_all_attacks_are_one_family(record: AuditRecord) -> None:
    raw = [attack.mcnemar_p for attack in record.attacks]
    assert len(raw) == 3
    assert [attack.mcnemar_holm for attack in record.attacks] == holm(raw)


def test_decisions_follow_the_margin_at_the_operating_threshold(
    record: AuditRecord, predictions: list[dict]
) -> None:
    offset = np.log(record.checkpoint.threshold / (1 - record.checkpoint.threshold))
    for row in predictions:
        margin = row["logits"][1] - row["logits"][0] - offset
        assert row["margin"] == pytest.approx(margin, abs=1e-4)
        assert row["decision"] == ("malignant" if row["margin"] >= 0 else "benign")


def test_no_perturbation_leaves_its_ball_and_rounding_adds_half_a_grey_level_at_most(
    predictions: list[dict],
) -> None:
    for row in predictions:
        if row["epsilon"] is not None:
            allowed = row["epsilon"] + (0.5 / 255 if row["quantised"] else 0)
            assert row["linf"] <= allowed + 1e-6


def test_the_curve_never_falls_and_the_smallest_radius_is_where_it_first_flipped(
    record: AuditRecord, predictions: list[dict]
) -> None:
    for item in record.attacks[:2]:
        rates = [point.flips.estimate for point in item.curve]
        assert rates == sorted(rates)
        assert item.epsilon is not None
        smallest = {
            row["image"]: row["epsilon"]
            for row in sorted(predictions, key=lambda row: -(row["epsilon"] or 0))
            if row["attack_id"] == item.id and row["curve"] and not row["quantised"] and row["flipped"]
        }
        assert item.never_flipped == record.images - len(smallest)
        if smallest:
            assert item.smallest_radius is not None
            assert item.smallest_radius.median == pytest.approx(np.median(list(smallest.values())))


def test_a_row_can_be_computed_again_from_its_file_seed_and_parameters(
    record: AuditRecord, predictions: list[dict], checkpoint: Path
) -> None:
    model = xaiaudit.load(checkpoint)
    dataset = choose_data(model)
    row = rows_of(predictions, "pgd")[4]
    index = [entry.file for entry in dataset.entries].index(row["file"])
    batch = stack([prepare(dataset[index], model.preprocessing)])
    images = torch.from_numpy(batch.images)
    criterion = LeaveDecision(model(images).logits.detach(), model.threshold)
    (planned,) = (item for item in record.attacks if item.id == "pgd")
    result = attack("pgd", **planned.parameters)(
        model, images, criterion, valid=torch.from_numpy(batch.valid), seeds=[row["seed"]]
    )
    logits = model(result.images).logits.detach()[0]
    assert logits.tolist() == pytest.approx(row["logits"], abs=2e-2)  # another batch, other last digits
    assert result.distance[0].item() == pytest.approx(row["linf"], abs=1e-6)


def test_map_rows_agree_with_the_statistics(audit_folder: Path, record: AuditRecord) -> None:
    maps = pq.read_table(audit_folder / "maps.parquet")
    for item in record.maps:
        chosen = pc.and_(
            pc.and_(
                pc.equal(maps["attack_id"], item.attack_id), pc.equal(maps["explainer_id"], item.explainer_id)
            ),
            pc.equal(maps["target"], item.target),
        )
        rows = maps.filter(chosen).to_pylist()
        assert item.vanished == sum(row["vanished"] for row in rows)
        assert item.undefined_after == sum(not row["defined"] for row in rows)
        known = [row["silent_shift"] for row in rows if row["silent_shift"] is not None]
        assert item.silent_shift.n == len(known)
        if known:
            assert item.silent_shift.estimate == pytest.approx(np.mean(known))
        assert sum(map(sum, item.transitions)) == sum(row["peak_state"] != "unknown" for row in rows)
        values = [row["peak_mm"] for row in rows if row["peak_mm"] is not None]
        if values:
            assert item.shift["peak_mm"].median == pytest.approx(np.median(values))


def test_a_vanished_map_is_a_miss_of_the_pointing_game(audit_folder: Path, record: AuditRecord) -> None:
    rows = pq.read_table(audit_folder / "maps.parquet").to_pylist()
    before = {
        row["image"]: row for row in rows if row["attack_id"] == "none" and row["explainer_id"] == "grad-cam"
    }
    for item in record.maps:
        if item.explainer_id != "grad-cam":
            continue
        after = {
            row["image"]: row["maximum_in_lesion"]
            for row in rows
            if (row["attack_id"], row["explainer_id"], row["target"])
            == (item.attack_id, "grad-cam", item.target)
        }
        among = [name for name, row in before.items() if row["maximum_in_lesion"] is not None]
        (pointing,) = (p for p in item.pointing if p.region == "lesion" and p.extreme == "maximum")
        assert pointing.before.n == pointing.after.n == len(among)
        assert pointing.after.estimate == pytest.approx(np.mean([after[name] or 0.0 for name in among]))


def test_the_gallery_lies_in_the_folder_and_shows_what_was_attacked(
    audit_folder: Path, record: AuditRecord
) -> None:
    from PIL import Image

    assert {case.kind for case in record.gallery} == {"worst", "typical", "random"}
    assert {case.attack_id for case in record.gallery} == {"fgsm", "pgd", "deepfool"}
    for case in record.gallery:
        clean = np.asarray(Image.open(audit_folder / case.files["clean"])) / 255
        adversarial = np.load(audit_folder / case.files["adversarial_float"])
        assert np.abs(adversarial - clean).max() == pytest.approx(case.linf, abs=1e-6)
        rounded = np.asarray(Image.open(audit_folder / case.files["adversarial"]))
        assert np.array_equal(rounded, np.rint(adversarial * 255))


def test_worst_are_missed_cancers_and_typical_is_near_the_median_of_all_images(
    record: AuditRecord, predictions: list[dict]
) -> None:
    clean = {row["image"]: row["margin"] for row in rows_of(predictions, "none")}
    for item in record.attacks:
        fall = {
            row["image"]: abs(clean[row["image"]]) - row["margin"] * (1 if clean[row["image"]] >= 0 else -1)
            for row in rows_of(predictions, item.id)
        }
        missed = [
            row["image"]
            for row in rows_of(predictions, item.id)
            if (row["label"], row["decision_clean"], row["decision"]) == ("malignant", "malignant", "benign")
        ]
        shown = [case for case in record.gallery if case.attack_id == item.id]
        worst = [case.image for case in shown if case.kind == "worst"]
        assert set(worst) <= set(missed) or len(missed) < len(worst)
        middle = np.median(list(fall.values()))
        distances = sorted(abs(value - middle) for name, value in fall.items() if name not in worst)
        for case in shown:
            if case.kind == "typical":  # among the images that the shards kept
                assert abs(fall[case.image] - middle) <= np.median(distances)


def test_rounding_a_map_to_float16_ties_no_extreme() -> None:
    from xaiaudit.auditing.stored_maps import stored_maps

    maps = np.array([[[0.99999, 1.0], [-0.49999, -0.5]], [[1.0, 1.0], [0.2, 0.1]]], np.float32) * 3
    stored, scales = stored_maps(maps)
    assert (stored == stored.max((1, 2), keepdims=True)).sum((1, 2)).tolist() == [1, 2]
    assert (stored == stored.min((1, 2), keepdims=True)).sum((1, 2)).tolist() == [1, 1]
    assert np.allclose(stored * scales[:, None, None], maps, rtol=2e-3)


def test_a_map_that_is_stored_coarser_keeps_the_places_of_its_extremes() -> None:
    from xaiaudit.auditing.stored_maps import extreme_cells, extreme_shares, stored_maps
    from xaiaudit.metrics.extremes import tied

    maps = np.zeros((3, 56, 84))
    maps[0, 1, 2] = 5.0  # one bright pixel in the first cell
    maps[0, 10:12, 30:33] = 4.0  # and a cell that is bright throughout, where the pooled map has its maximum
    maps[0, 55, 83] = -3.0
    maps[1, 20, 40] = maps[1, 30, 50] = 1.0
    stored, _ = stored_maps(maps)
    assert stored.shape == (3, 28, 28)
    assert np.unravel_index(stored[0].argmax(), (28, 28)) == (5, 10)
    assert extreme_cells(maps, (28, 28), signed=True) == [[0], [10 * 28 + 13, 15 * 28 + 16], []]
    assert extreme_cells(-maps[:1], (28, 28), signed=True) == [[28 * 28 - 1]]
    small = np.array([[[1.0, 2.0], [2.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])
    shares = extreme_shares(extreme_cells(small, (2, 2), signed=False), 4)
    np.testing.assert_array_equal(shares, tied(small, signed=False))


def test_case_ids_are_hashed_and_nothing_of_the_training_images_is_named(
    audit_folder: Path, record: AuditRecord
) -> None:
    table = pq.read_table(audit_folder / "predictions.parquet")
    assert all(len(case) == 12 and int(case, 16) >= 0 for case in table["case"].to_pylist())
    assert "split" not in record.checkpoint.training
    assert record.checkpoint.training["images"]["train"] > 0


def test_an_audit_says_whether_rings_are_calibrated_and_nothing_leaked(record: AuditRecord) -> None:
    assert record.regions.calibrated == record.images
    assert record.regions.relative == record.regions.without_lesion == 0
    assert record.leak.assessed
    assert record.leak.exact == record.leak.near == []
    assert record.left_out == []


def test_only_what_differs_of_two_records_is_told() -> None:
    then = {"file": "model.pt", "sha256": "a" * 64, "has_mask": False}
    assert _differing(then, then | {"has_mask": True}) == ({"has_mask": False}, {"has_mask": True})
    assert _differing(1, 2) == (1, 2)
