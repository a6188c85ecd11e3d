"""Numbers on their way into the page: short enough to be sent by the thousand, exact enough to be read."""

import base64
import zlib
from collections.abc import Iterable

import numpy as np

DIGITS = 6  # of a number in the page; it shows four at most


def plain(values: Iterable[float]) -> list[float | None]:
    """To six significant digits; None where a value is not finite."""
    return [float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None for value in values]


class Bytes:
    """Arrays of bytes, one after the other: maps, regions and magnified perturbations."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    def add(self, values: np.ndarray) -> int:
        """Where `values`, uint8, begin."""
        start = self._length
        self._parts.append(np.ascontiguousarray(values, dtype=np.uint8).tobytes())
        self._length += len(self._parts[-1])
        return start

    def text(self) -> str:
        """All of them, deflated (zlib), in base64."""
        return base64.b64encode(zlib.compress(b"".join(self._parts), 6)).decode()
