"""Adversarial-robustness and explainability audits of breast-ultrasound models."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from xaiaudit.version import __version__ as __version__

if TYPE_CHECKING:
    from xaiaudit.auditing import audit as audit
    from xaiaudit.data import open_dataset as open_dataset
    from xaiaudit.models import AuditedModel as AuditedModel
    from xaiaudit.models import load as load
    from xaiaudit.models import save as save
    from xaiaudit.reports import log_to_mlflow as log_to_mlflow
    from xaiaudit.reports import write_card as write_card
    from xaiaudit.reports import write_report as write_report
    from xaiaudit.training import train as train

# Imported on use: `import xaiaudit`, and with it `xaiaudit --help`, must not wait for torch.
_PUBLIC = {
    "AuditedModel": "xaiaudit.models",
    "audit": "xaiaudit.auditing",
    "load": "xaiaudit.models",
    "log_to_mlflow": "xaiaudit.reports",
    "open_dataset": "xaiaudit.data",
    "save": "xaiaudit.models",
    "train": "xaiaudit.training",
    "write_card": "xaiaudit.reports",
    "write_report": "xaiaudit.reports",
}
__all__ = [
    "AuditedModel",
    "audit",
    "load",
    "log_to_mlflow",
    "open_dataset",
    "save",
    "train",
    "write_card",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'xaiaudit' has no attribute {name!r}")
