"""Foreign text where any reader may find it: a terminal, XML, Markdown, a log that a machine reads line by line."""

import unicodedata

from xaiaudit.reports import format as f


def plain(text: object) -> str:
    """`text` on one line, with usual spaces, and what has no shape of its own written as its code point: \\u{a}.

    That is every control and format character, so that nothing ends a line, turns the reading direction, or is
    forbidden in XML; what a name may be written with, in any script, stays. So does all else but the bracket of ##[,
    which begins a command of GitHub's runner wherever in a line it stands (ActionCommand.TryParse).
    """
    shown = "".join(c if _has_shape(c) else f"\\u{{{ord(c):x}}}" for c in f.terminal(str(text)))
    return shown.replace("##[", "##\\u{5b}")


def line(text: object) -> str:
    """`plain` text as a line of its own, where a `::` that it begins with would begin a command of that runner
    (ActionCommand.TryParseV2, which passes over the spaces before it)."""
    shown = plain(text)
    return shown.replace("::", "\\u{3a}:", 1) if shown.lstrip().startswith("::") else shown


def _has_shape(character: str) -> bool:
    category = unicodedata.category(character)
    return not (category.startswith("C") or category in ("Zl", "Zp"))
