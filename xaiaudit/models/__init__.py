"""Architectures, the wrapper that every audited model gets, and checkpoints."""

from xaiaudit.models.audited import AuditedModel

__all__ = ["AuditedModel"]
