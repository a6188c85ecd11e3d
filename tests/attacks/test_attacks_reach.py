"""Remarks on steps that do not fit their radius: by hand, and none on any default."""

import pytest

from xaiaudit.attacks.reach import remark
from xaiaudit.attacks.registry import ATTACKS
from xaiaudit.attacks.registry import attack as make_attack
from xaiaudit.attacks.spec import parse


@pytest.mark.parametrize("name", ATTACKS)
def test_no_default_is_odd(name: str) -> None:
    assert remark(make_attack(name)) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pgd:epsilon=4/255,steps=2", "5 grey levels, is longer than its radius of 4"),  # 2.5 x 4 / 2
        ("map-shift:steps=8", "1.25 grey levels, is longer than its radius of 1"),  # 10 x 1 / 8
        ("fgsm:epsilon=8/255,steps=4,alpha=1/255", "all 4 steps of fgsm together go 4 grey levels"),
        ("pgd-l2:epsilon=1,steps=2", "is longer than its radius"),
        ("pgd:epsilon=4/255,steps=8", None),  # 1.25 a step
        ("fgsm:epsilon=8/255,steps=1", None),
        ("fgsm:epsilon=8/255,steps=8,alpha=1/255", None),  # comes to the edge just so
        ("fgsm-thesis", None),
    ],
)
def test_steps_that_do_not_fit_the_radius_are_told(text: str, words: str | None) -> None:
    name, parameters = parse(text)
    said = remark(make_attack(name, **parameters))
    assert said is None if words is None else words in str(said)
