"""Attacks by name. A new one is a file of its own and a line here. Needs no torch until one is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

from xaiaudit.errors import UsageError

if TYPE_CHECKING:
    import xaiaudit.attacks.base

ATTACKS: Mapping[str, str] = {
    "fgsm": "xaiaudit.attacks.fgsm:IterativeFGSM",
    "fgsm-single": "xaiaudit.attacks.fgsm:SingleStepFGSM",
    "fgsm-thesis": "xaiaudit.attacks.fgsm:ThesisFGSM",
    "mi-fgsm": "xaiaudit.attacks.mi_fgsm:MomentumFGSM",
    "pgd": "xaiaudit.attacks.pgd:PGD",
    "pgd-l2": "xaiaudit.attacks.pgd:PGDL2",
    "deepfool": "xaiaudit.attacks.deepfool:DeepFool",
    "apgd": "xaiaudit.attacks.apgd:APGD",
    "noise": "xaiaudit.attacks.noise:Noise",
}


def attack(name: str, **parameters: Any) -> "xaiaudit.attacks.base.Attack":
    """The attack of that name, e.g. attack("pgd", epsilon=4 / 255, steps=40).

    Raises:
        UsageError: an unknown name or parameter (the nearest right ones are listed), or a bad value.
    """
    made = attack_class(name)
    known = parameters_of(name)
    for parameter in parameters:
        if parameter not in known:
            raise UsageError(unknown_parameter(name, parameter, list(known)))
    built: xaiaudit.attacks.base.Attack = made(**parameters)
    return built


def attack_class(name: str) -> type[Any]:
    """Raises UsageError for an unknown name."""
    if name not in ATTACKS:
        raise UsageError(f"no attack {name!r}; {nearest(name, list(ATTACKS))}")
    module, attribute = ATTACKS[name].split(":")
    found: type[Any] = getattr(import_module(module), attribute)
    return found


def parameters_of(name: str) -> dict[str, Any]:
    """The attack's hyperparameters, each with its type; empty where all is fixed."""
    return {field.name: field.type for field in fields(attack_class(name))}


def unknown_parameter(name: str, parameter: str, known: Sequence[str]) -> str:
    takes = f"it takes {', '.join(known)}" if known else "it takes none"
    return f"{name} has no parameter {parameter!r}; {takes}"


def nearest(word: str, known: Sequence[str]) -> str:
    near = get_close_matches(word, known, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
