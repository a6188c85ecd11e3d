"""From one path or several to one dataset: recognise the layout, treat normals, join."""

from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Literal, get_args

from xaiaudit.data.datasets import Dataset, counted
from xaiaudit.data.registry import DATASETS
from xaiaudit.errors import DataError, UsageError
from xaiaudit.types import LeftOut

Normals = Literal["leave-out", "benign", "class"]


def open_dataset(
    paths: Path | str | Sequence[Path | str], *, kind: str | None = None, normals: Normals = "leave-out"
) -> Dataset:
    """List the images of one dataset, or of several as one. Nothing is decoded yet.

    Args:
        paths: folders, or the CSV of a manifest.
        kind: of `DATASETS`, for all paths; None: recognised, each by itself.
        normals: what images labelled "normal" are. A selection, no defect: `Dataset.selection` counts them.

    Raises:
        DataError: no such folder, no images in it, a layout that does not fit `kind`, the same folder twice.
        UsageError: an unknown kind.
    """
    given = [Path(p) for p in ([paths] if isinstance(paths, Path | str) else paths)]
    if normals not in get_args(Normals):
        raise UsageError(f"normals can be {', '.join(get_args(Normals))}, got {normals!r}")
    if not given:
        raise UsageError("no data folder was given; name at least one")
    seen: set[Path] = set()
    for path in given:
        if not path.exists():
            raise DataError(f"{path}: no such folder; check the path")
        if path.resolve() in seen:
            raise DataError(f"{path}: given twice, so that every image of it would count twice; name it once")
        seen.add(path.resolve())
    return join([_treat_normals(_open(path, kind), normals) for path in given])


def recognise(path: Path) -> str:
    """The kind of dataset that lies at `path`: a key of `DATASETS`.

    Raises:
        DataError: nothing there, or no images in a layout that is known.
    """
    if not path.exists():
        raise DataError(f"{path}: no such folder; check the path")
    for kind, target in DATASETS.items():
        if import_module(target.partition(":")[0]).recognises(path):
            if kind == "folder":
                _refuse_a_folder_of_datasets(path)
            return kind
    raise DataError(f"{path}: no images in it; name a folder of images, or the CSV of a manifest")


def _refuse_a_folder_of_datasets(path: Path) -> None:
    """Else each dataset would be taken for a class, and its masks for images."""
    named = [(kind, target) for kind, target in DATASETS.items() if kind != "folder"]
    inside = [
        f"{child.name} ({kind})"
        for child in sorted(item for item in path.iterdir() if item.is_dir())
        for kind, target in named
        if import_module(target.partition(":")[0]).recognises(child)
    ]
    if inside:
        raise DataError(
            f"{path}: a folder of datasets, {', '.join(inside)}; name one, or several by repeating --data"
        )


def join(datasets: Sequence[Dataset]) -> Dataset:
    """Several datasets as one. Equal names are told apart by a number."""
    if len(datasets) == 1:
        return datasets[0]
    parts: list[Dataset] = []
    for dataset in datasets:
        taken = {part.name for part in parts}
        name, number = dataset.name, 2
        while name in taken:
            name, number = f"{dataset.name}-{number}", number + 1
        parts.append(_renamed(dataset, name))
    return Dataset(
        name=" + ".join(part.name for part in parts),
        kind="joined",
        path=parts[0].path,
        citation="; ".join(dict.fromkeys(part.citation for part in parts if part.citation)),
        entries=tuple(entry for part in parts for entry in part.entries),
        left_out=tuple(LeftOut(f"{part.name}/{file}", why) for part in parts for file, why in part.left_out),
        selection="; ".join(f"{part.name}: {part.selection}" for part in parts if part.selection != "all")
        or "all",
        joined=tuple(parts),
    )


def _open(path: Path, kind: str | None) -> Dataset:
    if kind is not None and kind not in DATASETS:
        near = get_close_matches(kind, DATASETS, 3, 0.4) or DATASETS
        raise UsageError(f"unknown kind of dataset {kind!r}; did you mean {' or '.join(near)}?")
    module, _, function = DATASETS[kind or recognise(path)].partition(":")
    dataset: Dataset = getattr(import_module(module), function)(path)
    if not dataset.entries:
        problem = f" that can be used; {': '.join(dataset.left_out[0])}" if dataset.left_out else ""
        raise DataError(f"{path}: no images in it{problem}")
    return dataset


def _treat_normals(dataset: Dataset, normals: Normals) -> Dataset:
    count = sum(entry.label == "normal" for entry in dataset.entries)
    if not count or normals == "class":
        return dataset
    if normals == "benign":
        entries = tuple(replace(e, label="benign") if e.label == "normal" else e for e in dataset.entries)
        verb = "counts" if count == 1 else "count"
        return replace(
            dataset,
            entries=entries,
            selection=_besides(dataset, f"{counted(count, 'normal')} {verb} as benign"),
        )
    entries = tuple(entry for entry in dataset.entries if entry.label != "normal")
    if not entries:
        raise DataError(
            f"{dataset.path}: every image is labelled normal, and normals are left out; take them as a class"
        )
    return replace(
        dataset, entries=entries, selection=_besides(dataset, f"{counted(count, 'normal')} left out")
    )


def _besides(dataset: Dataset, words: str) -> str:
    """`words`, and what the adapter said of its own selection."""
    return words if dataset.selection == "all" else f"{words}; {dataset.selection}"


def _renamed(dataset: Dataset, name: str) -> Dataset:
    return replace(
        dataset, name=name, entries=tuple(replace(entry, dataset=name) for entry in dataset.entries)
    )
