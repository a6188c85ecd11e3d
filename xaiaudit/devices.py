"""The device that a command names."""

import torch

from xaiaudit.errors import UsageError


def find_device(name: str, count: int = 1) -> str:
    """cpu, cuda or cuda:N; "auto" is cuda where torch sees one.

    Args:
        name: "auto", "cpu", "cuda" or "cuda:N".
        count: how many devices are wanted; of "cuda:N" there is one.

    Raises:
        UsageError: a device that is not there, or a name that is none.
    """
    cuda = torch.cuda.device_count()
    if name == "auto":
        name = "cuda" if cuda else "cpu"
    kind, colon, number = name.partition(":")
    if kind not in ("cpu", "cuda") or (colon and (kind == "cpu" or not number.isdigit())):
        raise UsageError(f"no device {name!r}; give auto, cpu, cuda or cuda:N")
    wanted = int(number) + 1 if number else count
    if kind == "cuda" and wanted > cuda:
        raise UsageError(
            f"device {name}{f' with {count} devices' * (count > 1)} needs {wanted} CUDA devices, torch sees {cuda}; "
            "give one that is there, or cpu"
        )
    if number and count > 1:
        raise UsageError(f"{name} is one device, and {count} were asked for; give cuda without a number")
    return name
