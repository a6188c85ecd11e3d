"""How many images a device can hold at once, from what one image costs and what is free."""

import os
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from xaiaudit.tensors import Model

# Peak of forward and backward to the input over the tensors kept between them. Measured on a CPU at 224 pixels,
# batches of 4 and 12: 1.02 to 1.21 for MobileNetV2, DenseNet-121 and ResNet-50, folded and not; 1.47 for a
# folded ResNet-50 with 4 images, where workspaces that do not grow with the batch show.
ALLOWANCE = 1.5
CAPS = {"cpu": 32, "cuda": 256}  # images; larger batches were not faster
_CGROUPS = Path("/sys/fs/cgroup")


def batch_size_for(
    model: Model, image_shape: tuple[int, int, int], device: torch.device, cap: int | None = None
) -> int:
    """The largest power of two of images (c, h, w) whose forward and backward fit into the free memory.

    At least 1, at most `cap` (None: 32, on CUDA 256), which is also the answer where free memory is unknown.
    """
    cap = CAPS.get(device.type, CAPS["cpu"]) if cap is None else cap
    free = free_bytes(device)
    fitting = float("inf") if free is None else free / max(image_bytes(model, image_shape, device), 1)
    size = 1
    while 2 * size <= min(cap, fitting):
        size *= 2
    return size


def image_bytes(model: Model, image_shape: tuple[int, int, int], device: torch.device) -> float:
    """Bytes that one more image (c, h, w) of a batch costs in forward and backward, weights not counted.

    Twice as many images keep more for the backward: the difference, times `ALLOWANCE`.
    """
    one, two = (_kept(model, torch.rand(n, *image_shape, device=device)) for n in (1, 2))
    return ALLOWANCE * (two - one)


def _kept(model: Model, images: Tensor) -> int:
    """Bytes of all that autograd keeps between a forward and its backward."""
    storages: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor),
    ):
        out = model(images.requires_grad_())  # held, so that no storage is freed and its address used again
    del out
    return sum(storages.values())


def free_bytes(device: torch.device) -> int | None:
    """Memory that this process may still take, in bytes; None where the system does not say.

    On CUDA also what torch holds and does not use; on a CPU within the limits of its control groups.
    """
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + unused
    found = [_available(), *_left_in_groups()]
    return min((size for size in found if size is not None), default=None)


def _available() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):  # not Linux
        names = getattr(os, "sysconf_names", {})
        if "SC_PHYS_PAGES" in names and "SC_PAGE_SIZE" in names:
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2  # half of all there is
        return None


def _left_in_groups(root: Path = _CGROUPS, own: Path = Path("/proc/self/cgroup")) -> Iterator[int]:
    """What each control group around this process still allows, its file cache not counted as used."""
    if not own.exists():
        return
    for line in own.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            base, limit, usage, cache = root, "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            base, limit = root / "memory", "memory.limit_in_bytes"
            usage, cache = "memory.usage_in_bytes", "total_inactive_file"
        else:
            continue
        group = base / path.strip("/")
        for folder in (group, *group.parents):
            allowed = _number(folder / limit)
            if allowed is not None:
                used = (_number(folder / usage) or 0) - _statistic(folder / "memory.stat", cache)
                yield max(allowed - used, 0)
            if folder == base:
                break


def _number(file: Path) -> int | None:
    """The number in a file; None without the file, or for the word max."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _statistic(file: Path, name: str) -> int:
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.split()[:1] == [name]), 0)


def out_of_memory(error: BaseException) -> bool:
    """The device had no room: CUDA's own error, or what the CPU's allocator says."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
