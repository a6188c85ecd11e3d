"""Where a model came from, as its checkpoint tells."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class CheckpointInfo:
    """A checkpoint file and what it says of itself. `training` is the provenance: {} when it holds none."""

    path: Path
    sha256: str  # of the file
    format: Literal["pt", "safetensors"]
    loaded: str  # how, in words: "weights only", "full pickle, trusted by --trust-pickle"
    architecture: str
    arguments: dict[str, Any] = field(default_factory=dict)
    weights: str = "unknown"  # what the training started from: "none", "default" or a file name
    training: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()  # what was changed on the way in, e.g. a key prefix stripped
