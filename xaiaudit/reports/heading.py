"""What stands over the PDF and the page of an audit."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from xaiaudit.records import AuditRecord
from xaiaudit.reports import format as f


@dataclass(frozen=True, kw_only=True)
class Heading:
    title: str
    subtitle: str
    running: str  # on every page


def heading(record: AuditRecord, shown: Callable[[str], str] = str) -> Heading:
    """`shown` makes foreign names fit for the document."""
    checkpoint = record.checkpoint
    model = shown(Path(checkpoint.path).name)
    data = f.listing([shown(dataset.name) for dataset in record.datasets])
    return Heading(
        title=f"Audit of {'a model in memory' if checkpoint.format == 'in memory' else model}",
        subtitle=f"Adversarial robustness and explanations of a breast-ultrasound model, on {data}. "
        f"{f.date(record.created)}",
        running=f"{model} · SHA-256 {checkpoint.sha256[:12]}",
    )
