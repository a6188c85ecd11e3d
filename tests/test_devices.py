"""The names that --device takes, on a machine with two CUDA devices and on one without."""

import pytest
import torch

from xaiaudit.devices import find_device
from xaiaudit.errors import UsageError


@pytest.mark.parametrize(
    ("there", "name", "count", "found"),
    [
        (0, "auto", 1, "cpu"),
        (0, "cpu", 1, "cpu"),
        (2, "auto", 1, "cuda"),
        (2, "auto", 2, "cuda"),
        (2, "cuda", 2, "cuda"),
        (2, "cuda:1", 1, "cuda:1"),
        (2, "cpu", 1, "cpu"),
    ],
)
def test_a_device_that_is_there_is_taken(
    monkeypatch: pytest.MonkeyPatch, there: int, name: str, count: int, found: str
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: there)
    assert find_device(name, count) == found


@pytest.mark.parametrize(
    ("name", "count", "words"),
    [
        ("gpu", 1, "no device 'gpu'; give auto, cpu, cuda or cuda:N"),
        ("cpu:1", 1, "no device 'cpu:1'"),
        ("cuda:", 1, "no device 'cuda:'"),
        ("cuda:-1", 1, "no device 'cuda:-1'"),
        ("cuda:2", 1, "device cuda:2 needs 3 CUDA devices, torch sees 2"),
        ("cuda", 3, "device cuda with 3 devices needs 3 CUDA devices, torch sees 2"),
        ("cuda:0", 2, "cuda:0 is one device, and 2 were asked for"),
    ],
)
def test_a_device_that_is_none_or_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, count: int, words: str
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(UsageError, match=words):
        find_device(name, count)
