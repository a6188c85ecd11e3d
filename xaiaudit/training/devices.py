"""From --device, --devices and --precision to lightning-fabric."""

import logging
from typing import TYPE_CHECKING, Literal

from xaiaudit.devices import find_device

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
    kind, _, number = find_device(device, devices).partition(":")
    from lightning_fabric import Fabric  # seconds to import, so only once all is well

    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    return Fabric(
        accelerator=kind,
        devices=[int(number)] if number else devices,
        strategy="ddp" if devices > 1 else "auto",
        precision=PRECISIONS[precision],
    )
