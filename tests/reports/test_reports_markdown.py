"""summary.md, read as GitHub's Markdown by another reader."""

import re
from html.parser import HTMLParser
from pathlib import Path

import example_verdict as example
import pytest
from markdown_it import MarkdownIt

from xaiaudit.records import AuditRecord
from xaiaudit.reports.markdown import ROOM, summary_markdown
from xaiaudit.reports.reading import read_record


class Page(HTMLParser):
    """Tables as lists of cells, other text in pieces, and every tag that there is."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.tags: set[str] = set()
        self.text: list[str] = []
        self.in_cell = False
        self.feed(MarkdownIt("commonmark").enable("table").render(markdown))

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self.in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.in_cell = False

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self.in_cell:
            self.tables[-1][-1][-1] += data


PLAIN = {"h2", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "pre", "code"}


@pytest.fixture(scope="module")
def record(folder: Path) -> AuditRecord:
    return read_record(folder)


def test_the_verdict_comes_first_and_what_failed_before_what_passed(
    folder: Path, record: AuditRecord
) -> None:
    text = summary_markdown(example.verdict(folder, example.mixed()), record, "audits/model")
    assert text.startswith("## xaiaudit: failed\n\n**2 failed, 1 not assessed, 3 passed.**")
    assert "Policy: ci/xaiaudit.toml (SHA-256 abababababab)" in text
    assert "Baseline: last.pt (SHA-256 cdcdcdcdcdcd)" in text
    page = Page(text)
    assert page.tags == PLAIN
    findings, figures = page.tables
    assert [row[0] for row in findings[1:]] == ["failed"] * 2 + ["not assessed"] + ["passed"] * 3
    assert findings[0] == ["verdict", "finding", "figure", "bound, change", "limit", "cases"]
    assert findings[1][1:] == ["flip-rate/fgsm/4", "12.5 %", "≤ 20.1 %", "≤ 10.0 %", "24"]
    said = "- **failed**, flip-rate/fgsm/4, line 14 of the policy: flip rate 12.5 % within 1 grey level"
    assert said in text
    assert text.count("line ") == 3  # words of what did not pass, and of nothing else
    named = [row[0] for row in figures[1:]]
    assert {"clean AUC", "flips, fgsm", "flips, deepfool", "silent shift", "leak", "pixel spacing"} <= set(
        named
    )


def test_it_says_how_to_go_on(folder: Path, record: AuditRecord) -> None:
    passed = summary_markdown(example.verdict(folder, example.mixed(2, 0, 0)), record, "audits/a b")
    assert "xaiaudit accept 'audits/a b'" in passed
    failed = summary_markdown(example.verdict(folder, example.mixed()), record, "audits/m")
    assert "xaiaudit accept" not in failed
    assert "xaiaudit compare baselines audits/m" in failed
    alone = summary_markdown(example.verdict(folder, example.mixed(), baseline=None), record, "audits/m")
    assert "xaiaudit compare" not in alone
    assert "Baseline: none." in alone


def test_without_a_policy_it_passes_nothing(folder: Path, record: AuditRecord) -> None:
    text = summary_markdown(None, record, "audits/m")
    assert text.startswith("## xaiaudit: no policy\n")
    assert "passes nothing and fails nothing" in text
    assert "xaiaudit gate audits/m --policy" in text
    assert len(Page(text).tables) == 1


@pytest.mark.parametrize("path", ["1. m.pt", "- m.pt", "    m.pt", "=", "+ m.pt"])
def test_no_path_begins_a_list_or_a_code_block(folder: Path, record: AuditRecord, path: str) -> None:
    checkpoint = record.checkpoint.model_copy(update={"path": path})
    page = Page(summary_markdown(None, record.model_copy(update={"checkpoint": checkpoint}), "m"))
    assert page.tags <= PLAIN - {"ul", "li"}
    assert path.strip() in "".join(page.text)


def test_names_come_out_as_they_are(folder: Path, record: AuditRecord) -> None:
    hostile = example.finding(1, "failed", name=example.HOSTILE, words=example.HOSTILE)
    plain = summary_markdown(example.verdict(folder, [hostile]), record, "m")
    checkpoint = record.checkpoint.model_copy(update={"path": example.HOSTILE})
    baseline = example.verdict(folder, []).baseline
    assert baseline is not None
    made = example.verdict(
        folder,
        [hostile],
        notes=[example.HOSTILE],
        baseline=baseline.model_copy(update={"path": example.HOSTILE, "checkpoint": example.HOSTILE}),
    )
    text = summary_markdown(
        made, record.model_copy(update={"checkpoint": checkpoint}), f"```\n{example.HOSTILE}"
    )
    page = Page(text)
    assert page.tags == PLAIN
    _, found = page.tables[0]
    assert found[:2] == ["failed", f"{example.SHOWN}/1"]
    assert [len(row) for table in page.tables for row in table] == [
        len(row) for table in Page(plain).tables for row in table
    ]
    said = "".join(page.text)
    assert said.count(example.SHOWN) >= 6  # checkpoint, baseline, id, words, note, commands


def test_no_policy_is_too_long_for_it(folder: Path, record: AuditRecord) -> None:
    words = "the same sentence with figures; " * 8
    findings = [example.finding(n, "failed" if n % 3 == 0 else "passed", words=words) for n in range(1000)]
    notes = [f"note {n}: {words}" for n in range(200)]
    text = summary_markdown(example.verdict(folder, findings, notes=notes), record, "audits/m")
    assert len(text.encode()) <= ROOM
    shown = Page(text).tables[0][1:]
    assert shown[0][0] == "failed"
    (line,) = (line for line in text.splitlines() if "more findings are left out here" in line)
    left, *by_status = map(int, re.findall(r"\d+", line))
    assert left == 1000 - len(shown) == sum(by_status)
    assert "gate.json in audits/m" in line
    told = text.count("- **failed**, ")
    assert f"- and {334 - told} more, in gate.json in audits/m" in text
    listed = text.count("- note ")
    assert f"- and {200 - listed} more, in gate.json in audits/m" in text
    assert "How to go on:" in text


def test_a_cell_without_end_is_cut_with_a_word(folder: Path, record: AuditRecord) -> None:
    long = example.finding(1, "failed", words="x" * 200_000)
    text = summary_markdown(example.verdict(folder, [long]), record, "m")
    assert f"line 11 of the policy: {'x' * 1000} … (199000 more characters)\n" in text
