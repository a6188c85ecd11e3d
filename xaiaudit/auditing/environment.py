"""On what an audit ran."""

import platform
from importlib.metadata import PackageNotFoundError, version

from xaiaudit.records import Environment

PACKAGES = (
    "xaiaudit",
    "torch",
    "torchvision",
    "timm",
    "numpy",
    "scipy",
    "scikit-image",
    "scikit-learn",
    "pot",
    "captum",
    "pyarrow",
)


def environment(device: str, threads: int, precision: str) -> Environment:
    """Versions and machine; a package that is not installed is not listed."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return Environment(
        python=platform.python_version(),
        platform=platform.platform(),
        device=device,
        threads=threads,
        precision=precision,
        versions=versions,
    )
