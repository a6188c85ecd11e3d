"""A multi-task network through the whole audit: attacked through its class head, Dice before and after."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from small_models import train_small

import xaiaudit
from xaiaudit.auditing.selection import choose_data


def test_dice_is_reported_before_and_after(phantoms: Path, tmp_path: Path) -> None:
    path = train_small(phantoms, tmp_path / "mtl.pt", "thesis-mtl", epochs=1, backbone="resnet18")
    model = xaiaudit.load(path)
    assert model.has_mask
    record = xaiaudit.audit(
        model, choose_data(model), ["fgsm:steps=3"], out=tmp_path / "audit", limit=6, curve=False, checks=0
    )
    assert record is not None
    (item,) = record.attacks
    rows = pq.read_table(tmp_path / "audit" / "predictions.parquet").to_pylist()
    clean = [row["dice"] for row in rows if row["attack_id"] == "none"]
    after = [row["dice"] for row in rows if row["attack_id"] == "fgsm" and not row["quantised"]]
    assert record.clean.dice is not None
    assert abs(record.clean.dice.estimate - np.mean(clean)) < 1e-9
    assert item.dice_after is not None
    assert item.dice_drop is not None
    assert abs(item.dice_after.estimate - np.mean(after)) < 1e-9
    assert abs(item.dice_drop.estimate - (np.mean(clean) - np.mean(after))) < 1e-9
