"""From an audit folder to documents that people read. No torch: a report needs the folder and nothing else."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xaiaudit.reports.html import write_html
    from xaiaudit.reports.pdf import write_report

__all__ = ["write_html", "write_report"]


def __getattr__(name: str) -> Any:
    if name == "write_report":  # typst and matplotlib come in here, not for the lines in a terminal
        from xaiaudit.reports.pdf import write_report

        return write_report
    if name == "write_html":  # and figures' own libraries here
        from xaiaudit.reports.html import write_html

        return write_html
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
