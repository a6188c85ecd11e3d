"""Values as a table takes them: null for what is undefined, no NumPy scalars."""

from typing import Any

import numpy as np


def none_if_nan(value: float) -> float | None:
    """A table says null where a number is undefined."""
    return None if np.isnan(value) else float(value)


def plain_cell(value: Any) -> Any:
    """The same of any value."""
    if isinstance(value, float | np.floating):
        return none_if_nan(float(value))
    return value.item() if isinstance(value, np.generic) else value
