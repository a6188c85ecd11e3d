"""`xaiaudit compare` on two made-up audits of which it is known what differs: record, table, report and refusals."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from pypdf import PdfReader

from xaiaudit.audit_files import read_record
from xaiaudit.cli import main
from xaiaudit.comparison import compare
from xaiaudit.comparison.clean import clean_comparison
from xaiaudit.comparison.pairing import paired
from xaiaudit.comparison.sides import read_side
from xaiaudit.comparison_record import ComparisonRecord, DriftRecord
from xaiaudit.errors import AuditError
from xaiaudit.metrics.paired import holm
from xaiaudit.records import SHIFT_METRICS
from xaiaudit.reports import comparison_document, comparison_drift
from xaiaudit.reports import comparison_words as words
from xaiaudit.reports.comparison_summary import lines
from xaiaudit.reports.comparison_writing import as_csv

Row = dict[str, Any]
MOVED = 16  # images whose map is another in the newer audit
TURNED = (12, 13, 14)  # images whose clean decision is; the gallery of an audit holds the first three
BROKEN, MENDED = (3, 4, 5, 6), (7,)  # images whose flips by deepfool are
TAKEN = (
    *("map", "map_scale", "peak_state", "maximum_cells", "minimum_cells", "defined"),
    *(f"maximum_in_{region}" for region in ("lesion", "ring", "posterior", "elsewhere", "padding", "any")),
    *(f"energy_{region}" for region in ("lesion", "ring", "posterior", "elsewhere", "padding")),
)


def altered(
    folder: Path,
    target: Path,
    *,
    predictions: Callable[[Row], object] | None = None,
    maps: Callable[[Row], object] | None = None,
    acquisition: Callable[[Row], object] | None = None,
    **record: Any,
) -> Path:
    """A copy of an audit with its rows and its record changed."""
    shutil.copytree(folder, target)
    changes = {"predictions": predictions, "maps": maps, "acquisition": acquisition}
    for name, change in changes.items():
        if change is not None:
            table = pq.read_table(target / f"{name}.parquet")
            rows = table.to_pylist()
            for row in rows:
                change(row)
            pq.write_table(pa.Table.from_pylist(rows, table.schema), target / f"{name}.parquet")
    if record:
        changed = read_record(folder).model_copy(update=record)
        (target / "audit.json").write_text(changed.model_dump_json())
    return target


@pytest.fixture(scope="module")
def newer(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another checkpoint: three decisions turned, four images broken and one mended, and two maps in three moved."""
    rows = pq.read_table(folder / "maps.parquet").to_pylist()
    names = list(dict.fromkeys(row["image"] for row in rows))
    number = {name: i for i, name in enumerate(names)}
    after = {
        (row["image"], row["explainer_id"]): row
        for row in rows
        if row["attack_id"] == "fgsm" and row["target"] == "same" and row["defined"]
    }
    other = {"benign": "malignant", "malignant": "benign"}

    def decide(row: Row) -> None:
        i = number[row["image"]]
        if i in TURNED:
            row["decision_clean"] = other[row["decision_clean"]]
            row["decision"] = row["decision_clean"]
            row["flipped"], row["reached"] = False, False
            row["logits"] = [0.0, -row["logits"][1]]
        if row["attack_id"] == "deepfool" and not row["quantised"] and i in (*BROKEN, *MENDED):
            row["flipped"] = row["reached"] = i in BROKEN
            row["decision"] = other[row["decision_clean"]] if i in BROKEN else row["decision_clean"]

    def move(row: Row) -> None:
        i = number[row["image"]]
        if row["attack_id"] == "none":
            if i in TURNED:
                row["target_class"] = other[row["target_class"]]
            if i < MOVED and (moved := after.get((row["image"], row["explainer_id"]))):
                row |= {key: moved[key] for key in TAKEN}

    record = read_record(folder)
    checkpoint = record.checkpoint.model_copy(
        update={"path": "newer.pt", "sha256": "f" * 64, "threshold": 0.2}
    )
    target = tmp_path_factory.mktemp("newer") / "newer"
    return altered(folder, target, predictions=decide, maps=move, checkpoint=checkpoint)


@pytest.fixture(scope="module")
def compared(folder: Path, newer: Path) -> tuple[ComparisonRecord, pa.Table]:
    return compare(folder, newer)


def call(*said: object) -> Result:
    return CliRunner().invoke(main, ["compare", *map(str, said)])


def flipped(folder: Path, attack: str) -> dict[str, bool]:
    rows = pq.read_table(folder / "predictions.parquet").to_pylist()
    return {
        row["image"]: row["flipped"]
        for row in rows
        if row["attack_id"] == attack and not row["curve"] and not row["quantised"]
    }


def test_an_audit_beside_itself_differs_in_nothing(folder: Path) -> None:
    record, images = compare(folder, folder)
    for item in record.clean.statistics:
        assert item.difference.estimate == 0
        assert item.p == item.p_holm == 1
    for attack in record.attacks:
        assert attack.flips.p == 1
        assert not attack.breakable
        assert not attack.mended
        if attack.radius is not None:
            assert attack.radius.doublings.estimate == 0
            assert attack.radius.p == 1
            assert attack.radius.larger == attack.radius.smaller == 0
    for drift in record.drift:
        assert drift.finding == "unmoved"
        assert drift.drifted.estimate == 0
        assert drift.decided_otherwise == 0
        for metric in SHIFT_METRICS:
            likeness = metric in ("topk_intersection", "spearman", "pearson", "ssim")
            assert drift.shift[metric].median == pytest.approx(float(likeness))
        assert all(found.hits.p == 1 for found in drift.pointing)
    assert record.explanation_drift is False
    assert not record.gallery
    assert any("same checkpoint" in note for note in record.notes)
    assert images["decision_before"].equals(images["decision_after"])


def test_turned_decisions_and_changed_flips_are_named(
    folder: Path, newer: Path, compared: tuple[ComparisonRecord, pa.Table]
) -> None:
    record, images = compared
    names = images["image"].to_pylist()
    right = {
        row["image"]: row["decision"] == row["label"]
        for row in pq.read_table(folder / "predictions.parquet").to_pylist()
        if row["attack_id"] == "none"
    }
    turned = [names[i] for i in TURNED]
    assert record.clean.right_to_wrong == [name for name in turned if right[name]]
    assert record.clean.wrong_to_right == [name for name in turned if not right[name]]
    assert sum(map(sum, record.clean.decisions)) == 24
    assert sum(record.clean.decisions[i][1 - i] for i in (0, 1)) == 3
    deepfool = next(item for item in record.attacks if item.attack_id == "deepfool")
    was, now = flipped(folder, "deepfool"), flipped(newer, "deepfool")
    assert deepfool.breakable == [name for name in names if now[name] and not was[name]]
    assert deepfool.mended == [name for name in names if was[name] and not now[name]]
    assert deepfool.breakable
    assert deepfool.mended
    gained, lost = len(deepfool.breakable), len(deepfool.mended)
    assert deepfool.flips.difference.estimate == pytest.approx((gained - lost) / 24)
    assert (deepfool.flips.gained, deepfool.flips.lost) == (gained, lost)
    accuracy = next(item for item in record.clean.statistics if item.name == "accuracy")
    change = len(record.clean.wrong_to_right) - len(record.clean.right_to_wrong)
    assert accuracy.difference.estimate == pytest.approx(change / 24)


def test_smallest_radii_are_those_of_the_curves(folder: Path, newer: Path, compared: Any) -> None:
    record, images = compared
    fgsm = next(item for item in record.attacks if item.attack_id == "fgsm")
    smallest = []
    for source in (folder, newer):
        found: dict[str, float] = {}
        for row in pq.read_table(source / "predictions.parquet").to_pylist():
            if row["attack_id"] == "fgsm" and row["curve"] and not row["quantised"] and row["reached"]:
                found[row["image"]] = min(found.get(row["image"], np.inf), row["epsilon"])
        smallest.append(np.array([found.get(name, np.inf) for name in images["image"].to_pylist()]))
    for column, values in zip(("fgsm:radius_before", "fgsm:radius_after"), smallest, strict=True):
        np.testing.assert_array_equal(images[column].to_pylist(), values)
    most = 2 * max(fgsm.radius.radii)
    for source, column in ((folder, "deepfool:radius_before"), (newer, "deepfool:radius_after")):
        needed = {
            row["image"]: row["l2"] if row["reached"] else None
            for row in pq.read_table(source / "predictions.parquet").to_pylist()
            if row["attack_id"] == "deepfool" and not row["curve"] and not row["quantised"]
        }
        assert None in needed.values()
        assert images[column].to_pylist() == [needed[name] for name in images["image"].to_pylist()]
    change = np.log2(np.minimum(smallest[1], most)) - np.log2(np.minimum(smallest[0], most))
    assert fgsm.radius.doublings.estimate == pytest.approx(change.mean())
    assert (fgsm.radius.larger, fgsm.radius.smaller) == ((change > 0).sum(), (change < 0).sum())
    assert fgsm.radius.never_after == np.isinf(smallest[1]).sum()
    assert fgsm.radius.larger >= len(TURNED) - 1  # turned images are reached at no radius


def test_attacks_are_one_family_for_each_question(compared: Any) -> None:
    record, _ = compared
    families = (
        [item.flips for item in record.attacks],
        [item.robust_accuracy for item in record.attacks],
        [item.radius for item in record.attacks],
        record.clean.statistics,
        [item.hits for item in record.drift[0].pointing],
        [item.natural.moved for item in record.drift],
    )
    for statistics in families:
        assert len(statistics) > 1
        assert [item.p_holm for item in statistics] == holm([item.p for item in statistics])
    assert all(item.flips_rounded.p is None for item in record.attacks)


def test_drift_is_of_images_that_both_decide_alike(compared: Any) -> None:
    record, images = compared
    for item in record.drift:
        assert item.decided_otherwise == len(TURNED)
        assert item.compared == 24 - len(TURNED) - item.undefined_before
        told = images[f"{item.explainer_id}:drifted"].to_pylist()
        assert [told[i] for i in TURNED] == [None] * 3
        assert sum(bool(value) for value in told) == round(item.drifted.estimate * item.compared)
        assert sum(map(sum, item.transitions)) == item.compared
        distances = np.array(images[f"{item.explainer_id}:mass_centre_mm"].to_pylist(), float)
        assert not np.nan_to_num(distances[MOVED:]).any()
        assert item.shift["mass_centre_mm"].maximum == pytest.approx(np.nanmax(distances), rel=1e-6)


def test_drift_has_the_second_sweep_of_the_older_audit_for_a_yardstick(
    folder: Path, newer: Path, tmp_path: Path
) -> None:
    names = list(dict.fromkeys(pq.read_table(folder / "predictions.parquet")["image"].to_pylist()))

    def turn(row: Row) -> None:
        row["flipped"] = row["image"] in names[8:12]

    older = altered(folder, tmp_path / "older", acquisition=turn)
    record, images = compare(older, newer)
    item: DriftRecord = record.drift[0]
    assert item.natural is not None
    sweeps = {
        row["image"]: row
        for row in pq.read_table(older / "acquisition.parquet").to_pylist()
        if row["change_id"] == "second-sweep" and row["explainer_id"] == item.id_before
    }
    told = images[f"{item.explainer_id}:drifted"].to_pylist()
    drifted = dict(zip(images["image"].to_pylist(), told, strict=True))
    stood = [
        name
        for name, moved in drifted.items()
        if moved is not None and not sweeps[name]["flipped"] and sweeps[name]["silent_shift"] is not None
    ]
    assert not set(stood) & set(names[8:12])
    natural = np.mean([sweeps[name]["silent_shift"] for name in stood])
    moved = item.natural.moved
    assert moved.difference.n == len(stood)
    assert moved.before is not None
    assert moved.before.estimate == pytest.approx(natural)
    assert moved.difference.estimate == pytest.approx(np.mean([drifted[name] for name in stood]) - natural)
    leading = next(found for found in item.natural.multiples if found.metric == "mass_centre_diagonal")
    assert leading.drift is not None
    assert leading.second_sweep is not None
    assert leading.times.estimate == pytest.approx(leading.drift / leading.second_sweep)
    assert item.natural.centre.level == pytest.approx(1 - 0.05 / len(record.drift))
    column = images[f"{item.explainer_id}:second_sweep_mass_centre_diagonal"].to_pylist()
    assert column == [sweeps[name]["mass_centre_diagonal"] for name in images["image"].to_pylist()]


def test_scores_are_margins_at_each_checkpoint_s_own_threshold(
    folder: Path, newer: Path, compared: Any
) -> None:
    record, images = compared
    assert (record.before.threshold, record.after.threshold) == (0.41, 0.2)
    for source, column, threshold in ((folder, "score_before", 0.41), (newer, "score_after", 0.2)):
        rows = pq.read_table(source / "predictions.parquet").to_pylist()
        own = [r["logits"][1] - r["logits"][0] for r in rows if r["attack_id"] == "none"]
        expected = np.array(own) - np.log(threshold / (1 - threshold))
        np.testing.assert_allclose(images[column].to_pylist(), expected, rtol=1e-6)


def test_the_gallery_shows_the_farthest_and_some_that_can_be_seen(
    folder: Path, newer: Path, compared: Any
) -> None:
    record, images = compared
    names = images["image"].to_pylist()
    held = {case.image for case in read_record(folder).gallery}
    shown = {case.image: case for case in record.gallery}
    assert held & set(shown)
    for item in record.drift:
        share = np.nan_to_num(images[f"{item.explainer_id}:mass_centre_diagonal"].to_pylist()).astype(float)
        order = [names[i] for i in np.argsort(-np.nan_to_num(share), kind="stable") if share[i] > 0]
        assert set(order[:4]) <= set(shown)
        assert set([name for name in order[4:] if name in held][:2]) <= set(shown)
    for name, case in shown.items():
        assert bool(case.pictures) == (name in held)
        assert all(Path(path).is_file() for path in case.pictures.values())
        assert all(Path(path).is_relative_to(newer) for path in case.pictures.values())
        assert [item.explainer_id for item in case.maps] == [item.explainer_id for item in record.drift]
        for item in case.maps:
            assert item.before.peak is not None
            assert int(np.argmax(item.before.values)) == item.before.peak


def test_pointing_rates_are_paired(compared: Any) -> None:
    record, _ = compared
    for item in record.drift:
        extremes = {found.extreme for found in item.pointing}
        assert extremes == ({"maximum", "minimum", "either"} if item.signed else {"maximum"})
        for found in item.pointing:
            before, after = found.hits.before, found.hits.after
            assert before is not None
            assert after is not None
            assert before.n == after.n == found.hits.difference.n
            if before.estimate is not None and after.estimate is not None:
                assert found.hits.difference.estimate == pytest.approx(after.estimate - before.estimate)


def test_the_other_order_turns_the_signs(folder: Path, newer: Path, compared: Any) -> None:
    record, _ = compared
    turned, _ = compare(newer, folder)
    for one, other in zip(record.clean.statistics, turned.clean.statistics, strict=True):
        assert one.difference.estimate == pytest.approx(-other.difference.estimate)
        assert one.difference.low == pytest.approx(-other.difference.high, abs=1e-6)
        assert one.p == pytest.approx(other.p)
    for one, other in zip(record.attacks, turned.attacks, strict=True):
        assert (one.breakable, one.mended) == (other.mended, other.breakable)
        assert one.flips.p == other.flips.p
        if one.radius is not None:
            assert one.radius.doublings.estimate == pytest.approx(-other.radius.doublings.estimate)
            assert one.radius.p == other.radius.p
    for one, other in zip(record.drift, turned.drift, strict=True):
        assert one.shift["mass_centre_mm"].median == pytest.approx(other.shift["mass_centre_mm"].median)
        for mine, its in zip(one.pointing, other.pointing, strict=True):
            assert mine.hits.difference.estimate == pytest.approx(-its.hits.difference.estimate)


def test_images_are_paired_in_any_order_and_copies_of_one_by_one(
    folder: Path, newer: Path, compared: Any, tmp_path: Path
) -> None:
    names = compared[1]["image"].to_pylist()
    copies = (names[2], names[9], names[20])

    def copy(row: Row) -> None:
        if row["image"] in copies:
            row["sha256"] = "c" * 64

    shuffled = altered(folder, tmp_path / "older", predictions=copy)
    for name in ("predictions", "maps", "acquisition"):
        table = pq.read_table(shuffled / f"{name}.parquet")
        order = np.argsort(table["image"].to_pylist(), kind="stable")[::-1]
        pq.write_table(table.take(pa.array(order)), shuffled / f"{name}.parquet")
    record, images = compare(shuffled, altered(newer, tmp_path / "newer", predictions=copy))
    assert images.drop_columns("sha256").equals(compared[1].drop_columns("sha256"))
    same = {"before", "after", "gallery"}
    assert record.model_dump(exclude=same) == compared[0].model_dump(exclude=same)
    assert [case.maps for case in record.gallery] == [case.maps for case in compared[0].gallery]


def test_what_only_one_audit_has_is_named(folder: Path, tmp_path: Path) -> None:
    record = read_record(folder)
    fgsm, pgd, deepfool = record.attacks
    weaker = fgsm.model_copy(update={"parameters": {**fgsm.parameters, "steps": 3}})
    other = altered(folder, tmp_path / "other", attacks=[weaker, deepfool], explainers=record.explainers[:1])
    found, _ = compare(folder, other)
    assert [item.attack_id for item in found.attacks] == ["deepfool"]
    assert [item.explainer_id for item in found.drift] == [record.explainers[0].id]
    said = " ".join(found.left_out)
    assert f"attack {pgd.id}" in said
    assert "steps" in said
    assert f"explainer {record.explainers[1].id}" in said


@pytest.fixture(scope="module")
def doubtful(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> ComparisonRecord:
    """Attacks with another goal, asked of all images but one in each audit.

    The newer has another tolerance, attacks that say nothing of flips, the first because it failed, and a checkpoint
    that knows two of the images.
    """
    record, root = read_record(folder), tmp_path_factory.mktemp("doubtful")
    names = list(dict.fromkeys(pq.read_table(folder / "predictions.parquet")["image"].to_pylist()))
    attacks = [item.model_copy(update={"criterion_name": "target-class"}) for item in record.attacks]

    def not_asked(i: int) -> Callable[[Row], object]:
        return lambda row: row.update(applicable=row["image"] != names[i])

    older = altered(folder, root / "older", predictions=not_asked(0), attacks=attacks)
    newer = altered(
        folder,
        root / "newer",
        predictions=not_asked(1),
        regions=record.regions.model_copy(update={"tolerance_mm": 2.0}),
        attacks=[
            item.model_copy(update={"assessable": False, "why_not": "it failed", "failed": 24 * (i == 0)})
            for i, item in enumerate(attacks)
        ],
        leak=record.leak.model_copy(update={"exact": ["a.png", "b.png"]}),
    )
    return compare(older, newer)[0]


def test_a_goal_is_compared_on_images_that_both_were_to_reach(doubtful: ComparisonRecord) -> None:
    for item in doubtful.attacks:
        assert item.reached is not None
        assert item.reached.difference.n == 22
        assert item.radius is not None
        assert item.radius.left_out >= 2
        assert item.flips.difference.n == 24


def test_another_tolerance_leaves_the_pointing_game_out(doubtful: ComparisonRecord) -> None:
    assert not any(item.pointing for item in doubtful.drift)
    said = "the tolerance is 0 mm in one audit and 2 mm in the other"
    assert {item.why_no_pointing for item in doubtful.drift} == {said}


def test_an_attack_that_says_nothing_is_not_tested(doubtful: ComparisonRecord) -> None:
    for item in doubtful.attacks:
        assert item.flips.p is None
        assert item.robust_accuracy is not None
        assert item.robust_accuracy.p is None
    failed, aimed = doubtful.attacks[:2]
    said = "not assessable, because in the newer audit it failed"
    assert failed.reached is not None
    assert failed.radius is not None
    assert failed.reached.p is failed.radius.p is None
    assert words.attack_sentence(failed).endswith(said)
    # another goal than a flip says something of a model that gives one decision to all images
    assert aimed.reached is not None
    assert aimed.radius is not None
    assert aimed.reached.p_holm is not None
    assert aimed.radius.p_holm is not None
    assert "goal (" in words.attack_sentence(aimed)
    assert words.attack_sentence(aimed).endswith(f"flips are {said}")


def test_a_checkpoint_that_knows_the_images_is_warned_of(doubtful: ComparisonRecord) -> None:
    (said,) = words.leaks(doubtful)
    assert said.startswith("2 of 24\u00a0images are in the training data of the newer checkpoint")
    assert any(line.startswith("Warning: 2 of 24 images") for line in lines(doubtful))


def test_an_audit_that_did_not_record_the_field_has_no_drift(folder: Path, tmp_path: Path) -> None:
    old = Path(shutil.copytree(folder, tmp_path / "old"))
    table = pq.read_table(old / "maps.parquet")
    pq.write_table(table.drop_columns(["diagonal", "spacing"]), old / "maps.parquet")
    found, _ = compare(old, folder)
    assert not found.drift
    assert any("audit that checkpoint again" in note for note in found.notes)
    assert found.attacks


@pytest.mark.parametrize(
    "what", ["label", "image", "class", "positive", "preprocessing", "ring", "outline", "spacing", "diagonal"]
)
def test_audits_that_differ_are_refused_and_the_difference_is_named(
    folder: Path, tmp_path: Path, what: str
) -> None:
    record = read_record(folder)
    first = pq.read_table(folder / "predictions.parquet")["image"][0].as_py()
    checkpoint, size = record.checkpoint, record.checkpoint.preprocessing["size"]

    def relabel(row: Row) -> None:
        if row["image"] == first:
            row["label"] = None

    def replace(row: Row) -> None:
        if row["image"] == first:
            row["sha256"] = "0" * 64

    def outline(row: Row) -> None:
        row["area_lesion"] += 0.01 * (row["image"] == first)

    def space(row: Row) -> None:
        if row["image"] == first:
            row["spacing"] = [0.1, 0.1]

    def valid(row: Row) -> None:
        row["diagonal"] += row["image"] == first

    changes: dict[str, tuple[dict[str, Any], str]] = {
        "label": ({"predictions": relabel}, f"labels of 1 image ({first}: "),
        "image": (
            {"predictions": replace},
            f"1 image ({first}) of the first alone; 1 image ({first}) of the second alone",
        ),
        "class": (
            {
                "checkpoint": checkpoint.model_copy(
                    update={"classes": ["benign", "cancer"], "positive": "cancer"}
                )
            },
            "classes benign, malignant and benign, cancer; positive class malignant and cancer",
        ),
        "positive": ({"checkpoint": checkpoint.model_copy(update={"positive": "benign"})}, "positive class"),
        "preprocessing": (
            {
                "checkpoint": checkpoint.model_copy(
                    update={"preprocessing": {**checkpoint.preprocessing, "size": 64}}
                )
            },
            f"preprocessing: size {size} and 64",
        ),
        "ring": ({"regions": record.regions.model_copy(update={"ring_mm": 7.0})}, "ring of 5 and 7 mm"),
        "outline": ({"maps": outline}, f"outline or spacing of 1 image ({first})"),
        "spacing": ({"maps": space}, f"outline or spacing of 1 image ({first})"),
        "diagonal": ({"maps": valid}, f"outline or spacing of 1 image ({first})"),
    }
    given, said = changes[what]
    other = altered(folder, tmp_path / "other", **given)
    with pytest.raises(AuditError) as error:
        compare(folder, other)
    assert said in str(error.value)
    assert "cannot be compared" in str(error.value)
    if what in ("label", "class"):
        result = call(folder, other)
        assert result.exit_code == 2
        assert result.output.startswith("Error: ")
        assert len(result.output.splitlines()) == 1
        assert not list(tmp_path.glob("compare-*"))


@pytest.fixture(scope="module")
def written(folder: Path, newer: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    out = tmp_path_factory.mktemp("compared") / "deep" / "out"
    result = call(folder, newer, "--out", out)
    assert result.exit_code == 0, result.output
    return out, result


def test_the_folder_holds_record_table_pictures_and_pdf(written: tuple[Path, Result], compared: Any) -> None:
    out, result = written
    assert {path.name for path in out.iterdir()} == {
        "comparison.json", "images.csv", "flips.svg", "drift.svg", "comparison.pdf",
    }  # fmt: skip
    assert ComparisonRecord.model_validate_json((out / "comparison.json").read_text()) == compared[0]
    rows = list(csv.DictReader((out / "images.csv").read_text().splitlines()))
    assert len(rows) == 24
    assert rows[0]["deepfool:flipped_before"] in ("0", "1")
    for sentence in (words.drift_sentence(compared[0]), words.map_sentence(compared[0].drift[0])):
        assert sentence.replace("\u00a0", " ") in result.output
    assert f"Written: {out / 'comparison.pdf'}" in result.output


def test_the_report_tells_it_all(written: tuple[Path, Result], compared: Any) -> None:
    reader = PdfReader(written[0] / "comparison.pdf")
    text = " ".join(" ".join(page.extract_text() for page in reader.pages).split())
    for told in (
        "newer.pt beside model.pt",
        "On clean images",
        "Under attack",
        "Explanation drift",
        "Pointing game",
        "Maps that drifted most",
        "What this does not show",
        "became breakable",
        "Decided otherwise",
    ):
        assert told in text
    assert compared[0].after.audit_sha256[:20] in text.replace(" ", "")
    assert b"<pdfuaid:part>1<" in reader.trailer["/Root"]["/Metadata"].get_data()


def test_a_comparison_is_never_written_over_nor_into_an_audit(
    folder: Path, newer: Path, written: tuple[Path, Result]
) -> None:
    again = call(folder, newer, "--out", written[0])
    assert again.exit_code == 2
    assert "holds comparison.json already" in again.output
    within = call(folder, newer, "--out", newer / "compared")
    assert within.exit_code == 2
    assert "lies in the audit" in within.output
    assert not (newer / "compared").exists()


def test_json_is_the_record_alone_and_the_default_folder_lies_beside_the_newer(
    folder: Path, newer: Path
) -> None:
    result = CliRunner().invoke(main, ["compare", str(folder), str(newer), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["images"] == 24
    made = newer.parent / f"compare-{folder.name}-newer"
    assert (made / "comparison.pdf").exists()
    shutil.rmtree(made)


def test_the_picture_of_flips_parts_them_as_the_rates_do(
    compared: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(comparison_document, "draw_flip_change", lambda changes, _: drawn.extend(changes))
    comparison_document.draw_flips(compared[0], tmp_path / "flips.svg")
    for part, item in zip(drawn, compared[0].attacks, strict=True):
        assert part.both + part.breakable == pytest.approx(item.flips.after.estimate)
        assert part.both + part.mended == pytest.approx(item.flips.before.estimate)


def test_pictures_are_in_millimetres_where_all_maps_have_them(compared: Any) -> None:
    record = compared[0]
    assert comparison_drift.drawn(record)[0] == "peak_mm"
    first = record.drift[0]
    fewer = first.shift["peak_mm"].model_copy(update={"n": first.shift["peak_mm"].n - 1})
    part = first.model_copy(update={"shift": first.shift | {"peak_mm": fewer}})
    assert comparison_drift.drawn(record.model_copy(update={"drift": [part]}))[0] == "peak_diagonal"


def test_other_thresholds_are_told(compared: Any) -> None:
    assert sum("thresholds differ (0.41 and 0.2)" in note for note in compared[0].notes) == 1


def test_the_picture_shows_a_second_sweep_of_the_images_that_are_compared(
    compared: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(comparison_drift, "draw_variability", lambda groups, *_: drawn.extend(groups))
    comparison_drift.draw_drift(*compared, tmp_path / "drift.svg")
    for own, sweep in zip(drawn[::2], drawn[1::2], strict=True):
        assert sweep.natural
        for metric, values in own.values.items():
            assert np.isnan(values[list(TURNED)]).all()
            assert not np.isfinite(sweep.values[metric][np.isnan(values)]).any()


def test_a_comparison_without_labels_says_nothing_of_accuracy_but_for_models_that_outline_alone(
    folder: Path, tmp_path: Path
) -> None:
    """Dice alone does not tell how well a model decides."""
    record = read_record(folder)

    def outline(row: Row) -> None:
        row["label"], row["dice"] = None, 0.8

    alone = record.checkpoint.model_copy(update={"diagnoses": False})
    both = altered(folder, tmp_path / "both", predictions=outline)
    outlined = altered(folder, tmp_path / "outlined", predictions=outline, checkpoint=alone)
    found, judged = (clean_comparison(paired(side, side)) for side in map(read_side, (both, outlined)))
    assert [item.name for item in found.statistics] == [item.name for item in judged.statistics] == ["Dice"]
    assert found.differs is None
    assert judged.differs is False
    (whole, _) = compare(folder, folder)
    said = words.accuracy_sentence(whole.model_copy(update={"clean": judged}))
    assert "Dice 0.800 → 0.800" in said
    unlabelled = whole.model_copy(update={"clean": found, "labelled": 0})
    assert words.turned(unlabelled) == "0\u00a0images decided otherwise"


def test_drift_beyond_a_weaker_sweep_is_called_that(compared: Any) -> None:
    """The first sentence gives the interval within which accuracy may differ, and names what maps are measured by."""
    record = compared[0]
    whole, part = (
        record.model_copy(
            update={
                "explanation_drift": True,
                "clean": record.clean.model_copy(update={"differs": False}),
                "drift": [
                    item.model_copy(
                        update={
                            "finding": "drifted",
                            "natural": item.natural.model_copy(
                                update={"whole": whole, "changes": ["gain:db=0.01"]}
                            ),
                        }
                    )
                    for item in record.drift
                ],
            }
        )
        for whole in (True, False)
    )
    accuracy = next(item for item in record.clean.statistics if item.name == "accuracy")
    for found in (whole, part):
        assert words.difference(accuracy) in words.drift_sentence(found)
    assert "more than a second sweep of the probe moves them" in words.drift_sentence(whole)
    for said in (words.drift_sentence(part), words.map_sentence(part.drift[0])):
        assert "a sweep made of gain:db=0.01 alone moves" in said


def test_without_a_yardstick_no_sentence_speaks_of_one(compared: Any) -> None:
    record = compared[0]
    none = [item.model_copy(update={"natural": None, "finding": "no yardstick"}) for item in record.drift]
    clean = record.clean.model_copy(update={"differs": True})
    found = record.model_copy(update={"drift": none, "clean": clean, "explanation_drift": False})
    assert words.drift_sentence(found).startswith("Accuracy differs")
    assert "sweep" not in words.drift_sentence(found)


def test_a_table_as_csv_leaves_unknown_values_empty() -> None:
    table = pa.table({"a": [True, None], "b": [0.123456789, None], "c": ["x, y", None]})
    assert as_csv(table) == 'a,b,c\n1,0.123457,"x, y"\n,,\n'
