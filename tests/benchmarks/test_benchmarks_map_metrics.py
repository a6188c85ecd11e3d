"""The benchmark of one map's metrics runs; how fast it is, is measured on a machine that does nothing else."""

from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

ROOT = Path(__file__).resolve().parent.parent.parent


def test_it_times_every_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)
    main = import_module("benchmarks.map_metrics").main
    result = CliRunner().invoke(main, ["--repeats", "1", "--size", "64"], catch_exceptions=False)
    assert result.exit_code == 0
    rows = [line.split() for line in result.output.splitlines()[1:]]
    assert len(rows) == 8
    assert all(float(row[2]) > 0 for row in rows)
