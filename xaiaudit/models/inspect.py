"""What a checkpoint holds, without running it."""

import json
import pickle
from collections.abc import Mapping
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import Any

from torch import Tensor

from xaiaudit.errors import CheckpointError
from xaiaudit.models.checkpoint import KEY
from xaiaudit.models.files import CONTAINERS, contents, read_bytes, safetensors_header, unpickled
from xaiaudit.models.pickles import imported_names, suspects

_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")  # of batch norm: no parameters


def inspect_file(path: Path | str) -> dict[str, Any]:
    """Plain values on a weights file: what kind it is, its tensors, and what its checkpoint says.

    Always: path, bytes, sha256, format, kind, safe, tensors, parameters, names. `kind` is "xaiaudit
    checkpoint", "state dict", "pickle" or "other". A file that asks for code is not loaded: `safe` is False,
    `globals` lists what it would import, and the counts are None. A checkpoint of ours adds its description,
    with the training split as counts.

    Raises:
        CheckpointError: no such file, or a damaged one.
    """
    path = Path(path)
    data = read_bytes(path)
    found: dict[str, Any] = {"path": str(path), "bytes": len(data), "sha256": sha256(data).hexdigest()}
    header = safetensors_header(data)
    if header is not None:
        words = header.pop("__metadata__", {}).get(KEY)
        shapes = {name: tuple(entry["shape"]) for name, entry in header.items()}
        return found | {"format": "safetensors"} | _described(shapes, json.loads(words) if words else None)
    found["format"] = "pt"
    try:
        content = unpickled(data, path, "meta", weights_only=True)
    except pickle.UnpicklingError as error:
        refused = suspects(data)
        if not refused:
            raise CheckpointError(f"{path} is truncated or no file of torch.save; copy it again") from error
        none: dict[str, Any] = {"tensors": None, "parameters": None, "names": []}
        return found | {"kind": "pickle", "safe": False, "globals": imported_names(data)} | none
    return found | _opened(content)


def _opened(content: object) -> dict[str, Any]:
    words = content.get(KEY) if isinstance(content, Mapping) else None
    for key in ("weights", *CONTAINERS):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    items = content.items() if isinstance(content, Mapping) else ()
    shapes = {str(name): tuple(value.shape) for name, value in items if isinstance(value, Tensor)}
    if not shapes:
        return {"kind": "other", "safe": True, "holds": contents(content)} | _counted(shapes)
    return _described(shapes, words)


def _described(shapes: Mapping[str, tuple[int, ...]], words: Mapping[str, Any] | None) -> dict[str, Any]:
    counted = {"safe": True} | _counted(shapes)
    if words is None:
        return {"kind": "state dict"} | counted
    training = dict(words.get("training") or {})
    split = training.pop("split", None) or {}
    training.pop("fingerprints", None)  # one an image: nothing to read
    training["split"] = {part: len(images) for part, images in split.items() if isinstance(images, list)}
    return {"kind": "xaiaudit checkpoint"} | counted | dict(words) | {"training": training}


def _counted(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    parameters = sum(prod(shape) for name, shape in shapes.items() if not name.endswith(_STATISTICS))
    return {"tensors": len(shapes), "parameters": parameters, "names": list(shapes)}
