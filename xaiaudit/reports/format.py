"""Numbers and foreign text as every report prints them: the one place for units, decimals and intervals.

Parts that belong together are joined by no-break spaces, so that a narrow table column breaks a line between
a value and its interval and nowhere else. What is undefined is a dash; the reason stands beside it.
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime

from xaiaudit.records import Distribution, Interval

GREY = 255.0  # grey levels of an 8-bit image; radii in the records are in [0, 1]
DASH = "—"
NBSP = "\u00a0"
NARROW_NBSP = "\u202f"  # between thousands
JOINED_DASH = "\u2060\u2013\u2060"  # between the ends of an interval; no line breaks there
SOFT_BREAK = "\u200b"  # a place where a long word may break; the PDF shows and stores nothing there

# Around the key of a section: the PDF sets the number of its page there. No foreign text holds them, see `printable`.
PAGE_OF = ("\ue000", "\ue001")

# Letters and signs that the fonts embedded in typst hold; PDF/A forbids a glyph that is not there.
_SHOWN = re.compile(
    "[ -~\u00a0-\u00ac\u00ae-\u017f\u0384-\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03ce\u0400-\u045f"
    "\u1ea0-\u1ef9\u2010-\u2014\u2018-\u201e\u2020-\u2022\u2026\u202f\u2030\u2032\u2033\u20ac\u2190-\u2193\u2212\u221e"
    "\u2248\u2260\u2264\u2265]"
)


def printable(text: object) -> str:
    """`text` with every character that the report's fonts lack written as its code point, e.g. \\u{4e2d}.

    What a machine reads line by line needs `reports.plain`, as commands of a CI's runner are printable.
    """
    composed = unicodedata.normalize("NFC", str(text))
    return "".join(c if _SHOWN.match(c) else f"\\u{{{ord(c):x}}}" for c in composed)


def terminal(text: str) -> str:
    """`text` with usual spaces for those that do not break."""
    return text.replace(NBSP, " ").replace(NARROW_NBSP, " ").replace("\u2060", "")


def breakable(text: object) -> str:
    """A file name, path or command that may break after a separator, but not within 0.5 or 1e-05."""
    return re.sub(r"([/\\_,:=@]|(?<!\de)-|\.(?!\d))(?=.)", rf"\1{SOFT_BREAK}", printable(text))


def identifier(text: object) -> str:
    """The id of an attack in a narrow column: it may break after a separator and before a capital."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", SOFT_BREAK, breakable(text))


def page_of(key: str) -> str:
    """The page on which the section of that key begins, as the PDF counts them."""
    return f"{PAGE_OF[0]}{key}{PAGE_OF[1]}"


def number(value: float | None, digits: int = 3) -> str:
    """`value` to `digits` significant digits, without exponent from 0.001 up to a million."""
    if value is None or value != value:
        return DASH
    if value == 0:
        return "0"
    if not 1e-3 <= abs(value) < 1e6:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "−")
    decimals = max(0, digits - 1 - int(f"{abs(value):e}".partition("e")[2]))
    text = f"{value:.{decimals}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


def fixed(value: float | None, decimals: int) -> str:
    if value is None or value != value:
        return DASH
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", "−")  # + 0.0: no negative zero


def percent(share: float | None, decimals: int = 1) -> str:
    """A share in [0, 1] as a percentage: 93.8 %."""
    return DASH if share is None else f"{fixed(100 * share, decimals)}{NBSP}%"


def rate(interval: Interval | None) -> str:
    """A proportion with its interval: 93.8 % (88.2 to 96.9)."""
    if interval is None or interval.estimate is None:
        return DASH
    return percent(interval.estimate) + _bounds(interval, 100, 1)


def value(interval: Interval | None, decimals: int = 2) -> str:
    """A statistic that is no proportion, with its interval: 0.89 (0.80 to 0.95)."""
    if interval is None or interval.estimate is None:
        return DASH
    return fixed(interval.estimate, decimals) + _bounds(interval, 1, decimals)


def compact(interval: Interval | None) -> str:
    """A proportion in per cent without the sign, for tables whose caption says so: 93.8 (88.2–96.9)."""
    if interval is None or interval.estimate is None:
        return DASH
    if interval.low is None or interval.high is None:
        return fixed(100 * interval.estimate, 1)
    low, high = (fixed(100 * bound, 1) for bound in (interval.low, interval.high))
    return f"{fixed(100 * interval.estimate, 1)} ({low}{JOINED_DASH}{high})"


def points(difference: Interval) -> str:
    """A difference of two shares in percentage points: 12.0 (−3.1 to 25.0)."""
    if difference.estimate is None:
        return DASH
    return fixed(100 * difference.estimate, 1) + _bounds(difference, 100, 1)


def _bounds(interval: Interval, scale: float, decimals: int) -> str:
    if interval.low is None or interval.high is None:
        return " (no interval)"
    low, high = (fixed(scale * bound, decimals) for bound in (interval.low, interval.high))
    return f" ({low}{NBSP}to{NBSP}{high})"


def dashes(rows: Sequence[Sequence[str]], why: str) -> str:
    """What a dash stands for, after a table's note; nothing where the table has none."""
    return f" {DASH}: {why}." if any(cell == DASH for row in rows for cell in row) else ""


def hits(interval: Interval) -> str:
    """The count behind a proportion: 61 of 65."""
    if interval.estimate is None:
        return f"{DASH} of {interval.n}"
    return f"{round(interval.estimate * interval.n)}{NBSP}of{NBSP}{interval.n}"


def spread(values: Distribution | None, scale: float = 1.0, decimals: int | None = None) -> str:
    """Median with quartiles, 12.1 (8.0 to 15.2); to three significant digits unless `decimals` says otherwise."""
    if values is None or values.median is None or values.q1 is None or values.q3 is None:
        return DASH
    scaled = [scale * v for v in (values.median, values.q1, values.q3)]
    middle, low, high = (number(v) if decimals is None else fixed(v, decimals) for v in scaled)
    return f"{middle} ({low}{NBSP}to{NBSP}{high})"


def grey_levels(radius: float | None, digits: int = 3) -> str:
    """A radius or a perturbation in [0, 1] as a bare number of grey levels."""
    return DASH if radius is None else number(GREY * radius, digits)


def p_value(p: float | None) -> str:
    if p is None:
        return DASH
    return f"<{NBSP}0.001" if p < 0.001 else fixed(p, 3 if p < 0.1 else 2)


def probability(p: float) -> str:
    """To three decimals, never rounded to certainty."""
    if p < 0.0005:
        return f"<{NBSP}0.001"
    return f">{NBSP}0.999" if p >= 0.9995 else fixed(p, 3)


def count(n: int, one: str, many: str = "") -> str:
    """1 image, 2 images."""
    return f"{n:,}{NBSP}{one if n == 1 else many or one + 's'}".replace(",", NARROW_NBSP)


def listing(words: Sequence[str]) -> str:
    """a, b and c."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def duration(seconds: float) -> str:
    """18.4 s, 3 min 12 s, 2 h 5 min."""
    if seconds < 60:
        return f"{number(seconds)}{NBSP}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{NBSP}min{NBSP}{rest}{NBSP}s"
    return f"{minutes // 60}{NBSP}h{NBSP}{minutes % 60}{NBSP}min"


def moment(created: str) -> datetime:
    """`created` of an audit, as a moment in UTC."""
    when = datetime.fromisoformat(created)
    return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)


def date(created: str) -> str:
    """20 November 2026, 14:05 UTC."""
    when = moment(created)
    return f"{when.day}{NBSP}{when:%B} {when.year}, {when:%H:%M}{NBSP}UTC"
