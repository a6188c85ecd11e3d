"""What datasets have in common that are a folder of images, listed in a table beside it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xaiaudit.data.datasets import Dataset
from xaiaudit.data.entries import Entry
from xaiaudit.data.reading import IMAGE_SUFFIXES, is_image
from xaiaudit.data.tables import Row, read_table
from xaiaudit.errors import DataError
from xaiaudit.types import LeftOut

_CLASSES = {"b": "benign", "benign": "benign", "m": "malignant", "malignant": "malignant"}


@dataclass(frozen=True, kw_only=True)
class Listed:
    """Where such a dataset keeps what. Of several names for a file or folder the first that is there counts.

    Images, masks and rows belong together by their names without suffix. All columns but those named here become
    attributes, by lower-case names.
    """

    name: str
    kind: str
    citation: str
    tables: tuple[str, ...]
    images: tuple[str, ...]  # folder
    image: str  # column
    label: str  # column: benign or malignant, or their first letters, in any case
    case: str | None = None  # column
    masks: str | None = None  # folder
    mask_ending: str = ""  # between the image's name and the mask's suffix
    numbered: bool = False  # leading zeros do not count: `case0001` names case1.bmp

    def table(self, path: Path) -> Path | None:
        return next((path / name for name in self.tables if (path / name).is_file()), None)

    def open(self, path: Path) -> Dataset:
        """List the images of the dataset at `path`. A row that names no image, such as a sum, is passed over; where
        cases are known, an image without one is left out and named.

        Raises:
            DataError: the table, a column or a folder is not there; an image named twice; an unknown class.
        """
        table = self.table(path)
        if table is None:
            raise DataError(
                f"{path}: not {self.name}, which has a table {' or '.join(self.tables)}; name the folder of it"
            )
        images = self._by_key(self._folder(path, self.images))
        masks = self._by_key(self._folder(path, (self.masks,)), self.mask_ending) if self.masks else {}
        entries: list[Entry] = []
        left_out: list[LeftOut] = []
        first: dict[Path, int] = {}
        columns = [column for column in (self.image, self.label, self.case) if column]
        for line, row in read_table(table, columns):
            name = row[self.image]
            found = self._named(name, images) if name else []
            _claim(found, first, table, line)
            if len(found) == 1 and self.case and not row[self.case]:
                reason = f"no {self.case} in {table.name}, line {line}, so a split could part its case"
                left_out.append(LeftOut(name, reason))
            elif len(found) == 1:
                mask = masks.get(self._key(found[0].stem), [])
                entries.append(self._entry(row, found[0], mask, path, f"{table}, line {line}"))
            elif name:
                fits = f"fits {', '.join(file.name for file in found)} alike" if found else "not there"
                left_out.append(LeftOut(name, f"named in {table.name}, line {line}, but {fits}"))
        return Dataset(
            name=self.name,
            kind=self.kind,
            path=path,
            citation=self.citation,
            entries=tuple(entries),
            left_out=(*left_out, *_without_row(images, set(first), table), *_without_image(masks, images)),
        )

    def _folder(self, path: Path, names: Sequence[str]) -> Path:
        for name in names:
            if (path / name).is_dir():
                return path / name
        raise DataError(
            f"{path}: {self.name} has a folder {' or '.join(names)}; it is not here, so copy it there"
        )

    def _by_key(self, folder: Path, ending: str = "") -> dict[str, list[Path]]:
        """The images or masks of a folder by what image, mask and row have in common; masks bear the `ending`."""
        files: dict[str, list[Path]] = {}
        for file in sorted(folder.iterdir()):
            if is_image(file):
                files.setdefault(self._key(file.stem.removesuffix(ending)), []).append(file)
        return files

    def _named(self, name: str, images: Mapping[str, list[Path]]) -> list[Path]:
        """By its suffix too, where a cell has one; else files that differ only in the suffix fit alike."""
        path = Path(name)
        stem = path.stem if path.suffix.lower() in IMAGE_SUFFIXES else name
        found = images.get(self._key(stem), [])
        return [file for file in found if file.name == name] or found

    def _key(self, stem: str) -> str:
        return re.sub(r"(?<!\d)0+(?=\d)", "", stem) if self.numbered else stem

    def _entry(self, row: Row, image: Path, masks: Sequence[Path], path: Path, where: str) -> Entry:
        label = row[self.label]
        if label and label.lower() not in _CLASSES:
            raise DataError(
                f"{where}: {self.label} {label!r} is neither benign (B) nor malignant (M); mend the table, or "
                "list the images in a manifest.csv"
            )
        used = (self.image, self.label, self.case)
        return Entry(
            file=image.relative_to(path).as_posix(),
            image=image,
            dataset=self.name,
            label=_CLASSES.get(label.lower()),
            case=row[self.case] if self.case else None,
            masks=tuple(masks),
            attributes={name.lower(): cell for name, cell in row.items() if name not in used and cell},
        )


def _claim(found: Sequence[Path], first: dict[Path, int], table: Path, line: int) -> None:
    """Note the line in which each file was named first.

    Raises:
        DataError: it was named before.
    """
    for file in found:
        if file in first:
            raise DataError(
                f"{table}, line {line}: {file.name} was named in line {first[file]} already; keep one of them"
            )
        first[file] = line


def _without_row(images: Mapping[str, list[Path]], named: set[Path], table: Path) -> Iterator[LeftOut]:
    for file in (file for group in images.values() for file in group):
        if file not in named:
            yield LeftOut(
                f"{file.parent.name}/{file.name}", f"not in {table.name}, so its label is not known"
            )


def _without_image(masks: Mapping[str, list[Path]], images: Mapping[str, list[Path]]) -> Iterator[LeftOut]:
    for key, group in masks.items():
        for mask in group if key not in images else ():
            yield LeftOut(f"{mask.parent.name}/{mask.name}", "a mask whose image is not there")
