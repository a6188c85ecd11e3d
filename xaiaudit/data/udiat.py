"""UDIAT (Dataset B): original/000001.png with GT/000001.png, DatasetB.xlsx.

Layout: the file tree at openmedlab/Awesome-Medical-Dataset, resources/Breast_Ultrasound_DatasetB.md; the columns
Image, Type and Diagnosis from four public readers of the table, which agree. busbench.midalab.net calls the folder
of images imgs. Not tried on the real files.
"""

from pathlib import Path

from xaiaudit.data.datasets import Dataset
from xaiaudit.data.listed import Listed

_LAYOUT = Listed(
    name="UDIAT",
    kind="udiat",
    citation="Yap et al., Automated breast ultrasound lesions detection using convolutional neural networks, "
    "IEEE J Biomed Health Inform 2018, 22(4):1218-1226, doi 10.1109/JBHI.2017.2731873",
    tables=("DatasetB.xlsx",),
    images=("original", "imgs"),
    image="Image",
    label="Type",
    masks="GT",
    numbered=True,
)


def recognises(path: Path) -> bool:
    return _LAYOUT.table(path) is not None


def open_udiat(path: Path) -> Dataset:
    """The folder that holds DatasetB.xlsx. No case ids, no spacing; `Diagnosis` becomes an attribute.

    Raises:
        DataError: see `Listed.open`.
    """
    return _LAYOUT.open(path)
