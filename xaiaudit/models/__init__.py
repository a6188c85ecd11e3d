"""Architectures, the wrapper that every audited model gets, and checkpoints."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xaiaudit.models.audited import AuditedModel as AuditedModel
    from xaiaudit.models.checkpoint import load as load
    from xaiaudit.models.checkpoint import save as save
    from xaiaudit.models.conversion import convert as convert
    from xaiaudit.models.foreign import ForeignOptions as ForeignOptions
    from xaiaudit.models.info import CheckpointInfo as CheckpointInfo
    from xaiaudit.models.inspect import inspect_file as inspect_file
    from xaiaudit.models.registry import MODELS as MODELS
    from xaiaudit.models.registry import architectures as architectures
    from xaiaudit.models.registry import build as build

# Imported on use: the list of models must not wait for torch.
_PUBLIC = {
    "AuditedModel": "audited",
    "CheckpointInfo": "info",
    "ForeignOptions": "foreign",
    "MODELS": "registry",
    "architectures": "registry",
    "build": "registry",
    "convert": "conversion",
    "inspect_file": "inspect",
    "load": "checkpoint",
    "save": "checkpoint",
}
__all__ = [
    "MODELS",
    "AuditedModel",
    "CheckpointInfo",
    "ForeignOptions",
    "architectures",
    "build",
    "convert",
    "inspect_file",
    "load",
    "save",
]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(f"xaiaudit.models.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module 'xaiaudit.models' has no attribute {name!r}")
