"""From a criterion's name and parameters to the criterion of one batch."""

from collections.abc import Mapping
from typing import Any

from xaiaudit.attacks.criteria.named import CleanFacts, NamedCriterion
from xaiaudit.attacks.criteria.registry import criterion_class, parameters_of
from xaiaudit.attacks.registry import unknown_parameter
from xaiaudit.errors import UsageError


def build(name: str, parameters: Mapping[str, Any], clean: CleanFacts) -> NamedCriterion:
    """The criterion of that name for this batch, e.g. build("lower-dice", {"limit": 0.5}, clean).

    Raises:
        UsageError: an unknown name, parameter or class, a bad value, or a mask head that the model lacks.
        NumericalError: clean outputs that are not finite.
    """
    known = parameters_of(name)
    for parameter in parameters:
        if parameter not in known:
            raise UsageError(unknown_parameter(name, parameter, list(known)))
    made = criterion_class(name)
    made.check(parameters, clean.classes)
    return made.of(clean, parameters)
