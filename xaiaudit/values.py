"""Values as people write them on the command line."""

from math import isfinite
from typing import Any

from xaiaudit.errors import UsageError


def value(where: str, text: str, kind: Any) -> Any:
    """`text` as the type `kind`: str or int, else float, each perhaps None. `where` names it to the user, "pgd:steps".

    Raises:
        UsageError: no number of that kind.
    """
    if kind in (str, str | None):
        return text
    try:
        return int(text) if kind is int else number(text)
    except ValueError as error:
        wanted = "a whole number, e.g. 40" if kind is int else "a finite number, e.g. 0.1 or 8/255"
        raise UsageError(f"{where} must be {wanted}, got {text!r}") from error


def number(text: str) -> float:
    """`0.1` or `8/255` as a float.

    Raises:
        ValueError: neither, or not finite.
    """
    above, slash, below = text.partition("/")
    denominator = float(below) if slash else 1.0
    if denominator == 0:
        raise ValueError(f"{text} divides by zero")
    ratio = float(above) / denominator
    if not isfinite(ratio):
        raise ValueError(f"{text} is not finite")
    return ratio
