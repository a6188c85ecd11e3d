"""Small datasets in the layouts of the real ones, with pixels that depend on nothing but their place."""

import csv
import plistlib
from pathlib import Path

import numpy as np
import openpyxl
from PIL import Image

SHAPE = (40, 60)


def grey(shape: tuple[int, int] = SHAPE, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def square(shape: tuple[int, int] = SHAPE, *, top: int = 10, left: int = 20, side: int = 8) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[top : top + side, left : left + side] = True
    return mask


def write(path: Path, pixels: np.ndarray, mode: str | None = None) -> Path:
    """`pixels` (bool or uint8) as an image file, converted to `mode` when one is named."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path)
    return path


def write_busi(root: Path, *, normals: int = 2) -> Path:
    """3 benign (one with three masks of three modes), 2 malignant, and normals with empty RGB masks."""
    for label, count in (("benign", 3), ("malignant", 2), ("normal", normals)):
        for number in range(1, count + 1):
            write(root / label / f"{label} ({number}).png", grey(seed=number), "RGB")
            mask = square() if label != "normal" else np.zeros(SHAPE, bool)
            write(root / label / f"{label} ({number})_mask.png", mask, "RGB" if label == "normal" else None)
    write(root / "benign" / "benign (2)_mask_1.png", square(left=40), "L")
    write(root / "benign" / "benign (2)_mask_2.png", square(top=30), "RGBA")
    return root


BUSBRA_HEAD = ("ID", "Case", "Histology", "Pathology", "BIRADS", "Device", "Width", "Height", "Side", "BBOX")


def write_busbra(root: Path, *, head: tuple[str, ...] = BUSBRA_HEAD) -> Path:
    """Two views of one malignant case and one benign image; boxes as the real table writes them."""
    rows = []
    for name, case, label in (
        ("0001-l", 1, "malignant"),
        ("0001-r", 1, "malignant"),
        ("0002-s", 2, "benign"),
    ):
        write(root / "Images" / f"bus_{name}.png", grey(seed=case))
        write(root / "Masks" / f"mask_{name}.png", square())
        # the lesion covers columns 20..27 and rows 10..17: from 1, and first to last
        cells = (
            f"bus_{name}",
            case,
            "fibroadenoma",
            label,
            4,
            "GE",
            SHAPE[1],
            SHAPE[0],
            "left",
            "[21,11,7,7]",
        )
        rows.append(dict(zip(BUSBRA_HEAD, cells, strict=True)))
    with (root / "bus_data.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, head, extrasaction="ignore")
        table.writeheader()
        table.writerows(rows)
    return root


BREAST_HEAD = (
    "CaseID",
    "Image_filename",
    "Mask_tumor_filename",
    "Mask_other_filename",
    "Pixel_size",
    "BIRADS",
    "Classification",
)


def write_breast_usg(root: Path, *, head: tuple[str, ...] = BREAST_HEAD) -> Path:
    """Benign with a further structure outlined, malignant without spacing, normal without a mask; RGBA."""
    folder = root / "BrEaST-Lesions_USG-images_and_masks"
    rows = (
        (
            7,
            "case007.png",
            "case007_tumor.png",
            "case007_other1.png&case007_other2.png",
            0.007,
            "4a",
            "benign",
        ),
        (8, "case008.png", "case008_tumor.png", None, "not available", 5, "malignant"),
        (9, "case009.png", None, None, 0.01, 1, "normal"),
    )
    for case, image, tumour, others, *_ in rows:
        write(folder / image, grey(seed=case), "RGBA")
        if tumour:
            write(folder / tumour, square(), "RGBA")
        for other in others.split("&") if others else ():
            write(folder / other, square(left=45), "RGBA")
    book = openpyxl.Workbook()
    book.active.append(head)
    for row in rows:
        cells = dict(zip(BREAST_HEAD, row, strict=True))
        book.active.append([cells.get(name) for name in head])
    book.save(root / "BrEaST-Lesions-USG-clinical-data.xlsx")
    return root


def write_folder(root: Path) -> Path:
    write(root / "Benign" / "a.jpg", grey())
    write(root / "Benign" / "b.png", grey(seed=1))
    write(root / "Benign" / "b_mask.png", square())
    write(root / "phyllodes" / "a.png", grey(seed=2))
    write(root / "masks" / "phyllodes" / "a.png", square(side=4))
    return root


def write_manifest(root: Path, text: str) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    path = root / "manifest.csv"
    path.write_text(text, encoding="utf-8")
    return path


def write_xlsx(path: Path, rows: list[tuple[object, ...]]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    return path


def write_table(path: Path, rows: list[tuple[object, ...]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def write_udiat(root: Path, *, images: str = "original") -> Path:
    """Two benign and a malignant image; the table numbers them without the zeros of the files."""
    rows: list[tuple[object, ...]] = [("Image", "Type", "Diagnosis")]
    for number, kind, diagnosis in ((1, "Benign", "CYST"), (2, "Malignant", "IDC"), (13, "Benign", "FA")):
        write(root / images / f"{number:06}.png", grey(seed=number))
        write(root / "GT" / f"{number:06}.png", square(left=number))
        rows.append((number, kind, diagnosis))
    write_xlsx(root / "DatasetB.xlsx", rows)
    return root


BUSIS_ROWS: list[tuple[object, ...]] = [
    ("img name", "Ground Truth Name", "tumor type"),
    ("case0001", "case0001_GT", "B"),
    ("case0002", "case0002_GT", "M"),
    ("case0010", "case0010_GT", "B"),
]


def write_busis(root: Path, *, images: str = "Original") -> Path:
    """The table pads the numbers of the files with zeros, and ends with lines that name no image."""
    for number in (1, 2, 10):
        write(root / images / f"case{number}.bmp", grey(seed=number), "RGB")
        write(root / "GT" / f"case{number}_GT.bmp", square(left=number))
    write_table(root / "BUSIS562.csv", [*BUSIS_ROWS, ("", "", ""), ("", "", "B")])
    return root


HMSS_HEAD = (
    "group",
    "case description",
    "img name",
    "case id/cover img id",
    "crop r1",
    "tumor type",
    "Notes",
)


def write_hmss(root: Path, *, head: tuple[str, ...] = HMSS_HEAD) -> Path:
    """Two images of one benign case and one of a malignant one; JPEG in colour, without masks."""
    rows = [
        ("2.2 Benign lesions", "Cyst, left breast", "27573-afb_1.jpg", "27573", 30, "B", ""),
        ("2.2 Benign lesions", "Cyst, left breast", "27573-afb_2.jpg", "27573", 30, "B", ""),
        ("2.3 Malignant lesions", "Carcinoma", "28001-afb_1.jpg", "28001", 28, "M", "calipers"),
    ]
    for number, row in enumerate(rows):
        write(root / "imgs" / row[2], grey(seed=number), "RGB")
    kept = [[dict(zip(HMSS_HEAD, row, strict=True))[name] for name in head] for row in rows]
    write_table(root / "HMSS.csv", [head, *map(tuple, kept)])
    return root


def write_thammasat(root: Path) -> Path:
    for number in range(1, 4):
        write(root / "imgs" / f"th{number:02}.png", grey(seed=number))
    rows = [("img name", "tumor type"), ("th01.png", "B"), ("th02.png", "M"), ("th03.png", "M")]
    write_table(root / "Thammasat.csv", rows)
    return root


def write_rodrigues(root: Path) -> Path:
    """Crops of differing sizes, no masks."""
    for label, count in (("benign", 2), ("malignant", 3)):
        for number in range(1, count + 1):
            write(
                root / "originals" / label / f"us{number}.bmp",
                grey((30 + number, 50), seed=count + 10 * number),
            )
    return root


MAMMOGRAM = (120, 90)
BREAST = (slice(10, 110), slice(0, 60))  # of `mammogram`: rows, columns
INBREAST_HEAD = "Patient ID;Patient age;Laterality;View;Acquisition date;File Name;ACR;Bi-Rads"
MASS = ((20.0, 30.0), (33.0, 30.0), (33.0, 41.0), (20.0, 41.0))  # x, y: columns 20 to 33, rows 30 to 41
SECOND_MASS = ((40.0, 70.0), (49.0, 70.0), (49.0, 79.0), (40.0, 79.0))


def mammogram(seed: int = 0) -> np.ndarray:
    """14 bits: black air, a breast at the left edge in rows 10 to 109, a small bright marker above it, apart."""
    levels = np.zeros(MAMMOGRAM, np.uint16)
    levels[BREAST] = np.random.default_rng(seed).integers(4000, 12000, (100, 60))
    levels[BREAST][0, 30:] = 0  # the breast is no rectangle
    levels[2:6, 80:88] = 16383
    return levels


def write_dicom(path: Path, levels: np.ndarray, **header: object) -> Path:
    """Uncompressed grey, 14 of 16 bits, ImagerPixelSpacing 0.07 mm; `header` adds, changes, or by None drops."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import DigitalMammographyXRayImageStorageForPresentation, ExplicitVRLittleEndian

    file = Dataset()
    file.file_meta = FileMetaDataset()
    file.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file.file_meta.MediaStorageSOPClassUID = DigitalMammographyXRayImageStorageForPresentation
    file.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    fields = {
        "SOPClassUID": file.file_meta.MediaStorageSOPClassUID,
        "SOPInstanceUID": "1.2.3",
        "Modality": "MG",
        "Rows": levels.shape[0],
        "Columns": levels.shape[1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 14,
        "HighBit": 13,
        "PixelRepresentation": 0,
        "ImagerPixelSpacing": [0.07, 0.07],
        "PixelData": levels.astype("<u2").tobytes(),
        **header,
    }
    for name, value in fields.items():
        if value is not None:
            setattr(file, name, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    file.save_as(path, enforce_file_format=True)
    return path


def write_osirix(path: Path, *regions: tuple[str, tuple[tuple[float, float], ...]]) -> Path:
    """Outlines by name, with the keys that OsiriX writes."""
    rois = [
        {
            "Area": 1.0,
            "Center": "(1.0, 1.0)",
            "IndexInImage": number,
            "Name": name,
            "NumberOfPoints": len(points),
            "Point_mm": ["(0.0, 0.0, 0.0)"] * len(points),
            "Point_px": [f"({x:f}, {y:f})" for x, y in points],
            "Type": 15,
        }
        for number, (name, points) in enumerate(regions)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    tree = {"Images": [{"ImageIndex": 0, "NumberOfROIs": len(rois), "ROIs": rois}]}
    path.write_bytes(plistlib.dumps(tree, fmt=plistlib.FMT_XML))
    return path


def write_inbreast(root: Path) -> Path:
    """Patient a: two masses beside other findings, and one; b: one, and calcifications alone; c: a normal."""
    a, b, c = "6c613a14b80a8591", "5530d5782fc89dd7", "024ee3569b2605dc"
    images = (
        ("20586908", a, "R", "CC", "3", "5"),
        ("20586960", a, "R", "ML", "3", "4a"),
        ("22580244", b, "L", "CC", "2", "2"),
        ("22580270", b, "L", "ML", "", "2"),
        ("20587994", c, "R", "CC", "1", "1"),
    )
    lines = [INBREAST_HEAD]
    for number, patient, side, view, acr, birads in images:
        write_dicom(
            root / "AllDICOMs" / f"{number}_{patient}_MG_{side}_{view}_ANON.dcm", mammogram(int(number))
        )
        table_view = view.replace("ML", "MLO")
        lines.append(f"removed;removed;{side};{table_view};201001;{number};{acr};{birads}")
    (root / "INbreast.csv").write_text("\n".join([*lines, ";;;;;;;", ""]), encoding="utf-8")
    xml, spot = root / "AllXML", ((50.0, 50.0),)
    spiculated = ("Spiculated Region", SECOND_MASS)
    write_osirix(
        xml / "20586908.xml", ("Mass", MASS), ("Calcification", spot), spiculated, ("Mass", SECOND_MASS)
    )
    write_osirix(xml / "20586960.xml", ("Mass", SECOND_MASS))
    write_osirix(xml / "22580244.xml", ("Mass", MASS))
    write_osirix(xml / "22580270.xml", ("Calcification", spot), ("Unnamed", spot))
    return root


def write_a_manifest(root: Path) -> Path:
    write(root / "a.png", grey())
    return write_manifest(root, "image,label\na.png,benign\n").parent


# One for each kind of registry.DATASETS.
WRITERS = {
    "manifest": write_a_manifest,
    "busbra": write_busbra,
    "breast-usg": write_breast_usg,
    "inbreast": write_inbreast,
    "udiat": write_udiat,
    "busis": write_busis,
    "hmss": write_hmss,
    "thammasat": write_thammasat,
    "rodrigues": write_rodrigues,
    "busi": write_busi,
    "folder": write_folder,
}
