"""The epsilon curve of one shard: at which radius each image is first reached, before and after rounding to 8 bits."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

from torch import Tensor

from xaiaudit.attacks.base import Attack, Criterion
from xaiaudit.attacks.quantise import quantise
from xaiaudit.auditing.judging import Judged, judge_changed
from xaiaudit.auditing.loading import Loaded
from xaiaudit.models import AuditedModel
from xaiaudit.models.prepared import Prepared
from xaiaudit.tensors import AttackResult


class Outcome(NamedTuple):
    """What an attack left of a shard's images, before and after rounding to 8 bits, and the model's word on both."""

    result: AttackResult
    judged: Judged
    rounded: Tensor
    judged_rounded: Judged


def curve(
    ready: Prepared,
    model: AuditedModel,
    loaded: Loaded,
    clean: Judged,
    attack: Attack,
    criterion: Criterion,
    radii: Sequence[float],
) -> Iterator[tuple[float, Outcome]]:
    """The outcome at each radius, rising.

    An image that is reached at one radius is reached at every larger one, with the same adversarial image, as that
    lies in the larger ball too; the same after rounding. One on which the attack fails at a radius is not tried at
    smaller ones, unless no radius was enough.
    """
    radii = sorted(radii)
    if not radii:
        return
    found = attack(
        ready.search,
        loaded.images,
        criterion,
        valid=loaded.valid,
        seeds=loaded.seeds,
        radii=radii,
        to_goal=True,
        stored=True,
        judge=ready.judge,
    )
    last = last_rounded = (loaded.images, clean)
    for place, radius in enumerate(radii):
        result = _at(found, place)
        rounded = rounded_images(result)
        last = result.images, judge_changed(model, result.images, loaded, *last)
        last_rounded = rounded, judge_changed(model, rounded, loaded, *last_rounded)
        yield radius, Outcome(result, last[1], rounded, last_rounded[1])


def rounded_images(result: AttackResult) -> Tensor:
    """The images on the 8-bit grid: those that the attack looked for, else its own, rounded."""
    return quantise(result.images) if result.stored is None else result.stored


def _at(found: AttackResult, place: int) -> AttackResult:
    values: dict[str, Any] = {}
    for field in fields(AttackResult):
        value = getattr(found, field.name)
        values[field.name] = None if value is None else value[place]
    return AttackResult(**values)
