"""Which images two audits share, and which row of one is which of the other, by hand."""

from typing import Any

import pyarrow as pa
import pytest

from xaiaudit.same_images import lacking, otherwise_prepared, relabelled, rows_of


def images(*rows: tuple[str, str | None, str]) -> pa.Table:
    return pa.table(
        {name: [row[i] for row in rows] for i, name in enumerate(("sha256", "label", "image"))},
        pa.schema([(name, pa.string()) for name in ("sha256", "label", "image")]),
    )


def test_of_copies_as_many_are_lacking_as_are_too_many() -> None:
    own = images(("s", None, "1"), ("t", None, "2"), ("s", None, "3"), ("s", None, "4"))
    other = images(("s", None, "x"), ("u", None, "y"))
    assert lacking(own, other) == ["2", "3", "4"]
    assert lacking(other, own) == ["y"]
    assert lacking(own, own) == []


def test_rows_are_those_of_the_same_pixels_in_any_order() -> None:
    own = images(*((sha256, "benign", sha256) for sha256 in "abcd"))
    other = images(*((sha256, "benign", name) for sha256, name in zip("dbac", "1234", strict=True)))
    assert rows_of(own, other).tolist() == [2, 1, 3, 0]
    assert rows_of(other, own).tolist() == [3, 1, 0, 2]


def test_copies_are_paired_by_their_labels_and_then_by_their_names() -> None:
    own = images(("c", "benign", "a"), ("c", "malignant", "b"), ("c", None, "c"))
    assert rows_of(own, images(("c", None, "x"), ("c", "malignant", "y"), ("c", "benign", "z"))).tolist() == [
        2,
        1,
        0,
    ]
    alike = images(("c", "benign", "b"), ("c", "benign", "a"))
    assert rows_of(alike, images(("c", "benign", "x"), ("c", "benign", "y"))).tolist() == [1, 0]


def test_other_labels_are_told_with_both() -> None:
    own = images(("s", "benign", "1"), ("t", None, "2"), ("u", "benign", "3"))
    other = images(("u", "benign", "x"), ("t", "benign", "y"), ("s", "malignant", "z"))
    assert relabelled(own, other, rows_of(own, other)) == [
        ("1", "benign", "malignant"),
        ("2", None, "benign"),
    ]


@pytest.mark.parametrize(
    ("own", "other", "told"),
    [
        ({"size": 64}, {"size": 64}, []),
        ({"size": 64, "mode": "pad"}, {"size": 96}, [("size", 64, 96), ("mode", "pad", None)]),
        ({"size": 64}, {"size": 64, "inputs": []}, []),  # as an older version recorded it
        ({"inputs": ["grey", "mask"]}, {}, [("inputs", ["grey", "mask"], [])]),
    ],
)
def test_what_was_prepared_otherwise_is_told(
    own: dict[str, Any], other: dict[str, Any], told: list[Any]
) -> None:
    assert otherwise_prepared(own, other) == told
