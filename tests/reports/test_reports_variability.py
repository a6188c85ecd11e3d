"""Attacks beside a second sweep: what is said, what is shown, and what is not said where it cannot be known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from xaiaudit.acquisition.registry import CHANGES
from xaiaudit.metrics.statistics import distribution
from xaiaudit.records import AuditRecord, Interval
from xaiaudit.reports import words
from xaiaudit.reports.blocks import Canvas, Picture, Section, Table, Text
from xaiaudit.reports.reading import Audit, read_audit
from xaiaudit.reports.sections.sweep_pictures import sweep_pictures
from xaiaudit.reports.sections.variability import variability
from xaiaudit.reports.sections.variability_tables import multiples_table
from xaiaudit.reports.summary import summary


@pytest.fixture(scope="module")
def audit(folder: Path) -> Audit:
    return read_audit(folder)


@pytest.fixture(scope="module")
def section(audit: Audit, tmp_path_factory: pytest.TempPathFactory) -> Section:
    return variability(audit, Canvas(folder=tmp_path_factory.mktemp("canvas")))


def ratio(estimate: float | None, low: float | None, high: float | None) -> Interval:
    return Interval(estimate=estimate, low=low, high=high, n=9, cases=9, method="")


def test_a_multiple_says_what_is_known_of_it() -> None:
    shown = {
        "9.6 (6.9 to 16.4)": ratio(9.6, 6.9, 16.4),
        "9.6 (6.9 or more)": ratio(9.6, 6.9, None),
        "9.6 (no interval)": ratio(9.6, None, None),
        "over 6.9": ratio(None, 6.9, None),
        "—": ratio(None, None, None),
    }
    for text, interval in shown.items():
        assert words.times(interval).replace("\u00a0", " ") == text


def test_the_largest_multiple_leads_and_vanished_maps_are_told(audit: Audit) -> None:
    found = audit.record.variability
    assert found is not None
    text = words.second_sweep(audit.record).replace("\u00a0", " ")
    largest = max(
        (m for m in found.multiples if m.metric == "mass_centre_mm" and m.times_second_sweep.estimate),
        key=lambda m: m.times_second_sweep.estimate or 0,
    )
    assert f"under {largest.attack_id} by {largest.explainer_id}" in text
    assert words.times(largest.times_second_sweep).replace("\u00a0", " ") in text
    assert f"change 0 of {audit.record.images} decisions" in text
    gone = [
        m.model_copy(update={"attack": None, "times_second_sweep": ratio(None, 2.0, None)})
        for m in found.multiples
    ]
    lost = audit.record.model_copy(update={"variability": found.model_copy(update={"multiples": gone})})
    assert "half of the maps or more vanish under fgsm by cam" in words.second_sweep(lost).replace(
        "\u00a0", " "
    )
    assert words.multiple(gone[0]) == "half vanished or more"


@pytest.mark.parametrize("spacing", [(0.4, 0.4), None])
def test_the_first_page_and_the_table_tell_the_same_multiple(
    audit: Audit, spacing: tuple[float, float] | None, tmp_path: Path
) -> None:
    """Images of several spacings have another ratio in millimetres than in parts of the diagonal."""
    found = audit.record.variability
    assert found is not None
    other = {"mass_centre_mm": ratio(7.1, 6.0, 8.0), "mass_centre_diagonal": ratio(5.3, 4.0, 6.0)}
    multiples = [
        m.model_copy(update={"times_second_sweep": other.get(m.metric, m.times_second_sweep)})
        for m in found.multiples
    ]
    maps = audit.record.maps
    if spacing is None:
        none = dict.fromkeys(("peak_mm", "mass_centre_mm"), distribution(np.array([]), []))
        maps = [m.model_copy(update={"shift": m.shift | none}) for m in maps]
    update = {"variability": found.model_copy(update={"multiples": multiples}), "maps": maps}
    record = audit.record.model_copy(update=update)
    told = "7.1 (6 to 8)" if spacing else "5.3 (4 to 6)"
    assert f"up to {told} times" in words.second_sweep(record).replace("\u00a0", " ")
    section = variability(replace(audit, record=record), Canvas(folder=tmp_path))
    table = next(b for b in section.blocks if isinstance(b, Table) and "multiple" in b.caption)
    assert any(told in cell.replace("\u00a0", " ") for cell in table.rows[0])


def test_less_than_a_second_sweep_is_not_called_one(audit: Audit) -> None:
    found = audit.record.variability
    assert found is not None
    names = [change.name for change in found.changes[:-1]]
    assert len(names) == 2
    text = words.second_sweep(audit.record).replace("\u00a0", " ")
    few = f"simulated changes of {' and '.join(sorted(names, key=list(CHANGES).index))}"
    assert f"times as far as by {few}, less than a second sweep changes" in text
    assert f"{few} alone change 0 of" in text
    every = [found.changes[0].model_copy(update={"name": name}) for name in CHANGES]
    whole = audit.record.model_copy(update={"variability": found.model_copy(update={"changes": every})})
    text = words.second_sweep(whole).replace("\u00a0", " ")
    assert "times as far as in a second sweep of the probe" in text
    assert "a simulated second sweep alone changes 0 of" in text
    assert "not assessed" not in text


def test_explainers_without_a_yardstick_are_named_on_the_first_page(audit: Audit) -> None:
    found = audit.record.variability
    assert found is not None
    only = [shift for shift in found.shifts if shift.explainer_id == "cam"]
    record = audit.record.model_copy(update={"variability": found.model_copy(update={"shifts": only})})
    assert words.second_sweep(record).endswith("; not assessed for grad-cam")


def test_the_section_has_a_row_for_every_sweep_and_three_for_every_attack(
    audit: Audit, section: Section
) -> None:
    tables = [block for block in section.blocks if isinstance(block, Table)]
    found = audit.record.variability
    assert found is not None
    alone, *multiples = tables
    assert [row[0] for row in alone.rows[:4]] == [
        "gain",
        "speckle",
        "second sweep, all at once",
        "any one change",
    ]
    assert len(alone.rows) == 4 + len(audit.record.attacks)
    assert len(multiples) == len(audit.record.explainers)
    for table in multiples:
        assert len(table.rows) == 3 * len(audit.record.attacks)
        assert "25.0" in table.note  # one of three sweeps and the attack
    assert any("upper bounds" in block.text for block in section.blocks if isinstance(block, Text))


def test_every_picture_tells_in_words_what_it_shows(section: Section) -> None:
    pictures = [block for block in section.blocks if isinstance(block, Picture)]
    assert len(pictures) == 3
    assert "second-sweep" in pictures[0].alt
    assert all(len(picture.alt) > 60 for picture in pictures)


def test_the_image_is_shown_as_each_sweep_changed_it(audit: Audit) -> None:
    name, pictures = sweep_pictures(audit)
    assert name == audit.record.gallery[0].image
    titles, images = zip(*pictures, strict=True)
    assert titles == ("as it is", "gain", "speckle", "second-sweep")
    clean, gain, speckle, both = (image.astype(int) for image in images)
    assert set(np.abs(gain - clean)[(clean > 30) & (clean < 220)].tolist()) <= {8, 9}  # 8.5 levels, rounded
    assert np.abs(speckle - clean).max() > 3
    assert np.abs(both - clean).mean() > np.abs(speckle - clean).mean()


def test_without_sweeps_or_a_gallery_the_report_says_less_and_nothing_wrong(
    audit: Audit, tmp_path: Path
) -> None:
    bare = replace(audit, record=audit.record.model_copy(update={"gallery": []}))
    assert sweep_pictures(bare) == ("", [])
    record: AuditRecord = audit.record.model_copy(update={"variability": None})
    (block,) = variability(replace(audit, record=record, sweeps=None), Canvas(folder=tmp_path)).blocks
    assert isinstance(block, Text)
    assert "Not assessed, because no change of the acquisition was simulated" in block.text
    assert "Second sweep: not assessed" in "\n".join(summary(record))


def test_a_table_without_any_row_is_a_sentence(audit: Audit) -> None:
    found = audit.record.variability
    assert found is not None
    unknown = ratio(None, None, None)
    empty = [
        item.model_copy(
            update={"times_second_sweep": unknown, "times_one_change": unknown, "farther": unknown}
        )
        for item in found.multiples
    ]
    drawn = list(dict.fromkeys(item.metric for item in empty))
    told = multiples_table(empty, drawn, "cam", len(found.changes))
    assert isinstance(told, Text)
    assert isinstance(multiples_table(found.multiples, drawn, "cam", len(found.changes)), Table)
