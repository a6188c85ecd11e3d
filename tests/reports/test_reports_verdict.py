"""gate.json in a report: used where it speaks of this audit, and where it does not, that is said."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from verdicts import finding, judged, regression

from xaiaudit.gate_record import GATE_SCHEMA, Verdict
from xaiaudit.reports.blocks import Alarm, Block, Canvas, Facts, Mark, Section, Table, Text
from xaiaudit.reports.format import page_of
from xaiaudit.reports.pdf import SECTIONS
from xaiaudit.reports.reading import Audit, read_audit
from xaiaudit.reports.sections.checklist import ITEMS, checklist
from xaiaudit.reports.sections.findings import findings
from xaiaudit.reports.sections.intended_use import intended_use
from xaiaudit.reports.sections.reproducibility import reproducibility
from xaiaudit.reports.sections.sign_off import sign_off
from xaiaudit.reports.sections.verdict import ON_FIRST_PAGE, verdict


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "audit"))


def test_without_gate_json_there_is_no_verdict_and_no_fault(folder: Path) -> None:
    audit = read_audit(folder)
    assert (audit.verdict, audit.verdict_fault) == (None, "")


def test_the_verdict_of_this_audit_is_taken_whole(copy: Path) -> None:
    verdict = judged(copy)
    (copy / "gate.json").write_text(verdict.model_dump_json())
    audit = read_audit(copy)
    assert (audit.verdict, audit.verdict_fault) == (verdict, "")


def test_the_verdict_of_another_audit_is_not_used(copy: Path) -> None:
    (copy / "gate.json").write_text(judged(copy, audit_sha256="00" * 32).model_dump_json())
    audit = read_audit(copy)
    assert audit.verdict is None
    assert audit.verdict_fault.startswith(
        "verdict of another audit: gate.json speaks of an audit.json with SHA-256 00"
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "gate.json cannot be read"),
        ("[]", "gate.json is no verdict (the whole file"),
        ('{"verdict": "fine"}', "gate.json is no verdict ("),
        (f'{{"schema_version": {GATE_SCHEMA + 1}}}', f"reads up to {GATE_SCHEMA}"),
    ],
)
def test_what_is_no_verdict_is_not_used(copy: Path, content: str, words: str) -> None:
    (copy / "gate.json").write_text(content)
    audit = read_audit(copy)
    assert audit.verdict is None
    assert words in audit.verdict_fault


def with_verdict(folder: Path, found: Verdict | None, fault: str = "") -> Audit:
    return replace(read_audit(folder), verdict=found, verdict_fault=fault)


def of(section: Section | None, kind: type[Block]) -> list[Block]:
    assert section is not None
    return [block for block in section.blocks if isinstance(block, kind)]


def facts(section: Section) -> dict[str, str]:
    return {
        name: value.replace("\u200b", "")
        for block in section.blocks
        if isinstance(block, Facts)
        for name, value in block.rows
    }


@pytest.mark.parametrize("status", ["passed", "failed", "not assessed"])
def test_the_first_page_begins_with_the_verdict_and_by_what_it_was_judged(
    folder: Path, tmp_path: Path, status: str
) -> None:
    found = judged(folder, verdict=status, findings=[finding(status=status), regression()])
    section = verdict(with_verdict(folder, found), Canvas(folder=tmp_path))
    assert section.title == f"Verdict: {status}"
    mark = section.blocks[0]
    assert isinstance(mark, Mark)
    assert mark.status == status
    said = mark.text.replace("\u200b", "").replace("\u00a0", " ")
    assert (
        "of 2 findings. Policy xaiaudit.toml (SHA-256 abababababab); baseline m0.pt (SHA-256 cdcdcdcdcdcd)."
        in said
    )


def test_what_did_not_pass_stands_on_the_first_page_gravest_first(folder: Path, tmp_path: Path) -> None:
    many = [finding(id=f"f-{i}", status="not assessed") for i in range(ON_FIRST_PAGE)]
    found = judged(folder, findings=[*many, finding(id="worst"), regression(status="passed")])
    (table, *_) = of(verdict(with_verdict(folder, found), Canvas(folder=tmp_path)), Table)
    assert isinstance(table, Table)
    assert [row[0].replace("\u200b", "") for row in table.rows][:2] == ["worst", "f-0"]
    assert len(table.rows) == ON_FIRST_PAGE
    assert table.rows[0] == [
        "worst",
        "fgsm",
        "90.0\u00a0%",
        "95.0\u00a0%",
        "at most 10.0\u00a0%",
        "21",
        "FAILED",
    ]
    assert "1 more did not pass" in table.note
    assert "--no-baseline" in table.note


def test_every_finding_is_told_with_baseline_change_and_words(folder: Path, tmp_path: Path) -> None:
    audit = with_verdict(folder, judged(folder))
    section = findings(audit, Canvas(folder=tmp_path))
    required, regressed = of(section, Table)
    assert isinstance(required, Table)
    assert isinstance(regressed, Table)
    assert required.rows[0][-1] == "FAILED"
    assert "FAILED" in required.bold
    # an AUC is no percentage
    assert regressed.rows == [
        [
            "auc/\u200bno-\u200bworse",
            "0.95",
            "0.80",
            "0.15 (0.05\u00a0to\u00a00.24)",
            "0.02",
            "0.020",
            "passed",
        ]
    ]
    assert section is not None
    assert "accepted/m0" in facts(section)["Baseline"]
    assert findings(with_verdict(folder, None), Canvas(folder=tmp_path)) is None


def test_a_verdict_that_is_not_used_is_warned_of(folder: Path, tmp_path: Path) -> None:
    section = verdict(with_verdict(folder, None, "verdict of another audit: ..."), Canvas(folder=tmp_path))
    assert section.title == "Verdict: no policy"
    (alarm, *_) = of(section, Alarm)
    assert isinstance(alarm, Alarm)
    assert alarm.text.startswith("Verdict of another audit")


def test_an_intended_use_is_told_with_whose_words_they_are(folder: Path, tmp_path: Path) -> None:
    canvas = Canvas(folder=tmp_path)
    stated = facts(intended_use(with_verdict(folder, judged(folder)), canvas))
    assert stated["Intended use"] == "Second reading of B-mode images"
    assert (stated["Users"], stated["Limits"]) == ("not stated", "Adults only")
    assert stated["Stated by"].startswith("the policy")
    audit = with_verdict(folder, None)
    (none,) = intended_use(audit, canvas).blocks
    assert isinstance(none, Text)
    assert none.text.startswith("None was stated")
    training = audit.record.checkpoint.training | {"intended_use": {"statement": "Teaching"}}
    checkpoint = audit.record.checkpoint.model_copy(update={"training": training})
    recorded = replace(audit, record=audit.record.model_copy(update={"checkpoint": checkpoint}))
    assert facts(intended_use(recorded, canvas))["Stated by"] == "the checkpoint"


def test_policy_and_hashes_are_kept_for_those_who_sign(folder: Path, tmp_path: Path) -> None:
    audit = with_verdict(folder, judged(folder))
    read = facts(reproducibility(audit, Canvas(folder=tmp_path)))["As it was read"]
    assert read == 'version = 1\n[gate]\nbaseline = "accepted"'
    signed = facts(sign_off(audit, Canvas(folder=tmp_path)))
    assert audit.sha256["audit.json"] in signed["Audit"]
    assert audit.record.checkpoint.sha256 in signed["Checkpoint"]
    assert signed["Verdict"] == "failed"


def test_a_map_that_was_moved_and_is_not_compared_is_warned_of(folder: Path, tmp_path: Path) -> None:
    audit = with_verdict(folder, None)

    def titles(**parameters: object) -> list[str]:
        attack = audit.record.attacks[0].model_copy(update={"parameters": parameters})
        record = audit.record.model_copy(update={"attacks": [attack]})
        alarms = of(verdict(replace(audit, record=record), Canvas(folder=tmp_path)), Alarm)
        return [alarm.title for alarm in alarms if isinstance(alarm, Alarm) and "moved" in alarm.title]

    assert titles(explainer="grad-cam", layer=None) == []
    assert titles(explainer="grad-cam", layer="features.18") == []
    assert titles(explainer="grad-cam", layer="features.3") == [
        "A map was moved that this audit does not compare"
    ]
    assert len(titles(explainer="smoothgrad", layer=None)) == 1


def test_the_checklist_names_only_pages_that_are_there() -> None:
    """A topic without a page has a dash; a section with nothing to tell is said to have nothing."""
    told = Section(title="Clean performance", blocks=[Facts(rows=[], mono=[])], key="clean")
    empty = Section(title="Intended use", blocks=[Text(text="None.", style="closing")], key="intended_use")
    (table,) = of(checklist([told, empty]), Table)
    assert isinstance(table, Table)
    rows = {row[0]: row[1] for row in table.rows if len(row) == 2}
    assert (
        rows["Estimates of diagnostic accuracy and their precision"]
        == f"{page_of('clean')} Clean performance"
    )
    assert rows["Intended use of the index test"] == f"{page_of('intended_use')} Intended use (not available)"
    assert rows["Limitations"] == "—"
    keys = {key for items in ITEMS.values() for topic in items.values() for key in topic}
    assert keys <= {section.__name__ for section in SECTIONS}  # else a page would never be found
