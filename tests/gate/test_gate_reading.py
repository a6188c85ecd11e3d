"""Policies as they are read: what a finding is about, and what is told of one that is malformed."""

import hashlib
from pathlib import Path

import pytest
from click.testing import CliRunner
from policies import MALFORMED, RIGHT

from xaiaudit.attacks.registry import ATTACKS, attack
from xaiaudit.cli import main
from xaiaudit.errors import UsageError
from xaiaudit.gate.reading import ReadPolicy, read_policy
from xaiaudit.gate.rules import NO_RADIUS


def read(folder: Path, text: str | bytes) -> ReadPolicy:
    path = folder / "xaiaudit.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_policy(path)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_right_policy_knows_its_bytes_its_lines_and_what_each_finding_is_about(
    tmp_path: Path, end: str
) -> None:
    text = RIGHT.replace("\n", end)
    found = read(tmp_path, text)
    assert (found.text, found.sha256) == (text, hashlib.sha256(text.encode()).hexdigest())
    assert found.lines == tuple(
        number
        for number, line in enumerate(RIGHT.split("\n"), 1)
        if line.startswith("[[finding]]") and number != 17
    )
    assert [finding.metric for finding in found.policy.finding] == [
        "auc",
        "flip-rate",
        "flip-rate",
        "silent-shift",
        "pointing",
    ]
    clean, fgsm, pgd, shift, pointing = found.asked
    assert (clean.attack, clean.criterion, clean.explainer) == (None, None, None)
    assert fgsm.attack == ("fgsm", {"epsilon": 1 / 255, "steps": 25, "alpha": None})
    assert pgd.attack == ("pgd", {"epsilon": 1 / 255, "steps": 40, "restarts": 1, "alpha": None})
    assert shift.attack is not None
    assert shift.attack[0] == "map-shift"
    assert pointing.attack is None
    assert shift.explainer == pointing.explainer == ("grad-cam", {"layer": None})
    assert found.policy.gate.min_cases == 40


def test_a_criterion_is_the_one_said_the_usual_one_or_the_only_one(tmp_path: Path) -> None:
    goal = '[[finding]]\nmetric = "goal-rate"\nattack = "fgsm"\nmax = 0.5\n'
    one = '[audit]\nattacks = ["fgsm"]\ncriteria = {}\n' + goal + "{}"
    both = '["lower-dice:limit=0.3", "leave-decision"]'
    for criteria, said, expected in (
        ("[]", "", None),
        ('["true-label"]', "", ("true-label", {})),
        (both, "", ("leave-decision", {})),
        (both, 'criterion = "lower-dice"', ("lower-dice", {"limit": 0.3, "against": "prediction"})),
    ):
        assert read(tmp_path, one.format(criteria, said)).asked[0].criterion == expected
    with pytest.raises(UsageError, match="names 2 criteria; say which one"):
        read(tmp_path, one.format('["joint", "lower-dice"]', ""))


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_policy_is_told_in_one_line_that_names_the_line(name: str, tmp_path: Path) -> None:
    text, line, words = MALFORMED[name]
    with pytest.raises(UsageError) as raised:
        read(tmp_path, text)
    told = str(raised.value)
    place = f"{tmp_path / 'xaiaudit.toml'}{'' if line is None else f', line {line}'}: "
    assert told.startswith(place)
    assert words in told
    assert "\n" not in told
    assert len(told) < len(place) + 320


@pytest.mark.parametrize("name", MALFORMED)
@pytest.mark.parametrize(
    "command", [["gate", "--check"], ["gate", "no-audit"], ["attack", "no-model.pt"]], ids=" ".join
)
def test_every_malformed_policy_ends_in_one_line_and_code_2(
    command: list[str], name: str, tmp_path: Path
) -> None:
    text, line, words = MALFORMED[name]
    path = tmp_path / "policy.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    result = CliRunner().invoke(main, [*command, "--policy", str(path)])
    assert (result.exit_code, result.stdout) == (2, "")
    (told,) = result.stderr.splitlines()
    assert told.startswith(f"Error: {path}{'' if line is None else f', line {line}'}: ")
    assert words in told


def test_attacks_without_a_radius_are_known_by_name() -> None:
    assert set(NO_RADIUS) == {name for name in ATTACKS if attack(name).epsilon is None}


def test_there_are_at_least_forty_of_them() -> None:
    assert len(MALFORMED) >= 40


def test_a_path_that_holds_no_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file; xaiaudit init"):
        read_policy(tmp_path / "none.toml")
    with pytest.raises(UsageError, match="directory"):
        read_policy(tmp_path)


def test_a_fault_found_later_names_its_line(tmp_path: Path) -> None:
    found = read(tmp_path, RIGHT)
    path = found.path
    assert str(found.fault(("audit", "attacks", 1), "too weak")) == f"{path}, line 6: too weak"
    assert str(found.fault(("finding", 1, "min_cases"), "too few")) == f"{path}, line 25: too few"
    assert str(found.fault((), "no")) == f"{path}: no"
