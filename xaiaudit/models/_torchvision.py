"""The one place where torchvision and timm are imported: a broken pair of packages is told in one line."""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from types import ModuleType

from xaiaudit.errors import InstallationError


def torchvision() -> ModuleType:
    """The package torchvision.

    Raises:
        InstallationError: missing, or built for another torch (`operator torchvision::nms does not exist`).
    """
    return _imported("torchvision")


def timm() -> ModuleType:
    """The package timm, which needs torchvision. Raises as `torchvision` does."""
    return _imported("timm")


def _imported(package: str) -> ModuleType:
    try:
        return import_module(package)
    except (ImportError, RuntimeError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InstallationError(
            f"{package} cannot be imported with torch {_version('torch')} and torchvision "
            f"{_version('torchvision')}{_wanted()}: {reason}; install a matching pair: "
            "pip install --upgrade --force-reinstall torch torchvision"
        ) from error


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(none)"


def _wanted() -> str:
    try:
        needs = [need for need in requires("torchvision") or () if need.startswith("torch=")]
    except PackageNotFoundError:
        return ""
    return f" (which needs {needs[0]})" if needs else ""
