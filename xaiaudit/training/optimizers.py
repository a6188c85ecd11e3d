"""What moves the weights, and which of them."""

from collections.abc import Iterator

import torch
from torch import nn

from xaiaudit.models.parts.encoder import Encoder
from xaiaudit.models.thesis_mtl import ThesisMTL
from xaiaudit.models.weights import head_name
from xaiaudit.training.recipe import Recipe


def optimizer(net: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Adam, SGD with momentum, or NAdam (Dozat 2016), of the weights that the recipe trains.

    With a frozen backbone its weights need no gradient from here on.
    """
    if recipe.freeze_backbone:
        for module in backbone(net):
            for parameter in module.parameters(recurse=False):
                parameter.requires_grad_(False)
    learnt = [parameter for parameter in net.parameters() if parameter.requires_grad]
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(learnt, lr=recipe.learning_rate, momentum=recipe.momentum)
    kind = torch.optim.Adam if recipe.optimizer == "adam" else torch.optim.NAdam
    return kind(learnt, lr=recipe.learning_rate)


def backbone(net: nn.Module) -> Iterator[nn.Module]:
    """Every module, each for its own weights alone, that pretraining knows: of encoders where there are any, else of
    the classifier all but the layer of its logits.
    """
    encoders = [module for module in net.modules() if isinstance(module, Encoder)]
    if encoders:
        for encoder in encoders:
            yield from encoder.modules()
        return
    classifier = net.encoder if isinstance(net, ThesisMTL) else net
    head = head_name(classifier)
    yield from (module for name, module in classifier.named_modules() if name != head)
