"""Who runs: ours, the bare loop, and the other toolkits, each made ready outside the measured time."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Literal

import torch
from torch import Tensor

from benchmarks.cells import FGSM, FLOOR, OURS, RADII, Work
from benchmarks.subjects import Subject
from xaiaudit.attacks.criteria import LeaveDecision
from xaiaudit.attacks.registry import ATTACKS, attack
from xaiaudit.models.prepared import prepared
from xaiaudit.tensors import Model

Run = Callable[[], Tensor]  # does the work once; adversarial images (n, 1, h, w)
Precision = Literal["float32", "bf16"]

# rival -> the package it needs and a function of (subject, work) in a module of its own
PEERS: Mapping[str, tuple[str, str]] = {
    "art": ("art", "benchmarks.with_art"),
    "foolbox": ("foolbox", "benchmarks.with_foolbox"),
    "torchattacks": ("torchattacks", "benchmarks.with_torchattacks"),
}


def installed(rival: str) -> bool:
    return rival not in PEERS or find_spec(PEERS[rival][0]) is not None


@contextmanager
def contender(name: str, subject: Subject, work: Work, precision: Precision) -> Iterator[Run]:
    """Ours, one of the other toolkits, the bare loop, or one attack of a set of ours by itself.

    The bare loop runs on what ours runs on, and so in the precision of our search. What is prepared for ours
    (among it, how the process keeps memory) holds inside the context only, so that the others do not gain by it.
    """
    if name == FLOOR:
        with prepared(subject.model, precision) as ready:
            yield lambda: _floor(ready.search, subject.images, work.steps or 0)
    elif name == OURS:
        with _ours(subject, work, precision) as run:
            yield run
    elif name in ATTACKS:
        with _ours(subject, work.alone(name), precision) as run:
            yield run
    else:
        build: Callable[[Subject, Work], Run] = import_module(PEERS[name][1]).contender
        yield build(subject, work)


@contextmanager
def warm(name: str, subject: Subject, work: Work, precision: Precision) -> Iterator[Run]:
    """The same after one signed step, as in the middle of a longer audit."""
    first = OURS if name in ATTACKS else name
    with (
        contender(first, subject, FGSM.shortened(1), precision) as step,
        contender(name, subject, work, precision) as run,
    ):
        step()
        yield run


@contextmanager
def _ours(subject: Subject, work: Work, precision: Precision) -> Iterator[Run]:
    criterion = LeaveDecision(subject.clean, subject.model.threshold)
    search = attack(work.attack, **work.parameters)
    with prepared(subject.model, precision) as ready:

        def run() -> Tensor:
            images = search(
                ready.search,
                subject.images,
                criterion,
                radii=RADII if work.curve else (),
                to_goal=work.to_goal,
                stored=work.stored,
                judge=ready.judge,
            ).images
            return images[RADII.index(work.epsilon)] if work.curve and work.epsilon else images

        yield run


def _floor(model: Model, images: Tensor, steps: int) -> Tensor:
    """Forward and backward to the input, as often as the attack has steps, and nothing else."""
    for _ in range(steps):
        x = images.detach().requires_grad_()
        logits = model(x).logits
        torch.autograd.grad((logits[:, 1] - logits[:, 0]).sum(), x)
    return images
