"""A criterion as people write it on the command line: `lower-dice:limit=0.5,against=outline`."""

from typing import Any

from xaiaudit.attacks.criteria.registry import criterion_class, parameters_of
from xaiaudit.attacks.spec import read


def parse(text: str) -> tuple[str, dict[str, Any]]:
    """Name and parameters, checked as far as can be without a model: whether it has the class is not.

    Raises:
        UsageError: an unknown name or parameter, or a value that is missing, of the wrong kind or out of range.
    """
    name, parameters = read(text, parameters_of, "lower-dice:limit=0.5,against=outline")
    criterion_class(name).check(parameters, None)
    return name, parameters
