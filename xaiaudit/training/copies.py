"""Augmentation before training: each image as it is and a few fixed copies, in place of a fresh draw every epoch."""

import math
from dataclasses import fields, replace
from typing import Any

import torch

from xaiaudit.training.arrays import Arrays
from xaiaudit.training.augment import augment_batch
from xaiaudit.training.recipe import Recipe

CHUNK = 64  # images at once, as floats


def with_copies(train: Arrays, recipe: Recipe, seed: int) -> Arrays:
    """The images, then `recipe.copies` augmented copies of all of them, rounded to 8 bits as stored files would be.

    The copies depend on images, recipe and seed alone, so that a run that goes on after a kill has the same. They are
    kept in memory: of an image of 224 pixels each takes 50 kB, and as much again for its mask.

    Source: Rasaee 2022, thesis, section 2.2.1, with 3 copies.
    """
    generator = torch.Generator().manual_seed(seed)
    parts = [train, *(_copy(train, recipe, generator) for _ in range(recipe.copies))]
    joined: dict[str, Any] = {}
    for field in fields(Arrays):
        values = [getattr(part, field.name) for part in parts]
        joined[field.name] = None if values[0] is None else torch.cat(values)
    return Arrays(**joined)


def _copy(train: Arrays, recipe: Recipe, generator: torch.Generator) -> Arrays:
    batches = [
        augment_batch(train.batch(rows, torch.device("cpu")), recipe, generator)
        for rows in torch.arange(len(train)).chunk(math.ceil(len(train) / CHUNK))
    ]
    images, masks, valid = (
        [batch.images.mul(255).round().to(torch.uint8) for batch in batches],
        [batch.masks for batch in batches if batch.masks is not None],
        [batch.valid for batch in batches if batch.valid is not None],
    )
    return replace(
        train,
        images=torch.cat(images),
        masks=torch.cat(masks) if masks else None,
        valid=torch.cat(valid) if valid else None,
    )
