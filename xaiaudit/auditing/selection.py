"""Which images an audit is about: those named, or the split that the checkpoint recorded."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from xaiaudit.data import open_dataset
from xaiaudit.data.datasets import LESION_CLASSES, Dataset
from xaiaudit.data.opening import Normals, join
from xaiaudit.errors import DataError, UsageError
from xaiaudit.models import AuditedModel

SplitName = Literal["all", "test", "validation", "train"]


def choose_data(
    model: AuditedModel,
    data: Sequence[Path] = (),
    *,
    kind: str | None = None,
    normals: Normals | None = None,
    split: SplitName | None = None,
) -> Dataset:
    """The images to look at.

    Without `data`: the recorded test split, from the folders that the checkpoint was trained on. With `data`:
    all of it, or with `split` those of its images that the checkpoint recorded in that split. A model that outlines
    lesions and makes no diagnosis gets images labelled by whether they show one.

    Raises:
        UsageError: no data is known, or no split is recorded.
        DataError: the recorded folder is gone, or holds none of the recorded images.
    """
    dataset = _chosen(model, data, kind, normals, split)
    if model.preprocessing.takes_mask:
        dataset = dataset.outlined()
    return dataset.by_lesion() if set(model.classes) == set(LESION_CLASSES) else dataset


def _chosen(
    model: AuditedModel,
    data: Sequence[Path],
    kind: str | None,
    normals: Normals | None,
    split: SplitName | None,
) -> Dataset:
    training = model.info.training if model.info is not None else {}
    if data:
        dataset = open_dataset(data, kind=kind, normals=normals or training.get("normals") or "leave-out")
        return dataset if split in (None, "all") else _recorded(dataset, training, str(split))
    if kind is not None or normals is not None:
        raise UsageError(
            "--dataset and --normals describe the images of --data, and none was given: a recorded split is "
            "read as the checkpoint was trained; leave them out, or name the folder with --data DIR"
        )
    if not training.get("data") or not training.get("split"):
        raise UsageError("no data is known: the checkpoint records no dataset; name one with --data DIR")
    dataset = join([_recorded_part(item, training) for item in training["data"]])
    return dataset if split == "all" else _recorded(dataset, training, str(split or "test"))


def opened(model: AuditedModel, dataset: Dataset | Path | str | None) -> Dataset:
    """The dataset, opened where it is a path; None: the recorded test split, as `choose_data` finds it."""
    if dataset is None:
        return choose_data(model)
    return dataset if isinstance(dataset, Dataset) else open_dataset(dataset)


def _recorded_part(item: dict[str, Any], training: dict[str, Any]) -> Dataset:
    path = Path(item["path"])
    if not path.exists():
        raise DataError(
            f"the checkpoint was trained on {path}, which is not there; name the folder with --data DIR --split test"
        )
    return open_dataset(path, kind=item["kind"], normals=training.get("normals") or "leave-out")


def _recorded(dataset: Dataset, training: dict[str, Any], split: str) -> Dataset:
    items = training.get("split", {}).get(split)
    if not items:
        raise UsageError(f"the checkpoint records no {split} split; leave --split out to take every image")
    known = {(item["dataset"], item["file"]) for item in items}
    # a folder that was moved or is opened alone may bear another name than when it was joined for training
    renamed = {name for name, _ in known}.isdisjoint(part.name for part in dataset.parts)
    files = {file for _, file in known} if renamed else set()
    indices = [
        index
        for index, entry in enumerate(dataset.entries)
        if (entry.dataset, entry.file) in known or entry.file in files
    ]
    if not indices:
        raise DataError(
            f"none of the {len(items)} images of the recorded {split} split is in {dataset.path}; "
            "name the folder that the checkpoint was trained on"
        )
    seed = training.get("split_seed", training.get("seed", "unknown"))  # older checkpoints drew both by one
    words = f"{split} split of the checkpoint, seed {seed}"
    if len(indices) < len(items):
        words += f" ({len(items) - len(indices)} of its {len(items)} images are missing here)"
    return dataset.subset(indices, words)
