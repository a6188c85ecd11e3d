"""Every explainer through an audit and the command line, on a network with a class head and a mask head."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from two_headed import Net

import xaiaudit
from xaiaudit.cli import main
from xaiaudit.data import open_dataset
from xaiaudit.errors import UsageError
from xaiaudit.explainers.registry import EXPLAINERS, explainer
from xaiaudit.explainers.smoothgrad import SmoothGrad
from xaiaudit.explainers.spec import parse
from xaiaudit.models import AuditedModel
from xaiaudit.reports import write_report
from xaiaudit.types import Preprocessing

LIGHT = {
    "cameras": "cameras:scales=2",
    "occlusion": "occlusion:window=32,stride=32",
    "integrated-gradients": "integrated-gradients:steps=4",
    "smoothgrad": "smoothgrad:samples=2",
}
SPECS = [LIGHT.get(name, name) for name in EXPLAINERS]


@pytest.fixture(scope="module")
def folder(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("audit") / "audit"
    model = AuditedModel(
        Net(), preprocessing=Preprocessing(size=64, channels=1, mean=(0.3,), std=(0.2,)), cam_layer="act"
    )
    xaiaudit.audit(
        model,
        open_dataset(phantoms),
        ["fgsm:steps=3"],
        SPECS,
        out=out,
        limit=3,
        curve=False,
        checks=0,
        gallery=1,
    )
    return out


def test_an_audit_takes_them_all(folder: Path) -> None:
    record = json.loads((folder / "audit.json").read_text())
    assert [item["name"] for item in record["explainers"]] == list(EXPLAINERS)
    told = {item["name"]: item for item in record["explainers"]}
    assert told["occlusion"]["parameters"] == {"window": 32, "stride": 32, "baseline": 0.0}
    for name, item in told.items():
        on_pixels = item["layer"] == "image" or name == "cameras"
        assert tuple(item["grid"]) == ((64, 64) if on_pixels else (15, 15))
        assert item["signed"] == explainer(name).signed
    write_report(folder)
    assert (folder / "report.pdf").stat().st_size > 1000


def test_metrics_are_of_the_whole_map_and_padding_has_no_relevance_of_pixels(folder: Path) -> None:
    rows = pq.read_table(folder / "maps.parquet").to_pylist()
    pixels = [row for row in rows if row["native_rows"] == 64]
    assert pixels
    for row in pixels:
        assert (row["grid_rows"], row["grid_columns"]) == (28, 28)
        if row["explainer_id"] != "cameras" and row["defined"]:
            assert row["peak_state"] != "padding"
            assert row["energy_padding"] in (0.0, None)
    for row in rows:
        assert bool(row["maximum_cells"]) == row["defined"]
        if row["defined"] and row["native_rows"] <= 28:
            assert np.argmax(row["map"]) == row["maximum_cells"][0]


def test_every_map_of_an_image_is_made_with_the_draws_of_the_clean_one(
    phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the noise of SmoothGrad would move with the pixels, and the map with it."""
    seen: list[list[int]] = []
    honest = SmoothGrad.attribute

    def told(self: SmoothGrad, model, images, target, valid, seeds):
        seen.append(list(seeds))
        return honest(self, model, images, target, valid, seeds)

    monkeypatch.setattr(SmoothGrad, "attribute", told)
    out = tmp_path / "audit"
    model = AuditedModel(
        Net(), preprocessing=Preprocessing(size=64, channels=1, mean=(0.3,), std=(0.2,)), cam_layer="act"
    )
    xaiaudit.audit(
        model,
        open_dataset(phantoms),
        ["fgsm:steps=1"],
        ["smoothgrad:samples=1"],
        out=out,
        limit=2,
        curve=False,
        checks=0,
    )
    rows = pq.read_table(out / "predictions.parquet").to_pylist()
    planned = [row["seed"] for row in rows if row["attack_id"] == "none"]
    assert len(set(planned)) == 2
    one_by_one = [[seed] for seed in planned]  # of the check before the audit
    assert [seeds for seeds in seen if seeds not in one_by_one] == [planned] * (len(seen) - 2)
    assert len(seen) > 4  # the check, the clean images, the small changes, the attacked images


def test_explain_takes_all_that_suit_the_model(checkpoint: Path, phantoms: Path, tmp_path: Path) -> None:
    image = sorted((phantoms / "images").glob("*.png"))[0]
    specs = [spec for spec in SPECS if spec != "seg-grad-cam"]
    named = [f"--explainer={spec}" for spec in specs]
    done = CliRunner().invoke(
        main, ["explain", str(checkpoint), str(image), "--json", "--out", str(tmp_path), *named]
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [item["explainer"] for item in found] == [spec.partition(":")[0] for spec in specs]
    assert all(Path(item["picture"]).stat().st_size > 1000 for item in found)


def test_seg_grad_cam_is_refused_before_any_work_without_a_mask_head(
    checkpoint: Path, tmp_path: Path
) -> None:
    out = tmp_path / "audit"
    done = CliRunner().invoke(
        main,
        ["attack", str(checkpoint), "--method", "fgsm", "--explainer", "seg-grad-cam", "--out", str(out)],
    )
    assert "this one has none: use grad-cam" in done.output
    assert not out.exists()


def test_explainers_are_listed() -> None:
    lines = CliRunner().invoke(main, ["list", "explainers"]).output.splitlines()
    assert [line.split()[0] for line in lines] == list(EXPLAINERS)
    assert all(len(line.split()) > 3 for line in lines)


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("occlusion:window=16,stride=8", {"window": 16, "stride": 8}),
        ("integrated-gradients:steps=50,baseline=1/2", {"steps": 50, "baseline": 0.5}),
        ("smoothgrad:noise=0.2,seed=3", {"noise": 0.2, "seed": 3}),
        ("cameras:layer=features.3,scales=4", {"layer": "features.3", "scales": 4}),
        ("grad-cam", {}),
    ],
)
def test_parameters_have_their_types(text: str, parameters: dict[str, object]) -> None:
    name, found = parse(text)
    assert found == parameters
    assert [type(value) for value in found.values()] == [type(value) for value in parameters.values()]
    explainer(name, **found)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("occlusion:window=wide", "occlusion:window must be a whole number, e.g. 40, got 'wide'"),
        ("occlusion:window=1.5", "must be a whole number"),
        ("smoothgrad:noise=some", "must be a finite number"),
        ("occlusion:windw=4", "has no parameter 'windw'; it takes window, stride, baseline"),
        ("occlusion:window=4,window=8", "gives window twice"),
        ("occlusion:window", "is not NAME=VALUE"),
        ("occlusion:stride=99", "stride 99 is larger than window 16"),
    ],
)
def test_a_wrong_spec_gets_one_line(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        parse(text)
    assert "\n" not in str(caught.value)
