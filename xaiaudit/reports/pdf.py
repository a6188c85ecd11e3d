"""report.pdf: A4, tagged, PDF/A-2a and PDF/UA-1, the same bytes for the same audit folder."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from xaiaudit.reports import format as f
from xaiaudit.reports.blocks import Canvas, Document, Section
from xaiaudit.reports.heading import heading
from xaiaudit.reports.reading import Audit, opened
from xaiaudit.reports.sections.abstention import abstention
from xaiaudit.reports.sections.audited import audited
from xaiaudit.reports.sections.checklist import checklist
from xaiaudit.reports.sections.clean import clean
from xaiaudit.reports.sections.curve import curve
from xaiaudit.reports.sections.detection import detection
from xaiaudit.reports.sections.findings import findings
from xaiaudit.reports.sections.flips import flips
from xaiaudit.reports.sections.gallery import gallery
from xaiaudit.reports.sections.glossary import glossary
from xaiaudit.reports.sections.intended_use import intended_use
from xaiaudit.reports.sections.left_out import left_out
from xaiaudit.reports.sections.limits import limits
from xaiaudit.reports.sections.outlines import outlines
from xaiaudit.reports.sections.pointing import pointing
from xaiaudit.reports.sections.pseudo_masks import pseudo_masks
from xaiaudit.reports.sections.reproducibility import reproducibility
from xaiaudit.reports.sections.self_checks import self_checks
from xaiaudit.reports.sections.shift import shift
from xaiaudit.reports.sections.sign_off import sign_off
from xaiaudit.reports.sections.subgroups import subgroups
from xaiaudit.reports.sections.threat import threat
from xaiaudit.reports.sections.variability import variability
from xaiaudit.reports.sections.verdict import verdict
from xaiaudit.reports.targets import report_path
from xaiaudit.reports.typesetting import lay_out_document, save, typeset

SECTIONS: tuple[Callable[[Audit, Canvas], Section | None], ...] = (
    verdict,
    findings,
    intended_use,
    audited,
    clean,
    threat,
    flips,
    outlines,
    detection,
    curve,
    subgroups,
    self_checks,
    shift,
    variability,
    pointing,
    abstention,
    pseudo_masks,
    gallery,
    left_out,
    limits,
    reproducibility,
    glossary,
)


def write_report(audit_dir: Path | str | Audit, *, out: Path | str | None = None) -> Path:
    """Write the PDF of the audit in `audit_dir` and return its path, `out` or report.pdf in that folder.

    Args:
        audit_dir: the folder, or what `read_audit` read there, which may serve for several documents.
        out: a file that ends in .pdf.

    Raises:
        AuditError: the folder is no finished audit, a file of it is missing or of a newer schema, or `out`
            cannot be written.
    """
    target = report_path(audit_dir, "report.pdf", out)
    audit = opened(audit_dir)
    return save(typeset(partial(document, audit), audit.record.created), target)


def lay_out(audit: Audit, folder: Path) -> Path:
    """Write template, data and pictures of an audit's report into `folder`; returns the template, ready for typst."""
    return lay_out_document(partial(document, audit), audit.record.created, folder)


def document(audit: Audit, canvas: Canvas) -> Document:
    """All of the report apart from how it is set; its pictures are made in the canvas's folder."""
    head = heading(audit.record, f.printable)
    sections = [
        replace(made, key=section.__name__)
        for section in SECTIONS
        if (made := section(audit, canvas)) is not None
    ]
    return Document(
        title=head.title,
        subtitle=head.subtitle,
        running=head.running,
        sections=[*sections, checklist(sections), sign_off(audit, canvas)],
        contents=True,
    )
