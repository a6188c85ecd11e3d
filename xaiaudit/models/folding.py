"""Batch norm in eval mode is one scale and shift a channel: fold it into the layer before it, in a copy."""

import copy
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeGuard, cast

import torch
from torch import Tensor, nn

from xaiaudit.models.frozen import frozen
from xaiaudit.models.recording import Recording, record, tensors

TOLERANCE = 1e-4  # of every output of the folded network, absolute and relative
Norm = nn.BatchNorm1d | nn.BatchNorm2d | nn.SyncBatchNorm
Transposed = nn.ConvTranspose1d | nn.ConvTranspose2d
Convolution = nn.Conv1d | nn.Conv2d | Transposed
Layer = Convolution | nn.Linear


@dataclass(frozen=True, kw_only=True)
class Folded:
    """A network of the same names and outputs with fewer batch norms; the very same where none was folded."""

    net: nn.Module
    norms: int  # batch norms that the network has
    pairs: tuple[tuple[str, str], ...] = ()  # dotted names: the layer, and the batch norm that it took over
    left: Mapping[str, str] = field(default_factory=dict)  # batch norm -> why it stands as it was
    why: str = ""  # something could have been folded and was not
    changed: frozenset[str] = frozenset()  # layers whose own output is no longer what it was


def fold(net: nn.Module, images: Tensor) -> Folded:
    """A copy of `net` that shares all weights but those of the layers that took over a batch norm.

    A batch norm is folded into the convolution, transposed convolution or linear layer before it where a
    forward on `images` (as the network itself gets them), recorded operation by operation, proves that both
    ran once, that their weights are used nowhere else, and that nothing but the batch norm sees the layer's
    output. The copy is then compared with `net` on `images`: where any output differs by more than
    `TOLERANCE`, `net` itself is given back and `why` says so. Both are in eval mode and frozen meanwhile.
    """
    norms = {name: module for name, module in net.named_modules() if isinstance(module, Norm)}
    if not norms:
        return Folded(net=net, norms=0)
    with frozen(net):
        recording = record(net, images)
        if recording.reads:
            return Folded(
                net=net, norms=len(norms), why=f"its flow may depend on the image ({recording.reads[0]})"
            )
        before = {name: _layer_before(norm, recording) for name, norm in norms.items()}
        left = {name: found for name, found in before.items() if isinstance(found, str)}
        layers = {name: found for name, found in before.items() if not isinstance(found, str)}
        names = {module: name for name, module in net.named_modules()}
        pairs = tuple((names[layer], name) for name, layer in layers.items())
        if not pairs:
            return Folded(net=net, norms=len(norms), left=left)
        try:
            folded = _folded(net, pairs)
            with torch.inference_mode(False), torch.no_grad():
                why = _difference(net(images), folded(images))
        except (AttributeError, RuntimeError, TypeError) as error:  # the network's own code minds
            why = str(error).partition("\n")[0] or type(error).__name__
    if why:
        return Folded(net=net, norms=len(norms), left=left, why=why)
    return Folded(
        net=folded, norms=len(norms), pairs=pairs, left=left, changed=_changed(net, recording, layers)
    )


def _layer_before(norm: Norm, recording: Recording) -> Layer | str:
    """The layer that can take over this batch norm, or why there is none."""
    calls = recording.calls(norm)
    if len(calls) != 1:
        return f"it ran {len(calls)} times"
    if norm.running_mean is None or norm.running_var is None:
        return "it has no running statistics"
    if not _alone(recording, norm.weight, norm.bias, norm.running_mean, norm.running_var):
        return "its weights are used elsewhere too"
    between = calls[0].input
    if not _alone(recording, between) or recording.returns(between):
        return "what it takes is used elsewhere too"
    layer = recording.maker(between)
    if layer is None:
        return "it does not follow a layer"
    if not _is_linear(layer, between, recording):
        return f"it follows a layer of type {type(layer).__name__}"
    return layer


def _alone(recording: Recording, *tensors: Tensor | None) -> bool:
    """Each of these tensors is taken by a single operation."""
    return all(recording.uses[id(tensor)] == 1 for tensor in tensors if tensor is not None)


def _is_linear(layer: nn.Module, output: Tensor, recording: Recording) -> TypeGuard[Layer]:
    """In its own weight and bias, which nothing else uses."""
    if not isinstance(layer, Layer) or not _alone(recording, layer.weight, layer.bias):
        return False
    if isinstance(layer, nn.Linear):
        return type(layer) is nn.Linear and output.ndim == 2  # else batch norm counts other channels
    weight, bias = recording.convolved.get(id(output), (None, None))  # a subclass may make others of its own
    return layer.weight is weight and layer.bias is bias


def _folded(net: nn.Module, pairs: tuple[tuple[str, str], ...]) -> nn.Module:
    copied = sharing_copy(net)
    for name, norm_name in pairs:
        norm = copied.get_submodule(norm_name)
        _take_over(cast(Layer, copied.get_submodule(name)), cast(Norm, norm))
        put(copied, norm, _rest(norm))
    return copied


def sharing_copy(net: nn.Module) -> nn.Module:
    """Modules of its own, with the very parameters and buffers of `net`."""
    shared = {id(tensor): tensor for tensor in (*net.parameters(), *net.buffers())}
    copied = copy.deepcopy(net, shared)
    for (
        name,
        module,
    ) in net.named_modules():  # a copy of torchvision's feature extractors comes in training mode
        copied.get_submodule(name).training = module.training
    return copied


def put(net: nn.Module, old: nn.Module, new: nn.Module) -> None:
    """`new` in the place of `old`, under every name that it has."""
    for name, module in list(net.named_modules(remove_duplicate=False)):
        if module is old:
            net.set_submodule(name, new)


def _take_over(layer: Layer, norm: Norm) -> None:
    """gamma (Wx + b - mean) / sqrt(var + eps) + beta as one weight and bias, computed in float64."""
    mean, variance = _double(norm.running_mean, 0), _double(norm.running_var, 1)
    scale = (variance + norm.eps).rsqrt() * _double(norm.weight, 1)
    bias = (_double(layer.bias, 0) - mean) * scale + _double(norm.bias, 0)
    old = layer.weight
    layer.weight = nn.Parameter(_scaled(layer, scale).to(old), requires_grad=False)
    layer.bias = nn.Parameter(bias.to(old), requires_grad=False)


def _double(tensor: Tensor | None, absent: float) -> Tensor:
    return torch.tensor(absent) if tensor is None else tensor.double()


def _scaled(layer: Layer, scale: Tensor) -> Tensor:
    """The layer's weight with every output channel scaled; a transposed convolution has them second."""
    weight = layer.weight.double()
    if not isinstance(layer, Transposed):
        return weight * scale.view(-1, *[1] * (weight.ndim - 1))
    by_group = weight.reshape(layer.groups, -1, *weight.shape[1:])
    scale = scale.view(layer.groups, 1, -1, *[1] * (weight.ndim - 2))
    return (by_group * scale).flatten(0, 1)


def _rest(norm: nn.Module) -> nn.Module:
    """What is left of a batch norm: nothing, or the activation that timm's batch norms hold."""
    children = OrderedDict(norm.named_children())
    return nn.Sequential(children) if children else nn.Identity()


def _difference(plain: object, folded: object) -> str:
    """Empty where all outputs agree within `TOLERANCE`."""
    for one, other in zip(tensors(plain), tensors(folded), strict=True):
        if not torch.allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE):
            worst = (one - other).abs().max().item()
            return f"folded outputs differ by {worst:.2g}, more than the rounding of float32 explains"
    return ""


def _changed(net: nn.Module, recording: Recording, layers: Mapping[str, Layer]) -> frozenset[str]:
    """Names of the layers, and of the blocks that end in one of them."""
    outputs = {id(run.output) for run in recording.runs if run.module in layers.values()}
    modules = {run.module for run in recording.runs if id(run.output) in outputs}
    names = net.named_modules(remove_duplicate=False)
    return frozenset(name for name, module in names if module in modules)
