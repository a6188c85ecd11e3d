"""A second reader of the structure tree: what PDF/UA-1 asks of it and a screen reader lives on."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from pypdf.generic import ArrayObject, ContentStream, DictionaryObject
from structure_tree import elements

from xaiaudit.reports.pdf import SECTIONS

WITHOUT = 3  # findings: there is no verdict; outlines and boxes: the model of the example draws none


@pytest.fixture(scope="module")
def reader(report: Path) -> PdfReader:
    return PdfReader(report)


@pytest.fixture(scope="module")
def tree(reader: PdfReader) -> list[DictionaryObject]:
    """Every element, in reading order."""
    return list(elements(reader.trailer["/Root"]["/StructTreeRoot"]["/K"]))  # type: ignore[index]


def kids(element: DictionaryObject, kind: str) -> list[DictionaryObject]:
    return [child for child in elements(element["/K"]) if child["/S"] == kind]


def marks(node: Any, page: Any = None, kind: str = "") -> Iterator[tuple[Any, int, str]]:
    """Page, number and kind of every piece of content under an element, in reading order."""
    node = node.get_object()
    if isinstance(node, ArrayObject):
        for child in node:
            yield from marks(child, page, kind)
    elif isinstance(node, int):
        yield page, int(node), kind
    elif isinstance(node, DictionaryObject):
        here = node.raw_get("/Pg") if "/Pg" in node else page
        kind = kind if node.get("/S") in (None, "/Span") else str(node["/S"])
        if "/MCID" in node:
            yield here, int(node["/MCID"]), kind
        elif "/K" in node:
            yield from marks(node["/K"], here, kind)


def test_headings_are_nested_and_none_is_skipped(tree: list[DictionaryObject]) -> None:
    levels = [int(element["/S"][2:]) for element in tree if element["/S"] in {f"/H{n}" for n in range(1, 7)}]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert levels.count(1) == len(SECTIONS) - WITHOUT + len(("contents", "checklist", "sign-off"))
    assert levels.count(2) > 10


def test_every_table_has_a_head_and_rows_of_equal_length(tree: list[DictionaryObject]) -> None:
    tables = [element for element in tree if element["/S"] == "/Table"]
    assert len(tables) > 20
    for table in tables:
        rows = kids(table, "/TR")
        widths = [sum(span(cell) for cell in (*kids(row, "/TH"), *kids(row, "/TD"))) for row in rows]
        assert len(set(widths)) == 1, widths
    headed = [table for table in tables if kids(table, "/TH")]
    facts = len(tables) - len(headed)  # names and what they stand for, which have no head
    assert all(kids(kids(table, "/TR")[0], "/TH") for table in headed)
    assert len(headed) > facts > 5
    scopes = {attribute(cell, "/Scope") for table in headed for cell in kids(table, "/TH")}
    assert scopes == {"/Column"}


def attribute(element: DictionaryObject, name: str) -> Any:
    given = element.get("/A", {})
    owned = given if isinstance(given, ArrayObject) else [given]
    return next((item.get_object()[name] for item in owned if name in item.get_object()), None)


def span(cell: DictionaryObject) -> int:
    return int(attribute(cell, "/ColSpan") or 1)


def test_every_figure_is_told_in_words(tree: list[DictionaryObject]) -> None:
    figures = [element for element in tree if element["/S"] == "/Figure"]
    assert len(figures) > 40
    for figure in figures:
        assert len(figure.get("/Alt", "")) > 20
    told = [str(figure["/Alt"]) for figure in figures if not str(figure["/Alt"]).startswith("Colour scale")]
    assert len(set(told)) > 0.9 * len(told)  # hardly one that says what another does


def test_the_document_says_its_language_title_and_that_it_is_tagged(reader: PdfReader) -> None:
    root: Any = reader.trailer["/Root"]
    assert root["/Lang"] == "en-GB"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert root["/MarkInfo"]["/Marked"]
    assert b"Audit of model.pt" in root["/Metadata"].get_data()


def test_every_mark_on_a_page_is_read_or_decoration_and_heads_and_feet_are_not_read(
    reader: PdfReader,
) -> None:
    """Heads and feet say the same on every page; their words are there for the eye."""
    for number, page in enumerate(reader.pages, 1):
        assert f"Page {number} of {len(reader.pages)}" in page.extract_text()
        depth, decorations = 0, 0
        for operands, operator in ContentStream(page["/Contents"].get_object(), page.pdf).operations:
            if operator in (b"BDC", b"BMC"):
                depth += 1
                decorations += operands[0] == "/Artifact"
            elif operator == b"EMC":
                depth -= 1
            elif operator in (b"Tj", b"TJ", b"Do", b"f", b"f*", b"S", b"s", b"B"):
                assert depth > 0, (operator, operands)
        assert decorations >= 1


def test_pages_are_read_in_their_order(reader: PdfReader) -> None:
    """What is told comes as it is drawn; a picture's caption, drawn below it, is read before it."""
    place = {
        page.indirect_reference.idnum: number
        for number, page in enumerate(reader.pages)
        if page.indirect_reference
    }
    tree = reader.trailer["/Root"]["/StructTreeRoot"]["/K"]  # type: ignore[index]
    found = [(place[page.idnum], mark, kind) for page, mark, kind in marks(tree)]
    assert len(found) > 1000
    back = [(a, b) for a, b in pairwise(found) if b[:2] < a[:2]]
    assert {(before[2], after[2]) for before, after in back} == {("/Caption", "/Figure")}
    assert all(before[0] == after[0] for before, after in back)


def test_contents_name_every_section_and_its_page(reader: PdfReader, tree: list[DictionaryObject]) -> None:
    entries = [element for element in tree if element["/S"] == "/TOCI"]
    assert len(entries) == len(SECTIONS) - WITHOUT + len(("checklist", "sign-off"))
    text = [" ".join(page.extract_text().split()) for page in reader.pages]
    contents = next(number for number, words in enumerate(text) if "Contents 1 Verdict" in words)
    listed = re.findall(r"(\d+) ([A-Z][^.]*?) (?:\. ){5,}(\d+)", text[contents])
    named = {title.strip(): int(page) for _, title, page in listed}
    assert set(named) >= {"Threat model", "Label flips", "Gallery", "Sign-off"}
    for title, page in named.items():
        assert title in text[page - 1], title
    links = [a.get_object() for page in reader.pages for a in page.get("/Annots", [])]
    assert len(links) >= len(entries)
    assert all(link["/Subtype"] == "/Link" and link.get("/Contents") for link in links)
