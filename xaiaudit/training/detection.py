"""How a detector learns: its targets from outlines, its losses, and which of its parts learn in which step."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor, nn

from xaiaudit.metrics.lesions import lesions
from xaiaudit.models import AuditedModel
from xaiaudit.models.detection.detector import Detector
from xaiaudit.models.detection.targets import Target
from xaiaudit.training.arrays import Arrays, Batch
from xaiaudit.training.recipe import Recipe

Step = Literal["proposals", "heads", "all", "all but proposals"]  # 3 to 5 of Gao et al. 2020, Table 1
PROPOSALS, HEADS = ("objectness", "rpn_box"), ("class", "box", "mask")


def step_of(number: int, recipe: Recipe) -> Step:
    """What an epoch teaches, counted from 1."""
    if number <= recipe.proposal_epochs:
        return "proposals"
    if number <= recipe.proposal_epochs + recipe.head_epochs:
        return "heads"
    return "all" if recipe.tune_proposals else "all but proposals"


def targets(batch: Batch) -> list[Target]:
    """The lesions of each image by its own outline, so that a box is as tight after any move as before it.

    All lesions of an image have its label. An image without a lesion has no target: all of it is background.
    """
    if batch.masks is None:
        raise TypeError("these arrays were made without masks")
    return [_target(mask[0], int(label)) for mask, label in zip(batch.masks, batch.labels, strict=True)]


def _target(mask: Tensor, label: int) -> Target:
    boxes, masks = lesions(mask.cpu().numpy())
    return {
        "boxes": torch.from_numpy(boxes).to(mask.device),
        "labels": torch.full((len(boxes),), 1 + label, device=mask.device),
        "masks": torch.from_numpy(masks).to(mask.device, torch.uint8),
    }


def loss(net: Detector, images: Tensor, wanted: Sequence[Target], step: Step) -> Tensor:
    """L_prop in the step of proposals, else L_uni of equation 10 with all weights 1, with L_prop beside it where the
    proposals learn too; a scalar.

    Args:
        images: normalised, as the network takes them.
    """
    found = net.losses(images, wanted, heads=step != "proposals")
    counted = {"proposals": PROPOSALS, "heads": HEADS, "all": PROPOSALS + HEADS, "all but proposals": HEADS}[
        step
    ]
    return torch.stack([found[name] for name in counted]).sum()


def let_learn(net: Detector, step: Step) -> None:
    """Only the parts that learn in this step need a gradient.

    In the step of heads the shared map and the proposals stay as they are, batch statistics too. In the last step the
    shared map moves; proposals that do not learn beside it would drift away from what they were tuned to.
    """
    for name, part in net.named_children():
        learns = {
            "proposals": name in ("shared", "proposals"),
            "heads": name not in ("shared", "proposals"),
            "all": True,
            "all but proposals": name != "proposals",
        }[step]
        part.requires_grad_(learns)
        part.train(learns or name == "proposals")  # in eval mode it would propose fewer regions


@contextmanager
def learning(net: Detector) -> Iterator[None]:
    """Within it a network in eval mode, whose batch norms stand still, has losses."""
    net.eval()
    parts: list[nn.Module] = [module for module in net.modules() if not list(module.children())]
    try:
        net.train()
        for module in parts:
            module.eval()
        yield
    finally:
        net.eval()


def validation_loss(
    model: AuditedModel, images: Arrays, recipe: Recipe, step: Step, *, seed: int, device: torch.device
) -> float:
    """Mean over images of the step's loss, without augmentation. The anchors and regions that it is taken of are drawn
    by the seed, the same in every epoch; nothing else draws less for it."""
    net, total = model.net, 0.0
    assert isinstance(net, Detector)
    with (
        torch.random.fork_rng(devices=[] if device.type == "cpu" else [device]),
        learning(net),
        torch.no_grad(),
    ):
        torch.manual_seed(seed)
        for rows in torch.split(torch.arange(len(images)), recipe.batch_size):
            batch = images.batch(rows, device)
            total += len(rows) * float(loss(net, model.normalise(batch.images), targets(batch), step))
    return total / len(images)
