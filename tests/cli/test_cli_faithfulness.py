"""`xaiaudit faithfulness` as its user calls it: what it prints and writes, and how it refuses."""

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from pypdf import PdfReader

from xaiaudit.cli import main
from xaiaudit.faithfulness_record import TABLE, FaithfulnessRecord
from xaiaudit.reports import faithfulness_words as words
from xaiaudit.reports.blocks import Canvas, Facts
from xaiaudit.reports.faithfulness_document import document

QUICK = ("--limit", 5, "--steps", 4, "--draws", 1)


def call(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def folder(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("faithfulness") / "new" / "out"
    explainers = ("--explainer", "cam", "--explainer", "eigen-cam")
    result = call("faithfulness", checkpoint, *QUICK, *explainers, "--canvas", "zero", "--out", out)
    assert result.exit_code == 0, result.output
    assert "Deletion area (smaller is better):" in result.output
    assert "better than random maps" in result.output
    assert "Canvas: black" in result.output  # --canvas names it so; a baseline is an audit to compare with
    assert "tests of images" in result.output  # progress
    assert "Warning: eigen-cam does not ask what the classes weigh" in result.output
    assert f"Written: {out / 'faithfulness.pdf'}" in result.output
    return out


def test_record_and_table_are_whole(folder: Path) -> None:
    record = FaithfulnessRecord.model_validate_json((folder / "faithfulness.json").read_text())
    assert record.tests["canvas"]["kind"] == "zero"
    assert record.tests["steps"] == 4
    assert record.images == 5
    assert sum(record.explained.values()) == 5
    table = pq.read_table(folder / "faithfulness.parquet")
    assert table.schema.equals(TABLE)
    assert len(table) == 5 * len(record.explainers)


def test_the_report_is_tagged_and_every_picture_is_told(folder: Path) -> None:
    reader = PdfReader(folder / "faithfulness.pdf")
    text = " ".join(" ".join(page.extract_text() for page in reader.pages).split())
    for told in ("Faithfulness of explanations of model.pt", "Deletion and insertion", "Randomised weights",
                  "eigen-cam does not ask what the classes weigh", "What this does not show"):  # fmt: skip
        assert told in text
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert b"<pdfuaid:part>1<" in reader.trailer["/Root"]["/Metadata"].get_data()


def test_the_report_says_what_each_measure_is_and_names_the_canvas_as_the_option_does(folder: Path) -> None:
    text = " ".join(
        " ".join(page.extract_text() for page in PdfReader(folder / "faithfulness.pdf").pages).split()
    )
    for name in words.SHOWN:
        assert f"{words.NAMES[name].capitalize()}: " in text
    assert "Canvas black" in text
    assert "Baseline" not in text


def test_the_report_tells_into_how_many_blocks_the_layers_were_cut(folder: Path, tmp_path: Path) -> None:
    """A network of few layers has fewer than were asked for."""
    record = FaithfulnessRecord.model_validate_json((folder / "faithfulness.json").read_text())
    blocks = len(record.explainers[0].randomisation[0].steps)
    asked = record.model_copy(update={"tests": {**record.tests, "blocks": blocks + 40}})
    facts = document(asked, Canvas(folder=tmp_path)).sections[0].blocks[0]
    assert isinstance(facts, Facts)
    assert f"by {blocks}\u00a0blocks of layers" in dict(facts.rows)["Randomisation"]


def test_maps_that_outlive_the_weights_are_a_finding(folder: Path) -> None:
    record = FaithfulnessRecord.model_validate_json((folder / "faithfulness.json").read_text())
    item = record.explainer("cam")
    assert words.findings(item) == []
    last = item.randomisation[0].steps[-1]
    alike = last.model_copy(update={"spearman": last.spearman.model_copy(update={"low": 0.9})})
    steps = item.randomisation[0].model_copy(update={"steps": [*item.randomisation[0].steps[:-1], alike]})
    between = item.between_images["spearman"].model_copy(update={"high": 0.8})
    item = item.model_copy(update={"randomisation": [steps], "between_images": {"spearman": between}})
    ((title, _),) = words.findings(item)
    assert title == "cam outlives what the model learnt"


def test_what_was_measured_is_not_written_over(folder: Path, checkpoint: Path) -> None:
    result = call("faithfulness", checkpoint, *QUICK, "--out", folder)
    assert result.exit_code == 2
    assert "holds faithfulness.json already" in result.stderr


def test_json_is_all_that_goes_to_standard_output(checkpoint: Path) -> None:
    result = call("faithfulness", checkpoint, "--limit", 2, "--steps", 2, "--draws", 1, "--json")
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert [item["name"] for item in record["explainers"]] == ["grad-cam", "cam", "random"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--canvas", "grey"), "'grey' is not one of"),
        (("--explainer", "gradcam"), "did you mean"),
        (("--explainer", "grad-cam:layer=nowhere"), "nowhere"),
        (("--explainer", "seg-grad-cam"), "this one has none: use grad-cam"),
        (("--draws", 0), "0 is not in the range"),
        (("--data", "nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_is_one_line(checkpoint: Path, words: tuple[object, ...], told: str) -> None:
    result = call("faithfulness", checkpoint, *words)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_report_needs_no_torch() -> None:
    code = (
        "import sys\n"
        "import xaiaudit.reports.faithfulness_writing, xaiaudit.reports.faithfulness_summary\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
