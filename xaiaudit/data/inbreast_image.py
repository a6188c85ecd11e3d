"""One image of INbreast: which samples it gives, or why none."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xaiaudit.data.datasets import counted
from xaiaudit.data.dicom import read_spacing
from xaiaudit.data.mammograms import MammogramEntry
from xaiaudit.data.osirix import Points, read_outlines
from xaiaudit.data.tables import Row
from xaiaudit.errors import DataError
from xaiaudit.types import LeftOut

NAME = "INbreast"
CLASSES = {"2": "benign", "3": "benign", **dict.fromkeys(("4", "4a", "4b", "4c", "5", "6"), "malignant")}
FILE = re.compile(r"(?P<number>\d+)_(?P<patient>[^_]+)_MG_[LR]_[^_]+_ANON", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What one image gives: samples, or why there are none; outlines that are no masses are counted."""

    entries: Sequence[MammogramEntry] = ()
    left_out: Sequence[LeftOut] = ()
    other_outlines: int = 0
    other_findings: bool = False  # no mass, and no normal


def read_image(path: Path, table: Path, images: Sequence[Path], row: Row | None) -> Found:
    """The samples of the images of one number, of which there should be one."""
    image, name = images[0], FILE.fullmatch(images[0].stem)
    if name is None:
        return _without(images, "not named NUMBER_PATIENT_MG_L_CC_ANON.dcm, so its patient is not known")
    if len(images) > 1:
        return _without(images, f"{len(images)} files have its number {name['number']}")
    if row is None:
        return _without(images, f"not in {table.name}, so its BI-RADS is not known")
    outlines = path / "AllXML" / f"{name['number']}.xml"
    birads = row["Bi-Rads"].lower()
    if not outlines.is_file() and birads != "1":
        return _without(
            images, f"AllXML/{outlines.name} is not there, so it is not known whether it shows a mass"
        )
    try:
        regions = read_outlines(outlines) if outlines.is_file() else ()
        masses = [region.points for region in regions if region.name.casefold() == "mass"]
        others = len(regions) - len(masses)
        if not masses and (others or birads != "1"):
            return Found(other_outlines=others, other_findings=True)
        if masses and birads not in CLASSES:
            reason = f"{counted(len(masses), 'outline')} named Mass, but BI-RADS {row['Bi-Rads']!r} in {table.name}, "
            return _without(
                images, reason + "which is neither 2 or 3 (benign) nor 4 to 6 (malignant)", others
            )
        entries, left_out = _samples(image, name["patient"], row, masses)
    except DataError as error:
        return _without(images, str(error).replace(f"{path}/", ""))
    return Found(entries=entries, left_out=left_out, other_outlines=others)


def _samples(
    image: Path, patient: str, row: Row, masses: Sequence[Points]
) -> tuple[list[MammogramEntry], list[LeftOut]]:
    """One of each mass, named by its number where there are several; without a mass one of a normal breast."""
    spacing = read_spacing(image)
    entries: list[MammogramEntry] = []
    left_out: list[LeftOut] = []
    for number, points in enumerate(masses or (None,), start=1):
        file = f"AllDICOMs/{image.name}" + (f" (mass {number} of {len(masses)})" if len(masses) > 1 else "")
        if points is not None and len(points) < 3:
            left_out.append(
                LeftOut(file, f"a mass outlined by {counted(len(points), 'point')}, which hold nothing")
            )
            continue
        entry = MammogramEntry(
            file=file,
            image=image,
            dataset=NAME,
            label="normal" if points is None else CLASSES[row["Bi-Rads"].lower()],
            case=patient,
            mass=points,
            no_lesion=points is None,
            spacing=spacing,
            attributes=_attributes(row),
        )
        entries.append(entry)
    return entries, left_out


def _attributes(row: Row) -> dict[str, str]:
    named = {"birads": "Bi-Rads", "acr": "ACR", "view": "View", "laterality": "Laterality"}
    return {name: row[column] for name, column in named.items() if row[column]}


def _without(images: Sequence[Path], reason: str, others: int = 0) -> Found:
    left_out = [LeftOut(f"AllDICOMs/{image.name}", reason) for image in images]
    return Found(left_out=left_out, other_outlines=others)
