"""What reports say of self-checks: all of them in a section of their own, failed ones on the first page."""

from dataclasses import replace
from pathlib import Path

import pytest

from xaiaudit.records import AuditRecord, SelfCheckRecord
from xaiaudit.reports import check_words
from xaiaudit.reports.blocks import Alarm, Canvas, Section, Table, Text
from xaiaudit.reports.reading import Audit, read_audit
from xaiaudit.reports.sections.self_checks import self_checks
from xaiaudit.reports.sections.verdict import verdict
from xaiaudit.reports.summary import summary

SINGLE = "many steps find as much as one"


@pytest.fixture(scope="module")
def audit(folder: Path) -> Audit:
    return read_audit(folder)


def failed(attack_id: str | None, name: str = SINGLE) -> SelfCheckRecord:
    return SelfCheckRecord(
        attack_id=attack_id, name=name, status="failed", words="at 2 grey levels ...", figures={}
    )


def with_checks(audit: Audit, checks: list[SelfCheckRecord]) -> Audit:
    record: AuditRecord = audit.record.model_copy(update={"checks": checks})
    return replace(audit, record=record)


def tables(section: Section) -> list[Table]:
    return [block for block in section.blocks if isinstance(block, Table)]


def test_every_check_is_in_a_table_and_failed_ones_come_first(audit: Audit, tmp_path: Path) -> None:
    checks = [*audit.record.checks, failed("pgd")]
    of_model, overview, seen = tables(self_checks(with_checks(audit, checks), Canvas(folder=tmp_path)))
    assert [row[1] for row in of_model.rows] == ["passed"] * 4
    assert [column.title for column in overview.columns] == ["Of the attack", "fgsm", "pgd", "deepfool"]
    assert overview.rows == [
        ["success rises with the radius", "passed", "passed", "—"],
        ["gradients find more than noise", *["not assessable"] * 3],
        [SINGLE, "—", "FAILED", "—"],
    ]
    assert len(seen.rows) == len(checks) - 4
    assert seen.rows[0] == ["pgd", SINGLE, "FAILED", "At 2 grey levels ...."]


def test_checks_of_an_attack_that_none_can_be_assessed_for_one_reason_share_a_row(
    audit: Audit, tmp_path: Path
) -> None:
    few = {"status": "not assessable", "words": "7 images are too few"}
    checks = [
        failed(name, check).model_copy(update=few) for name in ("fgsm", "pgd") for check in ("a", "b", "c")
    ]
    (*_, seen) = tables(self_checks(with_checks(audit, [*checks, failed("pgd")]), Canvas(folder=tmp_path)))
    assert [row[:3] for row in seen.rows] == [
        ["pgd", SINGLE, "FAILED"],
        ["fgsm", "all of them", "not assessable"],
        *(["pgd", check, "not assessable"] for check in ("a", "b", "c")),
    ]


def test_many_attacks_go_into_several_tables(audit: Audit, tmp_path: Path) -> None:
    attacks = [audit.record.attacks[0].model_copy(update={"id": f"pgd-{i}"}) for i in range(7)]
    record = audit.record.model_copy(update={"attacks": attacks, "checks": [failed(a.id) for a in attacks]})
    found = tables(self_checks(replace(audit, record=record), Canvas(folder=tmp_path)))
    assert [len(table.columns) for table in found[1:-1]] == [6, 3]


def test_an_attack_without_checks_is_named(audit: Audit, tmp_path: Path) -> None:
    section = self_checks(with_checks(audit, [failed("pgd")]), Canvas(folder=tmp_path))
    notes = [block.text for block in section.blocks if isinstance(block, Text) and block.style == "note"]
    assert notes[0].startswith("No check is made of fgsm and deepfool")


def test_an_audit_without_checks_says_so(audit: Audit, tmp_path: Path) -> None:
    (block,) = self_checks(with_checks(audit, []), Canvas(folder=tmp_path)).blocks
    assert isinstance(block, Text)
    assert block.text == "Not assessed, because no self-checks were made."
    assert "Self-checks: none were made" in summary(with_checks(audit, []).record)


def test_a_failed_check_is_on_the_first_page(audit: Audit, tmp_path: Path) -> None:
    def alarms(checks: list[SelfCheckRecord]) -> list[str]:
        blocks = verdict(with_checks(audit, checks), Canvas(folder=tmp_path)).blocks
        return [block.text for block in blocks if isinstance(block, Alarm)]

    assert alarms(audit.record.checks) == []
    assert alarms([failed("pgd"), failed("pgd", "x"), failed("fgsm")]) == [
        f"What does not hold (pgd: {SINGLE}, x; fgsm: {SINGLE}) makes flip rates under these attacks lower bounds."
    ]
    (text,) = alarms([failed(None, "outputs are logits")])
    assert text == "Of the model, “outputs are logits” does not hold, so that no rate below can be relied on."


def test_the_summary_counts_checks_and_tells_of_failed_ones(audit: Audit) -> None:
    found = summary(with_checks(audit, [*audit.record.checks, failed("pgd"), failed(None, "n")]).record)
    assert "Self-checks: 6 passed, 2 failed, 3 not assessable" in found
    assert f"  FAILED  pgd, {SINGLE}: at 2 grey levels ..." in found
    assert "  FAILED  the model, n: at 2 grey levels ..." in found
    assert check_words.count([failed("pgd")]) == "0 passed, 1 failed, 0 not assessable"
