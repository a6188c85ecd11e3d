"""report.pdf: whole, tagged, reproducible, and deaf to what stands in the data."""

import io
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import example_audit
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typst
from pace import least_seconds, pace
from PIL import Image
from pypdf import PdfReader
from structure_tree import elements

from xaiaudit.errors import AuditError
from xaiaudit.records import SCHEMA, AuditRecord, LeakRecord, LeftOutRecord
from xaiaudit.reports import write_report
from xaiaudit.reports.blocks import Document, Facts, Section
from xaiaudit.reports.pdf import SECTIONS, lay_out
from xaiaudit.reports.reading import read_audit, read_record
from xaiaudit.reports.sections.reproducibility import command_lines
from xaiaudit.reports.typesetting import typeset

NASTY = '#panic("x") *b* $y$ `c` @d <e> \\ [f] //g 超'


def text_of(path: Path) -> str:
    """All text of a PDF, with every kind of white space as one space."""
    return " ".join(" ".join(page.extract_text() for page in PdfReader(path).pages).split())


def squeezed(text: str) -> str:
    return "".join(text.split())


def rewritten(folder: Path, target: Path, **changes: Any) -> Path:
    """A copy of the audit with some fields of its record replaced, and without its gallery, which takes time."""
    shutil.copytree(folder, target)
    record = read_record(folder).model_copy(update={"gallery": []} | changes)
    (target / "audit.json").write_text(record.model_dump_json())
    return target


def test_sections_come_in_order(report: Path) -> None:
    text = text_of(report)
    titles = [
        "Verdict: no policy",
        "Intended use and its limits",
        "What was audited",
        "Clean performance",
        "Threat model",
        "Label flips",
        "Where it begins",
        "Is the attack itself sound?",
        "Map shift",
        "Beside a second sweep of the probe",
        "Pointing game",
        "Withholding decisions",
        "Pseudo-masks",
        "Gallery",
        "What was left out",
        "What this audit does not show",
        "Reproducibility",
        "Words",
        "Where to look, by checklist",
        "Sign-off",
    ]
    for part in (
        text[: text.index("Sign-off")],
        text[text.index("Sign-off") :],
    ):  # contents, then what they name
        found = [re.search(rf"\b\d+ {re.escape(title)}", f"{part} 99 Sign-off") for title in titles[1:]]
        assert None not in found
        places = [heading.start() for heading in found if heading is not None]
        assert places == sorted(places)


def test_report_says_which_file_how_often_and_how_to_repeat(folder: Path, report: Path) -> None:
    record, text = read_record(folder), squeezed(text_of(report))
    flips = record.attacks[0].flips
    assert flips.estimate is not None
    for fact in (
        record.checkpoint.sha256,
        "xaiaudit attack model.pt \\ --method fgsm",
        f"{100 * flips.estimate:.1f} %",
        "iterative FGSM in the L-inf ball of 25.5 grey levels",
        "network's input grid",
        "benign/benign (7).png",
        "ring in true millimetres",
        "Perturbation × 50",
        "Al-Dhabyani W",
    ):
        assert squeezed(fact).lower() in text.lower()


def test_the_command_runs_as_it_is_copied_from_the_page() -> None:
    """A line that breaks within an option, or loses a dash at its end, is no command."""
    command = [
        "xaiaudit",
        "attack",
        "it is/mine's.pt",
        *["--method", "pgd:epsilon=4/255,steps=40"] * 6,
        "--out",
        "a b",
    ]
    facts = Facts(rows=[("Command", command_lines(command))], mono=["Command"])
    made = Document(title="T", subtitle="S", running="R", sections=[Section(title="One", blocks=[facts])])
    (page,) = PdfReader(io.BytesIO(typeset(lambda _: made, "2026-11-20T14:05:00+00:00"))).pages
    text = page.extract_text()
    copied = text[text.index("xaiaudit attack") : text.index("'a b'") + len("'a b'")]
    assert shlex.split(copied.replace("\\\n", "")) == command  # as a shell takes a line that a backslash ends
    assert command_lines([]) == ""


def test_pdf_is_a4_tagged_and_declares_both_standards(report: Path) -> None:
    reader = PdfReader(report)
    root: Any = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] is not False
    assert root["/Lang"] == "en-GB"
    assert reader.metadata is not None
    assert reader.metadata.title == "Audit of model.pt"
    assert {tuple(round(float(x)) for x in page.mediabox[2:]) for page in reader.pages} == {(595, 842)}
    metadata = root["/Metadata"].get_data()
    for mark in (b"<pdfaid:part>2<", b"<pdfaid:conformance>A<", b"<pdfuaid:part>1<"):
        assert mark in metadata


def test_every_picture_has_an_alternative_text_and_tables_have_heads(report: Path) -> None:
    found = list(elements(PdfReader(report).trailer["/Root"]["/StructTreeRoot"]))  # type: ignore[index]
    figures = [element for element in found if element["/S"] == "/Figure"]
    assert len(figures) > 40
    assert all(len(figure.get("/Alt", "")) > 20 for figure in figures)
    kinds = [element["/S"] for element in found]
    without = 3  # findings: there is no verdict; outlines and boxes: the model draws none
    assert kinds.count("/H1") == len(SECTIONS) - without + len(("contents", "checklist", "sign-off"))
    assert kinds.count("/TH") > 50


def test_equal_input_gives_equal_bytes(folder: Path, report: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "elsewhere"))
    again = write_report(copy)
    assert again == copy / "report.pdf"
    assert again.read_bytes() == report.read_bytes()


def test_markup_in_the_data_stays_text(tmp_path: Path) -> None:
    folder = example_audit.build(tmp_path / "audit", images=8, attacks=["fgsm"])
    record = read_record(folder)
    dataset = record.datasets[0].model_copy(update={"name": NASTY, "citation": NASTY, "path": NASTY})
    gallery = [case.model_copy(update={"image": NASTY, "label": NASTY}) for case in record.gallery]
    changed = record.model_copy(
        update={
            "checkpoint": record.checkpoint.model_copy(
                update={"path": NASTY, "classes": [NASTY, "b"], "positive": NASTY, "architecture": NASTY}
            ),
            "datasets": [dataset],
            "gallery": gallery,
            "left_out": [LeftOutRecord(file=NASTY, reason=NASTY)],
            "warnings": [NASTY, "\x1b[2J\u202e\u200b"],
            "command": ["xaiaudit", NASTY],
            "attacks": [a.model_copy(update={"summary": NASTY, "curve_note": NASTY}) for a in record.attacks],
        }
    )
    (folder / "audit.json").write_text(changed.model_dump_json())
    text = squeezed(text_of(write_report(folder)))
    assert text.count(squeezed(NASTY.replace("超", "\\u{8d85}"))) >= 8


def test_long_names_stay_on_the_page(folder: Path, tmp_path: Path) -> None:
    name = "x" * 300 + "/" + "very_long_" * 40 + ".png"
    copy = rewritten(
        folder,
        tmp_path / "audit",
        left_out=[LeftOutRecord(file=name, reason="y" * 200)],
        warnings=["z" * 200],
    )
    assert name in squeezed(text_of(write_report(copy)))
    (tmp_path / "set").mkdir()
    source = lay_out(read_audit(copy), tmp_path / "set")
    pages = typst.compile(source, format="png", ppi=25.4, ignore_system_fonts=True)  # one pixel a millimetre
    for page in pages if isinstance(pages, list) else [pages]:
        assert page is not None
        pixels = np.asarray(Image.open(io.BytesIO(page)).convert("L"))
        assert pixels.shape == (297, 210)
        assert (pixels[:, :19] == 255).all()
        assert (pixels[:, 191:] == 255).all()


def test_long_lists_are_cut_and_the_cut_is_said(folder: Path, tmp_path: Path) -> None:
    many = [LeftOutRecord(file=f"BUSI/{i:04d}.png", reason="truncated") for i in range(300)]
    text = text_of(write_report(rewritten(folder, tmp_path / "audit", left_out=many)))
    assert "300 files left out" in text
    assert "260 more are listed in audit.json" in text


def test_leaks_are_warned_of_on_the_first_page(folder: Path, tmp_path: Path) -> None:
    leak = LeakRecord(assessed=True, reason="", exact=["BUSI/a (1).png"], near=["BUSI/b (2).png"])
    pdf = write_report(rewritten(folder, tmp_path / "audit", leak=leak))
    first = PdfReader(pdf).pages[0].extract_text()
    assert "Warning. Leak. 1 audited image in the checkpoint's training or validation data" in " ".join(
        first.split()
    )
    assert "BUSI/a (1).png" in first


def bare(record: AuditRecord) -> dict[str, Any]:
    """What remains of an audit without labels, masks, maps, spacing, curve and gallery."""
    clean = dict.fromkeys(
        ("auc", "accuracy", "balanced_accuracy", "sensitivity", "specificity", "dice"), None
    )
    unlabelled = ("robust_accuracy", "missed_cancers", "false_alarms", "mcnemar_p", "mcnemar_holm")
    attack = dict.fromkeys(unlabelled)
    no_curve = {"curve": [], "smallest_radius": None}
    return {
        "clean": record.clean.model_copy(update=clean | {"images": 0, "roc": [], "confusion": []}),
        "attacks": [a.model_copy(update=attack | no_curve) for a in record.attacks],
        "explainers": [],
        "maps": [],
        "variability": None,
        "gallery": [],
        "left_out": [],
        "warnings": [],
        "leak": LeakRecord(
            assessed=False, reason="the checkpoint names no training images", exact=[], near=[]
        ),
    }


def test_a_section_without_material_says_why(folder: Path, tmp_path: Path) -> None:
    pdf = write_report(rewritten(folder, tmp_path / "audit", **bare(read_record(folder))))
    text = text_of(pdf)
    for reason in (
        "Not assessed, because no audited image has a label",
        "Not assessed, because no attack has a curve",
        "Not assessed, because the audit has no maps",
        "Not assessed, because no change of the acquisition was simulated",
        "Not assessed, because the audit kept no gallery cases",
        "Not assessed, because the checkpoint names no training images",
        "No file was left out",
    ):
        assert reason in text


def test_a_model_that_never_decides_is_not_assessable(folder: Path, tmp_path: Path) -> None:
    why = "the model gives one decision to over 95 % of the clean images"
    attacks = [
        a.model_copy(update={"assessable": False, "why_not": why}) for a in read_record(folder).attacks
    ]
    text = text_of(write_report(rewritten(folder, tmp_path / "audit", attacks=attacks)))
    assert f"Whether decisions flip is not assessable: {why}" in text
    assert "Not assessed, because flips are not assessable for any attack" in text


def test_without_spacing_the_ring_is_called_relative(tmp_path: Path) -> None:
    folder = example_audit.build(tmp_path / "audit", images=8, attacks=["fgsm"], spacing=None)
    text = text_of(write_report(folder))
    assert "relative ring, no calibration" in text
    assert "% of diagonal" in text


def test_a_thousand_images_take_a_few_seconds(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "audit"))
    for name in ("predictions.parquet", "maps.parquet"):
        table = pq.read_table(copy / name)
        pq.write_table(pa.concat_tables([table] * 42), copy / name)  # 24 images, 42 times
    assert least_seconds(lambda: write_report(copy), 1) < 2000 * pace()  # ten seconds where a pace is 5 ms
    assert (copy / "report.pdf").stat().st_size < 15e6


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("audit.json", "holds no readable audit"),
        ("predictions.parquet", "predictions.parquet is missing"),
        ("maps.parquet", "maps.parquet is missing"),
        ("images/fgsm-worst-clean.png", "the gallery case"),
    ],
)
def test_a_missing_file_is_named_in_one_line(folder: Path, tmp_path: Path, name: str, words: str) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "audit"))
    (copy / name).unlink()
    with pytest.raises(AuditError, match=words) as error:
        write_report(copy)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "is no audit record"),
        ('{"schema_version": 1}', "is no audit record"),
        (f'{{"schema_version": {SCHEMA + 1}, "xaiaudit": "9.0"}}', "xaiaudit 9.0 or newer"),
    ],
)
def test_a_wrong_record_is_refused_in_one_line(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "audit.json").write_text(content)
    with pytest.raises(AuditError, match=words) as error:
        write_report(tmp_path)
    assert "\n" not in str(error.value)


def test_a_broken_table_is_refused_in_one_line(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "audit"))
    (copy / "maps.parquet").write_bytes(b"PAR1 but not really")
    with pytest.raises(AuditError, match=r"maps\.parquet cannot be read") as error:
        write_report(copy)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["fgsm-worst-clean.png", "fgsm-worst-adversarial.npy"])
def test_a_broken_picture_is_refused_in_one_line(folder: Path, tmp_path: Path, name: str) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "audit"))
    (copy / "images" / name).write_bytes(b"no picture")
    with pytest.raises(AuditError, match=f"{name} cannot be read") as error:
        write_report(copy)
    assert "\n" not in str(error.value)


def test_an_unwritable_place_is_said(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="cannot write the report to"):
        write_report(folder, out=tmp_path / "no such folder" / "report.pdf")


def test_reports_come_without_torch() -> None:
    code = "import sys, xaiaudit.reports.pdf; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
