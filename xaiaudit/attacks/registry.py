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
    "fab": "xaiaudit.attacks.fab:FAB",
    "square": "xaiaudit.attacks.square:Square",
    "apgd": "xaiaudit.attacks.apgd:APGD",
    "worst": "xaiaudit.attacks.worst:WorstCase",
    "noise": "xaiaudit.attacks.noise:Noise",
    "radius": "xaiaudit.attacks.radius:SmallestRadius",
    "map-shift": "xaiaudit.attacks.map_shift:MapShift",
}

ART = "xaiaudit.attacks.art:ArtAttack"
ART_PREFIX = "art:"  # followed by the name of a class of ART, e.g. art:SquareAttack


def attack(name: str, **parameters: Any) -> "xaiaudit.attacks.base.Attack":
    """The attack of that name, e.g. attack("pgd", epsilon=4 / 255, steps=40).

    Raises:
        UsageError: an unknown name or parameter (the nearest right ones are listed), or a bad value.
    """
    made = attack_class(name)
    if name.startswith(ART_PREFIX):
        theirs: xaiaudit.attacks.base.Attack = made(attack=name, parameters=parameters)
        return theirs
    known = parameters_of(name)
    for parameter in parameters:
        if parameter not in known:
            raise UsageError(unknown_parameter(name, parameter, list(known)))
    built: xaiaudit.attacks.base.Attack = made(**parameters)
    return built


def attack_class(name: str) -> type[Any]:
    """Raises UsageError for an unknown name."""
    theirs = name.startswith(ART_PREFIX)
    if not theirs and name not in ATTACKS:
        raise UsageError(f"no attack {name!r}; {nearest(name, list(ATTACKS))}")
    module, attribute = (ART if theirs else ATTACKS[name]).split(":")
    made: type[Any] = getattr(import_module(module), attribute)
    if theirs:
        made.kinds(name)  # refuses what ART does not have
    return made


def parameters_of(name: str) -> dict[str, Any]:
    """The attack's hyperparameters, each with its type; empty where all is fixed."""
    made = attack_class(name)
    if name.startswith(ART_PREFIX):
        theirs: dict[str, Any] = made.kinds(name)
        return theirs
    return {field.name: field.type for field in fields(made)}


def settings(made: "xaiaudit.attacks.base.Attack") -> dict[str, Any]:
    """Every hyperparameter, defaults too: `attack(made.name, **settings(made))` is the same attack again."""
    if made.name.startswith(ART_PREFIX):
        return dict(vars(made)["parameters"])
    return {name: getattr(made, name) for name in parameters_of(made.name)}


def unknown_parameter(name: str, parameter: str, known: Sequence[str]) -> str:
    takes = f"it takes {', '.join(known)}" if known else "it takes none"
    return f"{name} has no parameter {parameter!r}; {takes}"


def nearest(word: str, known: Sequence[str]) -> str:
    near = get_close_matches(word, known, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
