"""HMSS (ultrasoundcases.info): imgs/NAME.jpg, HMSS.csv, as busbench's script saves them.

Layout: busbench.midalab.net/datasets names imgs and HMSS.csv, but no column. `img name`, `case id/cover img id` and
`tumor type` stand in a commented-out list of columns of two public scripts that fetch other organs from the same
site. Not tried on the real files.
"""

from pathlib import Path

from xaiaudit.data.datasets import Dataset
from xaiaudit.data.listed import Listed

_LAYOUT = Listed(
    name="HMSS",
    kind="hmss",
    citation="Geertsma, Ultrasoundcases.info, Fujifilm 2014, https://www.ultrasoundcases.info",
    tables=("HMSS.csv",),
    images=("imgs",),
    image="img name",
    label="tumor type",
    case="case id/cover img id",
)


def recognises(path: Path) -> bool:
    return _LAYOUT.table(path) is not None


def open_hmss(path: Path) -> Dataset:
    """The folder that holds HMSS.csv. No masks, no spacing.

    The table's crop (`crop r1` and so on) is an attribute: images are read whole.

    Raises:
        DataError: see `Listed.open`.
    """
    return _LAYOUT.open(path)
