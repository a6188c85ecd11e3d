"""What a metric says of each image, by hand: rows of other kinds, and images that do not count, are left out."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from judged_audits import made

from xaiaudit.gate.audited import Audited
from xaiaudit.gate.measures import measure
from xaiaudit.gate.questions import Question

YES, NO, NAN = 1.0, 0.0, np.nan


def values(audited: Audited, metric: str, **question: Any) -> list[float]:
    record = audited.record
    if metric in ("silent-shift", "vanished", "pointing"):
        question["explainer"] = record.explainers[0]
    found: list[float] = measure(audited, Question(metric=metric, **question)).values.tolist()
    return found


def edited(table: pa.Table, of: dict[str, Any], name: str, column: list[Any]) -> pa.Table:
    """The table with other values in one column, in the rows where all of `of` holds."""
    here = np.ones(len(table), bool)
    for key, wanted in of.items():
        here &= np.array(
            [item == wanted for item in table["attack_id" if key == "attack" else key].to_pylist()]
        )
    whole = table[name].to_pylist() if name in table.column_names else [None] * len(table)
    for place, value in zip(np.flatnonzero(here), column, strict=True):
        whole[place] = None if isinstance(value, float) and np.isnan(value) else value
    if name in table.column_names:
        new = pa.array(whole, table.schema.field(name).type)
        return table.set_column(table.column_names.index(name), name, new)
    return table.append_column(name, pa.array(whole))


def four(**columns: Any) -> Audited:
    """Benign, benign, malignant, malignant; each decided rightly; the first and the third flip."""
    usual = {"flipped": {"fgsm": np.array([True, False, True, False])}, "silent": {"fgsm": np.zeros(4)}}
    return made(4, wrong=0, **usual | columns)


def fgsm(audited: Audited) -> dict[str, Any]:
    return {"attack": audited.record.attacks[0]}


def test_a_map_that_vanished_is_no_hit_and_one_that_was_undefined_does_not_count() -> None:
    audited = four(hit=np.array([YES, YES, NO, NAN]))
    maps = edited(audited.maps, {"attack": "fgsm"}, "maximum_in_any", [YES, NAN, YES, YES])
    audited = replace(audited, maps=maps)
    assert values(audited, "pointing", **fgsm(audited)) == pytest.approx([YES, NO, YES, NAN], nan_ok=True)
    assert values(audited, "pointing") == pytest.approx([YES, YES, NO, NAN], nan_ok=True)


def test_only_a_map_that_was_defined_can_vanish() -> None:
    audited = four()
    maps = edited(audited.maps, {"attack": "none"}, "defined", [True, True, False, True])
    maps = edited(maps, {"attack": "fgsm"}, "vanished", [True, False, True, False])
    audited = replace(audited, maps=maps)
    assert values(audited, "vanished", **fgsm(audited)) == pytest.approx([YES, NO, NAN, NO], nan_ok=True)


def test_what_the_attack_puts_right_was_wrong() -> None:
    audited = four(margin=np.array([1.0, -1.0, 1.0, 1.0]))  # the first is wrong, and right once it flips
    assert values(audited, "robust-accuracy", **fgsm(audited)) == [NO, YES, NO, YES]


def test_images_without_a_label_count_for_nothing_that_needs_one() -> None:
    audited = four(label=np.array([-1, 0, 1, 1]))
    attack = fgsm(audited)
    for metric, expected in {
        "specificity": [NAN, YES, NAN, NAN],
        "sensitivity": [NAN, NAN, YES, YES],
        "accuracy": [NAN, YES, YES, YES],
    }.items():
        assert values(audited, metric) == pytest.approx(expected, nan_ok=True)
    for metric, expected in {
        "false-alarms": [NAN, NO, NAN, NAN],
        "missed-cancers": [NAN, NAN, YES, NO],
        "robust-accuracy": [NAN, YES, NO, YES],
        "flip-rate": [YES, NO, YES, NO],
    }.items():
        assert values(audited, metric, **attack) == pytest.approx(expected, nan_ok=True)


def test_an_alarm_that_was_there_when_clean_is_not_the_attacks() -> None:
    audited = four(margin=np.array([-1.0, 1.0, 1.0, 1.0]))
    assert values(audited, "false-alarms", **fgsm(audited)) == pytest.approx(
        [YES, NAN, NAN, NAN], nan_ok=True
    )


def test_a_goal_is_judged_where_it_applies() -> None:
    audited = four()
    table = edited(audited.predictions, {"attack": "fgsm"}, "applicable", [True, False, False, True] * 2)
    audited = replace(audited, predictions=table)
    assert values(audited, "goal-rate", **fgsm(audited)) == pytest.approx([YES, NAN, NAN, NO], nan_ok=True)


def test_only_lesions_that_are_outlined_have_a_dice() -> None:
    audited = four()
    table = edited(audited.predictions, {"attack": "none"}, "dice", [0.9, 0.8, 0.0, 1.0])
    table = edited(table, {"attack": "fgsm"}, "dice", [0.4, 0.3, 0.0, 1.0] * 2)
    table = edited(table, {"attack": "none"}, "outlined_lesion", [True, True, True, False])
    audited = replace(audited, predictions=table)
    assert values(audited, "dice") == pytest.approx([0.9, 0.8, 0.0, NAN], nan_ok=True)
    assert values(audited, "dice", **fgsm(audited)) == pytest.approx([0.4, 0.3, 0.0, NAN], nan_ok=True)


def test_rounded_images_are_judged_where_they_are_asked_for_and_nowhere_else() -> None:
    audited = four()
    rows = {"attack": "fgsm", "quantised": True}
    table = edited(audited.predictions, rows, "flipped", [False, False, True, True])
    table = edited(table, rows, "decision", ["benign", "benign", "benign", "benign"])
    table = edited(table, rows, "dice", [0.1] * 4)
    table = edited(table, {"attack": "fgsm", "quantised": False}, "dice", [0.2] * 4)
    audited = replace(audited, predictions=table)
    for rounded, flipped, missed, dice in (
        (False, [1, 0, 1, 0], [1, 0], 0.2),
        (True, [0, 0, 1, 1], [1, 1], 0.1),
    ):
        named = {**fgsm(audited), "rounded": rounded}
        assert values(audited, "flip-rate", **named) == flipped
        assert values(audited, "missed-cancers", **named)[2:] == missed
        assert values(audited, "dice", **named) == [dice] * 4


def test_points_of_the_curve_and_maps_of_the_new_decision_are_other_rows() -> None:
    audited = four()
    attacked = audited.predictions.filter(pc.equal(audited.predictions["attack_id"], "fgsm"))
    curve = edited(attacked, {}, "curve", [True] * 8)
    curve = edited(curve, {}, "flipped", [True] * 8)
    own = audited.maps.filter(pc.equal(audited.maps["attack_id"], "fgsm"))
    own = edited(edited(own, {}, "target", ["own"] * 4), {}, "silent_shift", [True] * 4)
    mixed = replace(
        audited,
        predictions=pa.concat_tables([curve, audited.predictions]),
        maps=pa.concat_tables([own, audited.maps]),
    )
    assert values(mixed, "flip-rate", **fgsm(mixed)) == [YES, NO, YES, NO]
    assert values(mixed, "silent-shift", **fgsm(mixed)) == [NO] * 4


def test_rows_are_taken_by_their_image_and_not_by_their_place() -> None:
    audited = four()
    table = audited.predictions
    turned = pa.concat_tables([table.slice(0, 4), table.slice(4).take(list(range(8))[::-1])])
    assert values(replace(audited, predictions=turned), "flip-rate", **fgsm(audited)) == [YES, NO, YES, NO]


def test_no_map_moves_in_silence_where_the_second_sweep_changes_the_decision() -> None:
    audited = four(swept=np.array([True, False, False, True]), swept_silent=np.array([NO, YES, NO, NO]))
    found = measure(audited, Question(metric="sweep-silent-shift", explainer=audited.record.explainers[0]))
    assert found.values.tolist() == [NO, YES, NO, NO]
    assert found.standing is not None
    assert found.standing.tolist() == [False, True, True, False]
