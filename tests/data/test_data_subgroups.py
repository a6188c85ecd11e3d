"""Subgroups of images: spellings by example, sizes against areas known by hand, and those of real datasets."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from xaiaudit.data import open_dataset
from xaiaudit.data.subgroups import canonical, size, subgroups
from xaiaudit.types import Mask, Sample


def sample(mask: Mask | None, **known: object) -> Sample:
    shape = (100, 100) if mask is None else mask.shape
    image = np.zeros(shape, np.uint8)
    facts = {"label": None, "case": None, "file": "a.png", "dataset": "made", "sha256": ""}
    return Sample(**{**facts, "image": image, "mask": mask, "source_shape": shape} | known)


def block(rows: int, columns: int, shape: tuple[int, int] = (100, 100)) -> Mask:
    mask = np.zeros(shape, bool)
    mask[5 : 5 + rows, 5 : 5 + columns] = True
    return mask


@pytest.mark.parametrize(
    ("attribute", "text", "expected"),
    [
        ("birads", "4a", "4A"),
        ("birads", " 4A ", "4A"),
        ("birads", "BI-RADS 4a", "4A"),
        ("birads", "birads: 5", "5"),
        ("birads", "Category 0", "0"),
        ("birads", "4.0", "4"),
        ("birads", "4 or 5", "4 OR 5"),  # no category, and still what somebody wrote
        ("birads", "not available", None),
        ("birads", "", None),
        ("device", "GE Logiq 7 @10-14MHz", "GE LOGIQ 7"),
        ("device", "ge  logiq 7", "GE LOGIQ 7"),
        ("device", "Toshiba Aplio 300 @12-14 MHz", "TOSHIBA APLIO 300"),
        ("device", "Unknown", None),
        ("device", "@10-14MHz", None),
        ("device", "unknown @10-14MHz", None),
        ("size", "Up to 10 mm", "up to 10 mm"),
    ],
)
def test_one_spelling_for_one_subgroup(attribute: str, text: str, expected: str | None) -> None:
    assert canonical(attribute, text) == expected
    if expected is not None:
        assert canonical(attribute, expected) == expected


def test_attributes_are_found_whatever_their_case() -> None:
    found = subgroups(
        sample(None, attributes={"BI-RADS": "4c", "Device": "U-Systems @10-14MHz", "side": "left"})
    )
    assert found == {"device": "U-SYSTEMS", "birads": "4C", "size": None}
    others = {
        "device_2": "another",
        "BI-RADS 2nd reader": "5",
        "birads_2": "5",
    }  # are no spellings of these names
    assert subgroups(sample(None, attributes=others)) == dict.fromkeys(("device", "birads", "size"))
    assert subgroups(sample(None)) == dict.fromkeys(("device", "birads", "size"))


@pytest.mark.parametrize(
    ("rows", "columns", "spacing", "expected"),
    [
        (10, 10, (1.0, 1.0), "10 to 20 mm"),  # 100 square mm: a disc of 11.3 mm
        (8, 9, (1.0, 1.0), "up to 10 mm"),  # 72: 9.6 mm
        (8, 9, (1.0, 2.0), "10 to 20 mm"),  # the same pixels, 144 square mm: 13.5 mm
        (18, 18, (1.0, 1.0), "over 20 mm"),  # 324: 20.3 mm
        (20, 20, None, "relative: up to 4 %"),  # 400 of 10,000 pixels, just at the cut
        (20, 21, None, "relative: 4 to 10 %"),
        (25, 40, None, "relative: 4 to 10 %"),  # 1,000
        (25, 41, None, "relative: over 10 %"),
    ],
)
def test_sizes_by_hand(rows: int, columns: int, spacing: tuple[float, float] | None, expected: str) -> None:
    assert size(sample(block(rows, columns), spacing=spacing)) == expected


def test_of_several_lesions_the_largest_counts_and_padding_is_no_lesion_and_no_image() -> None:
    mask = block(20, 20)
    mask[60:75, 60:75] = True  # 225 more pixels, of another lesion
    assert size(sample(mask)) == "relative: up to 4 %"
    valid = np.ones_like(mask)
    valid[:, 50:] = False  # 400 of 5,000 real pixels
    assert size(sample(mask, valid=valid)) == "relative: 4 to 10 %"
    assert size(sample(block(20, 20), valid=np.pad(np.ones((75, 75), bool), ((25, 0), (25, 0))))) is None


def test_without_a_lesion_there_is_no_size() -> None:
    assert size(sample(None)) is None
    assert size(sample(np.zeros((100, 100), bool))) is None


def test_subgroups_of_real_images(test_data: Path) -> None:
    """Counted by hand in the tables of the datasets."""
    found = [subgroups(item) for item in open_dataset(test_data / "busbra")]
    assert Counter(item["device"] for item in found) == {
        "GE LOGIQ 7": 260,
        "GE LOGIQ 5": 246,
        "TOSHIBA APLIO 300": 46,
        "U-SYSTEMS": 5,
    }
    assert Counter(item["birads"] for item in found) == {"2": 175, "3": 149, "4": 194, "5": 39}
    assert {item["size"] for item in found} == {
        f"relative: {text} %" for text in ("up to 4", "4 to 10", "over 10")
    }
    found = [subgroups(item) for item in open_dataset(test_data / "breast_usg", normals="class")]
    categories = {"1": 1, "2": 7, "3": 9, "4A": 10, "4B": 10, "4C": 12, "5": 11}
    assert Counter(item["birads"] for item in found) == categories
    assert {item["device"] for item in found} == {None}
    assert Counter(item["size"] for item in found) == {
        "up to 10 mm": 25,
        "10 to 20 mm": 29,
        "over 20 mm": 5,
        None: 1,  # the normal
    }
