"""Criteria by name and as people write them."""

import subprocess
import sys

import pytest
import torch

from xaiaudit.attacks.criteria import CleanFacts, build
from xaiaudit.attacks.criteria.registry import CRITERIA, criterion_class, parameters_of
from xaiaudit.attacks.criteria.spec import parse
from xaiaudit.errors import UsageError
from xaiaudit.tensors import Boxes


def facts(classes: tuple[str, ...] = ("benign", "malignant"), n: int = 2) -> CleanFacts:
    logits = torch.zeros(n, len(classes))
    logits[:, 0] = 1
    return CleanFacts(
        logits=logits,
        threshold=0.5,
        classes=classes,
        labels=torch.arange(n) - 1,
        mask_logits=torch.tensor([1.0, -1.0]).expand(n, 1, 1, 2),
        boxes=(Boxes(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, dtype=torch.int64), torch.zeros(0)),)
        * n,
    )


@pytest.mark.parametrize(
    ("text", "name", "parameters"),
    [
        ("leave-decision", "leave-decision", {}),
        ("target-class:class=malignant", "target-class", {"class": "malignant"}),
        (" true-label ", "true-label", {}),
        (
            "lower-dice:limit=0.5,against=outline",
            "lower-dice",
            {"limit": 0.5, "against": "outline"},
        ),
        ("joint:limit=1/4", "joint", {"limit": 0.25}),
        ("hide:score=0.3,iou=1/10", "hide", {"score": 0.3, "iou": 0.1}),
        ("move", "move", {}),
        ("invent:score=0.9", "invent", {"score": 0.9}),
    ],
)
def test_a_spec_becomes_a_criterion(text: str, name: str, parameters: dict) -> None:
    assert parse(text) == (name, parameters)
    assert build(name, parameters, facts()).name == name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("leave-decison", "no criterion 'leave-decison'; did you mean leave-decision"),
        ("zzz", "there are leave-decision, target-class, true-label, lower-dice, joint, hide, move, invent"),
        ("target-class", "needs the class to reach; e.g. target-class:class=malignant"),
        ("target-class:klass=malignant", "no parameter 'klass'; it takes class"),
        ("true-label:class=0", "true-label has no parameter 'class'; it takes none"),
        ("lower-dice:limit=0", "limit must be a Dice score above 0 and at most 1, got 0"),
        ("joint:limit=1.5", "at most 1, got 1.5"),
        ("lower-dice:limit=half", "lower-dice:limit must be a finite number"),
        ("lower-dice:limit=nan", "finite number"),
        ("lower-dice:against=truth", "lower-dice:against must be prediction or outline, got 'truth'"),
        ("lower-dice:0.5", "'0.5' in 'lower-dice:0.5' is not NAME=VALUE; e.g. lower-dice:limit=0.5"),
        ("lower-dice:", "no parameter after its colon"),
        ("lower-dice:limit=0.5,limit=0.6", "twice"),
        ("hide:iou=1", "iou must lie between 0 and 1, got 1; 0.2 is usual"),
        ("invent:iou=0.2", "invent has no parameter 'iou'; it takes score"),
    ],
)
def test_a_wrong_spec_gets_one_line(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("given", "index"), [("malignant", 2), ("0", 0), (1, 1)])
def test_a_class_is_named_or_numbered(given: object, index: int) -> None:
    clean = facts(("normal", "benign", "malignant"))
    assert build("target-class", {"class": given}, clean).target.tolist() == [index, index]


def test_a_name_comes_before_a_number() -> None:
    assert build("target-class", {"class": "1"}, facts(("1", "0"))).target.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("target-class", {"class": "malignat"}, "no class 'malignat'; did you mean malignant"),
        ("target-class", {"class": "2"}, "no class '2'; there are benign, malignant"),
        ("target-class", {"class": "-1"}, "no class '-1'"),
        ("target-class", {}, "needs the class"),
        ("lower-dice", {"limit": -1.0}, "limit must be"),
        ("lower-dice", {"limt": 0.5}, "no parameter 'limt'; it takes limit, against"),
        ("lower-dice", {"against": "outlines"}, "against must be prediction or outline, got 'outlines'"),
    ],
)
def test_a_wrong_goal_is_refused_in_python_too(name: str, parameters: dict, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        build(name, parameters, facts())


def test_what_an_audit_must_have() -> None:
    needs = {name: set(criterion_class(name).requires({})) for name in CRITERIA}
    assert needs == {
        "leave-decision": set(),
        "target-class": set(),
        "true-label": {"labels"},
        "lower-dice": {"mask head"},
        "joint": {"mask head"},
        "hide": {"boxes", "outlines"},
        "move": {"boxes"},
        "invent": {"boxes", "images without a lesion"},
    }
    for name in ("lower-dice", "joint"):
        assert criterion_class(name).requires({"against": "outline"}) == {"mask head", "outlines"}


def test_the_goals_in_words() -> None:
    given = {"target-class": {"class": "malignant"}, "joint": {"limit": 0.25, "against": "outline"}}
    given |= {"move": {"score": 0.7}}
    assert {name: criterion_class(name).words(given.get(name, {})) for name in CRITERIA} == {
        "leave-decision": "leave the clean decision",
        "target-class": "reach the decision malignant",
        "true-label": "decide against the true label",
        "lower-dice": "lower the Dice of the predicted mask against the clean one below 0.5",
        "joint": "leave the clean decision and lower the Dice of the predicted mask against the lesion's outline "
        "below 0.25",
        "hide": "hide the lesion: no box of a score of 0.5 or more overlaps it by an IoU above 0.2",
        "move": "move the box: the likeliest has a score of 0.7 or more and an IoU under 0.2 with the clean one",
        "invent": "invent a lesion: a box of a score of 0.5 or more where there is none",
    }


def test_against_outlines_that_nobody_drew_no_image_has_a_goal() -> None:
    assert build("lower-dice", {"against": "outline"}, facts()).applicable.tolist() == [False, False]


@pytest.mark.parametrize("name", CRITERIA)
def test_a_criterion_is_documented(name: str) -> None:
    made = criterion_class(name)
    assert made.name == name
    assert made.__doc__.splitlines()[0].endswith(".")
    assert "gradient" in made.needs
    assert set(parameters_of(name)) <= {"class", "limit", "against", "score", "iou"}


def test_a_wrong_name_is_found_without_torch() -> None:
    code = (
        "import sys\nfrom xaiaudit.attacks.criteria.spec import parse\nfrom xaiaudit.errors import UsageError\n"
        "try:\n    parse('lower-dise')\nexcept UsageError:\n    pass\nsys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
