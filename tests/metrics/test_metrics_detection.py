"""FROC and average precision by hand, and beside pycocotools."""

import contextlib
import io

import numpy as np
import pytest

from xaiaudit.metrics.average_precision import average_precision
from xaiaudit.metrics.froc import froc, share_at
from xaiaudit.metrics.marks import AGAIN, MISS, Marks, best_scores, found

LESION = [10.0, 10.0, 30.0, 30.0]
OTHER = [50.0, 50.0, 70.0, 70.0]
NOWHERE = [80.0, 0.0, 90.0, 10.0]


def marks(boxes: list[list[float]], scores: list[float], lesions: list[list[float]]) -> Marks:
    return Marks(
        boxes=np.array(boxes, float).reshape(-1, 4),
        scores=np.array(scores),
        lesions=np.array(lesions, float).reshape(-1, 4),
    )


def test_a_lesion_is_found_once_by_its_likeliest_box() -> None:
    drawn = marks([LESION, LESION, NOWHERE, OTHER], [0.5, 0.9, 0.8, 0.1], [LESION, OTHER])
    assert found(drawn, 0.2).tolist() == [AGAIN, 0, MISS, 1]
    assert best_scores(drawn, 0.2).tolist() == [0.9, 0.1]
    assert best_scores(marks([NOWHERE], [0.9], [LESION]), 0.2).tolist() == [-np.inf]
    assert found(marks([], [], [LESION]), 0.2).tolist() == []


def test_an_overlap_must_exceed_or_reach() -> None:
    fifth = [10.0, 10.0, 30.0, 14.0]  # 80 of 400 pixels
    assert found(marks([fifth], [0.5], [LESION]), 0.2).tolist() == [MISS]
    assert found(marks([fifth], [0.5], [LESION]), 0.2, reached=True).tolist() == [0]
    assert found(marks([fifth], [0.5], [LESION]), 0.1999).tolist() == [0]


def test_a_box_on_two_lesions_finds_the_nearer_and_then_the_other() -> None:
    wide = [10.0, 10.0, 50.0, 30.0]
    left, right = [10.0, 10.0, 32.0, 30.0], [32.0, 10.0, 50.0, 30.0]
    assert found(marks([wide, wide, wide], [0.9, 0.8, 0.7], [left, right]), 0.2).tolist() == [0, 1, AGAIN]


def scene() -> list[Marks]:
    """Three lesions in two images, one image without: hits at 0.9 and 0.5, false marks at 0.8, 0.6 and 0.5."""
    return [
        marks([LESION, NOWHERE, LESION], [0.9, 0.8, 0.7], [LESION]),
        marks([OTHER, NOWHERE], [0.5, 0.5], [LESION, OTHER]),
        marks([OTHER], [0.6], []),
    ]


def test_froc_by_hand() -> None:
    points = [(round(point.false_marks, 6), round(point.share, 6)) for point in froc(scene())]
    third = 1 / 3
    # equal scores count together
    assert points == [(0, 0), (0, round(third, 6)), (round(third, 6), round(third, 6)),
                      (round(2 * third, 6), round(third, 6)), (1, round(2 * third, 6))]  # fmt: skip
    assert froc([marks([OTHER], [0.6], [])]) == []


@pytest.mark.parametrize(
    ("rate", "share"), [(0.0, 1 / 3), (0.5, 1 / 3), (0.99, 1 / 3), (1.0, 2 / 3), (5.0, 2 / 3)]
)
def test_the_share_at_a_rate_by_hand(rate: float, share: float) -> None:
    found = share_at(scene(), ["a", "b", "c"], rate)
    assert found.estimate == pytest.approx(share)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= share <= found.high
    assert (found.n, found.cases) == (3, 3)


def test_without_a_lesion_nothing_is_told() -> None:
    nothing = share_at([marks([OTHER], [0.6], []), marks([], [], [])], ["a", "b"], 1.0)
    assert (nothing.estimate, nothing.low, nothing.high) == (None, None, None)
    assert np.isnan(average_precision([marks([OTHER], [0.6], [])], 0.5))


def test_a_detector_that_draws_nothing_finds_nothing() -> None:
    silent = [marks([], [], [LESION]), marks([], [], [OTHER])]
    assert share_at(silent, ["a", "b"], 1.0).estimate == 0.0
    assert average_precision(silent, 0.5) == 0.0


def test_the_interval_covers_at_its_level() -> None:
    """400 draws of 40 images of one lesion each, found with a chance of 0.7 at a score above every false mark."""
    rng = np.random.default_rng(0)
    held = 0
    for seed in range(400):
        hits = rng.random(40) < 0.7
        images = [marks([LESION] if hit else [NOWHERE], [0.9 if hit else 0.1], [LESION]) for hit in hits]
        interval = share_at(images, list(range(40)), 1.0, seed=seed)  # type: ignore[arg-type]
        assert interval.low is not None
        assert interval.high is not None
        held += interval.low <= 0.7 <= interval.high
    assert 0.92 <= held / 400 <= 0.99


def some_images(seed: int, n: int = 12) -> list[Marks]:
    rng = np.random.default_rng(seed)
    images = []
    for _ in range(n):
        corner = rng.uniform(0, 60, (rng.integers(0, 3), 2))
        lesions = np.concatenate((corner, corner + rng.uniform(10, 30, corner.shape)), 1)
        near = np.zeros((0, 4))
        if len(lesions):
            near = lesions[rng.integers(0, len(lesions), 4)] + rng.uniform(
                -4, 4, (4, 4)
            )  # sides are 10 at least
        far = rng.uniform(0, 60, (3, 2))
        boxes = np.concatenate((near, np.concatenate((far, far + rng.uniform(5, 30, far.shape)), 1)))
        images.append(Marks(boxes=boxes, scores=rng.permutation(100)[: len(boxes)] / 100, lesions=lesions))
    return images


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_is_that_of_pycocotools(seed: int) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    images = some_images(seed)
    truth, drawn = [], []
    for number, image in enumerate(images, start=1):
        for x0, y0, x1, y1 in image.lesions.tolist():
            truth.append({"id": len(truth) + 1, "image_id": number, "category_id": 1,
                          "bbox": [x0, y0, x1 - x0, y1 - y0], "area": (x1 - x0) * (y1 - y0), "iscrowd": 0})  # fmt: skip
        for (x0, y0, x1, y1), score in zip(image.boxes.tolist(), image.scores.tolist(), strict=True):
            drawn.append(
                {"image_id": number, "category_id": 1, "bbox": [x0, y0, x1 - x0, y1 - y0], "score": score}
            )
    with contextlib.redirect_stdout(io.StringIO()):
        known = coco.COCO()
        known.dataset = {"images": [{"id": i + 1} for i in range(len(images))], "annotations": truth,
                         "categories": [{"id": 1}], "info": {}}  # fmt: skip
        known.createIndex()
        judge = cocoeval.COCOeval(known, known.loadRes(drawn), "bbox")
        judge.params.iouThrs = np.array([0.2, 0.4, 0.5, 0.75])
        judge.params.maxDets = [1, 10, 100]
        judge.evaluate()
        judge.accumulate()
    for place, iou in enumerate(judge.params.iouThrs):
        theirs = judge.eval["precision"][place, :, 0, 0, 2].mean()
        assert average_precision(images, float(iou)) == pytest.approx(theirs, abs=1e-9)


def test_none_and_all_found_are_no_certainty() -> None:
    """Wilson's interval of 2 of 2 and 0 of 2 lesions in two cases: 2 / (2 + 1.96**2) by hand."""
    lesions = [marks([LESION], [0.9], [LESION]), marks([OTHER], [0.9], [OTHER])]
    every = share_at(lesions, ["a", "b"], 1.0)
    none = share_at([marks([], [], [LESION]), marks([], [], [OTHER])], ["a", "b"], 1.0)
    assert (every.estimate, every.high, none.estimate, none.low) == (1.0, 1.0, 0.0, 0.0)
    assert every.low == pytest.approx(2 / (2 + 1.959964**2), abs=1e-6)
    assert none.high == pytest.approx(1 - 2 / (2 + 1.959964**2), abs=1e-6)
