"""An explainer as people write it on the command line: `grad-cam:layer=layer4`, `occlusion:window=16,stride=8`."""

from typing import Any

from xaiaudit.errors import UsageError
from xaiaudit.explainers.registry import explainer, parameters_of
from xaiaudit.values import value


def parse(text: str) -> tuple[str, dict[str, Any]]:
    """Name and parameters, checked, so that `explainer(name, **parameters)` succeeds.

    Raises:
        UsageError: an unknown name or parameter, a value of the wrong kind or out of range, a parameter given
            twice, or something that is not NAME=VALUE.
    """
    name, _, rest = text.strip().partition(":")
    kinds = parameters_of(name)
    parameters: dict[str, Any] = {}
    for item in rest.split(",") if rest else ():
        key, equals, given = (part.strip() for part in item.partition("="))
        if not equals or not key or not given:
            raise UsageError(f"{item.strip()!r} in {text!r} is not NAME=VALUE; e.g. grad-cam:layer=layer4")
        if key in parameters:
            raise UsageError(f"{text!r} gives {key} twice; give it once")
        parameters[key] = value(f"{name}:{key}", given, kinds[key]) if key in kinds else given
    explainer(name, **parameters)
    return name, parameters
