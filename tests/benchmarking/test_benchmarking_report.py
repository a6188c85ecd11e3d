"""benchmark.pdf: what stands in it, and that what failed cannot be overlooked."""

from pathlib import Path

import pypdf
from benchmark_nets import Benchmarked

from xaiaudit.reports import format as f
from xaiaudit.reports.benchmark_document import document, write_pdf
from xaiaudit.reports.benchmark_summary import lines
from xaiaudit.reports.blocks import Alarm, Canvas, Document, Facts, Picture, Section, Table
from xaiaudit.reports.figures.benchmark import ROWS


def section(found: Document, title: str) -> Section:
    return next(item for item in found.sections if item.title.startswith(title))


def blocks(found: Section, kind: type) -> list:
    return [block for block in found.blocks if isinstance(block, kind)]


def test_the_example_has_a_pdf_with_every_figure(example: Benchmarked) -> None:
    reader = pypdf.PdfReader(example.out / "benchmark.pdf")
    text = " ".join(" ".join(page.extract_text() for page in reader.pages).split())
    for words in ("Benchmark of 2 configurations", "multi-task", "Silent shift", "Mean ± standard deviation"):
        assert words in text
    assert "xaiaudit benchmark" not in text or "--out" in text  # the exact command, where there was one


def test_tables_pictures_and_settings_are_those_of_the_record(example: Benchmarked, tmp_path: Path) -> None:
    found = document(example.record, Canvas(folder=tmp_path))
    clean = section(found, "Clean images")
    pooled, spread = blocks(clean, Table)
    auc = example.record.result("phantoms", "multi-task").metric("auc")
    assert pooled.rows[1][2].startswith(f"{auc.pooled.estimate:.3f}")
    assert f"{auc.mean:.3f}" in spread.rows[1][3]
    pictures = [block for item in found.sections for block in blocks(item, Picture)]
    assert len(pictures) == 4  # nine clean metrics and three of the attack, three abreast
    captions = [picture.caption.split(", with")[0] for picture in pictures]
    assert captions[0] == "AUC, balanced accuracy and accuracy on clean images of phantoms"
    explainer = example.record.results[0].robustness[0].shifts[0].explainer_id
    assert captions[3].endswith(f"and silent shift by {explainer} under pgd on phantoms")
    assert all((tmp_path / picture.file).exists() and "multi-task" in picture.alt for picture in pictures)
    robust = section(found, "Robustness")
    (table,) = blocks(robust, Table)
    assert [row[0] for row in table.rows] == ["classifier", "multi-task"]
    for row, result in zip(table.rows, example.record.results, strict=True):
        assert row[2] == f.rate(
            result.robustness[0].clean_accuracy
        )  # beside robust accuracy, of the same images
    compared = blocks(section(found, "Against classifier"), Table)[0]
    assert len(compared.rows) == len(example.record.comparisons)
    settings = section(found, "Settings")
    said = dict(row for facts in blocks(settings, Facts) for row in facts.rows)
    assert "epochs 2" in said["classifier"].replace("\u200b", "")
    assert 'arch = "thesis-mtl"' in said["TOML"]
    assert not blocks(section(found, "What was compared"), Alarm)


def test_what_failed_is_on_the_first_page_and_named_with_its_reason(
    failing: Benchmarked, tmp_path: Path
) -> None:
    found = document(failing.record, Canvas(folder=tmp_path))
    (alarm,) = blocks(section(found, "What was compared"), Alarm)
    assert "1" in alarm.title
    assert "stopped" in alarm.title
    (stopped,) = blocks(section(found, "Stopped runs"), Table)
    assert stopped.rows == [
        [
            "phantoms, fragile, repeat 1, fold 2",
            "diverged",
            failing.record.result("phantoms", "fragile").stopped[0].reason,
        ]
    ]
    not_assessable = blocks(section(found, "Robustness"), Alarm)
    (constant,) = (item for item in not_assessable if "constant" in item.text)
    assert constant.title.replace("\u00a0", " ") == "2 runs not assessable under fgsm-single"
    assert "constant, repeat 1, fold 2" in constant.text
    row = next(row for row in blocks(section(found, "Clean images"), Table)[0].rows if row[0] == "fragile")
    assert row[1].replace("\u00a0", " ") == "1 of 2"
    printed = "\n".join(lines(failing.record))
    assert "STOPPED, in no figure: phantoms, fragile, repeat 1, fold 2" in printed
    assert "NOT ASSESSABLE under fgsm-single" in printed
    assert write_pdf(failing.record, tmp_path / "x.pdf").read_bytes().startswith(b"%PDF")


def test_many_configurations_and_datasets_get_pictures_and_sections_of_their_own(
    example: Benchmarked, tmp_path: Path
) -> None:
    record = example.record
    first = record.results[0]
    names = [f"classifier, loss=cross-entropy, optimizer=adam, size={k}" for k in range(ROWS + 3)]
    many = record.model_copy(
        update={
            "data": [record.data[0], record.data[0].model_copy(update={"name": "other"})],
            "results": [
                first.model_copy(
                    update={"dataset": data, "configuration": name, "metrics": first.metrics[:3]}
                )
                for data in ("phantoms", "other")
                for name in names
            ],
            "reference": names[0],
            "configurations": [record.configurations[0].model_copy(update={"name": name}) for name in names],
            "comparisons": [],
        }
    )
    found = document(many, Canvas(folder=tmp_path))
    assert [item.title for item in found.sections][1:3] == ["Clean images: phantoms", "Clean images: other"]
    assert not any("GIVEN THE OUTLINE" in line for line in lines(many))
    shown = record.configurations[0].preprocessing | {"inputs": ["grey", "grey", "mask"]}
    given = [record.configurations[0].model_copy(update={"preprocessing": shown}), *record.configurations[1:]]
    told = record.model_copy(update={"configurations": given})
    assert any(line.startswith("GIVEN THE OUTLINE: classifier. One channel") for line in lines(told))
    (alarm,) = blocks(section(document(told, Canvas(folder=tmp_path)), "What was compared"), Alarm)
    assert alarm.text.startswith("classifier. One channel")
    assert any(line.startswith("There is nothing to compare: in no fold") for line in lines(many))
    assert any(line.startswith("other: ") and "in brackets 95 % intervals" in line for line in lines(many))
    assert len(blocks(found.sections[1], Picture)) == 2  # three panels, over two lots of rows


def test_a_benchmark_without_audit_or_a_finished_run_still_has_a_report(
    failing: Benchmarked, tmp_path: Path
) -> None:
    record = failing.record.model_copy(
        update={
            "audit": None,
            "results": [
                item.model_copy(update={"done": 0, "metrics": [], "robustness": []})
                for item in failing.record.results
            ],
            "comparisons": [],
        }
    )
    found = document(record, Canvas(folder=tmp_path))
    assert not [item for item in found.sections if item.title.startswith("Robustness")]
    assert write_pdf(record, tmp_path / "none.pdf").read_bytes().startswith(b"%PDF")


def test_reports_need_no_torch() -> None:
    import subprocess
    import sys

    modules = "xaiaudit.reports.benchmark_document, xaiaudit.cli.benchmark"
    program = f"import sys, {modules}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
