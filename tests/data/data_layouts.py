"""Small datasets in the layouts of the real ones, with pixels that depend on nothing but their place."""

import csv
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
