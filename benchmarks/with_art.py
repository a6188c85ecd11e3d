"""The Adversarial Robustness Toolbox: one batch for its own loop, no progress bar, NumPy in and out."""

import numpy as np
import torch
from art.attacks.evasion import BasicIterativeMethod, DeepFool, ProjectedGradientDescent
from art.estimators.classification import PyTorchClassifier
from torch import Tensor, nn

from benchmarks.cells import Work
from benchmarks.contenders import Run
from benchmarks.subjects import Subject


def contender(subject: Subject, work: Work) -> Run:
    classifier = PyTorchClassifier(
        subject.plain,
        nn.CrossEntropyLoss(),
        tuple(subject.images.shape[1:]),
        nb_classes=2,
        clip_values=(0.0, 1.0),
        device_type="gpu" if subject.images.is_cuda else "cpu",
    )
    images, labels = subject.images.cpu().numpy(), np.eye(2)[subject.labels.cpu().numpy()]
    quiet = {"batch_size": len(images), "verbose": False}
    ball = {"eps": work.epsilon, "eps_step": work.alpha, "max_iter": work.steps}
    if work.attack == "fgsm":
        search = BasicIterativeMethod(classifier, **ball, **quiet)
    elif work.attack == "pgd":
        search = ProjectedGradientDescent(classifier, norm=np.inf, num_random_init=1, **ball, **quiet)
    else:
        search = DeepFool(classifier, max_iter=work.steps, epsilon=0.02, nb_grads=2, **quiet)

    def run() -> Tensor:
        return torch.from_numpy(search.generate(images, y=labels)).to(subject.images.device)

    return run
