"""Hits of right and wrong decisions, and withheld decisions, from tables small enough to do by hand."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from xaiaudit.auditing.abstention_statistics import abstention_records
from xaiaudit.auditing.hit_statistics import RELATED, hit_relations
from xaiaudit.auditing.tables import Tables
from xaiaudit.metrics.contrast import permutation
from xaiaudit.metrics.paired import holm
from xaiaudit.rows import Rows

UNKNOWN = -1  # no label, or one that the model has no class for


def rows(hits: dict[str, list[float | None]], images_a_case: int = 1) -> Rows:
    n = len(hits["lesion"])
    columns = {f"maximum_in_{region}": pa.array(values, pa.float64()) for region, values in hits.items()}
    return Rows(pa.table(columns | {"case": [f"case {i // images_a_case}" for i in range(n)]}))


def twenty() -> tuple[dict[str, list[float | None]], np.ndarray, np.ndarray]:
    """Ten right decisions of which nine hit the lesion, ten wrong ones of which three do; and three to leave out."""
    lesion: list[float | None] = [1.0] * 9 + [0.0] + [1.0] * 3 + [0.0] * 7
    hits = {
        "lesion": lesion,
        "ring": [0.0, 1.0] * 10,
        "posterior": [0.0] * 8 + [1.0] * 2 + [0.0] * 5 + [1.0] * 5,
        "any": [1.0] * 20,
    }
    left_out: list[float | None] = [1.0, 0.0, None]
    labels = np.array([1] * 20 + [UNKNOWN, UNKNOWN, 1])
    decisions = np.array([1] * 10 + [0] * 10 + [0, 1, 1])
    return {region: values + left_out for region, values in hits.items()}, labels, decisions


def test_images_without_a_label_are_neither_right_nor_wrong() -> None:
    hits, labels, decisions = twenty()
    found = {relation.region: relation for relation in hit_relations(rows(hits), "cam", labels, decisions)}
    assert tuple(found) == RELATED
    lesion = found["lesion"]
    assert (lesion.right.n, lesion.wrong.n) == (10, 10)
    assert (lesion.right.estimate, lesion.wrong.estimate) == (0.9, 0.3)
    assert lesion.difference.estimate == pytest.approx(0.6)
    # Newcombe 1998, table II, method 10: 9 of 10 and 3 of 10
    assert (lesion.difference.low, lesion.difference.high) == pytest.approx((0.1705, 0.8090), abs=5e-5)


def test_the_regions_of_an_explainer_are_one_family() -> None:
    hits, labels, decisions = twenty()
    found = hit_relations(rows(hits), "cam", labels, decisions)
    right = decisions[:20] == labels[:20]
    alone = [permutation(np.array(hits[region][:20], float), right, range(20)) for region in RELATED]
    assert all(p is not None for p in alone)
    expected = holm([p for p in alone if p is not None])
    assert expected != alone
    assert [relation.p for relation in found] == pytest.approx(expected)


def test_a_case_with_right_and_wrong_decisions_counts_once() -> None:
    hits, labels, decisions = twenty()
    lesion, *_ = hit_relations(rows(hits, 4), "cam", labels, decisions)
    assert (lesion.right.cases, lesion.wrong.cases) == (3, 3)  # images 8 to 11 are of one case, two of each
    assert (lesion.difference.n, lesion.difference.cases) == (20, 5)


def test_where_every_decision_is_right_there_is_nothing_to_set_it_against() -> None:
    hits, labels, _ = twenty()
    found = hit_relations(rows(hits), "cam", labels, labels)
    assert {(relation.right.n, relation.wrong.n) for relation in found} == {(20, 0)}
    assert {(relation.difference.estimate, relation.p) for relation in found} == {(None, None)}


def test_without_a_defined_map_nothing_is_related() -> None:
    hits, labels, decisions = twenty()
    nothing = {region: [None] * len(values) for region, values in hits.items()}
    assert hit_relations(rows(nothing), "cam", labels, decisions) == []


def tables(predicted: list[float | None], has_mask: bool | None = None) -> Tables:
    """Six clean images: hit, half a hit (tied), miss, undefined, without an outline, without a label."""
    plan = SimpleNamespace(
        checkpoint=SimpleNamespace(classes=["benign", "malignant"], threshold=0.5, has_mask=has_mask),
        attacks=[],
        explainers=[SimpleNamespace(id="cam")],
    )
    n = 6
    every = {"attack_id": ["none"] * n, "case": list("abcdef")}
    predictions = {
        "quantised": [False] * n,
        "curve": [False] * n,
        "label": ["benign", "benign", "malignant", "malignant", "benign", None],
        "decision": ["benign", "malignant", "benign", "malignant", "malignant", "benign"],
        "logits": [[3.0, 0.0], [0.0, 1.0], [2.0, 0.0], [0.0, 0.5], [0.0, 4.0], [5.0, 0.0]],
    }
    hits: list[float | None] = [1.0, 0.5, 0.0, None, None, 1.0]
    energy: list[float | None] = [0.1, 0.2, 0.0, None, None, 0.1]
    maps = {
        "explainer_id": ["cam"] * n,
        "target": ["own"] * n,
        "chance_any": pa.array([0.4, 0.4, 0.4, 0.4, None, 0.4]),
        "maximum_in_any": pa.array(hits),
        **{f"energy_{region}": pa.array(energy) for region in ("lesion", "ring", "posterior")},
        "predicted_maximum_any": pa.array(predicted, pa.float64()),
        "predicted_share_any": pa.array(predicted, pa.float64()),
    }
    return Tables(plan, pa.table(every | predictions), pa.table(every | maps))


def test_what_takes_no_part_in_withholding_is_counted_and_ties_are_kept() -> None:
    (found,) = abstention_records(tables([None] * 6))
    assert found.regions == "outline"
    assert (found.images, found.without_label, found.without_regions, found.undefined) == (4, 1, 1, 1)
    assert found.coverage.estimate == 2 / 4
    assert found.risk_all.estimate == 2 / 4  # the second and the third are wrong
    assert found.risk_kept.estimate == 1 / 2
    assert found.risk_withheld.estimate == 1 / 2
    # ranked by energy share: second (wrong), first, third (wrong), and last the undefined one
    assert found.energy.risk == pytest.approx([1, 1 / 2, 2 / 3, 2 / 4])
    # by confidence: first (3), third (2, wrong), second (1, wrong), fourth (0.5)
    assert found.confidence.risk == pytest.approx([0, 1 / 2, 2 / 3, 2 / 4])


def test_a_mask_head_that_draws_nothing_is_counted_and_not_assessable() -> None:
    outline, predicted = abstention_records(tables([None] * 6, has_mask=True))
    assert (outline.regions, predicted.regions) == ("outline", "predicted")
    assert outline.assessable
    assert not predicted.assessable
    assert "draws no lesion" in predicted.why_not
    assert (predicted.images, predicted.without_label, predicted.without_regions) == (5, 1, 0)
    assert predicted.undefined == 5
    for rate in (predicted.coverage, predicted.risk_kept, predicted.risk_withheld, predicted.energy.aurc):
        assert rate.estimate is None
    assert (predicted.energy.coverage, predicted.energy.excess) == ([], None)
    assert predicted.risk_all.estimate == 3 / 5
    assert predicted.confidence.aurc.estimate is not None


def test_the_mask_that_the_model_draws_needs_no_outline() -> None:
    outline, predicted = abstention_records(tables([1.0, 0.0, None, 0.0, 1.0, 1.0]))
    assert (outline.regions, predicted.regions) == ("outline", "predicted")
    assert outline.images == 4
    assert (predicted.images, predicted.without_label, predicted.without_regions) == (5, 1, 0)
    assert predicted.undefined == 1  # no mask was drawn on the third, or its map is undefined
    assert predicted.coverage.estimate == 2 / 5
    assert predicted.risk_kept.estimate == 1 / 2  # of the first and the fifth, which is wrong
