"""Strengths that are wrong end before anything is computed."""

from xaiaudit.errors import UsageError


def check_range(name: str, value: float | int, low: float | int, high: float | int) -> None:
    """Raises UsageError unless low <= value <= high."""
    if not low <= value <= high:
        raise UsageError(f"{name} must lie in {low:g} to {high:g}, got {value:g}")
