"""On what it ran."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

PACKAGES = (
    "xaiaudit",
    "torch",
    "torchvision",
    "numpy",
    "adversarial-robustness-toolbox",
    "foolbox",
    "torchattacks",
)


def machine(device: str) -> dict[str, str]:
    """Processor or GPU, system and versions; a package that is not installed is not listed."""
    found = {"processor": _processor(), "system": platform.system(), "python": platform.python_version()}
    if device.startswith("cuda"):
        found["gpu"] = torch.cuda.get_device_name(device)
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    table = Path("/proc/cpuinfo")
    lines = table.read_text().splitlines() if table.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
