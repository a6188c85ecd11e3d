"""Boxes come from masks: of every kind of dataset that has outlines, and of the phantoms."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from data_layouts import WRITERS, square, write, write_busi
from skimage.measure import label, regionprops

from xaiaudit.data import DATASETS, open_dataset, phantom_dataset, prepare
from xaiaudit.metrics.lesions import true_boxes
from xaiaudit.types import Preprocessing, Sample

WITHOUT_OUTLINES = {"manifest", "hmss", "thammasat", "rodrigues"}  # in these layouts, as written by the tests


def by_regionprops(sample: Sample) -> set[tuple[float, ...]]:
    """A second reading: x0, y0, x1, y1 of every region whose pixels touch."""
    regions = regionprops(label(sample.mask, connectivity=2))
    return {(box[1], box[0], box[3], box[2]) for box in (region.bbox for region in regions)}


def boxes_of(samples: Sequence[Sample]) -> int:
    """How many boxes there are, each the rectangle of a region of its own mask."""
    count = 0
    for sample in samples:
        boxes = true_boxes(sample)
        if sample.mask is None:
            assert boxes is None or sample.boxes is not None or sample.label == "normal"
            continue
        assert {tuple(box) for box in boxes.tolist()} == by_regionprops(sample)
        count += len(boxes)
    return count


@pytest.mark.parametrize("kind", DATASETS)
def test_boxes_of_every_kind_come_from_its_masks(tmp_path: Path, kind: str) -> None:
    dataset = open_dataset(WRITERS[kind](tmp_path / "data"), normals="class")
    samples = list(dataset)
    lesions = sum(sample.mask is not None and bool(sample.mask.any()) for sample in samples)
    assert (boxes_of(samples) >= lesions > 0) is (kind not in WITHOUT_OUTLINES)
    if kind != "folder":  # the lesion of one image there is 4 pixels wide: on this grid no box of use is left
        boxes_of([prepare(sample, Preprocessing(size=128)) for sample in samples])


def test_several_masks_of_one_image_are_several_boxes(tmp_path: Path) -> None:
    root = write_busi(tmp_path)
    three = open_dataset(root)[1]
    assert true_boxes(three).tolist() == [[20, 10, 28, 18], [40, 10, 48, 18], [20, 30, 28, 38]]
    touching = write(tmp_path / "benign" / "benign (1)_mask.png", square() | square(top=18, left=28))
    assert touching.is_file()
    assert true_boxes(open_dataset(root)[0]).tolist() == [[20, 10, 36, 26]]  # by a corner


def test_boxes_of_the_phantoms_come_from_their_masks() -> None:
    samples = [phantom_dataset(4, seed=3, size=96)[row] for row in range(4)]
    assert boxes_of(samples) == 4
    for sample in samples:
        (box,) = true_boxes(sample).astype(int)
        inside = np.zeros_like(sample.mask)
        inside[box[1] : box[3], box[0] : box[2]] = True
        assert not (sample.mask & ~inside).any()
