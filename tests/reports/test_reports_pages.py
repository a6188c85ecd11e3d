"""Where things stand on the pages of a report: nothing over anything else, nothing torn apart that belongs together."""

import io
import re
from typing import Any

import example_audit
import pytest
from pypdf import PageObject, PdfReader

from xaiaudit.reports import write_report
from xaiaudit.reports.blocks import Block, Column, Document, Facts, Heat, Row, Section, Table, Text, Together
from xaiaudit.reports.typesetting import typeset

Box = tuple[float, float, float, float]  # left, bottom, right, top, points
LONG = "integrated-gradients-of-a-name-that-nobody-would-give"


def product(cm: list[float], x: float, y: float) -> tuple[float, float]:
    return cm[0] * x + cm[2] * y + cm[4], cm[1] * x + cm[3] * y + cm[5]


def placed(page: PageObject) -> tuple[list[tuple[float, float]], list[Box]]:
    """Where the runs of letters of a page begin, and the pixel pictures on it."""
    letters: list[tuple[float, float]] = []
    pictures: list[Box] = []
    objects: Any = page["/Resources"].get("/XObject", {})  # type: ignore[attr-defined]

    def seen(operator: bytes, operands: list[Any], cm: list[float], tm: list[float]) -> None:
        if operator in (b"Tj", b"TJ"):
            letters.append(product(cm, tm[4], tm[5]))
        elif operator == b"Do" and objects[operands[0]].get_object()["/Subtype"] == "/Image":
            (x0, y0), (x1, y1) = product(cm, 0, 0), product(cm, 1, 1)
            pictures.append((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)))

    page.extract_text(visitor_operand_before=seen)
    return letters, pictures


def covered(page: PageObject) -> list[tuple[float, float]]:
    """Letters that begin on a picture, a point above their foot."""
    letters, pictures = placed(page)
    return [
        (x, y)
        for x, y in letters
        if any(left - 1 < x < right and bottom < y + 1 < top for left, bottom, right, top in pictures)
    ]


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> list[PageObject]:
    """Pages of the gallery of an audit with three explainers, one of them with a long name."""
    folder = tmp_path_factory.mktemp("long")
    explainers = {"cam": True, LONG: True, "grad-cam": False}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(example_audit, "EXPLAINERS", explainers)
        pdf = write_report(example_audit.build(folder, images=8, attacks=["fgsm"]))
    pages = PdfReader(pdf).pages
    return [page for page in pages if re.search(r"Perturbation\s×\s[0-9]", page.extract_text())]


def test_no_words_stand_on_a_picture(gallery: list[PageObject]) -> None:
    letters, pictures = placed(gallery[0])
    assert len(letters) > 30
    assert len(pictures) > 12
    assert [place for page in gallery for place in covered(page)] == []


def test_two_cases_or_more_share_a_page(gallery: list[PageObject]) -> None:
    cases = [len(re.findall(r"Perturbation\s×\s[0-9]", page.extract_text())) for page in gallery]
    assert sum(cases) == 3
    assert cases[0] >= 2  # below the words of the section


def pages(*blocks: Block) -> list[str]:
    """Words of every page of a document with one section."""
    made = Document(
        title="T", subtitle="S", running="R", sections=[Section(title="One", blocks=list(blocks))]
    )
    pdf = PdfReader(io.BytesIO(typeset(lambda _: made, "2026-11-20T14:05:00+00:00")))
    return [" ".join(page.extract_text().split()) for page in pdf.pages]


def filled(lines: int) -> list[Block]:
    return [Text(text=f"Line {i}.", style="note") for i in range(lines)]


def table(rows: int) -> Table:
    return Table(
        columns=[Column(title="Head")], rows=[[f"row {i};"] for i in range(rows)], caption="The caption"
    )


@pytest.mark.parametrize("lines", [20, 30, 38, 40, 41, 42])
def test_a_table_stays_on_the_page_of_its_caption_where_it_takes_no_more_than_most_of_one(lines: int) -> None:
    (page,) = [text for text in pages(*filled(lines), table(24)) if "The caption" in text]
    assert all(f"row {i};" in page for i in range(24))


@pytest.mark.parametrize("lines", [38, 40, 41, 42])
def test_the_caption_of_a_table_that_no_page_holds_stands_above_its_first_rows(lines: int) -> None:
    found = pages(*filled(lines), table(90))
    (page,) = [text for text in found if "The caption" in text]
    assert "row 0;" in page
    assert sum("Head" in text for text in found) >= 2  # said again on every page


@pytest.mark.parametrize("lines", [34, 38, 41])
def test_a_table_that_goes_on_over_the_page_begins_with_more_than_a_row(lines: int) -> None:
    (page,) = [text for text in pages(*filled(lines), table(90)) if "The caption" in text]
    assert "row 4;" in page


def test_the_head_of_a_group_stands_on_every_page_of_its_rows() -> None:
    rows = [[f"row {i};", "1"] for i in range(70)]
    made = Table(
        columns=[Column(title="Head"), Column(title="Value")],
        rows=[["A group"], *rows],
        caption="The caption",
    )
    found = pages(made)
    assert len(found) == 2
    assert all("Head Value A group row" in text for text in found)


@pytest.mark.parametrize("lines", [32, 35])
def test_no_row_is_torn_by_the_end_of_a_page(lines: int) -> None:
    long = "words " * 60
    facts = Facts(rows=[(f"name {i}", f"begin{i} {long} end{i}") for i in range(8)], mono=[])
    found = pages(*filled(lines), facts)
    assert len(found) == 2
    for i in range(8):
        assert sum(f"begin{i} " in text and f" end{i}" in text for text in found) == 1


@pytest.mark.parametrize("lines", [0, 30])
def test_a_long_text_in_the_typewriter_face_goes_on_over_the_page(lines: int) -> None:
    """A policy of a hundred lines: nothing of it is lost, and it begins where there is room."""
    policy = Facts(
        rows=[("As it was read", "\n".join(f"line{i}." for i in range(100)))], mono=["As it was read"]
    )
    found = pages(*filled(lines), policy)
    assert all(sum(f"line{i}." in text for text in found) == 1 for i in range(100))
    assert "line0." in found[0]


@pytest.mark.parametrize("lines", [10, 25, 40])
def test_transition_tables_of_one_explainer_share_a_page(lines: int) -> None:
    states = ["lesion", "undefined"]
    heats = [Heat(caption=f"Peaks {i}.", states=states, counts=[[1, 2], [3, 4]]) for i in range(8)]
    together = Together(blocks=[Row(columns=[[heats[i]], [heats[i + 1]]]) for i in range(0, 8, 2)])
    (page,) = [text for text in pages(*filled(lines), together) if "Peaks" in text]
    assert page.count("Peaks") == 8
    assert page.count("undefined") == 16
