"""What single sections say of audits out of the ordinary."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from xaiaudit.metrics.calibration import reliability_record
from xaiaudit.metrics.power import sample_size
from xaiaudit.records import REGIONS, AuditRecord, Interval
from xaiaudit.reports.blocks import Alarm, Canvas, Case, Facts, Picture, Points, Table, Text
from xaiaudit.reports.format import rate
from xaiaudit.reports.reading import Audit, read_audit
from xaiaudit.reports.sections.abstention import abstention
from xaiaudit.reports.sections.audited import audited
from xaiaudit.reports.sections.calibration import calibration
from xaiaudit.reports.sections.chance import chance_alarms
from xaiaudit.reports.sections.curve import curve
from xaiaudit.reports.sections.flips import flips
from xaiaudit.reports.sections.gallery import gallery
from xaiaudit.reports.sections.limits import limits
from xaiaudit.reports.sections.pointing import pointing
from xaiaudit.reports.sections.pseudo_masks import pseudo_masks
from xaiaudit.reports.sections.shift import shift
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


def test_a_model_that_is_given_the_outline_says_so_on_the_first_page(folder: Path, tmp_path: Path) -> None:
    known = read_audit(folder).record.checkpoint
    shown = known.model_copy(
        update={"preprocessing": known.preprocessing | {"inputs": ["grey", "grey", "mask"]}}
    )
    for checkpoint, told in ((known, []), (shown, ["The model is given the outline"])):
        section = verdict(changed(folder, checkpoint=checkpoint), Canvas(folder=tmp_path))
        titles = [block.title for block in section.blocks if isinstance(block, Alarm)]
        assert [title for title in titles if "outline" in title] == told
    section = audited(changed(folder, checkpoint=shown), Canvas(folder=tmp_path))
    facts = dict([block for block in section.blocks if isinstance(block, Facts)][-1].rows)
    assert "inputs (grey, grey, mask)" in facts["Preprocessing"]


@pytest.mark.parametrize(
    ("high", "title"),
    [
        (0.45, "AUC worse than chance"),
        (0.7, "AUC not shown to be better than chance"),
        (None, "AUC not shown to be better"),
    ],
)
def test_an_auc_is_worse_than_chance_only_if_its_interval_is(
    folder: Path, tmp_path: Path, high: float | None, title: str
) -> None:
    auc = Interval(estimate=0.4, low=0.2, high=high, n=20, cases=20, method="")
    clean = read_audit(folder).record.clean.model_copy(update={"auc": auc})
    section = verdict(changed(folder, clean=clean), Canvas(folder=tmp_path))
    titles = [block.title for block in section.blocks if isinstance(block, Alarm)]
    assert any(found.startswith(title) for found in titles)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.63, 0.95, "by its interval they do. That is no contradiction"),
        (0.40, 0.95, "that is not shown either"),
        (0.10, 0.45, "by its interval they do worse"),
        (None, None, ""),
    ],
)
def test_an_auc_that_shows_nothing_is_told_beside_what_balanced_accuracy_shows(
    folder: Path, low: float | None, high: float | None, expected: str
) -> None:
    record = read_audit(folder).record
    auc = Interval(estimate=0.9, low=0.4, high=0.98, n=20, cases=20, method="")
    balanced = Interval(estimate=0.8, low=low, high=high, n=20, cases=20, method="")
    told = {"auc": auc, "balanced_accuracy": balanced, "images": 20}
    for positives, why in (
        (5, "with 5\u00a0images of a class, not even a perfect order"),
        (6, "0.5, which is chance"),
    ):
        confusion = [[20 - positives, 0], [positives - 1, 1]]
        clean = record.clean.model_copy(update=told | {"confusion": confusion})
        (alarm,) = chance_alarms(clean, record.checkpoint)
        assert alarm.title == "AUC not shown to be better than chance"
        assert why in alarm.text
        assert expected in alarm.text
        assert ("Balanced accuracy" in alarm.text) == bool(expected)
    better = clean.model_copy(update={"auc": auc.model_copy(update={"low": 0.55})})
    assert chance_alarms(better, record.checkpoint) == []
    # of three classes guessing reaches a third
    three = record.checkpoint.model_copy(update={"classes": ["benign", "malignant", "normal"]})
    at_40 = clean.model_copy(
        update={"balanced_accuracy": balanced.model_copy(update={"low": 0.4, "high": 0.9})}
    )
    assert "33.3\u00a0% of guessing: by its interval they do" in chance_alarms(at_40, three)[0].text


def test_the_first_page_says_before_or_after_rounding_and_by_which_explainer(
    folder: Path, tmp_path: Path
) -> None:
    audit = read_audit(folder)
    stored = Interval(estimate=0.05, low=0.0, high=0.25, n=20, cases=20, method="")
    attacks = [a.model_copy(update={"curve": [], "flips_quantised": stored}) for a in audit.record.attacks]
    assert all(a.flips.estimate != 0.05 for a in attacks)
    last = audit.record.explainers[-1].id  # the one that the maps move most by
    maps = [
        m.model_copy(update={"silent_shift": m.silent_shift.model_copy(update={"estimate": 0.9})})
        if m.explainer_id == last
        else m
        for m in audit.record.maps
    ]
    section = verdict(changed(folder, attacks=attacks, maps=maps), Canvas(folder=tmp_path))
    lead, said = (block.text for block in section.blocks[1:3] if isinstance(block, Text))
    assert lead.replace("\u00a0", " ").endswith("before rounding to 8 bits; after it 1 of 20.")
    assert "before rounding to 8 bits, unless they say otherwise" in said
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    assert table.columns[3].title == "After rounding to 8 bits"
    for row, attack in zip(table.rows, attacks, strict=True):
        assert row[2:4] == [rate(attack.flips), rate(attack.flips_quantised)]
        assert row[-1].replace("\u200b", "").endswith(f"by {last}")
    facts = next(block for block in section.blocks if isinstance(block, Facts))
    assert "before rounding to 8 bits" in dict(facts.rows)["Silent shift"]
    twice = [*attacks, attacks[0].model_copy(update={"id": "fgsm-2", "epsilon": 0.5 / 255})]
    section = verdict(changed(folder, attacks=twice, maps=maps), Canvas(folder=tmp_path))
    facts = next(block for block in section.blocks if isinstance(block, Facts))
    assert "fgsm-2 with radius 0.5" in dict(facts.rows)["Attacks"].replace("\u00a0", " ")


def test_a_tolerance_is_told_with_what_it_leaves_out(folder: Path, tmp_path: Path) -> None:
    plain = read_audit(folder)
    regions = plain.record.regions.model_copy(update={"tolerance_mm": 2.0, "without_tolerance": 7})
    audit = changed(folder, regions=regions)
    (said,) = [b.text for b in pointing(audit, Canvas(folder=tmp_path)).blocks[:1] if isinstance(b, Text)]
    assert "within 2\u00a0mm of a region" in said
    assert "7\u00a0images with a lesion but without spacing" in said
    (plainly,) = [b.text for b in pointing(plain, Canvas(folder=tmp_path)).blocks[:1] if isinstance(b, Text)]
    assert "mm" not in plainly
    maps = [m.model_copy(update={"pointing": []}) for m in plain.record.maps]
    (why,) = pointing(changed(folder, regions=regions, maps=maps), Canvas(folder=tmp_path)).blocks
    assert "needs the pixel spacing, which 7\u00a0images" in why.text


def test_pseudo_masks_of_an_older_audit_are_not_assessed(folder: Path, tmp_path: Path) -> None:
    section = pseudo_masks(read_audit(folder), Canvas(folder=tmp_path))
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    assert [row[0] for row in table.rows if len(row) == 1] == [
        "cam",
        "grad-cam",
    ]  # a group of rows an explainer
    maps = [m.model_copy(update={"pseudo_masks": []}) for m in read_audit(folder).record.maps]
    (why,) = pseudo_masks(changed(folder, maps=maps), Canvas(folder=tmp_path)).blocks
    assert "before pseudo-masks were measured" in why.text


def test_flips_come_with_the_rise_that_these_cases_would_show(folder: Path, tmp_path: Path) -> None:
    attacks = read_audit(folder).record.attacks
    # two attacks that flip alike share a sentence; DeepFool has no radius, and no gate judges it unasked
    assert [a.id for a in attacks] == ["fgsm", "pgd", "deepfool"]
    assert attacks[0].flips == attacks[1].flips
    expected = [f"fgsm and pgd: {sample_size(attacks[0].flips).words}."]
    old = [a.model_copy(update={"flips": a.flips.model_copy(update={"effective": None})}) for a in attacks]
    for given, words in ((attacks, expected), (old, [])):
        section = flips(changed(folder, attacks=given), Canvas(folder=tmp_path))
        points = [item for block in section.blocks if isinstance(block, Points) for item in block.items]
        assert [item for item in points if "noticed" in item] == words


def test_withholding_is_told_clean_and_under_attack_with_what_took_no_part(
    folder: Path, tmp_path: Path
) -> None:
    section = abstention(read_audit(folder), Canvas(folder=tmp_path))
    pictures = [block for block in section.blocks if isinstance(block, Picture)]
    assert len(pictures) == 2  # one an explainer
    for picture in pictures:
        assert (tmp_path / picture.file).stat().st_size > 1000
        assert "Clean: AURC by energy share" in picture.alt
        assert "After fgsm: AURC" in picture.alt
    tables = [block for block in section.blocks if isinstance(block, Table)]
    assert [row[0] for row in tables[0].rows] == ["Clean", "After fgsm", "After pgd", "After deepfool"]
    records = read_audit(folder).record.abstention
    few = [r.model_copy(update={"without_regions": 3, "without_label": 1}) for r in records]
    tables = [
        block
        for block in abstention(changed(folder, abstention=few), Canvas(folder=tmp_path)).blocks
        if isinstance(block, Table)
    ]
    assert (
        "1\u00a0image without a label and 3\u00a0images without known regions took no part" in tables[0].note
    )


def test_a_mask_head_that_draws_nothing_has_no_figures_and_says_why(folder: Path, tmp_path: Path) -> None:
    records = read_audit(folder).record.abstention
    new = {"regions": "predicted", "assessable": False, "why_not": "the model draws no lesion"}
    undrawn = [r.model_copy(update=new) for r in records if r.explainer_id == "grad-cam"]
    blocks = abstention(changed(folder, abstention=[*records, *undrawn]), Canvas(folder=tmp_path)).blocks
    said = [block.text for block in blocks if isinstance(block, Text)]
    assert "Explainer grad-cam, regions of the model’s own mask" in said
    assert any(text.startswith("Not assessable: the model draws no lesion (") for text in said)
    assert len([block for block in blocks if isinstance(block, Picture)]) == 2  # of the outline alone


def test_an_audit_without_labels_says_why_nothing_is_withheld(folder: Path, tmp_path: Path) -> None:
    (why,) = abstention(changed(folder, abstention=[]), Canvas(folder=tmp_path)).blocks
    assert isinstance(why, Text)
    assert "no audited image has both a label and known regions" in why.text
    blocks = pointing(changed(folder, hit_relations=[]), Canvas(folder=tmp_path)).blocks
    assert not any("sign of a right decision" in block.text for block in blocks if isinstance(block, Text))


def test_an_explainer_without_a_hit_or_a_miss_has_no_table_of_relations(folder: Path, tmp_path: Path) -> None:
    """All maps of one explainer undefined: nothing is related for it, and the other keeps its table."""
    relations = read_audit(folder).record.hit_relations
    names = list(dict.fromkeys(relation.explainer_id for relation in relations))
    assert len(names) == 2
    for missing, there in (names, names[::-1]):
        audit = changed(folder, hit_relations=[r for r in relations if r.explainer_id != missing])
        tables = [b for b in pointing(audit, Canvas(folder=tmp_path)).blocks if isinstance(b, Table)]
        captions = [table.caption for table in tables if "by whether the decision was right" in table.caption]
        assert len(captions) == 1
        assert there in captions[0]


def test_hits_are_not_compared_where_no_decision_was_wrong(folder: Path, tmp_path: Path) -> None:
    audit = read_audit(folder)
    none = Interval(estimate=None, low=None, high=None, n=0, cases=0, method="")
    relations = [r.model_copy(update={"wrong": none, "p": None}) for r in audit.record.hit_relations]
    blocks = pointing(changed(folder, hit_relations=relations), Canvas(folder=tmp_path)).blocks
    said = [b.text for b in blocks if isinstance(b, Text) and "was wrong" in b.text]
    assert len(said) == len(audit.record.explainers)
    n = audit.record.hit_relations[0].right.n
    assert (
        said[0]
        == f"Not assessed, because none of {n}\u00a0decisions with a lesion and a defined map of cam was wrong."
    )
    assert not any(isinstance(b, Table) and "decision was right" in b.caption for b in blocks)


def test_the_p_of_an_older_audit_is_said_to_be_uncorrected(folder: Path, tmp_path: Path) -> None:
    attacks = read_audit(folder).record.attacks
    old = [a.model_copy(update={"mcnemar_holm": None}) for a in attacks]
    for given, words in ((attacks, "by Holm over the attacks"), (old, "not corrected for the number")):
        section = flips(changed(folder, attacks=given), Canvas(folder=tmp_path))
        table = next(block for block in section.blocks if isinstance(block, Table))
        assert words in table.note


def test_map_shift_is_told_for_the_new_decision_too_and_as_energy(folder: Path, tmp_path: Path) -> None:
    audit = read_audit(folder)
    tables = [block for block in shift(audit, Canvas(folder=tmp_path)).blocks if isinstance(block, Table)]
    moved = [table for table in tables if table.caption.startswith("Map shift by")]
    energy = [table for table in tables if table.caption.startswith("Change of energy share")]
    assert len(moved) == len(energy) == len(audit.record.explainers)
    for table in moved:
        assert "left out" not in table.note
        assert [row[0].split(", ", 1)[1] for row in table.rows[:3]] == [
            "flipped",
            "stood",
            "flipped, new decision",
        ]
        assert len(table.rows) == 3 * len(audit.record.attacks)
    own = next(
        m for m in audit.record.maps if m.target == "own" and m.explainer_id == audit.record.explainers[0].id
    )
    assert moved[0].rows[2][1] == str(own.shift_flipped["spearman"].n)
    assert [column.title for column in energy[0].columns[2:]] == [region.capitalize() for region in REGIONS]


def test_rows_without_any_map_are_left_out_and_named_with_the_reason(folder: Path, tmp_path: Path) -> None:
    audit = read_audit(folder)
    none = {key: value.model_copy(update={"n": 0}) for key, value in audit.record.maps[0].shift.items()}
    stood = {"shift_flipped": none, "shift_unflipped": audit.record.maps[0].shift}
    maps = [
        m.model_copy(update=stood | {"silent_shift_unflipped": m.silent_shift})
        if m.attack_id == "fgsm"
        else m
        for m in audit.record.maps
    ]
    blocks = shift(changed(folder, maps=maps), Canvas(folder=tmp_path)).blocks
    tables = [b for b in blocks if isinstance(b, Table) and "median (quartiles)" in b.caption]
    assert len(tables) == 2 * len(audit.record.explainers)
    for table in tables:
        assert [row[0] for row in table.rows if row[0].startswith("fgsm")] == ["fgsm, stood"]
        assert any(row[0].startswith("pgd, flipped") for row in table.rows)
        assert "Rows without any map are left out: under fgsm no decision flipped." in table.note
    gone = {"shift": none, "shift_flipped": none, "shift_unflipped": none}
    maps = [m.model_copy(update=gone) for m in audit.record.maps]
    blocks = shift(changed(folder, maps=maps), Canvas(folder=tmp_path)).blocks
    said = [b.text for b in blocks if isinstance(b, Text) and b.text.startswith("Rows without any map")]
    assert len(said) == len(audit.record.explainers)
    assert "under fgsm, pgd and deepfool no map could be compared where the decision flipped" in said[0]


def test_an_attack_that_keeps_decisions_is_no_proof_that_they_hold(folder: Path, tmp_path: Path) -> None:
    attack = read_audit(folder).record.attacks[0]
    none = attack.flips.model_copy(update={"estimate": 0.0, "low": 0.0, "high": 0.2})
    attack = attack.model_copy(
        update={"flips": none, "flips_quantised": none, "curve": [], "assessable": True}
    )
    for goal, said in (
        ("shift-map", "Whether decisions flip was not tried"),
        (None, "No decision flipped: 0 of "),
    ):
        attacks = [attack.model_copy(update={"criterion_name": goal} if goal else {})]
        lead = verdict(changed(folder, attacks=attacks), Canvas(folder=tmp_path)).blocks[1]
        assert isinstance(lead, Text)
        assert lead.text.startswith(said)


def test_changes_of_gain_are_known_by_simulation_or_not_at_all(folder: Path, tmp_path: Path) -> None:
    for update, told in (
        ({}, "it knows the simulated ones alone"),
        ({"variability": None}, "nor about another depth, probe or scanner, nor another gain."),
    ):
        (points,) = limits(changed(folder, **update), Canvas(folder=tmp_path)).blocks
        assert isinstance(points, Points)
        assert told in points.items[2]


def test_a_curve_says_of_how_many_images(folder: Path, tmp_path: Path) -> None:
    attacks = read_audit(folder).record.attacks[:2]
    section = curve(changed(folder, attacks=attacks), Canvas(folder=tmp_path))
    table = next(block for block in section.blocks if isinstance(block, Table))
    assert table.note.startswith(f"Of {attacks[0].images}\u00a0images.")
    first = attacks[0].curve[0]
    few = first.model_copy(update={"reached": first.reached.model_copy(update={"n": 5})})
    attacks = [attacks[0].model_copy(update={"curve": [few, *attacks[0].curve[1:]]}), attacks[1]]
    section = curve(changed(folder, attacks=attacks), Canvas(folder=tmp_path))
    table = next(block for block in section.blocks if isinstance(block, Table))
    assert table.note.startswith(f"Images: {attacks[0].id} 5, {attacks[1].id} {attacks[1].images}.")


def test_too_few_images_for_a_reliability_curve_say_what_was_not_assessed(tmp_path: Path) -> None:
    logits = np.array([[0.0, -1.0], [0.0, 1.0]] * 4)
    few = reliability_record(np.array([0, 1] * 4), logits, list("abcdefgh"), positive=1)
    assert few is not None
    assert few.bins == []
    last = calibration(few, "malignant", Canvas(folder=tmp_path))[-1]
    assert isinstance(last, Text)
    assert last.text.startswith("Reliability curve and expected calibration error: not assessed, because")


def test_the_recipe_of_adversarial_training_is_told_in_words(folder: Path, tmp_path: Path) -> None:
    known = read_audit(folder).record.checkpoint
    recipe = {
        "epochs": 10,
        "learning_rate": 1e-4,
        "adversarial": {"method": "free", "epsilon": 1 / 255, "steps": None},
    }
    checkpoint = known.model_copy(update={"training": known.training | {"recipe": recipe}})
    section = audited(changed(folder, checkpoint=checkpoint), Canvas(folder=tmp_path))
    facts = dict(next(block for block in section.blocks if isinstance(block, Facts)).rows)
    told = "recipe: epochs 10, learning rate 0.0001, adversarial (method free, epsilon 0.00392157)"
    assert told in facts["Training"]


def test_a_ring_that_is_relative_everywhere_is_told_as_that_alone(folder: Path, tmp_path: Path) -> None:
    regions = read_audit(folder).record.regions
    for calibrated, relative, told in (
        (0, 24, "in 24 images relative"),
        (24, 0, "ring around the lesion: 5 mm wide in"),
    ):
        update = regions.model_copy(update={"calibrated": calibrated, "relative": relative})
        section = audited(changed(folder, regions=update), Canvas(folder=tmp_path))
        facts = dict([block for block in section.blocks if isinstance(block, Facts)][-1].rows)
        assert facts["Regions"].replace("\u00a0", " ").startswith(told)


def test_an_image_without_an_outline_has_no_ring(folder: Path, tmp_path: Path) -> None:
    audit = read_audit(folder)
    first = audit.record.gallery[0]
    bare = first.model_copy(update={"files": {k: v for k, v in first.files.items() if k != "mask"}})
    for case, told in ((first, "Ring in true millimetres."), (bare, "No outlined lesion, so no ring.")):
        section = gallery(changed(folder, gallery=[case]), Canvas(folder=tmp_path))
        (shown,) = [block for block in section.blocks if isinstance(block, Case)]
        assert shown.caption.endswith(told)
    none = audit.record.regions.model_copy(update={"calibrated": 0, "relative": 0, "without_lesion": 24})
    section = audited(changed(folder, regions=none), Canvas(folder=tmp_path))
    facts = dict([block for block in section.blocks if isinstance(block, Facts)][-1].rows)
    assert facts["Regions"].replace("\u00a0", " ") == "24 images without a lesion mask have no regions."
