"""The policy to start from."""

from pathlib import Path

import pytest

from xaiaudit.errors import UsageError
from xaiaudit.gate.reading import ReadPolicy, read_policy
from xaiaudit.gate.starter import starter, write_starter

REGRESSIONS = 4  # each more makes Holm slower to see the others


@pytest.fixture
def written(tmp_path: Path) -> ReadPolicy:
    write_starter(tmp_path / "xaiaudit.toml")
    return read_policy(tmp_path / "xaiaudit.toml")


def test_it_asks_that_the_model_decides_at_all(written: ReadPolicy) -> None:
    """A constant classifier never flips, and one that is right on one class alone has half a chance of the other."""
    least = {finding.metric: finding.min for finding in written.policy.finding}
    for metric in ("auc", "sensitivity", "specificity"):
        assert least[metric] is not None
        assert least[metric] >= 0.5
    assert all(finding.judge == "bound" for finding in written.policy.finding)


def test_it_asks_for_robustness_at_one_grey_level_and_for_maps(written: ReadPolicy) -> None:
    about = {
        (finding.metric, attack[0] if attack else None): attack[1]["epsilon"] if attack else None
        for finding, asked in zip(written.policy.finding, written.asked, strict=True)
        for attack in [asked.attack]
    }
    for metric in ("robust-accuracy", "missed-cancers", "silent-shift"):
        assert about[metric, "pgd"] == 1 / 255
    assert about["flip-rate", "fgsm"] == about["flip-rate", "pgd"] == 1 / 255
    assert {("sweep-flip-rate", None), ("sweep-silent-shift", None), ("pointing", None)} <= set(about)


def test_few_of_its_findings_are_regressions(written: ReadPolicy) -> None:
    regressions = [f.metric for f in written.policy.finding if f.max_regression is not None]
    assert len(regressions) == REGRESSIONS
    assert {"flip-rate", "pointing"} <= set(regressions)


def test_folders_are_named_relative_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ('a "quoted" \\ ünïcode folder', "deep/policies"):
        Path(name).mkdir(parents=True)
    data = [Path('a "quoted" \\ ünïcode folder'), tmp_path / "deep"]
    write_starter(Path("deep/policies/p.toml"), data)
    read = read_policy(Path("deep/policies/p.toml"))
    assert read.policy.audit.data == ['../../a "quoted" \\ ünïcode folder', str(tmp_path / "deep")]
    assert all((read.path.parent / path).is_dir() for path in read.policy.audit.data)


def test_nothing_is_lost_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        write_starter(path)
    assert path.read_text() == "mine"
    write_starter(path, overwrite=True)
    assert path.read_text() == starter()
    for out, data, words in (
        (tmp_path / "none" / "p.toml", [], "cannot be written"),
        (tmp_path / "p.toml", [tmp_path / "none"], "no such folder"),
    ):
        with pytest.raises(UsageError, match=words):
            write_starter(out, data)
        assert not out.exists()
