"""What single sections say of audits out of the ordinary."""

from dataclasses import replace
from pathlib import Path

import pytest

from xaiaudit.records import AuditRecord, Interval
from xaiaudit.reports.blocks import Alarm, Canvas, Facts
from xaiaudit.reports.reading import Audit, read_audit
from xaiaudit.reports.sections.audited import audited
from xaiaudit.reports.sections.verdict import verdict


def changed(folder: Path, **update: object) -> Audit:
    audit = read_audit(folder)
    record: AuditRecord = audit.record.model_copy(update=update)
    return replace(audit, record=record)


def test_of_three_classes_no_threshold_decides(folder: Path, tmp_path: Path) -> None:
    for classes, words in ((["benign", "malignant"], "≥ 0.41"), (["a", "malignant", "c"], "largest logit")):
        checkpoint = read_audit(folder).record.checkpoint.model_copy(update={"classes": classes})
        section = audited(changed(folder, checkpoint=checkpoint), Canvas(folder=tmp_path))
        facts = dict(next(block for block in section.blocks if isinstance(block, Facts)).rows)
        assert words in facts["Operating threshold"]


@pytest.mark.parametrize(
    ("high", "title"), [(0.45, "Worse than chance"), (0.7, "Not shown to be better than chance"), (None, "Not shown to be better")]
)
def test_an_auc_is_worse_than_chance_only_if_its_interval_is(
    folder: Path, tmp_path: Path, high: float | None, title: str
) -> None:
    auc = Interval(estimate=0.4, low=0.2, high=high, n=20, cases=20, method="")
    clean = read_audit(folder).record.clean.model_copy(update={"auc": auc})
    section = verdict(changed(folder, clean=clean), Canvas(folder=tmp_path))
    titles = [block.title for block in section.blocks if isinstance(block, Alarm)]
    assert any(found.startswith(title) for found in titles)
