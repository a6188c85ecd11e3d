"""The policy to start from."""

from pathlib import Path

import numpy as np
import pytest
from judged_audits import Columns, make

from xaiaudit.errors import UsageError
from xaiaudit.gate.judging import judged
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


ATTACKS = {"fgsm": {"epsilon": 1 / 255}, "pgd": {"epsilon": 1 / 255}}


def statuses(
    read: ReadPolicy, right: tuple[float, float], flips: float, swept: float = 0.05
) -> dict[str, str]:
    """By id, of an audit of 200 images, one a case, a third of them malignant.

    Args:
        right: share decided rightly of benign and of malignant images; the others are near the boundary.
    """
    n, rng = 200, np.random.default_rng(0)
    label = (np.arange(n) % 3 == 0).astype(int)
    decided_rightly = rng.random(n) < np.where(label == 1, right[1], right[0])
    size = np.where(decided_rightly, rng.uniform(0.5, 2, n), rng.uniform(0, 0.5, n))
    flipped = rng.random(n) < flips
    silent = (~flipped & (rng.random(n) < 0.2)).astype(float)
    audited = make(
        Columns(
            case=np.arange(n),
            label=label,
            margin=np.where(decided_rightly, 2.0 * label - 1, 1 - 2.0 * label) * size,
            flipped={"fgsm": flipped, "pgd": flipped},
            silent={"fgsm": silent, "pgd": silent},
            hit=(rng.random(n) < 0.7).astype(float),
            swept=rng.random(n) < swept,
        ),
        ATTACKS,
    )
    return {finding.id: finding.status for finding in judged(audited, read, None, no_baseline=True).findings}


def failed(found: dict[str, str]) -> set[str]:
    return {name for name, status in found.items() if status == "failed"}


def test_a_model_that_decides_well_and_resists_passes_it(written: ReadPolicy) -> None:
    assert set(statuses(written, (0.9, 0.85), 0.35).values()) == {"passed"}


def test_a_plain_model_fails_by_its_flips_and_what_they_do(written: ReadPolicy) -> None:
    found = failed(statuses(written, (0.9, 0.85), 0.99))
    assert {name.partition("/")[0] for name in found} == {"flip-rate", "robust-accuracy", "missed-cancers"}
    assert len(found) == 4


@pytest.mark.parametrize(
    ("right", "by"),
    [
        ((1.0, 0.0), "sensitivity"),  # says benign of everything
        ((0.0, 1.0), "specificity"),  # says malignant of everything
        ((0.95, 0.3), "sensitivity"),  # right on one class alone
        ((0.3, 0.95), "specificity"),
    ],
)
def test_a_model_that_knows_one_class_alone_fails_it_though_it_never_flips(
    right: tuple[float, float], by: str, written: ReadPolicy
) -> None:
    found = statuses(written, right, 0.0)
    assert failed(found) == {by}  # with a good AUC, so that nothing else tells
    if 0.0 in right:  # a constant model: nothing is told of its flips
        assert {status for name, status in found.items() if name.startswith("flip-rate")} == {"not assessed"}
