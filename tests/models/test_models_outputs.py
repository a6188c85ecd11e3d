"""What foreign networks return, mapped by name or position, never guessed."""

from collections import namedtuple
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from xaiaudit.errors import UsageError
from xaiaudit.models import AuditedModel
from xaiaudit.models.outputs import parse_outputs
from xaiaudit.types import Preprocessing

GREY = Preprocessing(size=16, channels=1, mean=(0.0,), std=(1.0,))
LOGITS, MASK = torch.tensor([[1.0, 2.0]]), torch.arange(16.0).view(1, 1, 4, 4)
Pair = namedtuple("Pair", "cls seg")


@dataclass
class Result:
    cls: Tensor
    seg: Tensor


class Returns(nn.Module):
    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value

    def forward(self, images: Tensor) -> Any:
        return self.value


@pytest.mark.parametrize(
    ("returned", "outputs"),
    [
        ((LOGITS, MASK), {"logits": 0, "mask": 1}),
        ([MASK, LOGITS], {"logits": 1, "mask": 0}),
        ({"cls": LOGITS, "seg": MASK, "note": "x"}, {"logits": "cls", "mask": "seg"}),
        (Pair(LOGITS, MASK), {"logits": "cls", "mask": 1}),
        (Result(LOGITS, MASK), {"logits": "cls", "mask": "seg"}),
        (SimpleNamespace(cls=LOGITS, seg=MASK[:, 0]), {"logits": "cls", "mask": "seg"}),
        ({"logits": LOGITS, "mask": MASK}, None),
    ],
)
def test_every_kind_of_return_is_read(returned: Any, outputs: dict[str, str | int] | None) -> None:
    out = AuditedModel(Returns(returned), preprocessing=GREY, outputs=outputs)(torch.rand(1, 1, 16, 16))
    assert torch.equal(out.logits, LOGITS)
    expected = nn.functional.interpolate(MASK, (16, 16), mode="bilinear")
    assert out.mask_logits is not None
    assert torch.equal(out.mask_logits, expected)


@pytest.mark.parametrize(
    ("returned", "outputs", "words"),
    [
        ((LOGITS, MASK), None, r"a tuple \(0: \(1, 2\), 1: \(1, 1, 4, 4\)\).*--outputs logits=0,mask=1"),
        ({"cls": LOGITS}, None, r"a dict \(cls: \(1, 2\)\)"),
        ((LOGITS, MASK), {"logits": 2}, "logits at 2 is no tensor"),
        ({"cls": LOGITS}, {"logits": "clss"}, "logits at 'clss' is no tensor"),
        (LOGITS, {"logits": 0}, "leave them out"),
        ((LOGITS, MASK.repeat(1, 2, 1, 1)), {"logits": 0, "mask": 1}, "one lesion logit a pixel"),
        (None, None, "a NoneType"),
    ],
)
def test_what_cannot_be_read_is_told(returned: Any, outputs: dict[str, str | int] | None, words: str) -> None:
    model = AuditedModel(Returns(returned), preprocessing=GREY, outputs=outputs)
    with pytest.raises(UsageError, match=words) as caught:
        model(torch.rand(1, 1, 16, 16))
    assert "\n" not in str(caught.value)


def test_outputs_are_read_from_words() -> None:
    assert parse_outputs("logits=0,mask=1") == {"logits": 0, "mask": 1}
    assert parse_outputs("logits=cls, mask=seg") == {"logits": "cls", "mask": "seg"}
    for words in ("mask=1", "logits", "logits=", "logits=0,maks=1", "logits=0,logits=1"):
        with pytest.raises(UsageError, match="cannot be read"):
            parse_outputs(words)
