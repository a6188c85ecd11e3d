"""What the hyperparameters of explainers must satisfy."""

from xaiaudit.errors import UsageError


def at_least(name: str, value: int, least: int) -> None:
    """Raises UsageError for a value that is no whole number, or too small."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UsageError(f"{name} must be a whole number of at least {least}, got {value!r}")


def in_unit_range(name: str, value: float) -> None:
    """Raises UsageError for a value outside [0, 1]."""
    if not 0 <= value <= 1:
        raise UsageError(f"{name} must lie in [0, 1], got {value!r}")
