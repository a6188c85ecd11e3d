"""A small audit of real images: rings in true millimetres where the dataset knows them, relative where it does not."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from scipy import ndimage

import xaiaudit
from xaiaudit.data import open_dataset, prepare
from xaiaudit.data.regions import regions
from xaiaudit.models import AuditedModel, build
from xaiaudit.records import REGIONS
from xaiaudit.types import Preprocessing

SMALL = Preprocessing(size=96, channels=1, mean=(0.3,), std=(0.2,))


@pytest.mark.parametrize(("folder", "calibrated"), [("breast_usg", True), ("busbra", False), ("busi", False)])
def test_rings_of_real_images(test_data: Path, tmp_path: Path, folder: str, calibrated: bool) -> None:
    torch.manual_seed(0)
    model = AuditedModel(build("small-cnn", classes=2, channels=1), preprocessing=SMALL)
    dataset = open_dataset(test_data / folder)
    record = xaiaudit.audit(
        model, dataset, ["fgsm:steps=3"], out=tmp_path / "audit", limit=6, curve=False, checks=0
    )
    assert record is not None
    assert record.left_out == []
    with_ring = record.regions.calibrated if calibrated else record.regions.relative
    assert with_ring == record.images - record.regions.without_lesion > 0
    millimetres = [
        row["peak_mm"] is not None
        for row in pq.read_table(tmp_path / "audit" / "maps.parquet").to_pylist()
        if row["attack_id"] == "fgsm" and row["defined"] and row["peak_diagonal"] is not None
    ]
    assert set(millimetres) <= {calibrated}
    rows = pq.read_table(tmp_path / "audit" / "predictions.parquet").to_pylist()
    assert {row["size"].startswith("relative: ") for row in rows if row["size"]} == {not calibrated}
    assert {row["device"] is None for row in rows} == {folder != "busbra"}
    assert {row["birads"] is None for row in rows} == {folder == "busi"}
    assert {group.attribute for group in record.subgroups} >= {"size"}  # six images, of several sizes
    assert not any(group.rated for group in record.subgroups)
    assert xaiaudit.write_report(tmp_path / "audit").read_bytes().startswith(b"%PDF")


def test_a_ring_of_five_millimetres_on_a_real_lesion(test_data: Path) -> None:
    dataset = open_dataset(test_data / "breast_usg")
    sample = prepare(dataset[0], Preprocessing(size=224))
    assert sample.mask is not None
    assert sample.spacing is not None
    codes = regions(sample.mask, spacing=sample.spacing, valid=sample.valid).codes
    far = ndimage.distance_transform_edt(~sample.mask, sampling=sample.spacing)  # mm
    ring = codes == REGIONS.index("ring")
    assert far[ring].max() <= 5.0
    outside = (codes == REGIONS.index("elsewhere")) | (codes == REGIONS.index("posterior"))
    assert far[outside].min() > 5.0
    source = dataset[0]
    assert source.spacing is not None
    # the field of view is as large in millimetres before and after resizing
    assert sample.valid is not None
    rows = np.flatnonzero(sample.valid.any(1)).size
    assert rows * sample.spacing[0] == pytest.approx(source.image.shape[0] * source.spacing[0], rel=1e-6)
