"""action.yml and examples/ci, as far as a shell can run them: options passed on, exit codes kept, nothing injected."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from ci_files import CI, GITLAB_BASH, ROOT, Job, bash, load, recorder

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="the scripts of CI need bash")
GATE = "Audit and judge"
HOSTILE = "m $(touch pwned) `touch pwned` \"; touch pwned; ' * $HOME é.pt"


def called(folder: Path) -> list[list[str]]:
    return [json.loads(line) for line in (folder / "bin" / "calls").read_text().splitlines()]


def job(folder: Path, verdict: str | None = "passed", code: int = 0, **inputs: str) -> Job:
    return Job(folder, recorder(folder / "bin", verdict, code), {"model": "model.pt", **inputs})


@pytest.mark.parametrize(("verdict", "code"), [("passed", 0), ("failed", 1), ("not assessed", 1)])
def test_the_action_keeps_the_exit_code_and_says_the_verdict(tmp_path: Path, verdict: str, code: int) -> None:
    done = job(tmp_path, verdict, code).run(GATE)
    assert done.code == code, done.stderr
    assert done.outputs["verdict"] == verdict
    folder = done.outputs["path"]
    assert Path(folder).is_relative_to(tmp_path / "temp")
    assert called(tmp_path) == [["attack", "--policy=xaiaudit.toml", f"--out={folder}", "--", "model.pt"]]


@pytest.mark.parametrize(("left", "ended"), [(2, 2), (0, 2), (130, 130)])
def test_without_a_verdict_nothing_passes(tmp_path: Path, left: int, ended: int) -> None:
    done = job(tmp_path, None, left).run(GATE)
    assert done.code == ended
    assert set(done.outputs) == {"path"}
    assert ("ended without a verdict" in done.stderr) == (left == 0)


def test_every_input_becomes_an_option(tmp_path: Path) -> None:
    given = {
        "policy": "ci/p q.toml",
        "baseline": "accepted ones",
        "data": "a folder\n\nb.csv\n",
        "args": "--seed 1\n  --limit 40 *",
    }
    made = job(tmp_path, **given)
    (made.workspace / "file").touch()  # what a star would become
    assert made.run(GATE).code == 0
    attack = called(tmp_path)[0]
    assert attack[1] == "--policy=ci/p q.toml"
    assert attack[3:] == [
        "--baseline=accepted ones",
        "--data=a folder",
        "--data=b.csv",
        *["--seed", "1", "--limit", "40", "*"],
        "--",
        "model.pt",
    ]


@pytest.mark.parametrize("name", ["model", "policy", "baseline", "data", "args"])
def test_no_input_is_run(tmp_path: Path, name: str) -> None:
    made = job(tmp_path, **{name: HOSTILE})
    assert made.run(GATE).code == 0
    assert not (made.workspace / "pwned").exists()
    words = called(tmp_path)[0]
    if name == "args":
        assert words[3:-2] == HOSTILE.split()
    else:
        assert HOSTILE in (words[-1] if name == "model" else "".join(words))


def test_no_script_of_the_action_holds_an_expression() -> None:
    for step in load(ROOT / "action.yml")["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
    for steps in (job["steps"] for job in load(CI / "github.yml")["jobs"].values()):
        assert not any("${{" in step.get("run", "") for step in steps)


def test_the_action_uploads_whatever_the_verdict_is() -> None:
    action = load(ROOT / "action.yml")
    *_, upload = action["runs"]["steps"]
    assert upload["uses"].startswith("actions/upload-artifact@")
    assert upload["if"] == "always() && steps.audit.outputs.path != ''"
    assert set(action["outputs"]) == {"verdict", "path"}
    ids = {step["id"] for step in action["runs"]["steps"] if "id" in step}
    for output in action["outputs"].values():
        assert re.fullmatch(r"\$\{\{ steps\.(\w+)\.outputs\.\w+ \}\}", output["value"])[1] in ids  # type: ignore[index]


def test_the_workflow_gives_the_action_inputs_that_it_has() -> None:
    (gate,) = load(CI / "github.yml")["jobs"].values()
    (used,) = (step for step in gate["steps"] if step.get("uses", "").endswith("xaiaudit"))
    inputs = load(ROOT / "action.yml")["inputs"]
    assert set(used["with"]) <= set(inputs)
    assert {name for name, given in inputs.items() if given.get("required")} <= set(used["with"])
    said = next(step for step in gate["steps"] if step.get("if") == "always()")
    for value in said["env"].values():
        assert re.fullmatch(r"\$\{\{ steps\.gate\.outputs\.(verdict|path) \}\}", value)
    empty = bash(["bash", "-ec", said["run"]], Path.cwd(), {"VERDICT": "", "AUDIT": "there"})
    assert empty.stdout == "Verdict none, as nothing could be judged, in there\n"


@pytest.mark.parametrize(("verdict", "code"), [("passed", 0), ("failed", 1), (None, 2)])
def test_the_script_of_gitlab_ends_as_the_gate_does(tmp_path: Path, verdict: str | None, code: int) -> None:
    gitlab = load(CI / "gitlab.yml")["xaiaudit"]
    install, *script = gitlab["script"]
    assert install == 'python -m pip install "$XAIAUDIT"'
    environment = gitlab["variables"] | {"PATH": recorder(tmp_path / "bin", verdict, code), "MODEL": HOSTILE}
    done = bash(GITLAB_BASH, tmp_path, environment, stdin="\n".join(script))
    assert done.returncode == code, done.stderr
    (attack,) = called(tmp_path)
    assert attack == [
        "attack",
        "--policy=xaiaudit.toml",
        "--baseline=baselines",
        "--out=audit",
        "--",
        HOSTILE,
    ]
    kept = gitlab["artifacts"]
    assert (kept["when"], kept["paths"], kept["reports"]["junit"]) == (
        "always",
        ["audit/"],
        "audit/junit.xml",
    )


@pytest.mark.parametrize(("verdict", "code"), [("passed", 0), ("failed", 1), (None, 2)])
@pytest.mark.parametrize(
    ("baselines", "said"),
    [("", []), ("none", ["--no-baseline"]), ("Ann's store", ["--baseline=Ann's store"])],
)
def test_the_shell_script_ends_as_the_gate_does(
    tmp_path: Path, verdict: str | None, code: int, baselines: str, said: list[str]
) -> None:
    environment = {"PATH": recorder(tmp_path / "bin", verdict, code), "BASELINES": baselines}
    done = bash([str(CI / "gate.sh"), HOSTILE, "my audit"], tmp_path, environment)
    assert done.returncode == code, done.stderr
    (attack,) = called(tmp_path)
    assert attack == ["attack", "--policy=xaiaudit.toml", *said, "--out=my audit", "--", HOSTILE]
    assert ("xaiaudit accept" in done.stdout) == (code == 0)


def test_what_the_shell_script_offers_to_accept_can_be_pasted(tmp_path: Path) -> None:
    environment = {"PATH": recorder(tmp_path / "bin", "passed", 0), "BASELINES": "Ann's store"}
    done = bash([str(CI / "gate.sh"), "m.pt", HOSTILE], tmp_path, environment)
    offered = done.stdout.splitlines()[-1].partition(": ")[2]
    assert bash(["sh", "-c", offered], tmp_path, environment).returncode == 0
    assert called(tmp_path)[-1] == ["accept", "--store=Ann's store", "--", HOSTILE]


def test_the_shell_script_makes_a_folder_of_its_own_and_says_how_it_is_used(tmp_path: Path) -> None:
    environment = {"PATH": recorder(tmp_path / "bin", "passed", 0)}
    assert bash([str(CI / "gate.sh"), "models/new.pt"], tmp_path, environment).returncode == 0
    assert re.fullmatch(r"--out=audits/new-\d{8}T\d{6}Z", called(tmp_path)[0][2])
    bare = bash([str(CI / "gate.sh")], tmp_path, environment)
    assert bare.returncode != 0
    assert "usage: gate.sh MODEL" in bare.stderr
    assert os.access(CI / "gate.sh", os.X_OK)
