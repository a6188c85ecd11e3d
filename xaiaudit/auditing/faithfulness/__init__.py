"""The tests of faithfulness on a dataset: load, run, count, record."""

from xaiaudit.auditing.faithfulness.api import faithfulness
from xaiaudit.auditing.faithfulness.settings import Settings

__all__ = ["Settings", "faithfulness"]
