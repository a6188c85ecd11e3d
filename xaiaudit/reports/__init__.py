"""From an audit folder to documents that people read. No torch: a report needs the folder and nothing else."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xaiaudit.reports.pdf import write_report

__all__ = ["write_report"]


def __getattr__(name: str) -> Any:
    if name == "write_report":  # typst and matplotlib come in here, not for the lines in a terminal
        from xaiaudit.reports.pdf import write_report

        return write_report
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
