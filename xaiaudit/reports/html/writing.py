"""report.html: verdict, key figures and every image of an audit, the same bytes for the same audit folder."""

import tempfile
from pathlib import Path

from xaiaudit.reports.blocks import Canvas
from xaiaudit.reports.heading import heading
from xaiaudit.reports.html.page import json_text, page
from xaiaudit.reports.html.payload import payload
from xaiaudit.reports.html.tags import section_tags, text
from xaiaudit.reports.reading import Audit, opened
from xaiaudit.reports.sections.audited import audited, threshold
from xaiaudit.reports.sections.detection import detection
from xaiaudit.reports.sections.findings import findings
from xaiaudit.reports.sections.flips import flips
from xaiaudit.reports.sections.left_out import left_out
from xaiaudit.reports.sections.limits import limits
from xaiaudit.reports.sections.reproducibility import reproducibility
from xaiaudit.reports.sections.threat import threat
from xaiaudit.reports.sections.verdict import verdict
from xaiaudit.reports.targets import report_path
from xaiaudit.reports.typesetting import save

LEGEND = (
    "One row an image. Figures under an attack are of the image before rounding to 8 bits, unless the column says "
    "otherwise; maps explain the clean decision before and after. A dash: not known, or undefined. Red: a decision "
    "that is not the label or did not stand, an attack that failed (it could not go on, which is no robustness), or a "
    "silent shift. A row opens its image: of every image the map, of "
    "those in the gallery pictures too."
)
BOXES = (
    " Lesions found: by boxes of a score of {score:g} or more that overlap them by an IoU above {iou:g}; false marks: "
    "such boxes on no lesion. Red there: fewer found than in the clean image, or more false marks."
)
FRONT = (verdict,)
FURTHER = (findings, flips, detection, audited, threat, left_out, limits, reproducibility)


def write_html(audit_dir: Path | str | Audit, *, out: Path | str | None = None) -> Path:
    """Write the page of the audit in `audit_dir` and return its path, `out` or report.html in that folder.

    Args:
        audit_dir: the folder, or what `read_audit` read there, which may serve for several documents.
        out: a file that ends in .html.

    Raises:
        AuditError: the folder is no finished audit, a file of it is missing or of a newer schema, or `out`
            cannot be written.
    """
    target = report_path(audit_dir, "report.html", out)
    return save(html_page(opened(audit_dir)).encode(), target)


def html_page(audit: Audit) -> str:
    """The page, whole."""
    record = audit.record
    head = heading(record)
    with tempfile.TemporaryDirectory(prefix="xaiaudit-report-") as pictures:
        canvas = Canvas(folder=Path(pictures))
        front, further = (
            "\n".join(
                section_tags(section, canvas, folded=folded)
                for make in sections
                if (section := make(audit, canvas)) is not None
            )
            for sections, folded in ((FRONT, False), (FURTHER, True))
        )
    values, content = payload(audit)
    found = record.clean.detection
    boxes = "" if found is None else BOXES.format(score=found.score, iou=found.iou)
    return page(
        legend=text(f"{LEGEND} Operating threshold: {threshold(record.checkpoint)}.{boxes}"),
        report=json_text(values),
        bytes=content,
        title=text(head.title),
        subtitle=text(head.subtitle),
        running=text(f"{head.running} · xaiaudit {record.xaiaudit}"),
        front=front,
        further=further,
    )
