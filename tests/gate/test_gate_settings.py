"""The command line over the policy."""

from pathlib import Path
from typing import get_args

import pytest

from xaiaudit.cli.attack import attack
from xaiaudit.gate.policy import AuditTable
from xaiaudit.gate.reading import ReadPolicy, read_policy
from xaiaudit.gate.settings import OPTIONS, overruled, settings

TEXT = """
[audit]
attacks = ["fgsm", "pgd:steps=3"]
data = ["one", "/two"]
dataset = "busi"
split = "all"
acquisition = []
seed = 5
[[finding]]
metric = "auc"
min = 0.6
"""


@pytest.fixture
def read(tmp_path: Path) -> ReadPolicy:
    (tmp_path / "policy.toml").write_text(TEXT)
    return read_policy(tmp_path / "policy.toml")


def test_every_key_of_audit_is_an_option_of_attack_or_a_limit_of_time() -> None:
    options = {name: value for values in OPTIONS.values() for name, value in values.items()}
    known = {parameter.name for parameter in attack.params}
    assert set(options) <= known
    spoken_of = set(OPTIONS) | set(OPTIONS["data"])
    assert set(AuditTable.model_fields) == spoken_of | {"max_minutes"}


def test_a_default_of_the_policy_is_that_of_the_command_line(tmp_path: Path) -> None:
    """So that a key that is left out changes nothing."""
    text = '[audit]\nattacks = ["fgsm"]\n[[finding]]\nmetric = "auc"\nmin = 0.6\n'
    (tmp_path / "policy.toml").write_text(text)
    found = settings(read_policy(tmp_path / "policy.toml"), set())
    defaults = attack.make_context("attack", ["model.pt"]).params
    assert {name: value for name, value in found.items() if name != "methods"} == {
        name: defaults[name] for name in found if name != "methods"
    }
    assert get_args(AuditTable.model_fields["precision"].annotation) == ("float32", "bf16")


def test_paths_are_relative_to_the_policy(read: ReadPolicy) -> None:
    found = settings(read, set())
    assert found["data"] == (read.path.parent / "one", Path("/two"))
    assert (found["dataset"], found["split"], found["seed"]) == ("busi", "all", 5)
    assert (found["methods"], found["no_acquisition"]) == (("fgsm", "pgd:steps=3"), True)


@pytest.mark.parametrize(
    ("said", "left_alone", "keys"),
    [
        ({"seed"}, {"seed"}, ["seed"]),
        ({"methods", "out"}, {"methods"}, ["attacks"]),
        ({"data"}, {"data", "dataset", "normals", "split"}, ["data"]),  # other images are read in another way
        ({"split"}, {"split"}, ["data"]),
        ({"changes"}, {"changes", "no_acquisition"}, ["acquisition"]),
    ],
)
def test_what_the_command_line_says_is_left_alone(
    said: set[str], left_alone: set[str], keys: list[str], read: ReadPolicy
) -> None:
    whole, found = settings(read, set()), settings(read, said)
    assert found == {name: value for name, value in whole.items() if name not in left_alone}
    assert overruled(said) == keys
