"""A model that searches and a judge that sees the boundary elsewhere: nobody is called robust for that."""

import pytest
import torch
from attack_nets import AsModel, clean_logits, smooth_cnn, some_images
from torch import Tensor, nn

from xaiaudit.attacks.criteria import LeaveDecision
from xaiaudit.attacks.fab import FAB
from xaiaudit.attacks.registry import attack, parameters_of
from xaiaudit.attacks.worst import WorstCase
from xaiaudit.functional import decision
from xaiaudit.tensors import Outputs

JUDGE = AsModel(smooth_cnn()).float()
X = some_images(40, seed=21).float()
CRITERION = LeaveDecision(clean_logits(JUDGE, X))
FEW = {"steps": 20, "epsilon": 0.1, "attacks": ("fab",)}


class Elsewhere(nn.Module):
    """The judge, but for a constant error of the second logit."""

    def __init__(self, error: float) -> None:
        super().__init__()
        self.error = error
        self.eval()

    def forward(self, images: Tensor, layers: tuple[str, ...] = ()) -> Outputs:
        return Outputs(JUDGE(images).logits + torch.tensor([0.0, self.error]))


@pytest.mark.parametrize("name", ["fgsm", "pgd", "apgd", "deepfool", "fab", "radius", "worst"])
@pytest.mark.parametrize("to_goal", [False, True])
def test_images_that_the_search_takes_for_flipped_when_clean_are_searched(name: str, to_goal: bool) -> None:
    search = Elsewhere(-0.3)
    fooled = (decision(clean_logits(search, X)) != CRITERION.decision).nonzero()[:, 0]
    assert len(fooled) > 10
    x, criterion = X[fooled], LeaveDecision(CRITERION.clean[fooled])
    known = parameters_of(name)
    options = {key: value for key, value in FEW.items() if key in known}
    alone = attack(name, **options)(JUDGE, x, criterion, to_goal=to_goal)
    assert alone.reached.all()
    found = attack(name, **options)(search, x, criterion, to_goal=to_goal, judge=JUDGE)
    assert found.reached.all()
    assert torch.equal(decision(clean_logits(JUDGE, found.images)) != criterion.decision, found.reached)


@pytest.mark.parametrize("error", [-0.05, 0.05])
def test_what_lies_beyond_the_nearest_is_on_its_line_whenever_the_search_ends(error: float) -> None:
    """Hurried, the search ends in the midst of its steps."""
    x, criterion = X[:20], LeaveDecision(CRITERION.clean[:20])
    for method in (FAB(epsilon=0.1), WorstCase(attacks=("fab",), epsilon=0.1)):
        alone = method(JUDGE, x, criterion)
        found = method(Elsewhere(error), x, criterion, judge=JUDGE)
        assert alone.reached.sum() > 15
        assert (found.reached | ~alone.reached).all()
