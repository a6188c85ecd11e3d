"""Two audits of real small networks: the older, and a copy of it whose weights were disturbed."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from click.testing import CliRunner
from shared_folders import made_once

from xaiaudit.cli import main
from xaiaudit.comparison import compare
from xaiaudit.comparison.pairing import paired
from xaiaudit.comparison.sides import read_side
from xaiaudit.comparison.stored import field
from xaiaudit.comparison_record import ComparisonRecord
from xaiaudit.metrics.map_shift import shift_in
from xaiaudit.records import MAPS, SHIFT_METRICS
from xaiaudit.rows import Rows


def disturb(checkpoint: Path, target: Path) -> Path:
    """The same checkpoint with noise of a fifth of their spread on the weights of its convolutions."""
    raw = torch.load(checkpoint, weights_only=True)
    draw = torch.Generator().manual_seed(0)
    for name, weight in raw["weights"].items():
        if weight.ndim == 4:
            raw["weights"][name] = weight + 0.2 * weight.std() * torch.randn(weight.shape, generator=draw)
    torch.save(raw, target)
    return target


@pytest.fixture(scope="session")
def disturbed_audit(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(folder: Path) -> None:
        model = disturb(checkpoint, folder / "disturbed.pt")
        options = ["--no-curve", "--no-checks", "--no-acquisition", "--no-report", "--gallery", "0"]
        words = ["attack", str(model), "--method", "fgsm", *options, "--out", str(folder / "audit")]
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 0, result.output

    return made_once(tmp_path_factory, "disturbed", make) / "audit"


@pytest.fixture(scope="module")
def found(audit_folder: Path, disturbed_audit: Path) -> tuple[ComparisonRecord, Any]:
    return compare(audit_folder, disturbed_audit)


def test_stored_maps_tell_what_the_audit_measured_on_whole_ones(audit_folder: Path) -> None:
    """Maps after an attack are stored like those of another checkpoint, and how far they moved is known."""
    side = read_side(audit_folder)
    whole = field(paired(side, side))
    table = pq.read_table(audit_folder / "maps.parquet").to_pylist()
    for explainer in side.record.explainers:
        clean, attacked = (
            Rows(
                pa.Table.from_pylist(
                    [
                        r
                        for r in table
                        if (r["attack_id"], r["target"], r["explainer_id"]) == (*key, explainer.id)
                    ],
                    MAPS,
                )
            )
            for key in (("none", "own"), ("fgsm", "same"))
        )
        before, after = (
            (rows.stacked("map").astype(float) * rows.floats("map_scale")[:, None]).reshape(
                -1, *explainer.grid
            )
            for rows in (clean, attacked)
        )
        again = shift_in(whole, before, after, signed=explainer.signed)
        for metric in SHIFT_METRICS:
            np.testing.assert_allclose(again[metric], attacked.floats(metric), atol=0.01, err_msg=metric)


def test_the_disturbed_copy_differs_where_its_tables_do(
    audit_folder: Path, disturbed_audit: Path, found: tuple[ComparisonRecord, Any]
) -> None:
    record, images = found
    decisions = []
    for folder in (audit_folder, disturbed_audit):
        rows = pq.read_table(folder / "predictions.parquet").to_pylist()
        decisions.append({row["sha256"]: row["decision"] for row in rows if row["attack_id"] == "none"})
    apart = sum(decisions[0][sha] != decisions[1][sha] for sha in decisions[0])
    assert record.clean.decisions[0][1] + record.clean.decisions[1][0] == apart
    assert {item.decided_otherwise for item in record.drift} == {apart}
    assert [item.attack_id for item in record.attacks] == ["fgsm"]
    assert record.attacks[0].radius is None  # one audit has no curve
    assert any("deepfool" in text for text in record.left_out)
    for item in record.drift:
        assert item.natural is not None  # the older simulated a second sweep
        assert item.shift["mass_centre_mm"].median is not None
        assert item.shift["mass_centre_mm"].median > 0
        assert item.finding in ("drifted", "farther", "within")
    assert len(images) == record.images
    assert record.after.checkpoint.endswith("disturbed.pt")


def test_the_newer_needs_no_sweep_but_the_older_does(
    audit_folder: Path, disturbed_audit: Path, found: tuple[ComparisonRecord, Any]
) -> None:
    turned, _ = compare(disturbed_audit, audit_folder)
    for one, other in zip(found[0].drift, turned.drift, strict=True):
        assert other.natural is None
        assert "no second sweep" in other.why_no_natural
        assert other.finding in ("no yardstick", "unmoved")
        assert one.shift["spearman"].median == pytest.approx(other.shift["spearman"].median)


def test_both_know_the_same_cases(audit_folder: Path, disturbed_audit: Path) -> None:
    pair = paired(read_side(audit_folder), read_side(disturbed_audit))
    assert pair.before.clean().strings("sha256") == pair.after.clean().strings("sha256") == pair.sha256
    assert pair.names == pair.after.clean().strings("image")
