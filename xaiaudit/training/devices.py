"""From --device, --devices and --precision to lightning-fabric."""

import logging
from typing import TYPE_CHECKING, Literal

import torch

from xaiaudit.errors import UsageError

if TYPE_CHECKING:
    from lightning_fabric import Fabric

Precision = Literal["float32", "bf16"]
PRECISIONS = {"float32": "32-true", "bf16": "bf16-mixed"}


def make_fabric(device: str, devices: int, precision: Precision) -> "Fabric":
    """Fabric on one device, or on several with distributed data parallel.

    Args:
        device: "auto" (CUDA if there is any), "cpu", "cuda" or "cuda:N".
        devices: how many to train on.
        precision: "bf16" computes the forward pass in mixed precision; weights and loss stay float32.

    Raises:
        UsageError: a device that is not there, or a name that is none.
    """
    cuda = torch.cuda.device_count()
    kind, _, number = device.partition(":")
    if kind == "auto":
        kind = "cuda" if cuda else "cpu"
    if kind not in ("cpu", "cuda") or (number and (kind == "cpu" or not number.isdigit())):
        raise UsageError(f"no device {device!r}; give auto, cpu, cuda or cuda:N")
    wanted = int(number) + 1 if number else devices
    if kind == "cuda" and wanted > cuda:
        raise UsageError(
            f"device {device} with {devices} devices needs {wanted} CUDA devices, torch sees {cuda}"
        )
    if number and devices > 1:
        raise UsageError(f"{device} is one device, and {devices} were asked for; give cuda without a number")
    from lightning_fabric import Fabric  # seconds to import, so only once all is well

    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    return Fabric(
        accelerator=kind,
        devices=[int(number)] if number else devices,
        strategy="ddp" if devices > 1 else "auto",
        precision=PRECISIONS[precision],
    )
