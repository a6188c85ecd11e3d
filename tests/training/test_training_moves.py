"""Zoom, shear and width shift by hand; copies made before training, in place of fresh draws."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from training_nets import SMALL, write_images

from xaiaudit.data import open_dataset
from xaiaudit.errors import UsageError
from xaiaudit.training import Recipe, Silent, loop, train
from xaiaudit.training.arrays import Arrays, Batch
from xaiaudit.training.augment import augment, augment_batch
from xaiaudit.training.copies import with_copies

STILL = {"flip": 0.0, "rotation": 0.0, "shift": 0.0}
ROWS, COLUMNS = torch.meshgrid(torch.arange(60) + 0.5, torch.arange(100) + 0.5, indexing="ij")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_width_shifts_are_horizontal_within_their_bound_and_bring_in_zeros() -> None:
    images = torch.ones(200, 1, 6, 40)
    moved, _ = augment(images, None, Recipe(**STILL, width_shift=0.1), seeded())
    lost = 40 - moved.sum((1, 2, 3)) / 6  # columns
    assert 3.9 < lost.max() <= 4 + 1e-4  # 10 % of 40 columns
    assert torch.allclose(moved[..., 0, :], moved[..., 5, :])  # nothing moved up or down
    assert (moved[:, 0, 0, 0] < 1).any()
    assert (moved[:, 0, 0, -1] < 1).any()  # to either side


def test_a_zoom_keeps_circles_and_changes_their_area_within_its_bound() -> None:
    disc = (((ROWS - 30) ** 2 + (COLUMNS - 50) ** 2) < 15**2)[None, None]
    images = disc.float().repeat(200, 1, 1, 1)
    moved, masks = augment(images, disc.repeat(200, 1, 1, 1), Recipe(**STILL, zoom=0.2), seeded())
    sides = (moved.sum((1, 2, 3)) / disc.sum()).sqrt()
    assert 0.795 < sides.min() < 0.82
    assert 1.18 < sides.max() < 1.205
    heights, widths = (masks.any(axis)[:, 0].sum(1) for axis in (3, 2))
    assert (heights - widths).abs().max() <= 1
    assert (
        masks.sum((1, 2, 3)) / disc.sum() - sides**2
    ).abs().max() < 0.08  # rings of pixels come and go at once


def test_a_shear_slides_rows_by_its_angle_on_any_grid() -> None:
    line = (COLUMNS[0] - 50).abs() < 1
    images = line.float().expand(100, 1, 60, 100)
    moved, _ = augment(images, None, Recipe(**STILL, shear=30.0), seeded())
    middle = (moved[:, 0] * COLUMNS).sum(2) / moved[:, 0].sum(2)  # of the line, in each row
    angles = torch.rad2deg(torch.atan2(middle[:, 45] - middle[:, 15], torch.tensor(30.0)))
    assert 28 < angles.abs().max() < 30.1
    assert angles.min() < -20 < 20 < angles.max()
    torch.testing.assert_close(middle[:, 29] + middle[:, 30], torch.full((100,), 100.0))  # about the middle
    torch.testing.assert_close(moved.sum((1, 2, 3)), images.sum((1, 2, 3)), rtol=0.02, atol=0)


def test_all_at_once_is_one_affine_change_of_image_and_mask() -> None:
    images = torch.zeros(50, 1, 60, 100)
    images[..., 20:40, 30:60] = 1
    recipe = Recipe(rotation=20, shift=0.2, width_shift=0.2, zoom=0.2, shear=10, vertical_flip=0.5)
    moved, masks = augment(images, images > 0.5, recipe, seeded())
    assert ((moved > 0.5) != masks).float().mean() < 0.01


@pytest.mark.parametrize("parts", [("masks", "valid"), ("masks",), ("valid",), ()])
def test_masks_and_real_pixels_of_a_batch_move_with_its_images(parts: tuple[str, ...]) -> None:
    levels = torch.arange(48.0).view(1, 1, 6, 8).repeat(3, 1, 1, 1) / 48
    beside = {"masks": levels > 0.7, "valid": levels > 0.2}
    batch = Batch(levels, torch.arange(3), *(beside[name] if name in parts else None for name in beside))
    moved = augment_batch(batch, Recipe(**STILL | {"flip": 1.0}), seeded())
    torch.testing.assert_close(moved.images, levels.flip(3))
    for name, given in beside.items():
        found = getattr(moved, name)
        assert found is None if name not in parts else torch.equal(found, given.flip(3))
    assert torch.equal(moved.labels, batch.labels)


def test_what_is_not_asked_for_changes_no_draw() -> None:
    images = torch.rand(4, 1, 16, 16)
    plain, other = seeded(), seeded()
    moved, _ = augment(images, None, Recipe(), plain)
    same, _ = augment(images, None, Recipe(zoom=0.0, shear=0.0, width_shift=0.0), other)
    assert torch.equal(moved, same)
    assert torch.equal(plain.get_state(), other.get_state())
    fresh = seeded()
    torch.rand(3, 4, generator=fresh)
    assert torch.equal(plain.get_state(), fresh.get_state())


def material(masks: Callable[[torch.Tensor], torch.Tensor] | None = None) -> Arrays:
    images = torch.randint(0, 256, (70, 1, 16, 16), dtype=torch.uint8, generator=seeded())
    return Arrays(images, torch.arange(70) % 2, masks(images) if masks else None, images >= 0)


def test_copies_stand_behind_the_images_as_they_are() -> None:
    train, recipe = material(lambda images: images > 127), Recipe(copies=3, brightness=0.1)
    found = with_copies(train, recipe, seed=1)
    assert len(found) == 4 * len(train)
    assert torch.equal(found.images[:70], train.images)
    assert torch.equal(found.labels, train.labels.repeat(4))
    assert found.images.dtype == torch.uint8
    assert found.masks is not None
    assert found.masks.shape == found.images.shape
    assert found.valid is not None
    assert not found.valid[70:].all()  # what came in from outside
    copies = found.images[70:].view(3, 70, -1)
    assert not any(torch.equal(copies[a], copies[b]) for a, b in ((0, 1), (1, 2), (0, 2)))
    again, other = with_copies(train, recipe, seed=1), with_copies(train, recipe, seed=2)
    assert torch.equal(again.images, found.images)
    assert not torch.equal(other.images, found.images)


def test_a_copy_is_the_augmented_image_rounded() -> None:
    train = material()
    found = with_copies(train, Recipe(**STILL | {"flip": 1.0}, copies=1), seed=0)
    assert torch.equal(found.images[70:], train.images.flip(3))
    assert found.masks is None


def test_a_run_with_copies_sees_each_of_them_every_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "augment_batch", None)  # must not be called by an epoch
    images = open_dataset(write_images(tmp_path / "images", 24))
    steps: list[tuple[int, int]] = []

    class Counting(Silent):
        def batch(self, epoch: int, epochs: int, done: int, batches: int) -> None:
            steps.append((epoch, batches))

    recipe = Recipe(epochs=2, batch_size=8, learning_rate=1e-3, copies=3)
    trained = train(
        "small-cnn", images, tmp_path / "m.pt", preprocessing=SMALL, recipe=recipe, progress=Counting()
    )
    n = 4 * len(trained.split.train)
    assert [batches for epoch, batches in steps if epoch == 1] == [-(-n // 8)] * -(-n // 8)
    assert {epoch for epoch, _ in steps} == {1, 2}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"width_shift": 1.0}, "width shift in"),
        ({"zoom": 1.0}, "zoom in"),
        ({"shear": 90.0}, "shear in"),
        ({"copies": -1}, "copies must be at least 0"),
        (STILL | {"copies": 3}, "copies of each image that nothing changes"),
    ],
)
def test_augmentation_out_of_range_says_so(changed: dict[str, float], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        Recipe(**changed)
    assert "\n" not in str(caught.value)
