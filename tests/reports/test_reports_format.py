"""Numbers as reports print them, and foreign text that no font or reader may trip over."""

import json
from pathlib import Path

import pytest
import typst

from xaiaudit.records import Distribution, Interval
from xaiaudit.reports import format as f


def interval(estimate: float | None, low: float | None = None, high: float | None = None) -> Interval:
    return Interval(estimate=estimate, low=low, high=high, n=65, cases=60, method="by hand")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (25.5, "25.5"),
        (0.003921, "0.00392"),
        (1234.0, "1234"),
        (0.0, "0"),
        (-0.5, "−0.5"),
        (0.00012, "1.20e−4"),
        (2.5e7, "2.50e7"),
        (None, "—"),
        (float("nan"), "—"),
    ],
)
def test_number_keeps_three_digits(value: float | None, text: str) -> None:
    assert f.number(value) == text


def test_rate_stands_with_its_interval() -> None:
    assert f.rate(interval(0.9384, 0.8821, 0.9689)) == "93.8\u00a0% (88.2\u00a0to\u00a096.9)"
    assert f.rate(interval(None)) == f.rate(None) == "—"
    assert f.rate(interval(0.5)) == "50.0\u00a0% (no interval)"


def test_a_dash_is_explained_only_where_a_table_has_one() -> None:
    assert f.dashes([["a", "1"], ["b", f.DASH]], "no such image") == " —: no such image."
    assert f.dashes([["a", "1"], ["b", "2"]], "no such image") == ""


def test_value_and_hits() -> None:
    assert f.value(interval(0.894, 0.803, 0.951)) == "0.89 (0.80\u00a0to\u00a00.95)"
    assert f.hits(interval(61 / 65)) == "61\u00a0of\u00a065"
    assert f.hits(interval(None)) == "— of 65"


def test_spread_is_median_and_quartiles() -> None:
    values = Distribution(n=9, median=12.06, q1=8.0, q3=15.21, maximum=30.0)
    assert f.spread(values, decimals=1) == "12.1 (8.0\u00a0to\u00a015.2)"
    assert f.spread(values, 100) == "1206 (800\u00a0to\u00a01521)"
    assert f.spread(None) == f.spread(Distribution(n=0, median=None, q1=None, q3=None, maximum=None)) == "—"


def test_grey_levels_of_a_radius() -> None:
    assert f.grey_levels(8 / 255) == "8"
    assert f.grey_levels(0.1) == "25.5"


def test_counts_p_values_and_durations() -> None:
    assert [f.count(1, "image"), f.count(2, "image")] == ["1\u00a0image", "2\u00a0images"]
    assert [f.p_value(p) for p in (0.0001, 0.034, 0.5, None)] == ["<\u00a00.001", "0.034", "0.50", "—"]
    assert [f.duration(s) for s in (18.4, 192.0, 7500.0)] == [
        "18.4\u00a0s",
        "3\u00a0min\u00a012\u00a0s",
        "2\u00a0h\u00a05\u00a0min",
    ]
    assert [f.probability(p) for p in (0.0, 0.1234, 0.9999)] == ["<\u00a00.001", "0.123", ">\u00a00.999"]
    assert f.listing(["a", "b", "c"]) == "a, b and c"
    assert f.listing(["a"]) == "a"


def test_date_is_in_utc() -> None:
    assert f.date("2026-11-20T16:05:00+02:00") == "20\u00a0November 2026, 14:05\u00a0UTC"
    assert f.date("2026-11-20T14:05:00") == "20\u00a0November 2026, 14:05\u00a0UTC"


def test_printable_writes_what_no_font_holds_as_a_code_point() -> None:
    assert f.printable("超 ü\n\x1b[31m") == "\\u{8d85} ü\\u{a}\\u{1b}[31m"
    assert f.printable("u\u0308") == "ü"  # as macOS writes file names


def test_a_number_is_not_broken() -> None:
    assert f.breakable("rate 1e-05; beta 0.1") == "rate 1e-05; beta 0.1"


def test_breakable_loses_nothing() -> None:
    name = "a-very/long_name.png"
    assert f.breakable(name).split(f.SOFT_BREAK) == ["a-", "very/", "long_", "name.", "png"]


def test_every_character_kept_is_in_the_embedded_fonts(tmp_path: Path) -> None:
    kept = [chr(code) for code in range(0x3000) if f.printable(chr(code)) == chr(code)]
    assert len(kept) > 500
    (tmp_path / "text.json").write_text(json.dumps(" ".join(kept)))
    for font in ("Libertinus Serif", "DejaVu Sans Mono"):
        source = f'#set document(title: "T")\n#set text(font: "{font}", fallback: false)\n#json("text.json")'
        (tmp_path / "text.typ").write_text(source)
        typst.compile(tmp_path / "text.typ", pdf_standards=["a-2a", "ua-1"], ignore_system_fonts=True)


def test_no_zero_is_negative() -> None:
    assert f.fixed(-0.04, 1) == "0.0"
    assert f.fixed(-0.06, 1) == "−0.1"
