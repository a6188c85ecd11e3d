"""Where keys stand in a TOML document, beside what tomllib reads of the same text."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xaiaudit.gate.key_lines import GivenTwice, Key, key_lines

HARD = '''# a comment with [a.table] and key = "value"
title = "a # no comment, [no.table], \\"quoted\\" and a ] }"
plain = 'C:\\path\\"x'
empty = ""

many = """
[not.a.table]
x = 1 # no comment
a quote at the end: \\""""  # five = "4"
more = """""two""" # after
lit = \'\'\'
key = '' ]
\'\'\'
[audit] # [[finding]]
attacks = [ # "no", [
  "fgsm:epsilon=1/255", # "x",
  """pgd
b = 2""",
  [ 1, 2, [ 3 ] ],
  { a = 1, "b.c" = [ 2 ] },
]
when = 1979-05-27 07:32:00
a.b."c d".e = -1.5e3
'quoted key' = true

[[finding]]
metric = "auc"
[finding.subgroup]
device = "Logiq 5"
[[finding]]
subgroup = { device = "x, y", label = "}" }
metric = "flip-rate"
[[finding.inner]]
x = 1
[[finding.inner]]
x = 2
[gate]
"min_cases" = 3
'''

BY_HAND: dict[Key, int] = {
    ("title",): 2,
    ("many",): 6,
    ("more",): 10,
    ("lit",): 11,
    ("audit",): 14,
    ("audit", "attacks"): 15,
    ("audit", "attacks", 0): 16,
    ("audit", "attacks", 1): 17,
    ("audit", "attacks", 2): 19,
    ("audit", "attacks", 2, 2, 0): 19,
    ("audit", "attacks", 3, "b.c"): 20,
    ("audit", "when"): 22,
    ("audit", "a", "b", "c d", "e"): 23,
    ("finding",): 26,
    ("finding", 0, "subgroup", "device"): 29,
    ("finding", 1): 30,
    ("finding", 1, "subgroup", "label"): 31,
    ("finding", 1, "inner", 1, "x"): 36,
    ("gate", "min_cases"): 38,
}


def paths(value: Any, here: Key = ()) -> set[Key]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {here} - {()} | {path for key, inner in items for path in paths(inner, (*here, key))}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_key_of_a_hard_document_stands_where_a_reader_sees_it(end: str) -> None:
    text = HARD.replace("\n", end)
    found = key_lines(text)
    assert set(found) == paths(tomllib.loads(text))
    assert {key: found[key] for key in BY_HAND} == BY_HAND


def basic(text: str, quotes: str) -> str:
    inner = text.replace("\\", "\\\\").replace('"', '\\"')
    one_line = inner.replace("\n", "\\n")
    return f"{quotes}{inner if len(quotes) == 3 else one_line}{quotes}"


words = st.text(st.sampled_from("ab #[]{}=,.\"'\\\n"), max_size=8)
strings = st.builds(basic, words, st.sampled_from(['"', '"""'])) | st.builds(
    lambda text: f"'''{text.replace(chr(39), '')}'''", words
)
blanks = st.sampled_from(["", " ", "\n", " # ] } = '\n", "\n\n\t"])
scalars = strings | st.sampled_from(["1", "-2.5e3", "true", "inf", "1979-05-27 07:32:00", "07:32:00"])
arrays = st.recursive(
    scalars,
    lambda inner: st.lists(st.tuples(blanks, inner, blanks), max_size=3).map(
        lambda items: "[" + ",".join("".join(item) for item in items) + "]"
    ),
    max_leaves=6,
)


@given(
    st.lists(st.tuples(st.sampled_from(["", "[t{}]\n", "[[f]]\n", "[f.s{}]\n"]), arrays, blanks), max_size=6)
)
def test_any_document_has_the_keys_that_tomllib_reads(parts: list[tuple[str, str, str]]) -> None:
    text, lines, array = "", [], False
    for number, (header, value, blank) in enumerate(parts):
        if "f.s" in header and not array:
            continue
        array = array or header == "[[f]]\n"
        text += header.format(number)
        lines.append((f"k{number}", text.count("\n") + 1))
        text += f"k{number} = {value}{'' if blank.strip() else ' '}# end = [\n{blank}"
        text += "" if text.endswith("\n") else "\n"
    found = key_lines(text)
    assert set(found) == paths(tomllib.loads(text))
    assert {(key[-1], line) for key, line in found.items() if str(key[-1]).startswith("k")} == set(lines)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = 1\nb = [\n1,\n]\na = [\n2,\n]", 5),
        ("[[f]]\na = 1\n[[f]]\na = 1\n[f.x]\nb.c = 1\nb.c = 2", 7),
        ("a = { b = 1, b = 2 }", 1),
    ],
)
def test_a_key_that_is_given_twice_is_named_where_it_begins_again(text: str, line: int) -> None:
    with pytest.raises(tomllib.TOMLDecodeError):
        tomllib.loads(text)
    with pytest.raises(GivenTwice) as raised:
        key_lines(text)
    assert raised.value.line == line
