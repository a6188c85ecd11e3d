"""From a criterion's name and parameters to the criterion of one batch."""

from collections.abc import Mapping
from typing import Any

from xaiaudit.attacks.criteria.named import CleanFacts, NamedCriterion
from xaiaudit.attacks.criteria.registry import criterion_class


def build(name: str, parameters: Mapping[str, Any], clean: CleanFacts) -> NamedCriterion:
    """The criterion of that name for this batch, e.g. build("lower-dice", {"limit": 0.5}, clean).

    Raises:
        UsageError: an unknown name, parameter or class, a bad value, or a mask head that the model lacks.
        NumericalError: clean outputs that are not finite.
    """
    made = criterion_class(name)
    made.check(parameters, clean.classes)
    return made.of(clean, parameters)
