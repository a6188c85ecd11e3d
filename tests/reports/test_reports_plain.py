"""Foreign text where a machine reads line by line."""

import pytest

from xaiaudit.reports.plain import line, plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::error::a", "\\u{3a}:error::a"),
        ("  ::error::a", "  \\u{3a}:error::a"),
        ("\u00a0::error::a", " \\u{3a}:error::a"),  # the runner passes over every white space
        ("a ::error::b", "a ::error::b"),  # a command begins its line
        ("C::A", "C::A"),
        ("a##[error]b##[c", "a##\\u{5b}error]b##\\u{5b}c"),
        ("a\n::error::b", "a\\u{a}::error::b"),
    ],
)
def test_a_line_begins_no_command(text: str, shown: str) -> None:
    assert line(text) == shown
    assert line(shown) == shown


def test_part_of_a_line_may_begin_with_colons() -> None:
    assert plain("::error::a") == "::error::a"
