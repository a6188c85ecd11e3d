"""Whether a network ends in a sigmoid or softmax, by its graph."""

import pytest
import torch
from torch import Tensor, nn

from xaiaudit.auditing.self_checks.last_step import squashes
from xaiaudit.models import AuditedModel, build
from xaiaudit.types import Preprocessing


class Ending(nn.Module):
    def __init__(self, ending: str, outputs: int) -> None:
        super().__init__()
        self.net = build("small-cnn", classes=outputs, channels=1)
        self.ending = ending

    def forward(self, images: Tensor) -> Tensor:
        z: Tensor = self.net(images)
        return {
            "logits": lambda: z,
            "sigmoid": lambda: torch.sigmoid(z),
            "sigmoid within": lambda: torch.sigmoid(z) * 3 - 1,
            "softmax": lambda: z.softmax(1),
            "softmax, one column": lambda: z.softmax(1)[:, 1:],
            "softmax, squeezed": lambda: z.softmax(1)[:, 1].squeeze(),
        }[self.ending]()


@pytest.mark.parametrize(
    ("ending", "outputs", "squashed"),
    [
        ("logits", 1, False),
        ("logits", 2, False),
        ("sigmoid within", 1, False),
        ("sigmoid", 1, True),
        ("sigmoid", 2, True),
        ("softmax", 2, True),
        ("softmax, one column", 2, True),
        ("softmax, squeezed", 2, True),
    ],
)
@pytest.mark.parametrize("first", ["benign", "malignant"])  # named first, the columns are swapped
def test_the_last_step_is_seen_through_what_only_moves_numbers(
    ending: str, outputs: int, squashed: bool, first: str
) -> None:
    names = ("benign", "malignant") if first == "benign" else ("malignant", "benign")
    model = AuditedModel(
        Ending(ending, outputs),
        classes=names,
        preprocessing=Preprocessing(size=32, channels=1, mean=(0.3,), std=(0.2,)),
    )
    with torch.inference_mode():
        assert squashes(model, torch.rand(1, 1, 32, 32)) is squashed
