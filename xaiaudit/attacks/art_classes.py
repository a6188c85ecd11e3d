"""The evasion attacks of the Adversarial Robustness Toolbox (ART) by name, and what is peculiar about some."""

import warnings
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from inspect import isclass
from typing import Any

from xaiaudit.attacks.registry import ART_PREFIX
from xaiaudit.errors import InstallationError, UsageError

_PATCH = "makes a patch to be stuck on images, no adversarial images"
_DETECTOR = "attacks object detectors or trackers"
_SPEECH = "attacks speech recognition"
_TENSORFLOW = "attacks TensorFlow models"
_FEATURES = "copies the features of a second image, which no criterion names"
REFUSED: Mapping[str, str] = {
    "AdversarialPatch": _PATCH,
    "AdversarialPatchNumpy": _PATCH,
    "AdversarialPatchPyTorch": _PATCH,
    "AdversarialPatchTensorFlowV2": _TENSORFLOW,
    "AdversarialTexturePyTorch": _DETECTOR,
    "CarliniWagnerASR": _SPEECH,
    "CompositeAdversarialAttackPyTorch": "changes the hue and saturation of colour images",
    "DPatch": _DETECTOR,
    "DecisionTreeAttack": "attacks decision trees of scikit-learn",
    "FeatureAdversariesNumpy": _FEATURES,
    "FeatureAdversariesPyTorch": _FEATURES,
    "FeatureAdversariesTensorFlowV2": _TENSORFLOW,
    "FrameSaliencyAttack": "attacks videos, through another attack",
    "GRAPHITEBlackbox": "needs a target image and the points of a sign",
    "GRAPHITEWhiteboxPyTorch": "needs the outline and the points of a sign",
    "HighConfidenceLowUncertainty": "attacks Gaussian processes of GPy",
    "ImperceptibleASR": _SPEECH,
    "ImperceptibleASRPyTorch": _SPEECH,
    "LaserAttack": "draws laser beams in colour, by a generator that no text can name",
    "LowProFool": "attacks tables: it needs the importance of every feature",
    "MalwareGDTensorFlow": _TENSORFLOW,
    "OverTheAirFlickeringPyTorch": "attacks video classifiers",
    "OverloadPyTorch": _DETECTOR,
    "ProjectedGradientDescentTensorFlowV2": _TENSORFLOW,
    "RobustDPatch": _DETECTOR,
    "SNAL": _DETECTOR,
}

# Their labels are always the class to reach.
TARGET_ONLY = frozenset({"SaliencyMapMethod", "TargetedUniversalPerturbation"})
# They refuse logits.
PROBABILITIES = frozenset({"SimBA", "VirtualAdversarialMethod"})
# They take two classes for one logit, or need three for a loss; a third class that never wins lets them run.
THIRD_CLASS = frozenset({"AutoAttack", "PixelAttack", "SignOPTAttack", "ThresholdAttack"})
# They begin at noise that is decided otherwise. Where they find none they give the clean image back, which is no
# sign of robustness.
BEGIN_AT_NOISE = frozenset({"BoundaryAttack", "BrendelBethgeAttack", "GeoDA", "HopSkipJump", "SignOPTAttack"})
# They draw nothing, unless `num_random_init` or `random_eps` says so.
DRAW_NOTHING = frozenset(
    [
        "BasicIterativeMethod",
        "CarliniL0Method",
        "CarliniL2Method",
        "CarliniLInfMethod",
        "DeepFool",
        "ElasticNet",
        "FastGradientMethod",
        "MomentumIterativeMethod",
        "NewtonFool",
        "ProjectedGradientDescent",
        "ProjectedGradientDescentNumpy",
        "ProjectedGradientDescentPyTorch",
        "SaliencyMapMethod",
        "SpatialTransformation",
        "Wasserstein",
    ]
)
# Of those without a parameter `norm`; the others' distances are in L2.
LINF = frozenset({"BasicIterativeMethod", "CarliniLInfMethod", "ThresholdAttack"})


def evasion_class(name: str) -> type[Any]:
    """ART's class of that name, with or without `art:`; upper and lower case, - and _ do not matter.

    Raises:
        InstallationError: ART is not installed.
        UsageError: no such attack (the nearest are listed), or one that does not attack grey images of a classifier.
    """
    wanted = name.removeprefix(ART_PREFIX)
    known = {_plain(key): key for key in _evasion_classes()}
    if _plain(wanted) not in known:
        near = [known[key] for key in get_close_matches(_plain(wanted), known, n=3, cutoff=0.5)]
        able = [key for key in known.values() if key not in REFUSED]
        hint = (
            f"did you mean {' or '.join(ART_PREFIX + key for key in near)}?"
            if near
            else f"it has {', '.join(able)}"
        )
        raise UsageError(f"ART has no evasion attack {wanted!r}; {hint}")
    found = known[_plain(wanted)]
    if found in REFUSED:
        raise UsageError(
            f"{ART_PREFIX}{found} cannot attack a classifier of grey images: it {REFUSED[found]}"
        )
    return _evasion_classes()[found]


def _evasion_classes() -> dict[str, type[Any]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of packages that ART would like to have
            module = import_module("art.attacks.evasion")
            base = import_module("art.attacks.attack").EvasionAttack
    except ImportError as error:
        raise InstallationError(
            f"attacks named {ART_PREFIX}NAME need the Adversarial Robustness Toolbox ({error}); "
            "install it with: pip install 'xaiaudit[art]'"
        ) from error
    return {key: value for key, value in vars(module).items() if isclass(value) and issubclass(value, base)}


def art_version() -> str:
    version: str = import_module("art").__version__
    return version


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")
