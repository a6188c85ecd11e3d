"""Images: reading them, datasets, preprocessing, splits, phantoms, regions of the breast. No torch.

A function that is named like its module (`regions`, `check`) is imported from there.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xaiaudit.data.datasets import Dataset as Dataset
    from xaiaudit.data.duplicates import duplicate_groups as duplicate_groups
    from xaiaudit.data.duplicates import fingerprint as fingerprint
    from xaiaudit.data.duplicates import near as near
    from xaiaudit.data.duplicates import thumbnails as thumbnails
    from xaiaudit.data.entries import Entry as Entry
    from xaiaudit.data.opening import open_dataset as open_dataset
    from xaiaudit.data.opening import recognise as recognise
    from xaiaudit.data.phantoms import PhantomSpec as PhantomSpec
    from xaiaudit.data.phantoms import phantom as phantom
    from xaiaudit.data.phantoms import phantom_dataset as phantom_dataset
    from xaiaudit.data.phantoms import write_phantoms as write_phantoms
    from xaiaudit.data.preprocess import Batch as Batch
    from xaiaudit.data.preprocess import prepare as prepare
    from xaiaudit.data.preprocess import stack as stack
    from xaiaudit.data.reading import pixel_hash as pixel_hash
    from xaiaudit.data.reading import read_grey as read_grey
    from xaiaudit.data.reading import read_mask as read_mask
    from xaiaudit.data.regions import Regions as Regions
    from xaiaudit.data.registry import DATASETS as DATASETS
    from xaiaudit.data.samples import read_samples as read_samples
    from xaiaudit.data.splits import Split as Split
    from xaiaudit.data.splits import kfold as kfold
    from xaiaudit.data.splits import split_dataset as split_dataset

# Imported on use, so that reading one image does not wait for the rest.
_PUBLIC = {
    "Batch": "xaiaudit.data.preprocess",
    "DATASETS": "xaiaudit.data.registry",
    "Dataset": "xaiaudit.data.datasets",
    "Entry": "xaiaudit.data.entries",
    "PhantomSpec": "xaiaudit.data.phantoms",
    "Regions": "xaiaudit.data.regions",
    "Split": "xaiaudit.data.splits",
    "duplicate_groups": "xaiaudit.data.duplicates",
    "fingerprint": "xaiaudit.data.duplicates",
    "kfold": "xaiaudit.data.splits",
    "near": "xaiaudit.data.duplicates",
    "open_dataset": "xaiaudit.data.opening",
    "phantom": "xaiaudit.data.phantoms",
    "phantom_dataset": "xaiaudit.data.phantoms",
    "pixel_hash": "xaiaudit.data.reading",
    "prepare": "xaiaudit.data.preprocess",
    "read_grey": "xaiaudit.data.reading",
    "read_mask": "xaiaudit.data.reading",
    "read_samples": "xaiaudit.data.samples",
    "recognise": "xaiaudit.data.opening",
    "split_dataset": "xaiaudit.data.splits",
    "stack": "xaiaudit.data.preprocess",
    "thumbnails": "xaiaudit.data.duplicates",
    "write_phantoms": "xaiaudit.data.phantoms",
}
__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'xaiaudit.data' has no attribute {name!r}")
