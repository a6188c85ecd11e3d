"""What attacks and criteria do where nothing else is said: for readers of an audit, which import no torch.

The classes hold the same values, and a test compares the two for every entry of the registries.
"""

from collections.abc import Mapping
from typing import Any

USUAL_RADIUS: Mapping[str, float] = {"linf": 8 / 255, "l2": 3.0}  # [0, 1] intensities; in L2 over all pixels

ATTACK_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "fgsm": {"epsilon": 0.1, "steps": 25, "alpha": None},
    "fgsm-single": {"epsilon": 0.1},
    "fgsm-thesis": {},
    "mi-fgsm": {"epsilon": USUAL_RADIUS["linf"], "steps": 25, "momentum": 1.0, "alpha": None},
    "pgd": {"epsilon": USUAL_RADIUS["linf"], "steps": 40, "restarts": 1, "alpha": None},
    "pgd-l2": {"epsilon": 3.0, "steps": 40, "restarts": 1, "alpha": None},
    "deepfool": {"norm": "l2", "steps": 50, "overshoot": 0.02},
    "fab": {"norm": "linf", "epsilon": None, "steps": 100, "alpha_max": 0.1, "eta": 1.05, "beta": 0.9},
    "square": {"epsilon": USUAL_RADIUS["linf"], "queries": 5000, "p_init": 0.8},
    "apgd": {"norm": "linf", "epsilon": None, "steps": 100, "restarts": 1},
    "worst": {"attacks": ("apgd", "fab", "square"), "norm": "linf", "epsilon": None},
    "noise": {"norm": "linf", "epsilon": None, "restarts": 10},
    "radius": {"inner": "apgd", "steps": 40, "largest": 0.1, "tolerance": 0.05},
    "map-shift": {
        "explainer": "grad-cam",
        "goal": "mass-centre",
        "epsilon": 1 / 255,
        "steps": 100,
        "alpha": None,
        "keep": 0.5,
        "target": "farthest",
        "layer": None,
        "surrogate": "none",
        "beta": 100.0,
    },
}

CRITERION_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "leave-decision": {},
    "target-class": {"class": None},  # has to be said
    "true-label": {},
    "lower-dice": {"limit": 0.5, "against": "prediction"},
    "joint": {"limit": 0.5, "against": "prediction"},
    "hide": {"score": 0.5, "iou": 0.2},
    "move": {"score": 0.5, "iou": 0.2},
    "invent": {"score": 0.5},
}


def whole(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Every hyperparameter of one of ATTACK_DEFAULTS, as an audit records them."""
    found = {**ATTACK_DEFAULTS[name], **given}
    if found.get("epsilon", 0.0) is None:
        found["epsilon"] = USUAL_RADIUS[found["norm"]]
    return found
