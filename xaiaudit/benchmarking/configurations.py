"""Models crossed with whatever a benchmark varies, each checked by the types of the fields themselves."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from itertools import product
from pathlib import Path
from typing import Any, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from xaiaudit.errors import UsageError
from xaiaudit.training.adversarial import Adversarial
from xaiaudit.training.grid import preprocessing_of
from xaiaudit.training.recipe import Recipe, check_fits, recipe_of, resisting
from xaiaudit.types import Preprocessing
from xaiaudit.values import number

OF_MODEL: Mapping[str, Any] = {"name": str, "arch": str, "weights": str, "arguments": dict, "grid": dict}
RECIPE, PREPROCESSING = ({field.name for field in fields(kind)} for kind in (Recipe, Preprocessing))
TYPES: Mapping[str, Any] = {**OF_MODEL, **get_type_hints(Recipe), **get_type_hints(Preprocessing)}
VARIED = (*RECIPE, *PREPROCESSING, "weights", "arguments")


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """A model with everything that was chosen for it."""

    name: str
    model: str  # the name of its table
    architecture: str
    weights: str
    arguments: dict[str, Any]
    recipe: Recipe
    preprocessing: Preprocessing
    varied: dict[str, Any]  # what the grid chose, by field

    @property
    def folder(self) -> str:
        return folder_name(self.name)


def crossed(
    models: Sequence[Mapping[str, Any]], grid: Mapping[str, Any], folder: Path
) -> tuple[Configuration, ...]:
    """Every model with every combination of the grid's values, its own grid's before those of the grid of all.

    Raises:
        UsageError: an unknown field, a value that it cannot have, or two configurations of one name.
    """
    found: list[Configuration] = []
    for place, table in enumerate(models, start=1):
        where = f"model {table.get('name', place)}"
        given = _checked(table, where, [*OF_MODEL, *VARIED])
        if "arch" not in given:
            raise UsageError(f"{where}: arch is missing; name an architecture, see xaiaudit list models")
        axes = {**_axes(grid, "grid"), **_axes(given.pop("grid", {}), f"{where}, grid")}
        for values in product(*axes.values()):
            chosen = dict(zip(axes, values, strict=True))
            varied = {field: value for field, value in chosen.items() if len(axes[field]) > 1}
            found.append(_configuration({**given, **chosen}, varied, folder))
    _check_names(found)
    return tuple(found)


def folder_name(name: str) -> str:
    """Safe on every file system, and still to be read."""
    return re.sub(r"[^A-Za-z0-9.=_]+", "-", name).strip("-.")


def _axes(grid: Any, where: str) -> dict[str, list[Any]]:
    axes = {}
    for field, values in grid.items():
        if field in VARIED and not isinstance(values, list):
            raise UsageError(
                f"{where}, {field} should be a list of values, got {values!r}; write [{values!r}]"
            )
        if field in VARIED and not values:
            raise UsageError(f"{where}, {field} is an empty list; name its values, or leave it out")
        read = [
            _checked({field: value}, where, VARIED)[field]
            for value in (values if field in VARIED else [None])
        ]
        if any(value in read[:place] for place, value in enumerate(read)):
            raise UsageError(f"{where}, {field} has a value twice, {values}; each would be run twice")
        axes[field] = read
    return axes


def _checked(table: Mapping[str, Any], where: str, known: Sequence[str]) -> dict[str, Any]:
    read = {}
    for field, value in table.items():
        if field not in known:
            near = get_close_matches(field, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}"
            raise UsageError(f"{where}: {field} is not known; {hint}")
        read[field] = _value(field, value, where)
    return read


def _value(field: str, value: Any, where: str) -> Any:
    if field == "adversarial" and isinstance(value, dict):
        return _adversarial(value, where)
    return _typed(f"{where}, {field}", value, TYPES[field])


def _adversarial(table: Mapping[str, Any], where: str) -> Adversarial:
    types = get_type_hints(Adversarial)
    own = [field.name for field in fields(Adversarial)]
    for key in table:
        if key not in own:
            near = get_close_matches(key, own, n=1) or own
            raise UsageError(f"{where}, adversarial: {key} is not known; did you mean {' or '.join(near)}?")
    values = {key: _typed(f"{where}, adversarial {key}", value, types[key]) for key, value in table.items()}
    return Adversarial(**values)


def _typed(where: str, value: Any, kind: Any) -> Any:
    """`value` as a field of that type takes it: 1/255 is a number, a list is a tuple."""
    read = value
    if isinstance(value, str) and kind is float:
        try:
            read = number(value)
        except ValueError:
            raise UsageError(f"{where} should be a number, e.g. 0.1 or 1/255, got {value!r}") from None
    elif isinstance(value, list) and get_origin(kind) is tuple:
        read = tuple(value)
    try:
        return TypeAdapter(kind).validate_python(read, strict=True)
    except ValidationError as error:
        several = "; several values to compare stand in a grid" if isinstance(value, list) else ""
        raise UsageError(
            f"{where} {error.errors()[0]['msg'].removeprefix('Input ')}, got {value!r}{several}"
        ) from None


def _configuration(given: Mapping[str, Any], varied: dict[str, Any], folder: Path) -> Configuration:
    architecture = given["arch"]
    model = given.get("name", architecture)
    name = ", ".join([model, *(f"{field}={_short(value)}" for field, value in varied.items())])
    weights = given.get("weights", "none")
    changed = {field: value for field, value in given.items() if field in RECIPE}
    grid = {field: value for field, value in given.items() if field in PREPROCESSING}
    try:
        adversarial = changed.pop("adversarial", None)
        recipe = (
            recipe_of(architecture, **changed)
            if adversarial is None
            else resisting(adversarial, architecture, **changed)
        )
        preprocessing = preprocessing_of(architecture, weights, given.get("arguments", {}), **grid)
        check_fits(recipe, architecture, weights, preprocessing)
    except (UsageError, ValueError) as error:
        raise UsageError(f"{name}: {error}") from error
    return Configuration(
        name=name,
        model=model,
        architecture=architecture,
        weights=weights if weights in ("none", "default") else str((folder / weights).resolve()),
        arguments=given.get("arguments", {}),
        recipe=recipe,
        preprocessing=preprocessing,
        varied=varied,
    )


def _short(value: Any) -> str:
    if isinstance(value, Adversarial):
        plain = asdict(Adversarial())
        own = [str(item) for field, item in asdict(value).items() if item != plain[field]]
        return " ".join(["pgd", *own]) if value.method == plain["method"] else " ".join(own)
    if isinstance(value, dict):
        return " ".join(f"{key} {item}" for key, item in value.items()) or "none"
    if isinstance(value, tuple):
        return " ".join(map(str, value)) or "grey"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _check_names(found: Sequence[Configuration]) -> None:
    seen: dict[str, str] = {}
    for configuration in found:
        if configuration.folder in seen:
            raise UsageError(
                f"two configurations are called {configuration.name!r} (or would share a folder with "
                f"{seen[configuration.folder]!r}); give each [[model]] a name of its own"
            )
        seen[configuration.folder] = configuration.name
