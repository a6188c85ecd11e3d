"""The gallery's pictures: clean and adversarial image, the perturbation magnified, the regions of every pixel."""

import base64
from typing import Any

import numpy as np

from xaiaudit.data.regions import regions
from xaiaudit.records import GalleryCase
from xaiaudit.reports.figures.panels import magnified
from xaiaudit.reports.html.box_columns import picture_boxes
from xaiaudit.reports.html.values import Bytes, plain
from xaiaudit.reports.reading import Audit, read_picture

DRAWN = ("predicted_clean", "predicted")  # masks of a model that outlines


def picture_bytes(audit: Audit, names: list[str], into: Bytes) -> tuple[list[str], list[dict[str, Any]]]:
    """The pictures as data: URLs, each once, and of every gallery case which are its own.

    An image that is several kinds of case under one attack is there once.
    """
    urls: dict[str, int] = {}
    attacks = [attack.id for attack in audit.record.attacks]
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for case in audit.record.gallery:
        key = (case.image, case.attack_id)
        if key not in found:
            place = {"image": names.index(case.image), "attack": attacks.index(case.attack_id)}
            found[key] = place | _case(audit, case, urls, into)
    return list(urls), list(found.values())


def _case(audit: Audit, case: GalleryCase, urls: dict[str, int], into: Bytes) -> dict[str, Any]:
    def pixels(key: str) -> np.ndarray:
        return read_picture(audit.folder / case.files[key])

    def picture(key: str) -> int:
        content = base64.b64encode((audit.folder / case.files[key]).read_bytes()).decode()
        return urls.setdefault(f"data:image/png;base64,{content}", len(urls))

    clean = pixels("clean")
    share, magnification, reach = magnified(clean, pixels("adversarial_float"))
    mask = pixels("mask") > 127 if "mask" in case.files else np.zeros(clean.shape, bool)
    valid = pixels("valid") > 127 if "valid" in case.files else None
    found = regions(mask, spacing=case.spacing, valid=valid, ring_mm=audit.record.regions.ring_mm)
    return {
        "kind": case.kind,
        "clean": picture("clean"),
        "adversarial": picture("adversarial"),
        "rows": clean.shape[0],
        "columns": clean.shape[1],
        "codes": into.add(found.codes),
        "calibrated": found.calibrated,
        "outlined": bool(mask.any()),
        "perturbation": into.add(np.rint(255 * share)),
        "magnification": magnification,
        "reach": plain([reach])[0],
        "drawn": [into.add(pixels(key) > 127) for key in DRAWN if key in case.files],
        **picture_boxes(audit, case),
    }
