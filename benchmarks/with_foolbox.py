"""Foolbox: native tensors, its own call with one radius (or none, where the smallest perturbation is sought)."""

import foolbox
from torch import Tensor

from benchmarks.cells import Work
from benchmarks.contenders import Run
from benchmarks.subjects import Subject


def contender(subject: Subject, work: Work) -> Run:
    model = foolbox.PyTorchModel(subject.plain, bounds=(0, 1), device=subject.images.device)
    ball = {"abs_stepsize": work.alpha, "steps": work.steps}
    if work.attack == "fgsm":
        search = foolbox.attacks.LinfBasicIterativeAttack(random_start=False, **ball)
    elif work.attack == "pgd":
        search = foolbox.attacks.LinfPGD(random_start=True, **ball)
    else:
        search = foolbox.attacks.L2DeepFoolAttack(steps=work.steps, candidates=2, overshoot=0.02)

    def run() -> Tensor:
        images: Tensor = search(model, subject.images, subject.labels, epsilons=work.epsilon)[1]
        return images

    return run
