"""Thammasat (onlinemedicalimages.com): imgs/NAME.png, Thammasat.csv, as busbench's script saves them.

Layout: busbench.midalab.net/datasets names imgs and Thammasat.csv, but no column. `img name` and `tumor type` are
taken from other tables of the same benchmark (MIDA-Lab/busbench, Source Code/MT-ESTAN.py) and not confirmed for this
one; a table with others is an error, never a guess. Not tried on the real files.
"""

from pathlib import Path

from xaiaudit.data.datasets import Dataset
from xaiaudit.data.listed import Listed

_LAYOUT = Listed(
    name="Thammasat",
    kind="thammasat",
    citation="Rodtook et al., Automatic initialization of active contours and level set method in ultrasound "
    "images of breast abnormalities, Pattern Recognition 2018, 79:172-182, doi 10.1016/j.patcog.2018.01.032",
    tables=("Thammasat.csv",),
    images=("imgs",),
    image="img name",
    label="tumor type",
)


def recognises(path: Path) -> bool:
    return _LAYOUT.table(path) is not None


def open_thammasat(path: Path) -> Dataset:
    """The folder that holds Thammasat.csv. No masks, no spacing; no case ids, whose column is not known.

    Raises:
        DataError: see `Listed.open`.
    """
    return _LAYOUT.open(path)
