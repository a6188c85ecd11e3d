"""Settings for a while: layout and memory are put back, and change no number."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from xaiaudit.models.execution import channels_last


def test_channels_last_and_back() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 2, 3)).requires_grad_(False)
    net[2].to(memory_format=torch.channels_last)
    before = [(weight.clone(), weight.stride()) for weight in net.parameters()]
    with channels_last(net):
        for layer in net:
            assert layer.weight.is_contiguous(memory_format=torch.channels_last)
    for weight, (value, stride) in zip(net.parameters(), before, strict=True):
        assert torch.equal(weight, value)
        assert weight.stride() == stride


# a fresh process: after other tests its heap holds freed blocks that any large tensor may take
_FAULTS = """
import resource
import torch
from xaiaudit.models.execution import memory_kept

def faults(elements: int) -> int:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.ones(elements)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

torch.set_num_threads(1)
with memory_kept() as kept:
    if kept:
        with memory_kept():
            faults(4_000_000)
        print("after the inner context", faults(4_000_000))
if kept:
    with memory_kept():
        faults(4_000_000)
        print("again", faults(4_000_000))
    faults(20_000_000)
    print("given back", faults(20_000_000))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator")
def test_memory_is_kept_from_step_to_step_and_given_back() -> None:
    run = subprocess.run([sys.executable, "-c", _FAULTS], capture_output=True, text=True, check=True)
    pages = {name: int(count) for name, count in (line.rsplit(" ", 1) for line in run.stdout.splitlines())}
    if not pages:
        pytest.skip("another C library than glibc")
    assert (
        pages["after the inner context"] < 3906
    )  # pages of one tensor of 16 MB: the second to the tenth map none
    assert pages["again"] < 3906
    assert pages["given back"] > 100  # above the threshold, so mapped on its own and given back
