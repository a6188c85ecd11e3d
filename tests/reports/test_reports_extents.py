"""Where every word of a report stands: within its page, and never over another, whatever is in it."""

from pathlib import Path
from typing import Any

import example_audit
import numpy as np
import pypdfium2
import pytest
from verdicts import finding, judged, regression

from xaiaudit.records import AuditRecord, LeakRecord, LeftOutRecord
from xaiaudit.reports import write_report
from xaiaudit.reports.reading import read_record

LONG = "integrated-gradients-of-a-name-that-nobody-would-give"
ATTACKS = [
    "fgsm",
    "deepfool",
    "art:ProjectedGradientDescentNumpy-2",
    "art:AutoConjugateGradient",
    "map-shift-of-a-name-that-is-long-2",
    "fgsm-3",
]
EDGE = 54.0  # points; the margin is 20 mm, 56.7
PATH = "/data/" + "a_folder_of_a_very_long_name/" * 9 + "model-of-2026-11-20-final-final-2.safetensors"


def boxes(page: pypdfium2.PdfPage) -> tuple[np.ndarray, list[str]]:
    """Left, bottom, right, top of every run of words on a page, points, and the words."""
    text = page.get_textpage()
    places = [text.get_rect(i) for i in range(text.count_rects())]
    return np.array(places).reshape(-1, 4), [text.get_text_bounded(*place) for place in places]


def beyond(pdf: Path) -> list[str]:
    """Words that leave the page's margins to the left or right, or its edge above or below."""
    found = []
    for number, page in enumerate(pypdfium2.PdfDocument(pdf), 1):
        (left, bottom, right, top), words = boxes(page)[0].T, boxes(page)[1]
        width, height = page.get_size()
        out = (left < EDGE) | (right > width - EDGE) | (bottom < 25) | (top > height - 25)
        found += [f"page {number}: {words[i]!r}" for i in np.flatnonzero(out)]
    return found


def overlapping(pdf: Path) -> list[str]:
    """Pairs of words whose boxes share more than the blank that a font puts around its letters."""
    found = []
    for number, page in enumerate(pypdfium2.PdfDocument(pdf), 1):
        places, words = boxes(page)
        left, bottom, right, top = (places + np.array([0.8, 1.2, -0.8, -1.2])).T
        across = np.minimum(right[:, None], right) > np.maximum(left[:, None], left)
        along = np.minimum(top[:, None], top) > np.maximum(bottom[:, None], bottom)
        pairs = np.argwhere(np.triu(across & along, 1))
        found += [f"page {number}: {words[i]!r} and {words[j]!r}" for i, j in pairs]
    return found


def rewrite(folder: Path, record: AuditRecord) -> None:
    (folder / "audit.json").write_text(record.model_dump_json())


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Many attacks and findings of long names, a leak, files left out, warnings."""
    folder = tmp_path_factory.mktemp("full")
    attacks = {name: example_audit.ATTACKS.get(name, example_audit.ATTACKS["pgd"]) for name in ATTACKS}
    summaries = {name: example_audit.SUMMARIES.get(name, "an attack " * 20) for name in ATTACKS}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(example_audit, "EXPLAINERS", {"cam": True, LONG: True, "grad-cam": False})
        patch.setattr(example_audit, "ATTACKS", attacks)
        patch.setattr(example_audit, "SUMMARIES", summaries)
        example_audit.build(folder, images=6, attacks=ATTACKS)
    record = read_record(folder)
    gallery = [case for case in record.gallery if case.attack_id in ATTACKS[:3]]
    names = [f"BUSI/malignant/malignant ({i}) {'long ' * 9}.png" for i in range(9)]
    rewrite(
        folder,
        record.model_copy(
            update={
                "gallery": gallery,
                "checkpoint": record.checkpoint.model_copy(update={"path": PATH, "cam_layer": "layer." * 30}),
                "left_out": [LeftOutRecord(file=name, reason="truncated " * 12) for name in names],
                "leak": LeakRecord(assessed=True, reason="", exact=names, near=names),
                "warnings": ["w" * 200, "a warning " * 30],
                "command": ["xaiaudit", "attack", PATH, *[f"--method={name}" for name in ATTACKS]],
            }
        ),
    )
    ids = [f"silent-shift/{attack}/{LONG}/device=Logiq 5" for attack in ATTACKS]
    asked = [
        finding(id=name, attack_id=a, status="not assessed") for name, a in zip(ids, ATTACKS, strict=True)
    ]
    against = [regression(id=f"{name}/no-worse", attack_id=a) for name, a in zip(ids, ATTACKS, strict=True)]
    verdict = judged(folder, findings=[*asked, *against, finding()], notes=["a note " * 40])
    (folder / "gate.json").write_text(verdict.model_dump_json())
    return write_report(folder)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of long names; no label, mask, map, curve, spacing or gallery, and everything undefined."""
    folder = tmp_path_factory.mktemp("empty")
    example_audit.build(folder, images=6, attacks=["fgsm", "deepfool"], spacing=None)
    record = read_record(folder)
    unknown = (
        "robust_accuracy",
        "robust_balanced_accuracy",
        "missed_cancers",
        "false_alarms",
        "mcnemar_p",
        "mcnemar_holm",
    )
    why = "the model gives one decision to over 95 % of the clean images"
    undefined: dict[str, Any] = dict.fromkeys(unknown) | {
        "curve": [], "smallest_radius": None, "assessable": False, "why_not": why,
        "flips": record.attacks[0].flips.model_copy(update={"estimate": None, "low": None, "high": None, "n": 0}),
    }  # fmt: skip
    clean = dict.fromkeys(
        ("auc", "accuracy", "balanced_accuracy", "sensitivity", "specificity", "dice", "f1")
    )
    classes = [
        "benign-of-a-rather-long-name",
        "malignant-of-a-rather-long-name",
        "normal-tissue-without-any-lesion",
    ]
    none = {"explainers": [], "maps": [], "variability": None, "gallery": [], "hit_relations": [], "abstention": [],
            "left_out": [], "checks": [], "warnings": []}  # fmt: skip
    rewrite(
        folder,
        record.model_copy(
            update=none
            | {
                "clean": record.clean.model_copy(update=clean | {"images": 0, "roc": [], "confusion": []}),
                "attacks": [a.model_copy(update=undefined) for a in record.attacks],
                "checkpoint": record.checkpoint.model_copy(
                    update={"classes": classes, "positive": classes[1], "training": {}, "cam_layer": None}
                ),
                "datasets": [d.model_copy(update={"with_mask": 0, "labels": {}}) for d in record.datasets],
                "leak": LeakRecord(assessed=False, reason="no images are named", exact=[], near=[]),
            }
        ),
    )
    (folder / "gate.json").write_text("{")
    return write_report(folder)


@pytest.mark.parametrize("which", ["full", "empty", "report"])
def test_nothing_leaves_a_page_or_stands_over_anything_else(
    which: str, request: pytest.FixtureRequest
) -> None:
    pdf = request.getfixturevalue(which)
    assert beyond(pdf) == []
    assert overlapping(pdf) == []


def test_the_reader_of_places_sees_what_is_cut_and_what_overlaps(tmp_path: Path) -> None:
    """Else the test above could not fail."""
    import typst

    source = tmp_path / "page.typ"
    source.write_text(
        '#set page(paper: "a4")\n#place(dx: 160mm)[a word that is cut]\n#place(dy: 20mm)[one]#place(dy: 20mm)[two]'
    )
    pdf = tmp_path / "page.pdf"
    pdf.write_bytes(typst.compile(source))
    assert [item for item in beyond(pdf) if "a word" in item]
    assert overlapping(pdf)


def test_six_attacks_by_three_explainers_stay_within_forty_pages(full: Path) -> None:
    assert len(pypdfium2.PdfDocument(full)) <= 40
