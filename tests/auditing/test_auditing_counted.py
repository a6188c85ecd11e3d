"""What explainers cost: the number that is said before is the number that is made."""

import pytest
import torch
from two_headed import Net

from xaiaudit.auditing.counted import Counted, cost_lines, own_forwards, telling
from xaiaudit.explainers.registry import EXPLAINERS, explainer
from xaiaudit.models import AuditedModel
from xaiaudit.types import Preprocessing

MODEL = AuditedModel(
    Net(), preprocessing=Preprocessing(size=40, channels=1, mean=(0.0,), std=(1.0,)), cam_layer="act"
)


@pytest.mark.parametrize("name", EXPLAINERS)
def test_as_many_forwards_are_made_as_were_announced(name: str) -> None:
    seen = 0

    def tell(images: int) -> None:
        nonlocal seen
        seen += images

    made = explainer(name)
    images = torch.rand(2, 1, 40, 40, generator=torch.Generator().manual_seed(0))
    made(Counted(MODEL, tell), images, torch.tensor([0, 1]))
    assert seen == 2 * made.forwards(MODEL, (40, 40))


def test_windows_are_counted_along_both_sides() -> None:
    # 40 x 24 pixels: windows of 16 begin at 0, 8, 16, 24 and at 0, 8
    assert explainer("occlusion").forwards(MODEL, (40, 24)) == 2 + 4 * 2


def test_what_costs_much_is_told_and_the_rest_is_not() -> None:
    specs = [("grad-cam", {}), ("score-cam", {}), ("guided-grad-cam", {}), ("smoothgrad", {"samples": 7})]
    assert cost_lines(MODEL, specs) == [
        "Cost: score-cam takes 9 forward passes for each map of each image",  # of 8 feature maps
        "Cost: smoothgrad takes 8 forward passes for each map of each image",
    ]
    made = {name: explainer(name) for name in ("cam", "grad-cam", "cameras")}
    assert own_forwards(MODEL, made) == {"cameras": 9}


def test_progress_does_not_go_beyond_its_end() -> None:
    said: list[tuple[int, int, str, str]] = []
    seen = telling(lambda *words: said.append(words), "explaining", 10)
    for images in (4, 4, 4):
        seen("score-cam", images)
    assert [done for done, *_ in said] == [4, 8, 10]
    assert said[-1] == (10, 10, "explaining", "score-cam")
