"""The epsilon curve of one shard: at which radius each image is first reached, before and after rounding to 8 bits."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from torch import Tensor

from xaiaudit.attacks.base import Attack, Criterion
from xaiaudit.attacks.quantise import quantise
from xaiaudit.attacks.sweep import only
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


class Case(NamedTuple):
    """What is attacked: a shard's images, and the model that they are attacked on."""

    ready: Prepared
    model: AuditedModel
    loaded: Loaded
    clean: Judged

    def attacked(self, attack: Attack, criterion: Criterion, **options: Any) -> AttackResult:
        """The attack on all images, rounded ones looked for too."""
        return attack(
            self.ready.search,
            self.loaded.images,
            criterion,
            valid=self.loaded.valid,
            seeds=self.loaded.seeds,
            stored=True,
            judge=self.ready.judge,
            **options,
        )


def curve(
    case: Case, attack: Attack, criterion: Criterion, radii: Sequence[float]
) -> Iterator[tuple[float, Outcome]]:
    """The outcome at each radius, rising.

    An image that is reached at one radius is reached at every larger one, with the same adversarial image, as that
    lies in the larger ball too; the same after rounding. One on which the attack fails at a radius is not tried at
    smaller ones, unless no radius was enough.
    """
    radii = sorted(radii)
    if not radii:
        return
    model, loaded = case.model, case.loaded
    found = case.attacked(attack, criterion, radii=radii, to_goal=True)
    last = last_rounded = (loaded.images, case.clean)
    for place, radius in enumerate(radii):
        result = only(found, place)
        rounded = rounded_images(result)
        last = result.images, judge_changed(model, result.images, loaded, *last)
        last_rounded = rounded, judge_changed(model, rounded, loaded, *last_rounded)
        yield radius, Outcome(result, last[1], rounded, last_rounded[1])


def rounded_images(result: AttackResult) -> Tensor:
    """The images on the 8-bit grid: those that the attack looked for, else its own, rounded."""
    return quantise(result.images) if result.stored is None else result.stored
