"""Attacks by name and as people write them."""

import subprocess
import sys
from dataclasses import asdict

import pytest

from xaiaudit.attacks.registry import ATTACKS, attack, parameters_of, settings
from xaiaudit.attacks.spec import parse, written
from xaiaudit.errors import UsageError
from xaiaudit.values import number


@pytest.mark.parametrize(
    ("text", "name", "parameters"),
    [
        ("fgsm", "fgsm", {}),
        ("pgd:epsilon=4/255,steps=40", "pgd", {"epsilon": 4 / 255, "steps": 40}),
        (" pgd-l2: epsilon = 1.5 , restarts=3", "pgd-l2", {"epsilon": 1.5, "restarts": 3}),
        ("fgsm:alpha=0.1/255", "fgsm", {"alpha": 0.1 / 255}),
        ("deepfool:norm=linf,overshoot=0.05", "deepfool", {"norm": "linf", "overshoot": 0.05}),
        ("fgsm-thesis", "fgsm-thesis", {}),
        ("worst:attacks=apgd + fab,norm=l2", "worst", {"attacks": ("apgd", "fab"), "norm": "l2"}),
    ],
)
def test_a_spec_becomes_an_attack(text: str, name: str, parameters: dict) -> None:
    assert parse(text) == (name, parameters)
    made = attack(name, **parameters)
    assert all(getattr(made, key) == value for key, value in parameters.items())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fgms", "no attack 'fgms'; did you mean fgsm"),
        ("zzz", "there are fgsm, fgsm-single, fgsm-thesis, mi-fgsm, pgd"),
        ("", "no attack ''"),
        ("fgsm:epsilon=25.5", r"did you mean 25.5/255 \(grey levels\)\?"),
        ("fgsm:epsilon=0", "above 0"),
        ("fgsm:epsilon=-1/255", "above 0"),
        ("fgsm:epsilon=nan", "fgsm:epsilon must be a finite number"),
        ("fgsm:epsilon=inf", "finite"),
        ("fgsm:epsilon=1/0", "finite"),
        ("fgsm:epsilon=8/255/2", "finite number"),
        ("pgd-l2:epsilon=-3", "above 0"),
        ("fgsm:steps=2.5", "fgsm:steps must be a whole number"),
        ("fgsm:steps=0", "at least 1"),
        ("pgd:restarts=0", "at least 1"),
        ("fgsm:alpha=0", "alpha"),
        ("pgd:step=3", "pgd has no parameter 'step'; it takes epsilon, steps, restarts, alpha"),
        ("fgsm-thesis:epsilon=0.1", "fgsm-thesis has no parameter 'epsilon'; it takes none"),
        ("deepfool:norm=l1", "deepfool:norm must be linf or l2, got 'l1'"),
        ("deepfool:overshoot=3", r"overshoot must lie in \[0, 1\]"),
        ("fgsm:", "no parameter after its colon"),
        ("fgsm:0.1", "'0.1' in 'fgsm:0.1' is not NAME=VALUE"),
        ("fgsm:epsilon=", "not NAME=VALUE"),
        ("fgsm:epsilon=0.1,epsilon=0.2", "twice"),
    ],
)
def test_a_wrong_spec_gets_one_line(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


def test_wrong_names_and_parameters_in_python() -> None:
    with pytest.raises(UsageError, match="did you mean pgd"):
        attack("pdg")
    with pytest.raises(UsageError, match="it takes epsilon, steps, restarts, alpha"):
        attack("pgd", norm="l2")


def test_numbers() -> None:
    assert number("0.1") == 0.1
    assert number("8/255") == 8 / 255
    assert number("1e-3") == 0.001


@pytest.mark.parametrize("name", ATTACKS)
def test_every_attack_is_frozen_and_says_its_parameters(name: str) -> None:
    made = attack(name)
    assert set(parameters_of(name)) == set(asdict(made))
    with pytest.raises((AttributeError, TypeError)):
        made.steps = 3
    assert made == attack(name)


def test_defaults_are_those_of_the_design() -> None:
    found = {
        name: (a.norm, a.epsilon, a.steps, a.step_size, a.random_start)
        for name, a in ((name, attack(name)) for name in ATTACKS)
    }
    assert found == {
        "fgsm": ("linf", 0.1, 25, 0.1 / 25, False),
        "fgsm-single": ("linf", 0.1, 1, 0.1, False),
        "fgsm-thesis": ("linf", 2.5 / 255, 25, 0.1 / 255, False),
        "mi-fgsm": ("linf", 8 / 255, 25, 8 / 255 / 25, False),
        "pgd": ("linf", 8 / 255, 40, 2.5 * (8 / 255) / 40, True),
        "pgd-l2": ("l2", 3.0, 40, 2.5 * 3 / 40, True),
        "deepfool": ("l2", None, 50, None, False),
        "fab": ("linf", 8 / 255, 100, None, False),
        "square": ("linf", 8 / 255, 5000, None, True),
        "apgd": ("linf", 8 / 255, 100, None, True),
        "worst": ("linf", 8 / 255, 5200, None, True),
        "noise": ("linf", 8 / 255, 0, None, True),
        "radius": ("linf", None, 40, None, True),
        "map-shift": ("linf", 1 / 255, 100, 10 * (1 / 255) / 100, False),
    }
    assert attack("pgd").describe() == (
        "PGD: L∞ radius 8 grey levels (0.03137 of full scale), 40 steps of 0.5 grey levels, "
        "from a random point of the ball"
    )
    assert "25.5 grey levels" in attack("fgsm").describe()


def test_a_wrong_name_is_found_without_torch() -> None:
    code = (
        "import sys\nfrom xaiaudit.attacks.spec import parse\nfrom xaiaudit.errors import UsageError\n"
        "try:\n    parse('pdg')\nexcept UsageError:\n    pass\nsys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_attacks_need_torch_alone() -> None:
    code = (
        "import sys\nfrom xaiaudit.attacks.registry import ATTACKS, attack\n"
        "[attack(name) for name in ATTACKS]\n"
        "heavy = {'torchvision', 'timm', 'pydantic', 'pyarrow', 'art', 'captum', 'scipy'}\n"
        "sys.exit(bool(heavy & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", ATTACKS)
def test_defaults_are_written_as_they_are_read(name: str) -> None:
    told = written(name)
    given = [item for item in told if "=" in item]
    parsed, parameters = parse(f"{name}:{','.join(given)}" if given else name)
    assert settings(attack(parsed, **parameters)) == settings(attack(name))
    assert [item.partition("=")[0] for item in told] == list(parameters_of(name))


def test_radii_are_written_in_grey_levels_and_only_they() -> None:
    assert written("pgd") == ["epsilon=8/255", "steps=40", "restarts=1", "alpha"]
    assert written("square") == ["epsilon=8/255", "queries=5000", "p_init=0.8"]
    assert written("worst")[0] == "attacks=apgd+fab+square"
    assert written("fgsm-thesis") == []
