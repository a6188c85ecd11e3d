"""An attack as people write it on the command line: `pgd:epsilon=4/255,steps=40`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

from xaiaudit.attacks.art_parameters import Kind
from xaiaudit.attacks.registry import ART_PREFIX, attack, parameters_of, settings, unknown_parameter
from xaiaudit.errors import UsageError
from xaiaudit.values import value


def parse(text: str) -> tuple[str, dict[str, Any]]:
    """Name and parameters, checked, so that `attack(name, **parameters)` succeeds.

    Numbers read `0.1` or `8/255`.

    Raises:
        UsageError: an unknown name or parameter, or a value that is of the wrong kind or out of range.
    """
    name, parameters = read(text, parameters_of, "pgd:epsilon=4/255,steps=40")
    return attack(name, **parameters).name, parameters


def written(name: str) -> list[str]:
    """The parameters of an attack with their defaults, as `parse` reads them; by name alone where there is none."""
    defaults = settings(attack(name))
    return [key if value is None else f"{key}={_text(value)}" for key, value in defaults.items()]


def _text(default: Any) -> str:
    if isinstance(default, tuple):
        return "+".join(default)
    if not isinstance(default, float):
        return str(default)
    short, levels = f"{default:g}", round(255 * default)
    if float(short) == default:
        return short
    return f"{levels}/255" if levels / 255 == default else repr(default)


def read(
    text: str, parameters_of: Callable[[str], Mapping[str, Any]], example: str
) -> tuple[str, dict[str, Any]]:
    """NAME or NAME:KEY=VALUE,... as the name and its values, each of the type that `parameters_of` the name tells.

    Types are int, float, str (or None), Literal and Sequence[str], which reads a+b+c. Ranges are not checked here.

    Raises:
        UsageError: not of that form, an unknown parameter, or a value of the wrong kind.
    """
    prefix = ART_PREFIX if text.strip().startswith(ART_PREFIX) else ""
    name, colon, rest = text.strip().removeprefix(prefix).partition(":")
    name = prefix + name
    known = parameters_of(name)
    if colon and not rest.strip():
        raise UsageError(f"{text!r} has no parameter after its colon; write {name} or {name}:NAME=VALUE")
    parameters: dict[str, Any] = {}
    for item in rest.split(",") if rest else ():
        key, equals, value = (part.strip() for part in item.partition("="))
        if not equals or not key or not value:
            raise UsageError(f"{item.strip()!r} in {text!r} is not NAME=VALUE; e.g. {example}")
        if key not in known:
            raise UsageError(unknown_parameter(name, key, list(known)))
        if key in parameters:
            raise UsageError(f"{text!r} gives {key} twice; give it once")
        parameters[key] = _value(f"{name}:{key}", value, known[key])
    return name, parameters


def _value(where: str, text: str, kind: Any) -> Any:
    if isinstance(kind, Kind):
        return kind.read(text)
    if get_origin(kind) is Literal:
        if text not in get_args(kind):
            raise UsageError(f"{where} must be {' or '.join(get_args(kind))}, got {text!r}")
        return text
    if kind == Sequence[str]:
        return tuple(part.strip() for part in text.split("+"))
    return value(where, text, kind)
