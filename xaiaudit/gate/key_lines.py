"""On which line of a TOML document each key stands. tomllib reads the values and tells no lines.

The document has been read by tomllib, so that it is sound up to the fault that is looked for, and this reader has to
tell no right from wrong: it only follows strings, comments, arrays and tables, whatever they hold.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field

Key = tuple[str | int, ...]  # ("finding", 2, "metric"); an element of an array by its index

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_STRINGS = (
    re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*"""(?:""?)?', re.DOTALL),  # may end in two quotes of its own
    re.compile(r"'''(?:[^']|'(?!''))*'''(?:''?)?"),
    re.compile(r'"(?:[^"\\]|\\.)*"'),
    re.compile(r"'[^']*'"),
)
_SCALAR = re.compile(r"[^,\]}#\n]+")  # a date may hold a space


class GivenTwice(Exception):
    """A key has a value already."""

    def __init__(self, key: Key, line: int, first: int) -> None:
        super().__init__(key, line, first)
        self.key, self.line, self.first = key, line, first


def key_lines(text: str) -> Mapping[Key, int]:
    """Line, counted from 1, of every key, table and element of an array; a table that no header names stands where
    its first key does.

    Raises:
        GivenTwice: a key that is given a second value; tomllib only says where that value ends.
    """
    reader = _Reader(text)
    reader.document()
    return reader.lines


@dataclass
class _Reader:
    text: str
    at: int = 0
    lines: dict[Key, int] = field(default_factory=dict)
    elements: dict[Key, int] = field(default_factory=dict)  # of each array of tables
    valued: dict[Key, int] = field(default_factory=dict)

    def document(self) -> None:
        table: Key = ()
        self.skip()
        while self.at < len(self.text):
            table = self.header() if self.text[self.at] == "[" else self.pair(table)
            self.skip()

    def header(self) -> Key:
        """[a.b] or [[a.b]]: the table that the keys below belong to."""
        line, many = self.line(), self.text.startswith("[[", self.at)
        self.at += 2 if many else 1
        *before, last = self.dotted()
        self.at += 2 if many else 1
        table: Key = ()
        for part in before:
            table = self.step(table, part, line)
        if not many:
            return self.step(table, last, line)
        array = (*table, last)
        self.lines.setdefault(array, line)
        self.elements[array] = self.elements.get(array, 0) + 1
        return self.step(table, last, line)

    def step(self, table: Key, part: str, line: int) -> Key:
        """Into a table; of an array of tables, into the last one."""
        inner: Key = (*table, part)
        if inner in self.elements:
            inner = (*inner, self.elements[inner] - 1)
        self.lines.setdefault(inner, line)
        return inner

    def pair(self, table: Key) -> Key:
        """key = value; returns the table, which goes on."""
        line, inner = self.line(), table
        *before, last = self.dotted()
        for part in before:
            inner = (*inner, part)
            self.lines.setdefault(inner, line)
        key = (*inner, last)
        if key in self.valued:
            raise GivenTwice(key, line, self.valued[key])
        self.valued[key] = line
        self.lines.setdefault(key, line)
        self.at += 1  # the sign of equality
        self.skip()
        self.value(key)
        return table

    def dotted(self) -> list[str]:
        """The parts of a key, up to what follows it."""
        parts = []
        while True:
            self.skip()
            parts.append(self.part())
            self.skip()
            if self.text[self.at] != ".":
                return parts
            self.at += 1

    def part(self) -> str:
        bare = _BARE.match(self.text, self.at)
        if bare is None:
            return str(tomllib.loads(f"key = {self.string()}")["key"])
        self.at = bare.end()
        return bare.group()

    def string(self) -> str:
        found = next(match for form in _STRINGS if (match := form.match(self.text, self.at)))
        self.at = found.end()
        return found.group()

    def value(self, key: Key) -> None:
        opening = self.text[self.at]
        if opening in "\"'":
            self.string()
        elif opening in "[{":
            self.at += 1
            self.inside(key, "]" if opening == "[" else "}")
        elif (scalar := _SCALAR.match(self.text, self.at)) is not None:
            self.at = scalar.end()

    def inside(self, key: Key, closing: str) -> None:
        """Elements of an array, or pairs of an inline table, up to its end."""
        index = 0
        self.skip()
        while self.text[self.at] != closing:
            if closing == "}":
                self.pair(key)
            else:
                self.lines[(*key, index)] = self.line()
                self.value((*key, index))
            index += 1
            self.skip()
            if self.text[self.at] == ",":
                self.at += 1
                self.skip()
        self.at += 1

    def skip(self) -> None:
        """Blanks, ends of lines and comments."""
        found = _BLANK.match(self.text, self.at)
        self.at = found.end() if found is not None else self.at

    def line(self) -> int:
        return self.text.count("\n", 0, self.at) + 1
