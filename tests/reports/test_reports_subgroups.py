"""What a report says of subgroups, of calibration and of flips by confidence."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from xaiaudit.records import Interval, SubgroupAttack, SubgroupRecord, SubgroupTest
from xaiaudit.reports import format as f
from xaiaudit.reports.blocks import Block, Canvas, Picture, Row, Section, Table, Text
from xaiaudit.reports.reading import Audit, read_audit
from xaiaudit.reports.sections.clean import clean
from xaiaudit.reports.sections.flips import flips
from xaiaudit.reports.sections.subgroups import subgroups


def changed(folder: Path, **update: Any) -> Audit:
    audit = read_audit(folder)
    return replace(audit, record=audit.record.model_copy(update=update))


def share(estimate: float, n: int = 20) -> Interval:
    return Interval(
        estimate=estimate, low=estimate / 2, high=(1 + estimate) / 2, n=n, cases=n, method="by hand"
    )


def group(value: str | None, *, images: int = 20, flipped: float = 0.4, **known: Any) -> SubgroupRecord:
    attack = SubgroupAttack(
        attack_id="fgsm", flips=share(flipped), robust_accuracy=share(0.3), silent_shift={"cam": share(0.25)}
    )
    known = {
        "rated": True,
        "positive": 8,
        "attacks": [attack],
        "accuracy": share(0.8),
        "sensitivity": share(0.7, 8),
    } | known
    return SubgroupRecord(attribute="device", value=value, images=images, cases=images, **known)


def tables(section: Section) -> list[Table]:
    return [block for block in section.blocks if isinstance(block, Table)]


@pytest.fixture(scope="module")
def section(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Section:
    groups = [
        group("A"),
        group("B", flipped=1.0),
        group("C", images=9, rated=False, attacks=[]),
        group(None, images=3, rated=False, attacks=[]),
    ]
    tests = [
        SubgroupTest(
            attribute="device", outcome=outcome, attack_id=attack, explainer_id=explainer,
            groups=2, images=40, p=p / 10, p_adjusted=p,
        )
        for outcome, attack, explainer, p in (
            ("accuracy", None, None, 0.5), ("flip rate", "fgsm", None, 0.012), ("silent shift", "fgsm", "cam", 0.2)
        )
    ]  # fmt: skip
    attack = read_audit(folder).record.attacks[0]
    audit = changed(folder, subgroups=groups, subgroup_tests=tests, attacks=[attack])
    return subgroups(audit, Canvas(folder=tmp_path_factory.mktemp("canvas")))


def test_every_rated_group_has_its_row_and_its_p(section: Section) -> None:
    performance, flipped, silent = tables(section)
    rate, low = f.rate(share(0.8)), f.compact(share(0.4))
    assert performance.rows == [
        ["Device"],
        ["A", "20", "20", "8", f.DASH, f.rate(share(0.7, 8)), f.DASH, rate],
        ["B", "20", "20", "8", f.DASH, f.rate(share(0.7, 8)), f.DASH, rate],
        ["differ? p", "", "", "", "", "", "", "0.50"],
    ]
    assert flipped.rows == [
        ["Device"],
        ["A", "20", low],
        ["B", "20", f.compact(share(1.0))],
        ["differ? p", "", "0.012"],
    ]
    # of B every decision flipped, so that none stood
    assert silent.rows[1:] == [
        ["A", "20", f.compact(share(0.25))],
        ["B", "20", f.DASH],
        ["differ? p", "", "0.20"],
    ]


def test_groups_that_are_not_rated_are_named_with_their_number(section: Section) -> None:
    last = section.blocks[-1]
    assert isinstance(last, Text)
    assert last.text.endswith(f"Device C, 9{f.NBSP}images; Device not known, 3{f.NBSP}images.")


def test_attacks_whose_flips_say_nothing_have_no_rates(folder: Path, tmp_path: Path) -> None:
    attack = read_audit(folder).record.attacks[0].model_copy(update={"assessable": False})
    audit = changed(folder, subgroups=[group("A"), group("B")], subgroup_tests=[], attacks=[attack])
    found = tables(subgroups(audit, Canvas(folder=tmp_path)))
    assert [table.caption for table in found] == ["Clean performance by subgroup"]
    assert all(row[0] != "differ? p" for row in found[0].rows)


def test_audits_without_subgroups_say_so(folder: Path, tmp_path: Path) -> None:
    (said,) = subgroups(changed(folder, subgroups=[]), Canvas(folder=tmp_path)).blocks
    assert isinstance(said, Text)
    assert "or the audit was made before this was measured" in said.text
    few = subgroups(changed(folder, subgroups=[group("C", rated=False, images=9)]), Canvas(folder=tmp_path))
    assert [block.text.split(",")[0] for block in few.blocks if isinstance(block, Text)] == [
        "Not assessed",
        "Counted and not rated",
    ]


def calibration_of(section: Section) -> list[Block]:
    titles = [isinstance(b, Text) and b.text == "Calibration of probabilities" for b in section.blocks]
    return section.blocks[titles.index(True) :] if any(titles) else []


def test_calibration_has_its_curve_its_figures_and_its_error_beside_that_of_chance(
    folder: Path, tmp_path: Path
) -> None:
    record = read_audit(folder).record.clean.reliability
    assert record is not None
    _, row = calibration_of(clean(read_audit(folder), Canvas(folder=tmp_path)))
    assert isinstance(row, Row)
    (table, error), (picture,) = row.columns
    assert isinstance(table, Table)
    assert isinstance(error, Text)
    assert isinstance(picture, Picture)
    assert (tmp_path / picture.file).read_text().startswith("<?xml")
    for part in record.bins:
        assert f.percent(part.positive_share.estimate) in picture.alt
    assert dict(table.rows)["Brier score"] == f.value(record.brier, 3)
    assert error.text.startswith(f"Expected calibration error: {f.fixed(record.ece, 3)} over 2 bins")


def test_calibration_without_a_curve_says_why_and_old_audits_have_none(folder: Path, tmp_path: Path) -> None:
    known = read_audit(folder).record.clean
    for update, expected in (
        ({"reliability": known.reliability.model_copy(update={"bins": [], "ece": None, "slope": None})}, 3),
        ({"reliability": None}, 0),
    ):
        audit = changed(folder, clean=known.model_copy(update=update))
        blocks = calibration_of(clean(audit, Canvas(folder=tmp_path)))
        assert len(blocks) == expected
    network = read_audit(folder).record.checkpoint.model_copy(update={"diagnoses": False})
    assert calibration_of(clean(changed(folder, checkpoint=network), Canvas(folder=tmp_path))) == []


def test_flips_by_confidence_are_told_of_attacks_that_can_be_assessed(folder: Path, tmp_path: Path) -> None:
    def rows(**update: Any) -> list[list[str]]:
        first, *rest = read_audit(folder).record.attacks
        audit = changed(folder, attacks=[first.model_copy(update=update), *rest])
        found = [t for t in tables(flips(audit, Canvas(folder=tmp_path))) if "by confidence" in t.caption]
        return found[0].rows if found else []

    record = read_audit(folder).record.attacks[0].confidence
    assert record is not None
    first = rows()[0]
    assert first[1 : 1 + len(record.bins)] == [f.rate(part.flips) for part in record.bins]
    assert first[-1] == f.spread(record.flipped_after, decimals=2)
    assert len(rows(assessable=False)) == len(rows(confidence=None)) == len(rows()) - 1
