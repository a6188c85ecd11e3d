"""From whatever a network returns to class logits and mask logits."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from xaiaudit.errors import UsageError
from xaiaudit.tensors import Boxes

OutputMap = Mapping[str, str | int]
ROLES = ("logits", "mask")


def parse_outputs(words: str) -> dict[str, str | int]:
    """`logits=0,mask=1` or `logits=cls,mask=seg` as a mapping: a number is a position, a word a name.

    Raises:
        UsageError: not of that form, or a role other than logits and mask.
    """
    parts = [part.partition("=") for part in words.split(",")]
    found = {role.strip(): int(at) if at.strip().isdigit() else at.strip() for role, _, at in parts}
    if set(found) - set(ROLES) or "logits" not in found or "" in found.values() or len(found) != len(parts):
        raise UsageError(
            f"outputs {words!r} cannot be read: write where the class logits and, if there are any, the mask "
            "logits stand in what the network returns, as in logits=0,mask=1 or logits=cls,mask=seg"
        )
    return found


def pick(returned: Any, outputs: OutputMap | None) -> tuple[Tensor, Tensor | None]:
    """The network's own class logits and mask logits, picked from what it returned, by position or name.

    Without a mapping only what is unambiguous is taken: a bare tensor (class logits), or names that are
    exactly `logits` and, optionally, `mask`.

    Raises:
        UsageError: ambiguous, or a name or position that is not there.
    """
    if isinstance(returned, Tensor):
        if outputs is not None:
            raise UsageError(
                f"outputs {_words(outputs)} do not fit {describe(returned)}, which the network returns; "
                "leave them out"
            )
        return returned, None
    if outputs is None:
        if not _has(returned, "logits"):
            raise UsageError(
                f"the network returns {describe(returned)}: say which is which, as in "
                'outputs={"logits": 0, "mask": 1} or --outputs logits=0,mask=1'
            )
        outputs = {role: role for role in ROLES if _has(returned, role)}
    logits = _at(returned, outputs, "logits")
    return logits, _at(returned, outputs, "mask") if "mask" in outputs else None


def two_or_more_logits(raw: Tensor, images: int, classes: int, *, flip: bool) -> tuple[Tensor, bool]:
    """(n, k) logits in the wrapper's class order, and whether they come from one logit.

    A single logit z speaks for the second of two classes, as binary cross-entropy on the class index trains
    it, and becomes [0, z]. `flip` puts the first of two classes second: [0, -z], or the columns swapped.

    Raises:
        UsageError: not one row an image, or not as wide as there are classes.
    """
    if raw.ndim == 0 and images == 1:  # (1, 1) squeezed by the network
        raw = raw[None]
    if raw.ndim == 1 and raw.shape[0] == images:
        raw = raw[:, None]
    if raw.ndim != 2 or raw.shape[0] != images:
        raise UsageError(
            f"class logits must be image-level, (n, k), got {tuple(raw.shape)} for {images} images; "
            "if these are mask logits, map them as mask and name the class logits too"
        )
    if raw.shape[1] == 1 and classes == 2:
        z = -raw if flip else raw
        return torch.cat((torch.zeros_like(z), z), dim=1), True
    if raw.shape[1] != classes:
        raise UsageError(
            f"the network returns {raw.shape[1]} class logits, but {classes} classes are named; "
            "name every class in the order of the network's outputs"
        )
    return (raw.flip(1) if flip else raw), False


def mask_logits(raw: Tensor, images: int, size: tuple[int, int]) -> Tensor:
    """(n, 1, h, w) on the input grid, resampled bilinearly where the network's grid is another.

    Raises:
        UsageError: not one channel an image.
    """
    if raw.ndim == 3:
        raw = raw[:, None]
    if raw.ndim != 4 or raw.shape[:2] != (images, 1):
        raise UsageError(
            f"mask logits must be (n, 1, h, w), got {tuple(raw.shape)} for {images} images; "
            "wrap the network so that it returns one lesion logit a pixel"
        )
    if raw.shape[2:] == size:
        return raw
    return nn.functional.interpolate(raw, size=size, mode="bilinear", align_corners=False)


def drawn_boxes(returned: Any, *, flip: bool) -> tuple[Boxes, ...] | None:
    """The boxes of a detector of ours, which names them; their labels in the wrapper's class order, see above."""
    boxes = returned.get("boxes") if isinstance(returned, Mapping) else None
    if not isinstance(boxes, tuple) or not all(isinstance(own, Boxes) for own in boxes):
        return None
    return tuple(own._replace(label=1 - own.label) for own in boxes) if flip else boxes


def describe(returned: Any) -> str:
    """In words: type, and the names or positions and shapes of what it holds."""
    if isinstance(returned, Tensor):
        return f"one tensor {tuple(returned.shape)}"
    items = _items(returned)
    held = ", ".join(f"{key}: {_kind(value)}" for key, value in items.items()) or "nothing that is a tensor"
    return f"a {type(returned).__name__} ({held})"


def _items(returned: Any) -> dict[str | int, Any]:
    if isinstance(returned, Mapping):
        return dict(returned)
    if isinstance(returned, tuple | list):
        names = getattr(returned, "_fields", range(len(returned)))
        return dict(zip(names, returned, strict=True))
    return {
        name: value for name, value in getattr(returned, "__dict__", {}).items() if isinstance(value, Tensor)
    }


def _kind(value: Any) -> str:
    return str(tuple(value.shape)) if isinstance(value, Tensor) else type(value).__name__


def _has(returned: Any, name: str) -> bool:
    if isinstance(returned, Mapping):
        return name in returned
    return isinstance(getattr(returned, name, None), Tensor)


def _at(returned: Any, outputs: OutputMap, role: str) -> Tensor:
    key = outputs[role]
    value: Any = None
    if isinstance(returned, Mapping):
        value = returned.get(key)
    elif isinstance(key, str):
        value = getattr(returned, key, None)
    elif isinstance(returned, tuple | list) and 0 <= key < len(returned):
        value = returned[key]
    if not isinstance(value, Tensor):
        raise UsageError(
            f"outputs {_words(outputs)}: the network returns {describe(returned)}, "
            f"where {role} at {key!r} is no tensor; name one of these"
        )
    return value


def _words(outputs: OutputMap) -> str:
    return ",".join(f"{role}={key}" for role, key in outputs.items())
