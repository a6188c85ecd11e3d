"""xaiaudit pointing: its table is that of the maps of an audit, and says what it left out."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from xaiaudit.cli import main
from xaiaudit.records import PointingReport


def call(*words: object) -> str:
    result = CliRunner().invoke(main, ["pointing", *map(str, words)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def report(checkpoint: Path) -> PointingReport:
    return PointingReport.model_validate_json(call(checkpoint, "--explainer", "cam", "--json"))


@pytest.fixture(scope="module")
def rows(audit_folder: Path) -> list[dict]:
    """The same images in an audit: hits beside label and decision."""
    decided = {
        row["image"]: (row["label"], row["decision"])
        for row in pq.read_table(audit_folder / "predictions.parquet").to_pylist()
        if row["attack_id"] == "none"
    }
    maps = pq.read_table(audit_folder / "maps.parquet").to_pylist()
    return [
        row | dict(zip(("label", "decision"), decided[row["image"]], strict=True))
        for row in maps
        if row["attack_id"] == "none" and row["explainer_id"] == "cam"
    ]


def test_every_share_is_the_mean_hit_of_its_group(report: PointingReport, rows: list[dict]) -> None:
    (table,) = report.tables
    assert table.explainer.signed
    assert len(table.groups) == 6
    for group in table.groups:
        own = [
            row
            for row in rows
            if (row["decision"] == row["label"]) == (group.decided == "rightly")
            and group.label in (None, row["label"])
            and row["maximum_in_any"] is not None
        ]
        assert group.images == len(own)
        assert group.cases == len({row["case"] for row in own})
        assert len(group.cells) == 12
        for cell in group.cells:
            hits = [row[f"{cell.extreme}_in_{cell.region}"] for row in own]
            chance = np.array([row[f"chance_{cell.region}"] for row in own])
            if not own:
                assert cell.share.estimate is None
                assert cell.chance_uniform is None
                continue
            assert cell.share.estimate == pytest.approx(np.mean(hits))
            expected = 1 - (1 - chance) ** 2 if cell.extreme == "either" else chance
            assert cell.chance_uniform == pytest.approx(expected.mean())


def test_every_image_is_in_a_group_or_left_out_for_one_reason(report: PointingReport) -> None:
    (table,) = report.tables
    whole = [group.images for group in table.groups if group.label is None]
    assert sum(whole) + sum(table.left_out.values()) == report.images
    assert [relation.region for relation in table.relations] == ["lesion", "ring", "posterior", "any"]


def test_the_table_in_the_terminal_names_region_extreme_and_chance(
    checkpoint: Path, report: PointingReport
) -> None:
    said = call(checkpoint, "--explainer", "cam", "--explainer", "grad-cam")
    for words in ("lesion (mass)", "ring (peritumoral)", "posterior (below)", "at least one", "by chance"):
        assert words in said
    right = report.tables[0].groups[0]
    assert f"Decided rightly: {right.images} image" in said
    cell = right.cells[0]
    assert f"{100 * (cell.share.estimate or 0):.1f} % (" in said
    assert "unsigned: it has no minimum" in said
    assert "decided wrongly" in said


def test_a_tolerance_is_said_and_raises_the_chance(checkpoint: Path, report: PointingReport) -> None:
    near = PointingReport.model_validate_json(
        call(checkpoint, "--explainer", "cam", "--tolerance-mm", 2, "--json")
    )
    assert near.regions.tolerance_mm == 2
    for wide, narrow in zip(near.tables[0].groups[0].cells, report.tables[0].groups[0].cells, strict=True):
        assert wide.chance_uniform > narrow.chance_uniform
        assert wide.share.estimate >= narrow.share.estimate
    assert "within 2 mm of a region" in call(checkpoint, "--explainer", "cam", "--tolerance-mm", 2)


def test_of_few_images_nothing_is_said_but_that_they_are_few(checkpoint: Path) -> None:
    said = call(checkpoint, "--explainer", "cam", "--limit", 1)
    assert "too few for a share: at least 10 images are needed" in said
    assert " % (" not in said
    assert "percentage points" not in said


def test_without_labels_no_decision_is_right(checkpoint: Path, phantoms: Path, tmp_path: Path) -> None:
    table = tmp_path / "bare.csv"
    table.write_text(
        f"image\n{phantoms / 'images' / sorted(p.name for p in (phantoms / 'images').iterdir())[0]}\n"
    )
    result = CliRunner().invoke(main, ["pointing", str(checkpoint), "--data", str(table)])
    assert result.exit_code == 2
    assert "has a label among the model's classes" in result.stderr
    assert len(result.stderr.strip().splitlines()[-1]) < 300


def test_data_that_no_map_can_be_judged_on_is_refused(
    checkpoint: Path, phantoms: Path, tmp_path: Path
) -> None:
    lines = [line.split(",") for line in (phantoms / "manifest.csv").read_text().splitlines()]
    for known, words in ((("label",), "has an outlined lesion"), (("label", "mask"), "has a pixel spacing")):
        table = tmp_path / f"{len(known)}.csv"
        where = [lines[0].index(name) for name in known]
        files = {lines[0].index(name) for name in ("image", "mask")}
        first = lines[0].index("image")
        rows = [
            ",".join(str(phantoms / row[at]) if at in files else row[at] for at in (first, *where))
            for row in lines[1:9]
        ]
        table.write_text("\n".join([",".join(("image", *known)), *rows]))
        result = CliRunner().invoke(
            main, ["pointing", str(checkpoint), "--data", str(table), "--tolerance-mm", "2"]
        )
        assert result.exit_code == 2
        assert words in result.stderr
        assert "name images with" in result.stderr


@pytest.mark.parametrize("length", ["nan", "inf", "-1"])
def test_a_tolerance_is_a_finite_length(checkpoint: Path, length: str) -> None:
    for command in (["pointing", str(checkpoint)], ["attack", str(checkpoint), "--method", "fgsm"]):
        result = CliRunner().invoke(main, [*command, "--tolerance-mm", length])
        assert result.exit_code == 2
        assert "--tolerance-mm" in result.stderr
