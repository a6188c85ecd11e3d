"""INbreast: AllDICOMs/NUMBER_PATIENT_MG_L_CC_ANON.dcm, AllXML/NUMBER.xml, INbreast.csv. One sample a mass.

Layout: public readers of the release agree, see docs/datasets.md. Not tried on the real files.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from xaiaudit.data.datasets import Dataset, counted
from xaiaudit.data.dicom import require_pydicom
from xaiaudit.data.inbreast_image import FILE, NAME, Found, read_image
from xaiaudit.data.reading import is_image
from xaiaudit.data.tables import Row, read_csv, read_xlsx
from xaiaudit.errors import DataError
from xaiaudit.types import LeftOut

CITATION = (
    "Moreira et al., INbreast: toward a full-field digital mammographic database, Academic Radiology 2012, "
    "19(2):236-248, doi 10.1016/j.acra.2011.09.014"
)
TABLES = ("INbreast.csv", "INbreast.xlsx", "INbreast.xls")
_FOLDERS = ("AllDICOMs", "AllXML")
_COLUMNS = ("Laterality", "View", "File Name", "ACR", "Bi-Rads")


def recognises(path: Path) -> bool:
    return (path / "AllDICOMs").is_dir() and _table(path) is not None


def open_inbreast(path: Path) -> Dataset:
    """The folder that holds INbreast.csv. The patient in the file name is the case, the spacing is the header's.

    Every outline named Mass is a sample, cropped to the breast, with that mass alone as its mask; masses of one image
    share its case. The table gives one BI-RADS an image, so they share their label too: 2 and 3 benign, 4 to 6
    malignant. BI-RADS 1 without an outline is a normal. Calcifications and other findings are another task than
    masses: `Dataset.selection` counts their outlines, and the images that show nothing else.

    Raises:
        DataError: the table, one of its columns or a folder is not there; an image named twice in the table.
        InstallationError: pydicom is not installed.
    """
    table = _table(path)
    if table is None or not all((path / name).is_dir() for name in _FOLDERS):
        raise DataError(
            f"{path}: not INbreast, which has INbreast.csv and folders AllDICOMs and AllXML; one of them is not here"
        )
    require_pydicom()
    rows, images = _rows(table), _images(path)
    found = [read_image(path, table, group, rows.get(number)) for number, group in images.items()]
    return Dataset(
        name=NAME,
        kind="inbreast",
        path=path,
        citation=CITATION,
        entries=tuple(entry for each in found for entry in each.entries),
        left_out=(
            *(left for each in found for left in each.left_out),
            *_without_image(path, table, rows, images),
        ),
        selection=_selection(found),
    )


def _table(path: Path) -> Path | None:
    return next((path / name for name in TABLES if (path / name).is_file()), None)


def _rows(table: Path) -> dict[str, Row]:
    """By image number; rows that name no image, as below the real table, are passed over."""
    if table.suffix == ".xls":
        raise DataError(f"{table}: the old format of Excel is not read; save it as INbreast.csv beside it")
    rows: dict[str, Row] = {}
    for line, row in _lines(table):
        number = row["File Name"]
        if number in rows:
            raise DataError(f"{table}, line {line}: image {number} was named already; keep one of the lines")
        if number.isdigit():
            rows[number] = row
    return rows


def _lines(table: Path) -> Iterator[tuple[int, Row]]:
    """The CSV of the release has semicolons; one that was saved again may have commas."""
    if table.suffix == ".xlsx":
        return read_xlsx(table, _COLUMNS)
    with table.open("rb") as file:
        return read_csv(table, _COLUMNS, delimiter=";" if b";" in file.readline() else ",")


def _images(path: Path) -> dict[str, list[Path]]:
    """By their number; those named otherwise by their whole name, which no row has."""
    images: dict[str, list[Path]] = {}
    for file in sorted((path / "AllDICOMs").iterdir()):
        if is_image(file):
            name = FILE.fullmatch(file.stem)
            images.setdefault(name["number"] if name else file.name, []).append(file)
    return images


def _without_image(
    path: Path, table: Path, rows: Mapping[str, Row], images: Mapping[str, Sequence[Path]]
) -> Iterator[LeftOut]:
    for number in rows:
        if number not in images:
            yield LeftOut(f"AllDICOMs/{number}", f"named in {table.name} but not there")
    for file in sorted((path / "AllXML").glob("[!.]*.xml")):
        if file.stem not in images and file.stem not in rows:
            yield LeftOut(f"AllXML/{file.name}", "outlines whose image is not there")


def _selection(found: Sequence[Found]) -> str:
    images = sum(each.other_findings for each in found)
    outlines = sum(each.other_outlines for each in found)
    if not images and not outlines:
        return "all"
    told = f"{counted(images, 'image')} without a mass and {counted(outlines, 'outline')} of other findings"
    return f"one sample a mass; {told} are no samples"
