"""The parameters of ART's attacks, which are ART's own: what each may be, read from text, checked and completed."""

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import Parameter, signature
from math import inf, isfinite
from typing import Any

from xaiaudit.attacks.registry import ART_PREFIX
from xaiaudit.errors import UsageError

# What an attack is built with here: the model, what the criterion settles, and objects that no text can name.
OURS = frozenset(
    [
        "self",
        "estimator",
        "classifier",
        "targeted",
        "mask",
        "verbose",
        "summary_writer",
        "attacks",
        "attacker_params",
        "adv_criterion",
        "loss",
        "estimator_orig",
        "parallel_pool_size",
    ]
)
MEANT = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a word",
    type(None): "none",
}
WORDS = {"true": True, "false": False, "none": None, "inf": "inf", "linf": "inf", "l1": 1, "l2": 2}


@dataclass(frozen=True)
class Kind:
    """What ART says that a parameter may be."""

    types: frozenset[type]
    default: Any = Parameter.empty

    def read(self, text: str) -> Any:
        """true, none, 10, 0.1, 8/255, inf or a word."""
        return text if self.types == {str} else _scalar(text)

    def checked(self, where: str, value: Any) -> Any:
        """As JSON takes it: infinity as "inf". Raises UsageError where it is of another kind."""
        value = "inf" if value == inf else value
        number = type(value) in (int, float) and float in self.types and isfinite(value)
        if number or type(value) in self.types - {float} or (value is None and self.default is None):
            return value
        wanted = " or ".join(words for kind, words in MEANT.items() if kind in self.types)
        raise UsageError(f"{where} must be {wanted}, got {value!r}")

    def for_art(self, value: Any) -> Any:
        return inf if value == "inf" and float in self.types else value


def kinds(made: type[Any]) -> dict[str, Kind]:
    """ART's own parameters of the attack, by name."""
    found = {
        key: Kind(_types(str(item.annotation)), item.default)
        for key, item in signature(made.__init__).parameters.items()
        if key not in OURS
    }
    if {"eps", "eps_step"} <= found.keys():
        step = found["eps_step"]
        found["eps_step"] = Kind(step.types | {type(None)}, step.default)
    return found


def whole(made: type[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """`given` with ART's defaults for the others, so that the attack can be built again from them.

    A step `eps_step` that is not given is None: it keeps ART's proportion to `eps`, at every radius.

    Raises:
        UsageError: a parameter that the attack does not take, lacks, or takes in another kind.
    """
    name, known = ART_PREFIX + made.__name__, kinds(made)
    for key in given:
        if key not in known:
            why = ", which the model and the criterion settle" if key in OURS else ""
            raise UsageError(f"{name} has no parameter {key!r}{why}; ART's are {', '.join(known) or 'none'}")
    missing = [key for key, kind in known.items() if kind.default is Parameter.empty and key not in given]
    if missing:
        raise UsageError(f"{name} needs {', '.join(missing)}; write {name}:{missing[0]}=VALUE")
    following = {"eps_step": None} if {"eps", "eps_step"} <= known.keys() else {}
    values = {key: kind.default for key, kind in known.items()} | following | dict(given)
    return {key: known[key].checked(f"{name}:{key}", value) for key, value in values.items()}


def for_art(made: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """As ART's constructor takes them. A step is never longer than the radius: ART refuses one."""
    known = kinds(made)
    ready = {key: known[key].for_art(value) for key, value in values.items()}
    if "eps_step" in ready and "eps" in ready:
        ready["eps"] = float(ready["eps"])
        ready["eps_step"] = step_size(made, values)
    return ready


def step_size(made: type[Any], values: Mapping[str, Any]) -> float:
    """`eps_step` in effect at `eps`."""
    known, radius, named = kinds(made), float(values["eps"]), values["eps_step"]
    if named is None:
        return radius * float(known["eps_step"].default) / float(known["eps"].default)
    return min(float(named), radius)


def _types(annotation: str) -> frozenset[type]:
    named = {"bool": bool, "int": int, "float": float, "str": str, "None": type(None)}
    return frozenset(kind for word, kind in named.items() if word in annotation.replace("Optional", "None"))


def _scalar(text: str) -> Any:
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    above, slash, below = text.partition("/")
    try:
        if slash:
            return float(above) / float(below)
        return int(text) if text.lstrip("+-").isdigit() else float(text)
    except (ValueError, ZeroDivisionError):
        return text  # a word, which `checked` refuses where ART wants none
