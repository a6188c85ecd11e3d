"""What a network is, found by one forward on fixed random images: one logit, mask, CAM layer, linear head."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from xaiaudit.errors import UsageError
from xaiaudit.models.features import module_at
from xaiaudit.models.outputs import two_or_more_logits
from xaiaudit.tensors import Images, Outputs
from xaiaudit.types import Preprocessing

TOLERANCE = 1e-4  # of the head identity, in logits, absolute and relative
# Between the last feature map and the linear layer: their outputs are no feature maps of their own.
_NOT_FEATURES = (nn.Identity, nn.Dropout, nn.Dropout2d)


class Wrapper(Protocol):
    """What a probe needs of the wrapper that asks for it."""

    net: nn.Module
    preprocessing: Preprocessing
    mean: Tensor
    classes: tuple[str, ...]
    flip: bool

    def __call__(self, images: Images, layers: tuple[str, ...] = ()) -> Outputs: ...


@dataclass(frozen=True, kw_only=True)
class Probe:
    one_logit: bool
    has_mask: bool
    draws_boxes: bool
    cam_layer: str | None
    head: nn.Linear | None
    why_no_head: str  # empty where there is one


@dataclass(eq=False)
class Call:
    """One run of one module: its name and what it gave."""

    name: str
    module: nn.Module
    output: Tensor

    @property
    def is_feature_map(self) -> bool:
        """(n, c, u, u) with more than one position. The probe is square, so channels-last is told apart."""
        if self.output.ndim != 4 or isinstance(self.module, _NOT_FEATURES):
            return False
        return self.output.shape[2] == self.output.shape[3] > 1 and "Pool" not in type(self.module).__name__

    @property
    def is_tokens(self) -> bool:
        """Positions that are not laid out as (n, c, u, v), as transformers have them."""
        shape = self.output.shape
        return (len(shape) == 3 and min(shape[1:]) > 1) or (len(shape) == 4 and shape[2] != shape[3])


def probe(model: Wrapper, cam_layer: str | None, head: str | None) -> Probe:
    """Run `model` on two random images of its own size; `cam_layer` and `head` as named by the user.

    A network of ours may name its layer itself, as `net.cam_layer`, where a decoder comes after it on the way to the
    logits.

    Raises:
        UsageError: a head named by the user for which logits = weight @ pooled features + bias does not hold.
    """
    size = model.preprocessing.size
    own = getattr(model.net, "cam_layer", None)
    if cam_layer is None and isinstance(own, str):
        cam_layer = own
    shape = (2, model.preprocessing.given, size, size)
    images = torch.rand(shape, generator=torch.Generator().manual_seed(0)).to(model.mean)
    if cam_layer is None:
        last = last_feature_map(model.net, lambda: _first(model, images.clone().requires_grad_()).logits)
        cam_layer = last.name if last else None
    with torch.inference_mode(False), torch.no_grad():
        out = _first(model, images, (cam_layer,) if cam_layer else ())
    found, why = _head(model, out, cam_layer, head)
    return Probe(
        one_logit=out.one_logit,
        has_mask=out.mask_logits is not None,
        draws_boxes=out.boxes is not None,
        cam_layer=cam_layer,
        head=found,
        why_no_head=why,
    )


def _first(model: Wrapper, images: Images, layers: tuple[str, ...] = ()) -> Outputs:
    """The first forward of all, which tells whether the network takes such images."""
    try:
        return model(images, layers)
    except (RuntimeError, AssertionError, ValueError) as error:
        channels, (rows, columns) = model.preprocessing.channels, images.shape[2:]
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(
            f"{type(model.net).__name__} cannot take images of {rows} × {columns} pixels and {channels} "
            f"channels: {reason}; give the size and channels that it was made for"
        ) from error


def last_feature_map(net: nn.Module, run: Callable[[], Tensor]) -> Call | None:
    """The outermost layer of `net` that gives the last feature map on the way to the logits of `run()`; or None."""
    return next(reversed(feature_maps(net, run)), None)


def feature_maps(net: nn.Module, run: Callable[[], Tensor]) -> list[Call]:
    """The layers that give a feature map on the way to the logits of `run()` and run once, in order.

    `run` calls `net` once, on square images that require a gradient. Empty where tokens come after the last
    feature map: a map of an early convolution would not explain a transformer.
    """
    calls = _calls(net, run)
    runs = Counter(call.name for call in calls)
    maps = [call for call in calls if call.is_feature_map and runs[call.name] == 1]
    after = calls[calls.index(maps[-1]) :] if maps else []
    return [] if any(call.is_tokens for call in after) else maps


def _calls(net: nn.Module, run: Callable[[], Tensor]) -> list[Call]:
    """What ran on the way to the logits, in order; a module ends after all that is within it."""
    calls: list[Call] = []
    modules = [(name, module) for name, module in net.named_modules() if name]
    handles = [module.register_forward_hook(partial(_note, calls, name)) for name, module in modules]
    try:
        with torch.inference_mode(False), torch.enable_grad():
            return _used(calls, run())
    finally:
        for handle in handles:
            handle.remove()


def _note(calls: list[Call], name: str, module: nn.Module, _: tuple[Any, ...], output: Any) -> None:
    if isinstance(output, Tensor) and output.ndim in (3, 4):
        calls.append(Call(name, module, output))


def _used(calls: list[Call], logits: Tensor) -> list[Call]:
    calls = [call for call in calls if call.output.requires_grad]
    if not logits.requires_grad or not calls:
        return []
    grads = torch.autograd.grad(logits.sum(), [call.output for call in calls], allow_unused=True)
    return [call for call, grad in zip(calls, grads, strict=True) if grad is not None]


def _head(model: Wrapper, out: Outputs, layer: str | None, named: str | None) -> tuple[nn.Linear | None, str]:
    """The linear layer that turns the layer's average into the logits, checked on `out`; or why none."""
    if layer is None:
        return None, "no layer of feature maps was found; name one as cam_layer"
    pooled = out.features[layer].mean((2, 3))
    candidates = [module_at(model.net, named)] if named else reversed(list(model.net.modules()))
    for module in candidates:
        if isinstance(module, nn.Linear) and _explains(module, pooled, out, model):
            return module, ""
    if named:
        raise UsageError(
            f"head {named!r} is not the linear layer after global average pooling of {layer!r}: its weights "
            "do not give the logits; leave head out, and use an explainer that needs none"
        )
    return None, (
        f"no linear layer of {type(model.net).__name__} turns the average of {layer!r} into the logits; "
        "use grad-cam, or name the layer that is pooled as cam_layer"
    )


def _explains(linear: nn.Linear, pooled: Tensor, out: Outputs, model: Wrapper) -> bool:
    if linear.in_features != pooled.shape[1]:
        return False
    with torch.no_grad():
        raw = linear(pooled)
    if raw.shape[1] != (1 if out.one_logit else out.logits.shape[1]):
        return False
    logits, _ = two_or_more_logits(raw, len(raw), len(model.classes), flip=model.flip)
    return torch.allclose(logits, out.logits, rtol=TOLERANCE, atol=TOLERANCE)
