"""An attack of ART in a whole audit: planned, rebuilt in the shards, recorded."""

import json
from pathlib import Path

import pyarrow.parquet as pq
from click.testing import CliRunner

from xaiaudit.cli import main


def test_an_audit_by_art_is_like_any_other(checkpoint: Path, tmp_path: Path) -> None:
    methods = ("art:basic_iterative_method:eps=2/255,max_iter=3", "art:DeepFool:epsilon=0.02")
    words = [word for method in methods for word in ("--method", method)]
    out = tmp_path / "audit"
    options = ["--limit", "4", "--batch-size", "3", "--no-checks", "--no-report", "--out", str(out)]
    result = CliRunner().invoke(main, ["attack", str(checkpoint), *words, *options])
    assert result.exit_code == 0, result.output
    bim, deepfool = json.loads((out / "audit.json").read_text())["attacks"]
    assert (bim["id"], bim["norm"], bim["epsilon"]) == ("art:BasicIterativeMethod", "linf", 2 / 255)
    assert bim["parameters"] == {"eps": 2 / 255, "eps_step": None, "max_iter": 3, "batch_size": 32}
    assert bim["curve"]
    assert "BasicIterativeMethod of ART" in bim["summary"]
    assert (deepfool["epsilon"], deepfool["curve"], deepfool["failed"]) == (None, [], 0)
    rows = pq.read_table(out / "predictions.parquet").to_pylist()
    own = [row for row in rows if row["attack_id"] == "art:BasicIterativeMethod" and not row["quantised"]]
    assert {round(row["linf"] * 255, 3) for row in own if not row["curve"]} == {2.0}
    assert not any(":" in file.name for file in (out / "images").iterdir())


def test_a_goal_that_art_cannot_know_is_refused_before_anything_is_attacked(
    checkpoint: Path, tmp_path: Path
) -> None:
    words = ["attack", str(checkpoint), "--method", "art:DeepFool", "--criterion", "joint", "--limit", "2"]
    result = CliRunner().invoke(main, [*words, "--out", str(tmp_path / "audit")])
    assert result.exit_code == 2
    assert "art attacks know classes only, so art:DeepFool cannot be after joint" in result.output
