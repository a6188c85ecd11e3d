"""What the tests of the gate share: audits made of columns, and policies written as files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xaiaudit.gate.audited import Audited
from xaiaudit.gate.reading import ReadPolicy, read_policy
from xaiaudit.gate_record import Finding, Verdict

ROOT = Path(__file__).resolve().parents[2]
with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(ROOT)
    from benchmarks.gate_audits import Columns, make, write

__all__ = ["ATTACKS", "Columns", "finding", "flags", "made", "make", "policy", "write"]

ATTACKS: dict[str, dict[str, Any]] = {"fgsm": {"epsilon": 1 / 255}}
HEAD = '[audit]\nattacks = ["fgsm:epsilon=1/255"]\nexplainers = ["grad-cam"]\n'


def policy(
    folder: Path, *findings: str, gate: str = "min_cases = 1", audit: str = "", name: str = "p.toml"
) -> ReadPolicy:
    """A policy with these findings, each the lines of its table."""
    tables = "".join(f"[[finding]]\n{lines}\n" for lines in findings)
    path = folder / name
    path.write_text(f"{HEAD}{audit}\n[gate]\n{gate}\n{tables}")
    return read_policy(path)


def flags(hits: int, n: int) -> np.ndarray:
    """The first so many of n."""
    return np.arange(n) < hits


def made(
    n: int = 40, *, flips: int = 10, wrong: int = 4, attacks: dict[str, Any] | None = None, **columns: Any
) -> Audited:
    """n images, one a case, half of them malignant, the last `wrong` of each class decided wrongly."""
    changes = columns.pop("changes", {})
    label = (np.arange(n) >= n // 2).astype(int)
    wrongly = np.zeros(n, bool)
    for half in (label == 0, label == 1):
        wrongly[np.flatnonzero(half)[len(np.flatnonzero(half)) - wrong :]] = True
    decided = label ^ wrongly
    usual: dict[str, Any] = {
        "case": np.arange(n),
        "label": label,
        "margin": (2.0 * decided - 1) * (1 + np.arange(n) / n),
        "flipped": {"fgsm": flags(flips, n)},
        "silent": {"fgsm": flags(n // 4, n).astype(float)},
        "hit": flags(3 * n // 4, n).astype(float),
        "swept": flags(n // 10, n),
    }
    return make(Columns(**usual | columns), attacks or ATTACKS, changes=changes)


def finding(verdict: Verdict, name: str) -> Finding:
    """The one with this id."""
    (found,) = (item for item in verdict.findings if item.id == name)
    return found
