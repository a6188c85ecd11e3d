"""Changes of the acquisition by name, in the order in which a scanner makes them. A new one is a file and a line."""

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from xaiaudit.acquisition.view import Change
from xaiaudit.errors import UsageError

CHANGES: Mapping[str, str] = {
    "shift": "xaiaudit.acquisition.motion:Shift",
    "rotation": "xaiaudit.acquisition.motion:Rotation",
    "blur": "xaiaudit.acquisition.blur:Blur",
    "speckle": "xaiaudit.acquisition.speckle:Speckle",
    "tgc": "xaiaudit.acquisition.tgc:TimeGain",
    "gain": "xaiaudit.acquisition.gain:Gain",
    "jpeg": "xaiaudit.acquisition.jpeg:Jpeg",
}


def change(name: str, **parameters: float | int) -> Change:
    """The change of that name, e.g. change("gain", db=3); its strengths are numbers.

    Raises:
        UsageError: an unknown name or parameter (what there is is listed), or a value out of range.
    """
    if name not in CHANGES:
        near = get_close_matches(name, CHANGES, n=2, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(CHANGES)}"
        raise UsageError(f"no acquisition change {name!r}; {hint}")
    module, attribute = CHANGES[name].split(":")
    made: type[Any] = getattr(import_module(module), attribute)
    kinds: dict[str, Any] = {item.name: item.type for item in fields(made)}
    takes = f"it takes {', '.join(kinds)}"
    for parameter, value in parameters.items():
        if parameter not in kinds:
            raise UsageError(f"the acquisition change {name} has no parameter {parameter!r}; {takes}")
        if kinds[parameter] is int and not float(value).is_integer():
            raise UsageError(f"{name}:{parameter} must be a whole number, got {value}")
    try:
        built: Change = made(**{key: kinds[key](value) for key, value in parameters.items()})
    except UsageError as error:
        raise UsageError(f"the acquisition change {name}: {error}; {takes}") from error
    return built


def settings(made: Change) -> dict[str, Any]:
    """Every strength, defaults too."""
    return dict(vars(made))


def parse(text: str) -> tuple[str, dict[str, float]]:
    """A change as people write it, `speckle:correlation=0.9`, as name and parameters, checked.

    Raises:
        UsageError: as of `change`, or something that is not NAME=VALUE with a number.
    """
    name, _, rest = text.strip().partition(":")
    parameters: dict[str, float] = {}
    for item in rest.split(",") if rest else ():
        key, equals, value = (part.strip() for part in item.partition("="))
        try:
            parameters[key] = float(value)
        except ValueError:
            equals = ""
        if not equals or not key:
            raise UsageError(f"{item.strip()!r} in {text!r} is not NAME=NUMBER; e.g. speckle:correlation=0.9")
    change(name, **parameters)
    return name, parameters
