"""Architectures by name: built-in, of torchvision, of timm, or a factory of your own. No torch at import."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any

from xaiaudit.errors import UsageError

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What is known of a built-in architecture without building it."""

    factory: str  # "module:function", of (classes, channels, weights, **arguments)
    source: str  # where it is described
    heads: tuple[str, ...] = ("class",)  # of: class, mask, boxes
    exact_cam: bool = True  # global average pooling and one linear layer end it
    one_logit: bool = False  # of two classes: the source ends in one sigmoid
    recipe: Mapping[str, Any] = field(default_factory=dict)  # of training, where the source departs from ours


KINDS: Mapping[type, str] = {bool: "true or false", int: "a whole number", str: "a name"}  # of arguments

_BENCH = {  # Shareef et al. 2023, sections 3.2 and 5
    "batch_size": 32, "learning_rate": 1e-5, "rotation": 20.0, "shift": 0.2, "width_shift": 0.2,
}  # fmt: skip

_FAN = {  # Fan et al. 2022, section 3.3; alpha is their lambda; of the augmentation they name the kinds alone
    "epochs": 100, "batch_size": 8, "learning_rate": 1e-3, "mask_loss": "cross-entropy", "alpha": 0.5, "beta": 0.5,
    "keep_by": "accuracy", "vertical_flip": 0.5, "rotation": 15.0, "shift": 0.0, "brightness": 0.2, "contrast": 0.2,
}  # fmt: skip

_GAO = {  # Gao et al. 2020, Table 1 and section 3.3; of the augmentation they name the kinds alone
    "epochs": 10, "proposal_epochs": 10, "head_epochs": 10, "batch_size": 8, "optimizer": "sgd", "momentum": 0.9,
    "learning_rate": 5e-3, "flip": 0.5, "rotation": 15.0, "zoom": 0.2, "contrast": 0.2, "batch_norm": "freeze",
}  # fmt: skip

# a new architecture is one file and one entry; its CAM layer is found, or named by the network (see `probing`)
MODELS: Mapping[str, Architecture] = {
    "small-cnn": Architecture(
        factory="xaiaudit.models.small_cnn:small_cnn", source="ours, for the demonstration and tests"
    ),
    "thesis-stl": Architecture(
        factory="xaiaudit.models.thesis_stl:thesis_stl", source="Rasaee 2022, thesis, section 2.2.2"
    ),
    "thesis-seg": Architecture(
        factory="xaiaudit.models.thesis_stl:thesis_seg",
        source="Rasaee 2022, thesis, section 2.2.3",
        heads=("mask",),
        exact_cam=False,
    ),
    "thesis-mtl": Architecture(
        factory="xaiaudit.models.thesis_mtl:thesis_mtl",
        source="Rasaee 2022, thesis, section 3.2.1",
        heads=("class", "mask"),
    ),
    "la-net": Architecture(
        factory="xaiaudit.models.la_net:la_net",
        source="Fan et al. 2022, section 2.1",
        heads=("class", "mask"),
        recipe=_FAN | {"mask_epochs": 20, "pseudo_weight": 0.1, "pseudo_threshold": 0.8},
    ),
    "rmtl": Architecture(
        factory="xaiaudit.models.rmtl:rmtl",
        source="Rasaee & Rivaz 2021, as in Fan et al. 2022, section 3.4",
        heads=("class", "mask"),
        recipe=_FAN,
    ),
    "scaled-resnet": Architecture(
        factory="xaiaudit.models.scaled_resnet:scaled_resnet",
        source="Byra et al. 2022, J Ultrason 22:70-75",
        one_logit=True,
        recipe={
            "epochs": 100,
            "patience": 8,
            "batch_size": 12,
            "learning_rate": 1e-3,
            "freeze_backbone": True,
        },
    ),
    "bench-stl": Architecture(
        factory="xaiaudit.models.bench:bench_stl",
        source="Shareef et al. 2023, benchmark, section 5.1",
        exact_cam=False,
        one_logit=True,
        recipe=_BENCH | {"epochs": 50, "loss": "weighted", "positive_weight": 3.0},
    ),
    "bench-mtl": Architecture(
        factory="xaiaudit.models.bench:bench_mtl",
        source="Shareef et al. 2023, benchmark, section 5.2.1",
        heads=("class", "mask"),
        exact_cam=False,
        one_logit=True,
        recipe=_BENCH | {"epochs": 70, "alpha": 1.5, "beta": 1.0},
    ),
    "mt-estan": Architecture(
        factory="xaiaudit.models.mt_estan:mt_estan",
        source="Shareef et al. 2023, benchmark, section 4",
        heads=("class", "mask"),
        exact_cam=False,
        one_logit=True,
        recipe=_BENCH | {"epochs": 70, "loss": "weighted", "positive_weight": 3.0, "alpha": 3.0, "beta": 1.0},
    ),
    "emt-net": Architecture(
        factory="xaiaudit.models.emt_net:emt_net",
        source="Shi et al. 2022, EMT-NET, in part",
        heads=("class", "mask"),
        exact_cam=False,
        one_logit=True,
        recipe=_BENCH | {"epochs": 70, "loss": "weighted", "positive_weight": 3.0, "alpha": 1.0, "beta": 1.0},
    ),
    "sha-mtl": Architecture(
        factory="xaiaudit.models.sha_mtl:sha_mtl",
        source="Zhang et al. 2021, SHA-MTL, in part",
        heads=("class", "mask"),
        recipe=_BENCH | {"epochs": 70, "alpha": 1.0, "beta": 1.0},
    ),
    "ft-mtl-net": Architecture(
        factory="xaiaudit.models.detection.ft_mtl:ft_mtl_net",
        source="Gao et al. 2020, FT-MTL-Net, section 2",
        heads=("class", "mask", "boxes"),
        exact_cam=False,
        one_logit=True,
        recipe=_GAO,
    ),
    "mask-rcnn": Architecture(
        factory="xaiaudit.models.detection.mask_rcnn:mask_rcnn",
        source="He et al. 2017, Mask R-CNN, with torchvision's heads",
        heads=("class", "mask", "boxes"),
        exact_cam=False,
        one_logit=True,
        recipe=_GAO,
    ),
    "unet-mtl": Architecture(
        factory="xaiaudit.models.unet_mtl:unet_mtl",
        source="Vakanski & Xian 2021, arXiv:2103.03328",
        heads=("class", "mask"),
        exact_cam=False,
        recipe=_BENCH | {"epochs": 70, "learning_rate": 1e-4, "alpha": 1.0, "beta": 1.0},
    ),
}


def build(
    architecture: str,
    *,
    classes: int,
    channels: int,
    weights: str = "none",
    logits: int | None = None,
    **arguments: Any,
) -> "nn.Module":
    """A network by name, with its last layer for the classes and its first for the channels.

    Args:
        architecture: a name of `MODELS`, a classifier of torchvision ("resnet50" or "torchvision:resnet50"),
            "timm:NAME", or "package.module:factory", which is called with `arguments` alone.
        classes: how many the decision is between.
        channels: of the normalised image. Other than 3: the RGB filters of the first convolution are summed
            for one channel, so that grey gives what grey repeated three times gave; else repeated and scaled.
        weights: "none" (random), "default" (pretrained, downloaded by torchvision or timm), or a file; see
            `weights.load_into`. The multi-task network takes them for its encoder.
        logits: 1 for a sigmoid model of two classes; None: as the architecture's source has it, else one a class.
        arguments: passed on to the architecture.

    Raises:
        UsageError: an unknown name (the nearest are listed), or arguments that the architecture refuses.
        CheckpointError: a weights file that cannot be read or does not fit.
        InstallationError: torch and torchvision do not match.
    """
    if logits is None:
        one = classes == 2 and architecture in MODELS and MODELS[architecture].one_logit
        logits = 1 if one else classes
    width = logits
    if width != classes and (width, classes) != (1, 2):
        raise UsageError(
            f"{width} logits cannot decide between {classes} classes; give one a class, or 1 for two classes"
        )
    try:
        return _build(architecture, width, channels, weights, arguments)
    except TypeError as error:
        raise UsageError(f"{architecture} does not take the arguments {arguments}: {error}") from error


def heads_of(architecture: str) -> tuple[str, ...] | None:
    """Of "class", "mask" and "boxes"; None of a factory of the user's, which is not known before it is built."""
    if architecture in MODELS:
        return MODELS[architecture].heads
    return None if is_factory(architecture) else ("class",)


def draws_boxes(architecture: str) -> bool:
    """A built-in network that draws boxes around lesions."""
    return "boxes" in (heads_of(architecture) or ())


def makes_diagnosis(architecture: str) -> bool:
    """False of a built-in network that outlines alone: what it decides is whether it outlines anything."""
    return "class" in (heads_of(architecture) or ("class",))


def architectures() -> list[str]:
    """Every name that `build` knows without a prefix: the built-ins, then torchvision's classifiers."""
    from xaiaudit.models.zoo import torchvision_names

    return [*MODELS, *torchvision_names()]


def is_factory(architecture: str) -> bool:
    """The name stands for code of the user's, "package.module:factory"."""
    return ":" in architecture and architecture.partition(":")[0] not in ("timm", "torchvision")


def _build(
    architecture: str, width: int, channels: int, weights: str, arguments: Mapping[str, Any]
) -> "nn.Module":
    from xaiaudit.models import zoo

    source, _, name = architecture.rpartition(":")
    if architecture in MODELS:
        module, _, attribute = MODELS[architecture].factory.partition(":")
        factory = getattr(import_module(module), attribute)
        _check_arguments(architecture, factory, arguments)
        net: nn.Module = factory(classes=width, channels=channels, weights=weights, **arguments)
        return net
    if is_factory(architecture):
        return _own(source, name, weights, arguments)
    if source == "timm":
        return zoo.timm_classifier(name, width, channels, weights, arguments)
    if name not in zoo.torchvision_names():
        raise UsageError(_unknown(architecture))
    return zoo.torchvision_classifier(name, width, channels, weights, arguments)


def _check_arguments(architecture: str, factory: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
    """Raises UsageError for an argument that a built-in network does not have, or of another type than its default."""
    own = {
        name: parameter.default
        for name, parameter in signature(factory).parameters.items()
        if name not in ("classes", "channels", "weights")
    }
    for name, value in arguments.items():
        if name not in own:
            takes = f"it takes {', '.join(own)}" if own else "it takes none"
            raise UsageError(f"{architecture} does not take the argument {name!r}; {takes}")
        if type(value) is not type(own[name]):
            raise UsageError(
                f"{architecture} takes {name} as {KINDS[type(own[name])]}, got {value!r}; the default is {own[name]!r}"
            )


def _own(module: str, name: str, weights: str, arguments: Mapping[str, Any]) -> "nn.Module":
    from xaiaudit.models.weights import load_into

    try:
        factory = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UsageError(
            f"{module}:{name} cannot be imported: {error}; install it or put its folder on PYTHONPATH"
        ) from error
    net: nn.Module = factory(**arguments)
    if weights == "default":
        raise UsageError(f"{module}:{name} has no default weights; give a file, or 'none'")
    if weights != "none":
        load_into(net, weights)
    return net


def _unknown(architecture: str) -> str:
    near = get_close_matches(architecture, architectures(), n=3, cutoff=0.5)
    nearest = (
        f"the nearest {'is' if len(near) == 1 else 'are'} {', '.join(near)}"
        if near
        else f"built-in are {', '.join(MODELS)}"
    )
    return (
        f"unknown architecture {architecture!r}: {nearest}; timm's go by timm:NAME, "
        "your own by package.module:factory"
    )
