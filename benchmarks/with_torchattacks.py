"""torchattacks: native tensors; it judges nothing, so its time holds no forward for that."""

import torchattacks
from torch import Tensor

from benchmarks.cells import Work
from benchmarks.contenders import Run
from benchmarks.subjects import Subject


def contender(subject: Subject, work: Work) -> Run:
    ball = {"eps": work.epsilon, "alpha": work.alpha, "steps": work.steps}
    if work.attack == "fgsm":
        search = torchattacks.BIM(subject.plain, **ball)
    elif work.attack == "pgd":
        search = torchattacks.PGD(subject.plain, random_start=True, **ball)
    else:
        search = torchattacks.DeepFool(subject.plain, steps=work.steps, overshoot=0.02)

    def run() -> Tensor:
        images: Tensor = search(subject.images, subject.labels)
        return images

    return run
