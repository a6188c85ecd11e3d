"""BUSIS: Original/case1.bmp with GT/case1_GT.bmp, BUSIS562.csv.

Layout: two public readers agree on Original, GT and `_GT`, on BUSIS562.csv and its columns `img name` (case0001,
padded to four digits, unlike the files) and `tumor type` (B or M). busbench.midalab.net calls the folder of images
imgs and the table BUSIS.xlsx, whose columns it does not name; they are taken to be the same. Not tried on the real
files.
"""

from pathlib import Path

from xaiaudit.data.datasets import Dataset
from xaiaudit.data.listed import Listed

_LAYOUT = Listed(
    name="BUSIS",
    kind="busis",
    citation="Zhang et al., BUSIS: a benchmark for breast ultrasound image segmentation, Healthcare 2022, 10:729",
    tables=("BUSIS562.csv", "BUSIS.xlsx"),
    images=("Original", "imgs"),
    image="img name",
    label="tumor type",
    masks="GT",
    numbered=True,
    mask_ending="_GT",
)


def recognises(path: Path) -> bool:
    return _LAYOUT.table(path) is not None


def open_busis(path: Path) -> Dataset:
    """The folder that holds BUSIS562.csv. No spacing.

    No case ids either: `case1`, `case2`, … number the images, whose patients are not told.

    Raises:
        DataError: see `Listed.open`.
    """
    return _LAYOUT.open(path)
