"""What moves the weights, and which of them."""

from collections.abc import Iterator

import torch
from torch import nn

from xaiaudit.models.parts.encoder import Encoder
from xaiaudit.models.weights import head_name
from xaiaudit.training.recipe import Recipe


def optimizer(net: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Adam, SGD with momentum, or NAdam (Dozat 2016), of the weights that the recipe trains.

    With a frozen backbone its weights need no gradient from here on.
    """
    if recipe.freeze_backbone:
        for module in backbone(net):
            module.requires_grad_(False)
    learnt = [parameter for parameter in net.parameters() if parameter.requires_grad]
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(learnt, lr=recipe.learning_rate, momentum=recipe.momentum)
    kind = torch.optim.Adam if recipe.optimizer == "adam" else torch.optim.NAdam
    return kind(learnt, lr=recipe.learning_rate)


def backbone(net: nn.Module) -> Iterator[nn.Module]:
    """The parts that pretraining knows: encoders where there are any, else all but the layer of the logits."""
    encoders = [module for module in net.modules() if isinstance(module, Encoder)]
    if encoders:
        yield from encoders
        return
    head = (head_name(net) or "").partition(".")[0]
    yield from (child for name, child in net.named_children() if name != head)
