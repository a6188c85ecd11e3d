"""What is asked of ART: its attacks know classes, so only goals of the decision can be told to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np
import torch
from torch import Tensor

from xaiaudit.attacks.art_classes import PROBABILITIES, TARGET_ONLY, THIRD_CLASS
from xaiaudit.attacks.base import Criterion
from xaiaudit.attacks.registry import ART_PREFIX
from xaiaudit.errors import UsageError
from xaiaudit.functional import logit

# Criterion -> where it holds the class, and whether that is to be reached.
GOALS: Mapping[str, tuple[str, bool]] = {
    "leave-decision": ("decision", False),
    "true-label": ("labels", False),
    "target-class": ("target", True),
}


@dataclass(frozen=True, eq=False)
class Asked:
    """The same for every image of a batch, but for the classes."""

    classes: Tensor  # (n,) to leave or, `targeted`, to reach
    targeted: bool
    shift: Tensor  # (k,), added to the logits, so that the largest is the decision
    third: bool  # a third class that never wins is added
    probabilities: bool

    def one_hot(self, row: int) -> np.ndarray:
        wide = len(self.shift) + self.third
        return np.eye(wide, dtype=np.float32)[[int(self.classes[row])]]


def check_goal(attack: str, criterion: str) -> None:
    """Raises UsageError where an attack of ART cannot be told what the criterion of that name is after."""
    if attack.startswith(ART_PREFIX) and criterion not in GOALS:
        raise UsageError(
            f"art attacks know classes only, so {attack} cannot be after {criterion}; "
            f"it can be after {', '.join(GOALS)}"
        )


def asked(made: type[Any], criterion: Criterion, logits: Tensor) -> Asked:
    """What the criterion means to this attack; `logits` of the clean images, (n, k).

    Of two classes, to reach one is to leave the other, which every attack can. An attack that only goes to targets
    gets, where a class is to be left, the class that comes next in the clean image.

    Raises:
        UsageError: a criterion of more than the decision, or a target class of several for an attack without targets.
    """
    name = str(getattr(criterion, "name", type(criterion).__name__))
    check_goal(ART_PREFIX + made.__name__, name)
    where, reach = GOALS[name]
    classes = getattr(criterion, where).clamp(min=0)  # -1, no label: these images are not attacked
    shift = torch.zeros_like(logits[0])
    if len(shift) == 2:
        shift[1] = -logit(float(getattr(criterion, "threshold", 0.5)))
        if reach:
            classes, reach = 1 - classes, False
    if made.__name__ in TARGET_ONLY:
        if not reach:
            others = (logits + shift).scatter(1, classes[:, None], -torch.inf)
            classes = others.argmax(1)
        reach = True
    elif reach and "targeted" not in signature(made.__init__).parameters:
        raise UsageError(
            f"{ART_PREFIX}{made.__name__} cannot go to a target class of {len(shift)}: ART gives it no target"
        )
    third = len(shift) == 2 and made.__name__ in THIRD_CLASS
    return Asked(classes, reach, shift, third, made.__name__ in PROBABILITIES)
