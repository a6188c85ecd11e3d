"""State dicts: from a file, made to fit, into a network."""

import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from xaiaudit.errors import CheckpointError
from xaiaudit.models.files import read_file, state_dict_in

# Old torchvision files of DenseNet: denselayer1.norm.1.weight for denselayer1.norm1.weight.
_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.(?=[12]\.)")
_AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")  # classifiers for training alone, which we build without
_PREFIXES = ("module.", "model.")


def load_into(net: nn.Module, path: str | Path) -> list[str]:
    """Load a state dict of the same architecture from a file into `net`; what was changed, in words.

    A head of another width is left as it is in `net`, as are convolutions of other input channels adapted;
    every other key must be there and fit. Prefixes `module.` and `model.` are stripped.
    Weights whose batch norm was folded (identity statistics) load as any others; if their network used ReLU
    where this one has ReLU6, as folded 8-bit releases of MobileNetV2 do, activations above 6 differ.

    Raises:
        CheckpointError: not a file, unsafe, truncated, of another architecture, or with non-finite weights.
    """
    state, notes = state_dict_in(read_file(Path(path)))
    return notes + fit_into(net, state, str(path))


def fit_into(net: nn.Module, state: Mapping[str, Tensor], source: str, *, any_head: bool = True) -> list[str]:
    """Load `state` into `net`, as `load_into`; without `any_head` the head must fit too."""
    own = net.state_dict()
    state, notes = _renamed(state, own)
    check_finite(state, source)
    if any_head:
        head = head_name(net)
        for key in [key for key in state if head and key.startswith(f"{head}.") and key in own]:
            if state[key].shape[:1] != own[key].shape[:1] and state[key].shape[1:] == own[key].shape[1:]:
                notes.append(f"{key} {tuple(state[key].shape)} left out: the head is new")
                state[key] = own[key]
    convolution = first_convolution(net)
    if any_head and convolution and (key := f"{convolution[0]}.weight") in state:
        channels = convolution[1].in_channels
        if state[key].ndim == 4 and state[key].shape[1] == 3 != channels:
            notes.append(f"{key} adapted from 3 channels to {channels}")
            state[key] = adapt_rgb(state[key], channels)
    check_keys(own, state, source, type(net).__name__)
    net.load_state_dict(state, strict=False)  # strict but for num_batches_tracked, which old files lack
    return notes


def check_keys(own: Mapping[str, Tensor], state: Mapping[str, Tensor], source: str, name: str) -> None:
    """Raises CheckpointError with counts and first names where keys or shapes differ."""
    missing = [key for key in own if key not in state and not key.endswith("num_batches_tracked")]
    surplus = [key for key in state if key not in own]
    shapes = [
        f"{key} {tuple(state[key].shape)} for {tuple(own[key].shape)}"
        for key in own
        if key in state and state[key].shape != own[key].shape
    ]
    faults = [
        f"{len(keys)} {what} ({', '.join(keys[:3])}{', ...' if len(keys) > 3 else ''})"
        for keys, what in ((missing, "missing"), (surplus, "unexpected"), (shapes, "of another shape"))
        if keys
    ]
    if faults:
        raise CheckpointError(
            f"{source} does not fit {name}: of its {len(own)} tensors {'; '.join(faults)}; "
            "name the architecture that the weights were trained with"
        )


def check_finite(state: Mapping[str, Tensor], source: str) -> None:
    """Raises CheckpointError naming the tensors that hold NaN or infinity."""
    bad = [key for key, value in state.items() if value.is_floating_point() and not value.isfinite().all()]
    if bad:
        raise CheckpointError(
            f"{source} holds {len(bad)} tensors with NaN or infinite values ({', '.join(bad[:3])}); "
            "the training diverged: take an earlier checkpoint"
        )


def head_name(net: nn.Module) -> str | None:
    """Dotted name of the layer that gives the logits: the last linear one, or the last convolution."""
    cfg: Any = getattr(net, "pretrained_cfg", None) or {}  # timm says it
    said = str(cfg.get("classifier"))
    if said in dict(net.named_modules()):
        return said
    for kind in (nn.Linear, nn.Conv2d):
        names: list[str] = [name for name, module in net.named_modules() if isinstance(module, kind)]
        if names:
            return names[-1]
    return None


def first_convolution(net: nn.Module) -> tuple[str, nn.Conv2d] | None:
    """Dotted name and module of the convolution that sees the image."""
    return next(((name, m) for name, m in net.named_modules() if isinstance(m, nn.Conv2d)), None)


def adapt_rgb(weight: Tensor, channels: int) -> Tensor:
    """Filters (f, 3, u, v) for `channels`: summed for one, else repeated and scaled to the same total."""
    if channels == 1:
        return weight.sum(1, keepdim=True)
    return weight.repeat(1, math.ceil(channels / 3), 1, 1)[:, :channels] * (3 / channels)


def _renamed(state: Mapping[str, Tensor], own: Iterable[str]) -> tuple[dict[str, Tensor], list[str]]:
    """Keys as `own` has them: without prefixes that all of them carry, and with today's names."""
    own, notes, renamed = set(own), [], dict(state)
    for prefix in _PREFIXES * 2:  # module.model. and model.module. both occur
        if renamed and all(key.startswith(prefix) for key in renamed) and not own & set(renamed):
            renamed = {key.removeprefix(prefix): value for key, value in renamed.items()}
            notes.append(f"prefix {prefix} stripped from every key")
    today = {_OLD_DENSENET.sub(r"\1", key): value for key, value in renamed.items()}
    kept = {key: value for key, value in today.items() if key in own or not key.startswith(_AUXILIARY)}
    return kept, notes
