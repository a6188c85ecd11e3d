"""From a document's blocks to a PDF: A4, tagged, PDF/A-2a and PDF/UA-1, the same bytes for the same document."""

import json
import tempfile
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import typst

from xaiaudit.errors import AuditError
from xaiaudit.reports import format as f
from xaiaudit.reports.blocks import Canvas, Document
from xaiaudit.writing import write_atomically

TEMPLATE, DATA = "report.typ", "report.json"
DATE = ("year", "month", "day", "hour", "minute", "second")
Build = Callable[[Canvas], Document]  # makes its pictures in the canvas's folder


def typeset(build: Build, created: str) -> bytes:
    """The PDF of a document, dated with `created` (UTC, ISO 8601)."""
    with tempfile.TemporaryDirectory(prefix="xaiaudit-report-") as folder:
        source = lay_out_document(build, created, Path(folder))
        compiler = typst.Compiler(source, root=folder, ignore_system_fonts=True)
        moment = int(f.moment(created).timestamp())
        pdf = compiler.compile(format="pdf", pdf_standards=["a-2a", "ua-1"], timestamp=moment)
        assert isinstance(pdf, bytes)  # one document, not a list of pages
        return pdf


def lay_out_document(build: Build, created: str, folder: Path) -> Path:
    """Write template, data and pictures into `folder`; returns the template, ready for typst."""
    data = build(Canvas(folder=folder)).data()
    when = f.moment(created)
    data["date"] = {part: getattr(when, part) for part in DATE}
    (folder / DATA).write_text(json.dumps(data), encoding="utf-8")
    template = folder / TEMPLATE
    template.write_bytes(files("xaiaudit.reports").joinpath(TEMPLATE).read_bytes())
    return template


def save(pdf: bytes, target: Path) -> Path:
    """Write it, so that no half report is left; returns `target`.

    Raises:
        AuditError: it cannot be written.
    """
    try:
        write_atomically(target, pdf)
    except OSError as error:
        raise AuditError(
            f"cannot write the report to {target} ({error.strerror}); name another with --out"
        ) from error
    return target
