"""An explainer as people write it on the command line: `grad-cam:layer=layer4`."""

from xaiaudit.errors import UsageError
from xaiaudit.explainers.registry import explainer


def parse(text: str) -> tuple[str, dict[str, str]]:
    """Name and parameters, checked, so that `explainer(name, **parameters)` succeeds.

    Raises:
        UsageError: an unknown name or parameter, or something that is not NAME=VALUE.
    """
    name, _, rest = text.strip().partition(":")
    parameters: dict[str, str] = {}
    for item in rest.split(",") if rest else ():
        key, equals, value = (part.strip() for part in item.partition("="))
        if not equals or not key or not value:
            raise UsageError(f"{item.strip()!r} in {text!r} is not NAME=VALUE; e.g. grad-cam:layer=layer4")
        parameters[key] = value
    explainer(name, **parameters)
    return name, parameters
