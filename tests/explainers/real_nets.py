"""Networks of torchvision with random weights whose features live."""

import torch
import torchvision
from torch import Tensor, nn

from xaiaudit.models.audited import AuditedModel


def real(
    architecture: str, classes: tuple[str, ...] = ("benign", "malignant")
) -> tuple[AuditedModel, nn.Module, Tensor]:
    """The model, its network, and two images; in float64."""
    torch.manual_seed(0)
    net = getattr(torchvision.models, architecture)(num_classes=2).double()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the average: after one batch, that batch's own statistics
    with torch.no_grad():
        net(torch.rand(4, 3, 96, 96, dtype=torch.float64))  # else random features die on their way
    net.eval()
    return AuditedModel(net, classes=classes).double(), net, torch.rand(2, 1, 96, 96, dtype=torch.float64)
