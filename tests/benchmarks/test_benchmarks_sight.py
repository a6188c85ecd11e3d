"""Where cells look, by hand: each cell of a patch convolution with one weight sees one pixel."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from xaiaudit.models import AuditedModel
from xaiaudit.types import Preprocessing

ROOT = Path(__file__).resolve().parents[2]
with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(ROOT)
    from benchmarks.sight import looks


class OnePixel(nn.Module):
    """Cells of 4 pixels that each see the pixel at `row`, `column` of their patch."""

    def __init__(self, row: int, column: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, 1, 4, stride=4, bias=False)
        self.head = nn.Linear(1, 2)
        with torch.no_grad():
            self.patches.weight.zero_()[0, 0, row, column] = 1.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.patches(x).mean((2, 3)))


def test_each_cell_looks_at_the_pixel_that_it_reads() -> None:
    preprocessing = Preprocessing(size=12, channels=1, mean=(0.0,), std=(1.0,))
    model = AuditedModel(OnePixel(0, 3), preprocessing=preprocessing)
    found = looks(model, torch.rand(2, 1, 12, 12, generator=torch.Generator().manual_seed(1)), "patches")
    # pixel centres 0.5 and 3.5 of a patch whose centre is 2
    assert np.array(found) == pytest.approx(np.array([(-1.5, 1.5, 1.0)] * 3))


def test_half_of_a_field_twice_as_high_lies_inside() -> None:
    net = nn.Sequential(nn.Conv2d(1, 1, (8, 4), stride=4, padding=(2, 0)), nn.Flatten(), nn.Linear(9, 2))
    with torch.no_grad():
        net[0].weight.fill_(1.0)
    preprocessing = Preprocessing(size=12, channels=1, mean=(0.0,), std=(1.0,))
    middle = looks(AuditedModel(net, preprocessing=preprocessing), torch.rand(1, 1, 12, 12), "0")[1]
    assert middle == pytest.approx((0.0, 0.0, 0.5), abs=1e-6)  # rows 2 to 9, the cell is 4 to 7
