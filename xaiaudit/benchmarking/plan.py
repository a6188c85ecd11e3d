"""A benchmark as its TOML says it, checked before anything is read or trained."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xaiaudit.attacks.spec import parse as parse_attack
from xaiaudit.auditing.specs import parsed, unique
from xaiaudit.benchmarking.configurations import Configuration, crossed, folder_name
from xaiaudit.errors import UsageError
from xaiaudit.explainers.spec import parse as parse_explainer

Count = Annotated[int, Field(ge=1)]


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class DataTable(Table):
    """Folders that make one dataset."""

    paths: Annotated[list[str], Field(min_length=1)]
    name: str | None = None  # None: that of the first folder
    kind: str | None = None
    normals: Literal["leave-out", "benign", "class"] = "leave-out"
    positive: str = "malignant"
    limit: Count | None = None  # images, drawn by the seed

    @property
    def folder(self) -> str:
        return folder_name(str(self.name))


class AuditTable(Table):
    """What every fold's test images are attacked and explained by."""

    methods: Annotated[list[str], Field(min_length=1)]
    explainers: list[str] = ["grad-cam"]
    limit: Count | None = None  # images a fold, drawn by the seed
    curve: bool = False
    checks: Annotated[int, Field(ge=0)] = 0  # images that the self-checks of the attacks run on


class FileTable(Table):
    data: Annotated[list[DataTable], Field(min_length=1)]
    model: Annotated[list[dict[str, Any]], Field(min_length=1)]
    grid: dict[str, Any] = {}
    folds: Annotated[int, Field(ge=2)] = 5
    repeats: Count = 1
    seed: Annotated[int, Field(ge=0)] = 0
    validation: Annotated[float, Field(gt=0, lt=1)] = (
        0.1  # share of each class that chooses epoch and threshold
    )
    reference: str | None = None
    audit: AuditTable | None = None


TABLES: Mapping[str, type[Table]] = {"": FileTable, "data": DataTable, "audit": AuditTable}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that a benchmark does. Its folders are read when it runs."""

    file: Path
    toml: str
    data: tuple[DataTable, ...]  # named, with absolute paths
    configurations: tuple[Configuration, ...]
    folds: int
    repeats: int
    seed: int
    validation: float
    reference: str
    audit: AuditTable | None


def read_plan(file: Path | str) -> Plan:
    """The benchmark that a TOML describes; paths in it are as seen from its folder.

    Raises:
        UsageError: no such file, no TOML, an unknown or missing key, a value that cannot be used; in one line.
    """
    file = Path(file)
    try:
        text = file.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{file} cannot be read ({error.strerror}); name the TOML of a benchmark") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is no TOML: {error}") from error
    try:
        return _plan(file, text, _table(content))
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from error


def _table(content: dict[str, Any]) -> FileTable:
    given = dict(content)
    if isinstance(given.get("data"), str):
        raise UsageError(
            f"data should be a list of datasets, got {given['data']!r}; write [{given['data']!r}]"
        )
    if isinstance(given.get("data"), list):
        given["data"] = [_paths(item) for item in given["data"]]
    try:
        return FileTable.model_validate(given)
    except ValidationError as error:
        raise UsageError(_words(error)) from None


def _paths(item: Any) -> Any:
    """`"folder"` and `["folder", "folder"]` are short for a table with paths."""
    return {"paths": [item] if isinstance(item, str) else item} if isinstance(item, str | list) else item


def _words(error: ValidationError) -> str:
    """The first fault in one line."""
    found = error.errors()[0]
    names = [part for part in found["loc"] if isinstance(part, str)]
    where = "".join(
        f" {part + 1}" if isinstance(part, int) else f"{', ' if place else ''}{part}"
        for place, part in enumerate(found["loc"])
    )
    if found["type"] == "missing":
        return f"{where} is missing; see docs/benchmark.md for an example"
    if found["type"] == "extra_forbidden":
        known = list(TABLES[names[0] if len(names) > 1 else ""].model_fields)
        return unknown_key(where, names[-1], known)
    return f"{where}: {found['msg'].removeprefix('Input ')}, got {found['input']!r}".replace(
        ": should", " should"
    )


def unknown_key(where: str, key: str, known: Sequence[str]) -> str:
    near = get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    return f"{where} is not known; {hint}"


def _plan(file: Path, text: str, table: FileTable) -> Plan:
    if table.validation >= 1 - 1 / table.folds:
        raise UsageError(
            f"validation {table.validation:g} and a test of 1 in {table.folds} folds leave no image to train on; "
            f"take a validation under {1 - 1 / table.folds:.3g}, 0.1 is usual"
        )
    configurations = crossed(table.model, table.grid, file.parent)
    names = [configuration.name for configuration in configurations]
    if table.reference is not None and table.reference not in names:
        near = get_close_matches(table.reference, names, n=3, cutoff=0.3) or names[:5]
        raise UsageError(
            f"reference {table.reference!r} is none of the {len(names)} configurations; did you mean "
            f"{' or '.join(repr(name) for name in near)}?"
        )
    if table.audit is not None:
        parsed(table.audit.methods, parse_attack)
        explainers = [name for name, _ in parsed(table.audit.explainers, parse_explainer)]
        if not explainers:
            raise UsageError("audit, explainers: an empty list; name one, or leave it out for grad-cam")
    return Plan(
        file=file,
        toml=text,
        data=tuple(_named(table.data, file.parent)),
        configurations=configurations,
        folds=table.folds,
        repeats=table.repeats,
        seed=table.seed,
        validation=table.validation,
        reference=table.reference or names[0],
        audit=table.audit,
    )


def _named(tables: Sequence[DataTable], folder: Path) -> list[DataTable]:
    paths = [[str((folder / path).resolve()) for path in table.paths] for table in tables]
    names = unique([table.name or Path(own[0]).name for table, own in zip(tables, paths, strict=True)])
    said = [table.name for table in tables if table.name is not None]
    if len(set(said)) < len(said) or len({folder_name(name) for name in names}) < len(names):
        raise UsageError(f"datasets need different names, got {', '.join(names)}; set name in each [[data]]")
    return [
        table.model_copy(update={"name": name, "paths": own})
        for table, name, own in zip(tables, names, paths, strict=True)
    ]
