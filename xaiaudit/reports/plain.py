"""Foreign text where any reader may find it: a terminal, XML, Markdown, a log that a machine reads line by line."""

import unicodedata

from xaiaudit.reports import format as f


def plain(text: object) -> str:
    """`text` on one line, with usual spaces, and what has no shape of its own written as its code point: \\u{a}.

    That is every control and format character, so that nothing ends a line, turns the reading direction, or is
    forbidden in XML; what a name may be written with, in any script, stays.
    """
    return "".join(c if _has_shape(c) else f"\\u{{{ord(c):x}}}" for c in f.terminal(str(text)))


def _has_shape(character: str) -> bool:
    category = unicodedata.category(character)
    return not (category.startswith("C") or category in ("Zl", "Zp"))
