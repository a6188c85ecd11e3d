"""report.html: one file that a browser reads without a network."""

from xaiaudit.reports.html.writing import write_html

__all__ = ["write_html"]
