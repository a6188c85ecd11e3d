"""A network that computes in bf16 between its first layer and its heads, to search with.

bf16 keeps 8 bits of a number: in the image it would erase what lies below a grey level, in a logit it would
coarsen the margin. So the normalised image, the layers that see it, and those that give the outputs stay in
float32. On a CPU so do depthwise convolutions, whose backward is slow in bf16: with them MobileNetV2 took 1.5
times as long as in float32, without them 0.9.
"""

import torch
from torch import Tensor, nn

from xaiaudit.models.folding import put, sharing_copy
from xaiaudit.models.recording import Recording, Run, record, tensors

LAYERS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.Linear)


def in_bf16(net: nn.Module, images: Tensor) -> nn.Module:
    """A copy of `net` to call under `torch.autocast(device, torch.bfloat16)`; it shares what stays in float32.

    Weights are cast once, where autocast alone would cast them in every forward. `images` are as the network
    itself gets them; `net` is frozen and in eval mode.
    """
    recording = record(net, images)
    runs = {run.module: run for run in recording.runs if isinstance(run.module, LAYERS)}
    heads = {layer for output in tensors(recording.returned) for layer in recording.makers(output, LAYERS)}
    names = {module: name for name, module in net.named_modules()}
    copied = sharing_copy(net)
    for layer, run in runs.items():
        own = copied.get_submodule(names[layer])
        if layer in heads:
            put(copied, own, _InFloat32(own, torch.float32))
        elif _is_slow(layer, images.device) or not recording.makers(run.input, LAYERS):
            put(copied, own, _InFloat32(own, torch.bfloat16))
        elif _has_plain_weights(run, recording):
            for name, weight in own.named_parameters(recurse=False):
                setattr(own, name, nn.Parameter(weight.to(torch.bfloat16), requires_grad=False))
    return copied


class _InFloat32(nn.Module):
    """A layer that takes and computes in float32, and gives `result`."""

    def __init__(self, layer: nn.Module, result: torch.dtype) -> None:
        super().__init__()
        self.layer, self.result = layer, result

    def forward(self, images: Tensor) -> Tensor:
        with torch.autocast(images.device.type, enabled=False):
            given: Tensor = self.layer(images.float())
        return given.to(self.result)


def _is_slow(layer: nn.Module, device: torch.device) -> bool:
    return device.type == "cpu" and isinstance(layer, nn.Conv2d) and 1 < layer.groups == layer.in_channels


def _has_plain_weights(run: Run, recording: Recording) -> bool:
    """The layer multiplies by the very weight it holds; one that makes it anew each time needs its precision."""
    if isinstance(run.module, nn.Linear):
        return type(run.module) is nn.Linear
    return recording.convolved.get(id(run.output), (None,))[0] is run.module.weight
