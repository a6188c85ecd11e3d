"""Two audits of the same images side by side: what changed from one checkpoint to the next. No torch."""

from xaiaudit.comparison.api import compare

__all__ = ["compare"]
