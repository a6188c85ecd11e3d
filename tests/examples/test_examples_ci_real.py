"""The action, the GitLab job and the shell script around real audits of a small network on phantoms."""

import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from ci_files import CI, GITLAB_BASH, ROOT, Job, bash, installed, load, own_python

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="the scripts of CI need bash")
AUDIT = """\
[audit]
attacks = ["fgsm:epsilon=8/255,steps=2"]
explainers = ["cam"]
acquisition = []
curve = false
checks = false

[gate]
min_cases = 5
baseline = "baselines"
"""
REFUSED = """
[[finding]]
metric = "flip-rate"
attack = "fgsm"
max = 0.01

[[finding]]
metric = "specificity"
min_cases = 1000
min = 0.01
"""
PASSED = """
[[finding]]
metric = "sensitivity"
min = 0.01
max_regression = 0.1
"""
DESIGNED = {"report.pdf", "report.html", "junit.xml", "summary.md", "gate.json", "gate.sarif", "audit.json"}


def test_the_action_audits_judges_and_tells(checkpoint: Path, tmp_path: Path) -> None:
    job = Job(
        tmp_path,
        own_python(),
        {"model": "m o.pt", "policy": "ci/xaiaudit.toml", "args": "--gallery 0 --no-report"},
    )
    shutil.copy(checkpoint, job.workspace / "m o.pt")
    (job.workspace / "ci").mkdir()
    (job.workspace / "ci" / "xaiaudit.toml").write_text(AUDIT + REFUSED)
    done = job.run("Audit and judge", **installed(job, tmp_path / "target"))
    assert done.code == 1, done.stderr
    assert done.outputs["verdict"] == "failed"
    folder = Path(done.outputs["path"])
    assert {path.name for path in folder.iterdir()} >= DESIGNED - {"report.pdf", "report.html"}
    lines = [line for line in done.stderr.splitlines() if line.startswith("::")]
    flips, few = lines
    assert re.match(r"::error file=ci/xaiaudit\.toml,line=12,title=xaiaudit%3A failed%3A flip-rate", flips)
    assert re.match(
        r"::error file=ci/xaiaudit\.toml,line=17,title=xaiaudit%3A not assessed%3A specificity", few
    )
    assert done.page == (folder / "summary.md").read_text(encoding="utf-8")
    assert done.page.startswith("## xaiaudit: failed\n")
    (suite,) = ET.parse(folder / "junit.xml").getroot()
    assert (suite.get("failures"), suite.get("errors")) == ("1", "1")
    results = json.loads((folder / "gate.sarif").read_bytes())["runs"][0]["results"]
    places = [result["locations"][0]["physicalLocation"] for result in results]
    assert [place["region"]["startLine"] for place in places] == [12, 17]
    assert {place["artifactLocation"]["uri"] for place in places} == {"ci/xaiaudit.toml"}


@pytest.fixture
def repository(checkpoint: Path, tmp_path: Path) -> Path:
    """A checkout of somebody's model, with the policy that it must keep."""
    made = tmp_path / "repository"
    (made / "models").mkdir(parents=True)
    shutil.copy(checkpoint, made / "models" / "new.pt")
    (made / "xaiaudit.toml").write_text(AUDIT + PASSED)
    return made


GIVEN = {"PATH": own_python(), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "USER": "somebody"}


@pytest.mark.slow
def test_gitlab_gets_the_tests_of_a_real_audit(repository: Path) -> None:
    gitlab = load(CI / "gitlab.yml")["xaiaudit"]
    _, *script = gitlab["script"]  # the installation is tried with the action
    early = bash(GITLAB_BASH, repository, gitlab["variables"] | GIVEN, stdin="\n".join(script))
    assert early.returncode == 2  # a baseline is named, and none was accepted
    assert "nor a store of accepted ones" in early.stderr
    first = gitlab["variables"] | GIVEN | {"BASELINE": "--no-baseline"}
    done = bash(GITLAB_BASH, repository, first, stdin="\n".join(script))
    assert done.returncode == 0, done.stderr
    (suite,) = ET.parse(repository / gitlab["artifacts"]["reports"]["junit"]).getroot()
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0")
    assert {path.name for path in (repository / "audit").iterdir()} >= DESIGNED


@pytest.mark.slow
def test_the_shell_script_judges_and_after_accepting_compares(repository: Path) -> None:
    early = bash([str(CI / "gate.sh"), "models/new.pt", "audits/early"], repository, GIVEN)
    assert early.returncode == 1  # the policy names a store, and nothing was accepted
    first = bash(
        [str(CI / "gate.sh"), "models/new.pt", "audits/first"], repository, GIVEN | {"BASELINES": "none"}
    )
    assert first.returncode == 0, first.stderr
    assert {path.name for path in (repository / "audits" / "first").iterdir()} >= DESIGNED
    command = first.stdout.splitlines()[-1].partition(": ")[2]
    assert command == "xaiaudit accept -- 'audits/first'"
    assert bash(["sh", "-ec", command], repository, GIVEN).returncode == 0
    second = bash([str(CI / "gate.sh"), "models/new.pt", "audits/second"], repository, GIVEN)
    assert second.returncode == 0, second.stderr
    (baseline,) = (line for line in second.stdout.splitlines() if line.startswith("Baseline: "))
    assert "baselines" in baseline
