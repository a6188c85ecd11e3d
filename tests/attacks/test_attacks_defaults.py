"""The defaults that a reader without torch knows are those of the classes."""

from dataclasses import fields

import pytest

from xaiaudit.attacks.criteria.lower_dice import LowerDice
from xaiaudit.attacks.criteria.registry import CRITERIA, criterion_class
from xaiaudit.attacks.defaults import ATTACK_DEFAULTS, CRITERION_DEFAULTS, whole
from xaiaudit.attacks.registry import ATTACKS, attack, attack_class, settings
from xaiaudit.explainers.defaults import EXPLAINER_DEFAULTS
from xaiaudit.explainers.registry import EXPLAINERS
from xaiaudit.explainers.registry import settings as explainer_settings


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks(name: str) -> None:
    assert ATTACK_DEFAULTS[name] == {field.name: field.default for field in fields(attack_class(name))}
    assert whole(name, {}) == settings(attack(name))
    given = {"norm": "l2"} if name in ("apgd", "fab", "noise") else {}
    given |= {"epsilon": 1 / 255} if "epsilon" in ATTACK_DEFAULTS[name] and not given else {}
    assert whole(name, given) == settings(attack(name, **given))


@pytest.mark.parametrize("name", CRITERIA)
def test_criteria(name: str) -> None:
    known = criterion_class(name).parameters
    assert set(CRITERION_DEFAULTS[name]) == set(known)
    if "limit" in known:
        assert CRITERION_DEFAULTS[name]["limit"] == LowerDice.limit
        said = {"limit": 0.5, "against": "prediction"}
        assert criterion_class(name).words({}) == criterion_class(name).words(said)
    for own in {"score", "iou"} & set(known):
        assert CRITERION_DEFAULTS[name][own] == getattr(criterion_class(name), own)


@pytest.mark.parametrize("name", EXPLAINERS)
def test_explainers(name: str) -> None:
    assert EXPLAINER_DEFAULTS[name] == explainer_settings(name, {})


def test_nothing_is_known_of_what_is_not_there() -> None:
    assert set(ATTACK_DEFAULTS) == set(ATTACKS)
    assert set(CRITERION_DEFAULTS) == set(CRITERIA)
    assert set(EXPLAINER_DEFAULTS) == set(EXPLAINERS)
