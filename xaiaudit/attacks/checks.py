"""What hyperparameters and inputs must hold before an attack starts."""

from collections.abc import Sequence
from math import isfinite

import torch

from xaiaudit.attacks.base import Norm
from xaiaudit.attacks.defaults import USUAL_RADIUS
from xaiaudit.errors import UsageError
from xaiaudit.tensors import Images, Model, Valid


def check_radius(name: str, value: float, norm: Norm) -> None:
    """A radius or a step size in [0, 1] intensities: finite, positive, and in L-inf at most the full scale.

    Raises:
        UsageError: it is not; above 1, grey levels are suspected.
    """
    if not isfinite(value) or value <= 0:
        raise UsageError(f"{name} must be a finite number above 0, got {value:g}; e.g. 0.1 or 8/255")
    if norm == "linf" and value > 1:
        raise UsageError(
            f"{name} of {value:g} is more than the whole intensity range, which is 1; "
            f"did you mean {value:g}/255 (grey levels)?"
        )


def radius_or_usual(epsilon: float | None, norm: Norm) -> float:
    """The radius of an attack for both norms: None is 8/255, in L2 3.0 over all pixels.

    Raises:
        UsageError: another norm, or a radius that cannot be.
    """
    if norm not in ("linf", "l2"):
        raise UsageError(f"norm must be linf or l2, got {norm!r}")
    radius = USUAL_RADIUS[norm] if epsilon is None else epsilon
    check_radius("epsilon", radius, norm)
    return radius


def check_count(name: str, value: int) -> None:
    """Raises UsageError where a number of steps or restarts is not at least 1."""
    if value < 1:
        raise UsageError(f"{name} must be a whole number of at least 1, got {value}")


def check_inputs(model: Model, images: Images, valid: Valid | None, seeds: Sequence[int] | None) -> None:
    """Raises UsageError where an attack on these would search something else than what was meant."""
    if getattr(model, "training", False):
        raise UsageError("the model is in training mode, so its outputs change; call model.eval() first")
    if images.dtype not in (torch.float32, torch.float64):
        raise UsageError(
            f"images must be float32 (or float64), got {images.dtype}; convert them with .float()"
        )
    n, c, h, w = images.shape
    if valid is not None and valid.shape not in ((n, 1, h, w), (n, c, h, w)):
        raise UsageError(f"valid must be ({n}, 1, {h}, {w}) as the images are, got {tuple(valid.shape)}")
    if seeds is not None and len(seeds) != n:
        raise UsageError(f"seeds must be one an image, got {len(seeds)} for {n} images")
    if n and not bool(((images >= 0) & (images <= 1)).all()):  # false for NaN, too
        raise UsageError(
            f"images must lie in [0, 1], got [{images.min():.3g}, {images.max():.3g}]; "
            "normalisation belongs inside the model: AuditedModel(net, preprocessing=...)"
        )
