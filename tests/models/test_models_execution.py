"""Settings for a while: layout and memory are put back, and change no number."""

import resource
import sys

import pytest
import torch
from torch import nn

from xaiaudit.models.execution import channels_last, memory_kept


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


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator")
def test_memory_is_kept_from_step_to_step_and_given_back() -> None:
    def faults() -> int:
        """Pages that the system maps while a large tensor comes and goes."""
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(10):
            torch.ones(4_000_000)  # 16 MB, 3906 pages
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    with memory_kept() as kept:
        if not kept:
            pytest.skip("another C library than glibc")
        with memory_kept():
            faults()
        assert faults() < 3906  # the inner context has not ended it
    with memory_kept():
        faults()
        assert faults() < 3906
    torch.ones(20_000_000)  # above the threshold, so mapped on its own and given back
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(20_000_000)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before > 100
