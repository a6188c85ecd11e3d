"""From an audit folder to documents that people read. No torch: a report needs the folder and nothing else."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xaiaudit.reports.card.writing import write_card
    from xaiaudit.reports.html import write_html
    from xaiaudit.reports.pdf import write_report
    from xaiaudit.reports.tracking.run import log_to_mlflow

# Imported on use: typst, matplotlib and huggingface_hub are not there for the lines in a terminal.
_PUBLIC = {
    "log_to_mlflow": "xaiaudit.reports.tracking.run",
    "write_card": "xaiaudit.reports.card.writing",
    "write_html": "xaiaudit.reports.html",
    "write_report": "xaiaudit.reports.pdf",
}
__all__ = ["log_to_mlflow", "write_card", "write_html", "write_report"]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
