"""Lines to be signed by hand, under what is signed for."""

from pathlib import Path

from xaiaudit.audit_files import RECORD
from xaiaudit.reports import format as f
from xaiaudit.reports.blocks import Canvas, Facts, Section, SignOff, Text
from xaiaudit.reports.reading import Audit

ROLES = ["Prepared by", "Reviewed by", "Approved by"]
BLANKS = ["Name", "Position", "Date", "Signature"]


def sign_off(audit: Audit, canvas: Canvas) -> Section:
    record = audit.record
    judged = "no policy was asked" if audit.verdict is None else audit.verdict.verdict
    rows = [
        (
            "Checkpoint",
            f"{f.breakable(Path(record.checkpoint.path).name)}, SHA-256 {f.breakable(record.checkpoint.sha256)}",
        ),
        ("Audit", f"{RECORD}, SHA-256 {f.breakable(audit.sha256[RECORD])}, of {f.date(record.created)}"),
        ("Verdict", judged),
    ]
    return Section(
        title="Sign-off",
        blocks=[
            Text(
                text="Nothing here is filled in by a program. Who signs has read this report, not only its first page."
            ),
            Facts(rows=rows, mono=[]),
            SignOff(roles=ROLES, blanks=BLANKS),
        ],
    )
