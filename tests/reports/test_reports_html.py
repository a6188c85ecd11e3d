"""report.html as a file: what it holds, what it escapes, what it forbids, and that equal input gives equal bytes."""

import base64
import hashlib
import json
import re
import zlib
from html.parser import HTMLParser
from pathlib import Path

import example_audit
import example_verdict
import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from xaiaudit.errors import AuditError
from xaiaudit.reports import write_html
from xaiaudit.reports.html.page import json_text
from xaiaudit.reports.html.values import Bytes, plain

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&\u2028"


class Elements(HTMLParser):
    """Start tags with their attributes, and the text within each kind of element."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.open = ""
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open = tag

    def handle_endtag(self, tag: str) -> None:
        self.open = ""

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.open, []).append(data)


def test_equal_input_gives_equal_bytes(folder: Path, page: Path, tmp_path: Path) -> None:
    assert write_html(folder, out=tmp_path / "again.html").read_bytes() == page.read_bytes()


def test_it_lies_in_the_audit_folder_unless_told_otherwise(tmp_path: Path) -> None:
    folder = example_audit.build(tmp_path, images=6, attacks=["fgsm"])
    assert write_html(folder) == folder / "report.html"
    with pytest.raises(AuditError, match=r"ends in \.html"):
        write_html(folder, out=tmp_path / "report.pdf")


def test_only_its_own_script_and_style_may_run(page: Path) -> None:
    found = Elements(page.read_text(encoding="utf-8"))
    (policy,) = [a["content"] for tag, a in found.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for kind, text in (("script", found.texts["script"][-1]), ("style", found.texts["style"][0])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_no_element_names_another_file(page: Path) -> None:
    for _, attributes in Elements(page.read_text(encoding="utf-8")).tags:
        for name in ("src", "href", "action", "srcset", "poster", "data"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#")), (name, value)
        assert not any(name.startswith("on") or name == "style" for name in attributes)


def test_json_cannot_end_the_element_that_holds_it() -> None:
    text = json_text({HOSTILE: [HOSTILE]})
    assert not re.search(r"[<>&\u2028]", text)
    assert json.loads(text) == {HOSTILE: [HOSTILE]}
    with pytest.raises(ValueError, match="float"):
        json_text([float("nan")])


def test_the_verdict_stands_first_and_what_did_not_pass_stands_out(tmp_path: Path) -> None:
    folder = example_audit.build(tmp_path, images=6, attacks=["fgsm"])
    assert "NO POLICY" in Elements(write_html(folder).read_text(encoding="utf-8")).texts["strong"]
    found = example_verdict.verdict(folder, example_verdict.mixed(passed=3, failed=2, not_assessed=1))
    (folder / "gate.json").write_text(found.model_dump_json())
    page = Elements(write_html(folder).read_text(encoding="utf-8"))
    assert page.texts["h2"][0] == "Verdict: failed"
    strong = page.texts["strong"]
    assert strong.count("FAILED") == 1 + 2 + 2  # the verdict; on the first page; under "Findings"
    assert strong.count("NOT ASSESSED") == 1 + 1


def test_an_image_that_one_table_lacks_ends_the_page_with_one_line(tmp_path: Path) -> None:
    folder = example_audit.build(tmp_path, images=6, attacks=["fgsm"])
    rows = pq.read_table(folder / "predictions.parquet")
    gone = rows["image"][5].as_py()
    kept = rows.filter((pc.field("image") != gone) | (pc.field("attack_id") == "none"))
    pq.write_table(kept, folder / "predictions.parquet")
    with pytest.raises(
        AuditError, match=rf"under fgsm holds no row of {re.escape(gone)}; restore the folder"
    ):
        write_html(folder)


def test_numbers_are_short_and_what_is_not_finite_is_none() -> None:
    assert plain([0.123456789, np.nan, np.inf, -1e-9, 3.0]) == [0.123457, None, None, -1e-9, 3.0]


def test_bytes_lie_where_they_are_said_to() -> None:
    into = Bytes()
    first, second = into.add(np.arange(5)), into.add(np.array([[7, 8], [9, 10]]))
    assert (first, second) == (0, 5)
    assert zlib.decompress(base64.b64decode(into.text())) == bytes([0, 1, 2, 3, 4, 7, 8, 9, 10])
