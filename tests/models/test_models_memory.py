"""Bytes of an image, free memory, and the batch that fits."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from xaiaudit.models import memory
from xaiaudit.models.memory import ALLOWANCE, batch_size_for, free_bytes, image_bytes, out_of_memory
from xaiaudit.tensors import Outputs

CPU = torch.device("cpu")


class Squares:
    """Keeps for the backward, of every image, one tensor of its size: x is kept for x ** 2."""

    def __init__(self) -> None:
        self.weight = nn.Parameter(torch.ones(1, 1, 100, 100), requires_grad=False)  # kept, not counted

    def __call__(self, images: Tensor, layers: tuple[str, ...] = ()) -> Outputs:
        values = ((images * 1) ** 2 * self.weight).mean((2, 3))
        return Outputs(logits=torch.cat((-values, values), 1))


def test_bytes_of_an_image_by_hand() -> None:
    assert image_bytes(Squares(), (1, 100, 100), CPU) == ALLOWANCE * 4 * 100 * 100


@pytest.mark.parametrize(("images", "size"), [(0.5, 1), (1, 1), (3.9, 2), (4, 4), (100, 32), (None, 32)])
def test_the_batch_is_the_largest_power_of_two_that_fits(
    monkeypatch: pytest.MonkeyPatch, images: float | None, size: int
) -> None:
    free = None if images is None else images * ALLOWANCE * 40_000
    monkeypatch.setattr(memory, "free_bytes", lambda _device: free)
    assert batch_size_for(Squares(), (1, 100, 100), CPU) == size
    assert batch_size_for(Squares(), (1, 100, 100), CPU, cap=2) == min(size, 2)


def test_free_memory_of_this_machine_is_a_number_of_bytes() -> None:
    free = free_bytes(CPU)
    assert free is None or 10**6 < free < 10**14


def test_limits_of_control_groups(tmp_path: Path) -> None:
    own = tmp_path / "cgroup"
    inner = tmp_path / "fs/memory/outer/inner"
    unified = tmp_path / "fs/slice"
    inner.mkdir(parents=True)
    unified.mkdir(parents=True)
    (inner / "memory.limit_in_bytes").write_text("1000\n")
    (inner / "memory.usage_in_bytes").write_text("600\n")
    (inner / "memory.stat").write_text("cache 300\ntotal_inactive_file 200\n")
    (inner.parent / "memory.limit_in_bytes").write_text("700\n")
    (inner.parent / "memory.usage_in_bytes").write_text("800\n")
    (unified / "memory.max").write_text("max\n")
    (tmp_path / "fs/memory.max").write_text("5000\n")
    (tmp_path / "fs/memory.current").write_text("1\n")
    own.write_text("8:pids:/x\n4:cpu,memory:/outer/inner\n0::/slice\n")
    assert list(memory._left_in_groups(tmp_path / "fs", own)) == [600, 0, 4999]


def test_running_out_of_memory_is_told_from_other_errors() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(10**15)
    assert out_of_memory(caught.value)
    assert out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert not out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not out_of_memory(ValueError("can't allocate memory"))
