"""Everything that the page's script reads: plain values, and bytes."""

from typing import Any

from xaiaudit.reports import words
from xaiaudit.reports.html.box_columns import box_columns
from xaiaudit.reports.html.cases import case_columns
from xaiaudit.reports.html.maps import map_bytes
from xaiaudit.reports.html.palettes import palettes
from xaiaudit.reports.html.pictures import picture_bytes
from xaiaudit.reports.html.values import Bytes
from xaiaudit.reports.reading import Audit
from xaiaudit.reports.sections.shift_table import NAMES, SCALE, decimals, drawn_metrics

SUBGROUPS = {"device": "Device", "birads": "BI-RADS", "size": "Size of the lesion"}


def payload(audit: Audit) -> tuple[dict[str, Any], str]:
    """The values, and in base64 the bytes that they point into."""
    record, into = audit.record, Bytes()
    cases = case_columns(audit)
    boxes = box_columns(audit, cases["image"])
    urls, pictures = picture_bytes(audit, cases["image"], into)
    values = {
        "positive": record.checkpoint.positive,
        "attacks": [{"id": attack.id, "norm": attack.norm} for attack in record.attacks],
        "explainers": [{"id": item.id, "signed": item.signed} for item in record.explainers],
        "metrics": _metrics(audit, cases),
        "subgroups": SUBGROUPS,
        "cases": cases,
        "maps": map_bytes(audit, cases["image"], into),
        "pictures": pictures,
        "urls": urls,
        **({} if boxes is None else {"boxes": boxes}),
        "palettes": palettes(),
    }
    return values, into.text()


def _metrics(audit: Audit, cases: dict[str, Any]) -> list[dict[str, Any]]:
    """Measures of shift that any image has, as the PDF names and scales them; the main ones are those it draws."""
    main = drawn_metrics(words.same_target(audit.record.maps))
    every = [shift for attack in cases["shifts"] for shift in attack]
    return [
        {
            "key": metric,
            "title": title,
            "scale": SCALE.get(metric, 1.0),
            "decimals": decimals(metric),
            "main": metric in main,
        }
        for metric, title in NAMES.items()
        if any(value is not None for shift in every for value in shift[metric])
    ]
