"""Weight files read safely: bytes, hash and content. Code in a pickle is never run unasked."""

import io
import json
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from xaiaudit.errors import CheckpointError
from xaiaudit.models.pickles import suspects

CONTAINERS = ("state_dict", "model_state_dict", "model")  # where trainers put the state dict


@dataclass(frozen=True, kw_only=True)
class WeightFile:
    """A file as read. `content` holds tensors and plain values; a module only if its pickle was trusted."""

    path: Path
    sha256: str
    format: Literal["pt", "safetensors"]
    content: Any
    metadata: dict[str, str]  # of a safetensors header
    loaded: str  # how, in words


def read_file(path: Path, *, trust_pickle: bool = False, device: str = "cpu") -> WeightFile:
    """Read a .pt, .pth, .bin or .safetensors file; the hash is of the very bytes that were loaded.

    Raises:
        CheckpointError: no such file, truncated, or a pickle that would run code, unless `trust_pickle`.
    """
    data = read_bytes(path)
    common: dict[str, Any] = {"path": path, "sha256": sha256(data).hexdigest()}
    if (header := safetensors_header(data)) is not None:
        metadata = header.get("__metadata__", {})
        content = _safetensors(data, path)
        return WeightFile(
            **common, format="safetensors", content=content, metadata=metadata, loaded="safetensors"
        )
    try:
        content, loaded = unpickled(data, path, device, weights_only=True), "weights only"
    except pickle.UnpicklingError as error:
        refused = suspects(data)
        if not refused:
            raise CheckpointError(f"{path} is truncated or no file of torch.save; copy it again") from error
        if not trust_pickle:
            raise CheckpointError(
                f"{path} needs full unpickling, which can run any code: it asks for "
                f"{', '.join(refused[:3])}; re-save it as a state dict "
                "(torch.save(model.state_dict(), ...)), or, if you trust whoever made it, pass --trust-pickle"
            ) from error
        content = unpickled(data, path, device, weights_only=False)
        loaded = "full pickle, trusted by --trust-pickle"
    return WeightFile(**common, format="pt", content=content, metadata={}, loaded=loaded)


def read_bytes(path: Path) -> bytes:
    """Raises CheckpointError where there is no readable file."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise CheckpointError(f"no such file: {path}; give the path of a checkpoint") from error
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read: {error.strerror}; give the path of a checkpoint"
        ) from error


def safetensors_header(data: bytes) -> dict[str, Any] | None:
    """The JSON header of a safetensors file: name -> dtype, shape, offsets; None where it is none."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 10 or data[8:9] != b"{" or length > 100_000_000:
        return None
    try:
        header: dict[str, Any] = json.loads(data[8 : 8 + length])
    except ValueError:
        return None
    return header


def state_dict_in(file: WeightFile) -> tuple[dict[str, Tensor], list[str]]:
    """The tensors of a foreign file by name, out of the containers trainers use; what was done, in words.

    Raises:
        CheckpointError: it holds no state dict.
    """
    content, notes = file.content, []
    for key in CONTAINERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping | nn.Module):
            content = content[key]
            notes.append(f"weights taken from {key!r}")
    if isinstance(content, nn.Module):
        content = content.state_dict()
        notes.append("weights taken from a pickled module")
    items = content if isinstance(content, Mapping) else {}
    tensors = {str(key): value for key, value in items.items() if isinstance(value, Tensor)}
    if not tensors or len(tensors) < len(items):
        raise CheckpointError(
            f"{file.path} holds {contents(file.content)}, not a state dict of tensors by name"
        )
    return tensors, notes


def contents(content: object) -> str:
    """What a file holds, in words, for messages."""
    if not isinstance(content, Mapping):
        return f"a {type(content).__name__}"
    tensors = sum(isinstance(value, Tensor) for value in content.values())
    first = ", ".join(str(key) for key in list(content)[:3])
    return f"{tensors} tensors among {len(content)} entries ({first}{', ...' if len(content) > 3 else ''})"


def _safetensors(data: bytes, path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(data)
    except SafetensorError as error:
        raise CheckpointError(f"{path} is damaged: {error}; copy it again") from error


def unpickled(data: bytes, path: Path, device: str, *, weights_only: bool) -> Any:
    """What torch.save wrote. Device "meta": shapes without values.

    Raises:
        CheckpointError: truncated, or code that cannot be imported.
        pickle.UnpicklingError: `weights_only` refuses.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Detected pickle protocol")  # the refusal says more
        return _loaded(data, path, device, weights_only=weights_only)


def _loaded(data: bytes, path: Path, device: str, *, weights_only: bool) -> Any:
    try:
        return torch.load(io.BytesIO(data), map_location=device, weights_only=weights_only)
    except (RuntimeError, EOFError, ValueError, KeyError, IndexError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(
            f"{path} is truncated or no file of torch.save: {reason}; copy it again"
        ) from error
    except (ImportError, AttributeError) as error:
        raise CheckpointError(
            f"{path} needs code that cannot be imported: {error}; install its package"
        ) from error
