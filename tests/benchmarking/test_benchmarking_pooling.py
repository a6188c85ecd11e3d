"""Pooling over folds and repeats, and the paired tests, on tables written by hand."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xaiaudit.benchmark_record import PREDICTIONS, SCHEMA, AttackFigures, RunRecord, ShiftFigures
from xaiaudit.benchmarking.comparing import adjusted, comparison_records
from xaiaudit.benchmarking.finished import ATTACKED, SHIFTED, Finished
from xaiaudit.benchmarking.pooling import result_record
from xaiaudit.benchmarking.tables import attack_columns
from xaiaudit.metrics.bootstrap import distribution
from xaiaudit.metrics.classification import clean_record
from xaiaudit.metrics.proportions import proportion
from xaiaudit.records import MAPS
from xaiaudit.records import PREDICTIONS as AUDITED
from xaiaudit.reports.benchmark_summary import run_line

CLASSES = ["benign", "malignant"]


def a_run(
    folder: Path,
    labels: Sequence[int],
    scores: Sequence[float],
    cases: Sequence[int],
    *,
    repeat: int = 1,
    fold: int = 1,
    dice: Sequence[float] | None = None,
    lesions: Sequence[bool] | None = None,
    flips: Sequence[bool] | None = None,
    silent: Sequence[bool | None] | None = None,
    assessable: bool = True,
    name: str = "model",
    outlines_only: bool = False,
) -> Finished:
    """A finished run whose decisions are its scores' signs; with `flips`, attacked, with maps of one explainer."""
    truth, margin = np.array(labels), np.array(scores, float)
    logits = np.stack([np.zeros(len(margin)), margin], 1)
    images = [f"set/{repeat}-{fold}-{k}" for k in range(len(truth))]
    decided = [CLASSES[int(value >= 0)] for value in margin]
    rows = [
        {
            "dataset": "set",
            "configuration": name,
            "repeat": repeat,
            "fold": fold,
            "image": images[k],
            "sha256": str(k),
            "case": cases[k],
            "label": CLASSES[truth[k]],
            "logits": logits[k].tolist(),
            "score": margin[k],
            "decision": decided[k],
            "dice": None if dice is None else dice[k],
        }
        for k in range(len(truth))
    ]
    folder = folder / f"{name}-{repeat}-{fold}"
    (folder / "audit").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=PREDICTIONS), folder / "predictions.parquet")
    attacks = []
    if flips is not None:
        silent = silent or [False] * len(flips)
        outlined = [None if dice is None else True] * len(flips) if lesions is None else lesions
        _write_audit(folder / "audit", images, rows, flips, silent, outlined)
        shares = proportion(np.array(flips), list(cases))
        far = distribution(np.full(len(flips), 0.1), list(cases))
        shift = ShiftFigures(explainer_id="grad-cam", silent_shift=shares, mass_centre=far)
        attacks = [
            AttackFigures(
                attack_id="pgd",
                summary="PGD",
                epsilon=0.1,
                assessable=assessable,
                why_not="" if assessable else "one decision",
                flips=shares,
                robust_accuracy=shares,
                shifts=[shift],
            )
        ]
    clean = clean_record(
        truth,
        logits,
        list(cases),
        classes=CLASSES,
        positive=1,
        threshold=0.5,
        dice=None if dice is None else np.array(dice, float),
    )
    record = RunRecord(
        schema_version=SCHEMA, xaiaudit="0", dataset="set", configuration=name, repeat=repeat, fold=fold, seed=0,
        status="done", reason="", split="", epochs=1, best_epoch=1, seconds=2.0, parameters=3, threshold=0.5,
        classes=CLASSES, positive="malignant", outlines_only=outlines_only, clean=clean, attacks=attacks, versions={},
    )  # fmt: skip
    return Finished(folder, record)


def _write_audit(
    folder: Path,
    images: list[str],
    rows: list[dict],
    flips: Sequence[bool],
    silent: Sequence,
    outlined: Sequence,
) -> None:
    def filled(schema: pa.Schema, known: dict) -> dict:
        empty = {pa.string(): "", pa.bool_(): False, pa.float64(): 0.0}
        return {item.name: known.get(item.name, empty.get(item.type, 0)) for item in schema}

    schema = pa.schema([AUDITED.field(name) for name in ATTACKED])
    other = {"benign": "malignant", "malignant": "benign"}
    attacked = [
        filled(
            schema,
            {
                "image": image,
                "attack_id": attack_id,
                "quantised": quantised,
                "curve": curve,
                "label": row["label"],
                "decision_clean": row["decision"],
                "dice": None if row["dice"] is None else row["dice"] / (1 + (attack_id == "pgd")),
                "decision": other[row["decision"]] if flipped and attack_id == "pgd" else row["decision"],
                "flipped": flipped and attack_id == "pgd" and not quantised and not curve,
                "outlined_lesion": lesion,
            },
        )
        for attack_id, quantised, curve in (
            ("none", False, False),
            ("pgd", False, False),
            ("pgd", True, False),
            ("pgd", False, True),
        )
        for image, row, flipped, lesion in zip(images, rows, flips, outlined, strict=True)
    ]
    pq.write_table(pa.Table.from_pylist(attacked, schema=schema), folder / "predictions.parquet")
    schema = pa.schema([MAPS.field(name) for name in SHIFTED])
    maps = [
        {
            "image": image,
            "attack_id": "pgd",
            "explainer_id": "grad-cam",
            "target": target,
            "silent_shift": moved if target == "same" else None,
            "mass_centre_diagonal": 0.1 * place,
        }
        for target in ("same", "own")
        for place, (image, moved) in enumerate(zip(images, silent, strict=True))
    ]
    pq.write_table(pa.Table.from_pylist(maps, schema=schema), folder / "maps.parquet")


def keeps_decisions(run: Finished) -> AttackFigures:
    return run.record.attacks[0].model_copy(update={"after_a_flip": False})


def pooled(runs: Sequence[Finished], name: str):
    found = result_record("set", "model", [run.record for run in runs], runs).metric(name)
    return None if found is None else found.pooled


def test_decisions_pool_over_folds_and_scores_do_not(tmp_path: Path) -> None:
    first = a_run(tmp_path, [0, 0, 1, 1], [-2, -1, 1, -0.5], [1, 2, 3, 4])  # AUC 1; one cancer missed
    second = a_run(tmp_path, [0, 0, 1], [5, 7, 6], [5, 6, 7], fold=2)  # AUC 1/2; two false alarms
    runs = [first, second]
    assert pooled(runs, "auc").estimate == 0.75
    assert pooled(runs, "accuracy").estimate == pytest.approx(4 / 7)
    assert pooled(runs, "sensitivity").estimate == pytest.approx(2 / 3)
    assert pooled(runs, "specificity").estimate == pytest.approx(2 / 4)
    assert pooled(runs, "balanced_accuracy").estimate == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert pooled(runs, "f1").estimate == pytest.approx(4 / 7)  # 2 TP, 2 FP, 1 FN
    assert pooled(runs, "dice") is None
    metric = result_record("set", "model", [r.record for r in runs], runs).metric("accuracy")
    assert metric.folds == pytest.approx([3 / 4, 1 / 3])
    assert (metric.mean, metric.sd) == pytest.approx((13 / 24, np.sqrt(2) * 5 / 24))


def test_repeats_of_a_case_are_one_case(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    scores = rng.normal(size=40) + labels
    once = [a_run(tmp_path / "once", labels, scores, range(40))]
    thrice = [a_run(tmp_path / "thrice", labels, scores, range(40), repeat=k) for k in (1, 2, 3)]
    for name in ("auc", "accuracy", "sensitivity", "f1"):
        one, three = pooled(once, name), pooled(thrice, name)
        assert three.estimate == pytest.approx(one.estimate)
        assert three.cases == one.cases
        assert three.high - three.low == pytest.approx(
            one.high - one.low, rel=0.06
        )  # and not sqrt(3) narrower
    once, thrice = (
        [a_run(tmp_path, labels, labels - 0.5, range(40), repeat=k, name=f"sure{many}") for k in range(many)]
        for many in (1, 3)
    )
    assert pooled(thrice, "auc").low == pooled(once, "auc").low  # of 20 pairs of cases, not of 60


def test_comparisons_are_paired_by_run_and_image(tmp_path: Path) -> None:
    labels, cases = [0, 0, 0, 0, 1, 1], range(6)
    reference = [
        a_run(tmp_path, labels, [1, 1, -1, -1, 1, -1], cases, name="a", dice=[0.1] * 6),
        a_run(tmp_path, labels, [9, 9, 9, 9, -9, -9], range(6, 12), name="a", fold=2, dice=[0.9] * 6),
    ]
    other = [
        a_run(tmp_path, labels, [1, -1, -1, -1, 1, 1], cases, name="b", dice=[0.2, 0.3, 0.4, 0.5, 0.6, 0.1])
    ]
    found = {item.measure: item for item in comparison_records("set", "b", reference, other)}
    assert set(found) == {"auc", "balanced_accuracy", "dice"}
    assert {item.runs for item in found.values()} == {1}  # the second fold has no partner
    assert found["balanced_accuracy"].difference.estimate == pytest.approx((0.25 + 0.5) / 2)
    assert found["dice"].difference.estimate == pytest.approx((0.1 + 0.2 + 0.3 + 0.4 + 0.5) / 6)
    assert found["dice"].p == pytest.approx(2 / 2**5)  # five risen of five that changed
    # of the pairs (malignant, benign), a ranks 2 + 2 halves of 4 and 0 + 2 halves of 4; b 3.5 of 4 twice
    assert found["auc"].difference.estimate == pytest.approx(7 / 8 - (3 + 1) / 8)


def test_the_same_fold_of_another_repeat_is_another_run(tmp_path: Path) -> None:
    labels, cases, scores = [0, 0, 1, 1], range(4), [-1, -1, 1, 1]
    reference = [
        a_run(tmp_path, labels, scores, cases, name="a"),
        a_run(tmp_path, labels, [1, -1, 1, 1], cases, name="a", repeat=2),
    ]
    other = [a_run(tmp_path, labels, scores, cases, name="b")]  # its second repeat was stopped
    found = {item.measure: item for item in comparison_records("set", "b", reference, other)}
    assert found["balanced_accuracy"].difference.estimate == 0
    assert found["balanced_accuracy"].runs == 1


def test_the_family_is_adjusted_as_a_whole(tmp_path: Path) -> None:
    labels, cases = [0, 0, 0, 0, 1, 1], range(6)
    reference = [a_run(tmp_path, labels, [1, 1, -1, -1, 1, -1], cases, name="a")]
    other = [a_run(tmp_path, labels, [1, -1, -1, -1, 1, 1], cases, name="b")]
    records = comparison_records("set", "b", reference, other)
    low, high = sorted(item.p for item in records)
    assert sorted(item.p_holm for item in adjusted(records)) == pytest.approx(
        [min(1, 2 * low), max(min(1, 2 * low), high)]
    )


def test_flips_and_silent_shifts_are_compared_image_by_image(tmp_path: Path) -> None:
    labels, scores, cases = [0, 1] * 4, [-1, 1] * 4, range(8)
    reference = [
        a_run(tmp_path, labels, scores, cases, name="a", flips=[False] * 8, silent=[False] * 7 + [None])
    ]
    other = [
        a_run(
            tmp_path,
            labels,
            scores,
            cases,
            name="b",
            flips=[True] * 6 + [False] * 2,
            silent=[None] + [False] * 5 + [True] * 2,
        )
    ]
    found = {item.measure: item for item in comparison_records("set", "b", reference, other)}
    assert found["flips"].difference.estimate == pytest.approx(6 / 8)
    assert found["flips"].p == pytest.approx(2 / 2**6)  # McNemar's exact test, six of six discordant
    assert found["silent_shift"].difference.n == 6  # a clean map of each is undefined
    assert found["silent_shift"].difference.estimate == pytest.approx(1 / 6)
    assert (found["flips"].attack_id, found["silent_shift"].explainer_id) == ("pgd", "grad-cam")
    # an attack that moves maps keeps decisions on purpose
    moves = [
        replace(run, record=run.record.model_copy(update={"attacks": [keeps_decisions(run)]}))
        for run in reference
    ]
    found = {item.measure for item in comparison_records("set", "b", moves, other)}
    assert "silent_shift" in found
    assert "flips" not in found


def test_robustness_pools_the_folds_that_say_something(tmp_path: Path) -> None:
    labels, scores = [0, 1, 0, 1], [-1, 1, 1, 1]  # three right
    runs = [
        a_run(
            tmp_path,
            labels,
            scores,
            range(4),
            flips=[True, False, True, False],
            silent=[False, True, True, None],
        ),
        a_run(tmp_path, labels, scores, range(4, 8), fold=2, flips=[False] * 4, assessable=False),
    ]
    (found,) = result_record("set", "model", [run.record for run in runs], runs).robustness
    assert found.runs == 1
    assert found.flips.estimate == 0.5
    assert found.flips.n == 4
    assert (
        found.robust_accuracy.estimate == 0.5
    )  # right when clean and not flipped: a wrong decision that flips is not
    assert (found.clean_accuracy.estimate, found.clean_accuracy.n) == (0.75, 4)  # of the same images
    assert found.shifts[0].silent_shift.estimate == pytest.approx(2 / 3)
    assert found.shifts[0].mass_centre.median == pytest.approx(0.15)
    (left_out,) = found.not_assessable
    assert (left_out.run, left_out.reason) == ("set, model, repeat 1, fold 2", "one decision")


def test_what_the_outline_lost_is_of_all_runs(tmp_path: Path) -> None:
    labels, scores = [0, 1], [-1, 1]
    runs = [
        a_run(tmp_path, labels, scores, [1, 2], dice=[0.2, 0.8], flips=[False] * 2),
        a_run(
            tmp_path, labels, scores, [3, 4], fold=2, dice=[0.6, np.nan], flips=[False] * 2, assessable=False
        ),
    ]
    (found,) = result_record("set", "model", [run.record for run in runs], runs).robustness
    assert found.dice_lost.estimate == pytest.approx((0.1 + 0.4 + 0.3) / 3)  # the attack halves it
    assert found.dice_lost.n == 3
    normals = [
        a_run(
            tmp_path,
            labels,
            scores,
            [1, 2],
            dice=[0.0, 0.8],  # something is drawn where nothing is, before and after
            lesions=[False, True],
            flips=[False] * 2,
            name="normals",
        )
    ]
    (found,) = result_record("set", "normals", [normals[0].record], normals).robustness
    assert (found.dice_lost.estimate, found.dice_lost.n) == (pytest.approx(0.4), 1)
    plain = [a_run(tmp_path, labels, scores, [1, 2], flips=[False] * 2, name="plain")]
    assert result_record("set", "plain", [plain[0].record], plain).robustness[0].dice_lost is None


def test_a_network_that_only_outlines_is_asked_for_no_diagnosis(tmp_path: Path) -> None:
    labels, scores, cases = [0, 1] * 4, [-1, 1] * 4, range(8)
    whole = [a_run(tmp_path, labels, scores, cases, dice=[0.5] * 8, flips=[True] * 8, name="a")]
    alone = [
        a_run(tmp_path, labels, scores, cases, dice=[0.7] * 8, flips=[True] * 8, name="b", outlines_only=True)
    ]
    found = result_record("set", "b", [alone[0].record], alone)
    assert [item.name for item in found.metrics] == ["dice", "jsi"]
    assert found.robustness[0].flips.estimate is None
    assert "no diagnosis" in found.robustness[0].not_assessable[0].reason
    assert [item.measure for item in comparison_records("set", "b", whole, alone)] == ["dice"]


def test_a_run_whose_flips_say_nothing_is_given_no_rate_anywhere(tmp_path: Path) -> None:
    labels, scores, cases = [0, 1] * 4, [-1, 1] * 4, range(8)
    stuck, outliner, sound = (
        a_run(tmp_path, labels, scores, cases, dice=[0.5] * 8, flips=[True] * 8, name=name, **own).record
        for name, own in (
            ("stuck", {"assessable": False}),
            ("outliner", {"outlines_only": True}),
            ("sound", {}),
        )
    )
    for record in (stuck, outliner):
        row = attack_columns(record)
        assert row.pop("assessable_pgd") is False
        assert set(row.values()) == {None}
        assert "flips under pgd not assessable" in run_line(record)
    assert "AUC" not in run_line(outliner)  # it makes no diagnosis
    assert attack_columns(sound)["flips_pgd"] == 1
    assert run_line(sound).startswith(
        "AUC 1.000, balanced accuracy 100.0 %, Dice 0.500, 100.0 % flips under pgd"
    )


def test_a_configuration_without_a_finished_run_has_no_figure(tmp_path: Path) -> None:
    stopped = a_run(tmp_path, [0, 1], [0, 1], [1, 2]).record.model_copy(
        update={"status": "diverged", "reason": "nan"}
    )
    found = result_record("set", "model", [stopped], [])
    assert (found.planned, found.done, found.metrics, found.robustness) == (1, 0, [], [])
    assert found.stopped[0].reason == "nan"
    assert comparison_records("set", "model", [], []) == []
