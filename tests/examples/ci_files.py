"""What CI would run of action.yml and of the examples, taken from the files themselves and run by bash."""

import os
import re
import stat
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
CI = ROOT / "examples" / "ci"
GITHUB_BASH = ["bash", "--noprofile", "--norc", "-eo", "pipefail"]  # GitHub's `shell: bash`
GITLAB_BASH = ["bash", "-eo", "pipefail"]  # as GitLab's runner sets it


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Done:
    code: int
    stdout: str
    stderr: str
    outputs: dict[str, str]  # $GITHUB_OUTPUT
    page: str  # $GITHUB_STEP_SUMMARY


class Job:
    """A job of GitHub around the composite action: its folders, its files, and the value of every input."""

    def __init__(self, folder: Path, path: str, inputs: Mapping[str, str]) -> None:
        self.action = load(ROOT / "action.yml")
        known = self.action["inputs"]
        assert set(inputs) <= set(known)
        self.inputs = {name: inputs.get(name, given.get("default", "")) for name, given in known.items()}
        self.workspace, self.temp = folder / "workspace", folder / "temp"
        for each in (self.workspace, self.temp):
            each.mkdir(parents=True)
        self.output, self.page = self.temp / "output", self.temp / "page"
        self.environment = {
            "PATH": path,
            "HOME": str(self.temp),
            "OMP_NUM_THREADS": "1",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_STEP_SUMMARY": str(self.page),
            "RUNNER_TEMP": str(self.temp),
        }

    def run(self, name: str, **environment: str) -> Done:
        """The step of that name, with its inputs where GitHub would put them."""
        (step,) = (step for step in self.action["runs"]["steps"] if step.get("name") == name)
        assert step["shell"] == "bash"
        script = self.temp / "step.sh"
        script.write_text(self.filled(step["run"]), encoding="utf-8")
        given = {key: self.filled(value) for key, value in step.get("env", {}).items()}
        done = bash([*GITHUB_BASH, str(script)], self.workspace, self.environment | given | environment)
        lines = self.output.read_text().splitlines() if self.output.exists() else []
        page = self.page.read_text(encoding="utf-8") if self.page.exists() else ""
        return Done(
            done.returncode, done.stdout, done.stderr, dict(line.split("=", 1) for line in lines), page
        )

    def filled(self, text: str) -> str:
        """Expressions are replaced as text, before bash sees the script: just what makes injection possible."""
        return re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: self.inputs[found[1]], text)


def bash(
    command: list[str], folder: Path, environment: Mapping[str, str], *, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env=dict(environment), input=stdin, capture_output=True, text=True, check=False
    )


def recorder(folder: Path, verdict: str | None, code: int) -> str:
    """A PATH on which `xaiaudit` writes down how it was called; `attack` leaves a verdict and ends with `code`."""
    folder.mkdir()
    program = folder / "xaiaudit"
    program.write_text(
        f"""#!{sys.executable}
import json, pathlib, sys
words = sys.argv[1:]
with open({str(folder / "calls")!r}, "a") as calls:
    calls.write(json.dumps(words) + "\\n")
if words[0] == "attack":
    (out,) = (word[6:] for word in words if word.startswith("--out="))
    pathlib.Path(out).mkdir(parents=True)
    if {verdict!r}:
        pathlib.Path(out, "gate.json").write_text(json.dumps({{"verdict": {verdict!r}}}))
    sys.exit({code})
"""
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (folder / "python").symlink_to(sys.executable)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def installed(job: Job, target: Path) -> dict[str, str]:
    """Run the install step offline, into a folder of its own; returns what makes that folder the installation."""
    offline = {
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_NO_DEPS": "1",
        "PIP_NO_INDEX": "1",
        "PIP_TARGET": str(target),
    }
    done = job.run("Install xaiaudit", **offline)
    assert done.code == 0, done.stderr
    path = os.pathsep.join([str(target / "bin"), job.environment["PATH"]])
    return {"PATH": path, "PYTHONPATH": str(target)}


def own_python() -> str:
    """A PATH whose `python` is this one."""
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
