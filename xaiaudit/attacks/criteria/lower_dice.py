"""Damage the predicted lesion mask: its Dice score falls below a limit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, get_args

import torch
from torch import Tensor

from xaiaudit.attacks.criteria.critical_logit import critical_logit, soft_dice_weights
from xaiaudit.attacks.criteria.named import CleanFacts, NamedCriterion
from xaiaudit.errors import NumericalError, UsageError
from xaiaudit.functional import soft_dice
from xaiaudit.tensors import Flags, MaskLogits, Outputs, Rows, Scores, Valid

Against = Literal["prediction", "outline"]


@dataclass(frozen=True, eq=False)
class LowerDice(NamedCriterion):
    """The Dice score of the predicted mask (mask logits >= 0) against a reference falls below `limit`.

    The reference is the clean predicted mask, or the lesion's outline; an image where it is empty has no such goal.

    The loss is 1 - soft Dice of sigmoid(z / s), where s is the mean size of the clean mask logits on the reference.
    Divided so, the sigmoids of a model that is sure of itself are not saturated, so that the gradient lives and the
    loss does not depend on the scale of the logits. Against a sum over pixels (cross-entropy, or its parts on right
    and wrong pixels: SegPGD, Gu et al. 2022, arXiv:2207.12391) it raises what is judged, whatever share of the
    image the lesion takes, and spends little on pixels that are wrong already or far from turning.

    Raises:
        UsageError: a limit outside (0, 1].
        NumericalError: clean mask logits that are not finite.
    """

    clean: MaskLogits  # of the batch that will be attacked
    outlines: Valid | None = None  # None: against the clean predicted mask
    has_outline: Flags | None = None  # None: every image has one
    limit: float = 0.5
    reference: Valid = field(init=False)
    scale: Scores = field(init=False)  # (n,) of the clean mask logits
    has_reference: Flags = field(init=False)
    name: ClassVar[str] = "lower-dice"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "mask_logits"})
    may_hold_already: ClassVar[bool] = True  # against the outline
    parameters: ClassVar[Mapping[str, Any]] = {"limit": float, "against": Against}

    def __post_init__(self) -> None:
        _check_limit(self.limit)
        broken = int((~self.clean.isfinite()).flatten(1).any(1).sum())
        if broken:
            raise NumericalError(
                f"the model gives non-finite mask logits for {broken} of {len(self.clean)} clean images; "
                "they have no mask to damage: check the checkpoint, or leave these images out"
            )
        reference = self.clean >= 0 if self.outlines is None else self.outlines
        there = reference.flatten(1).any(1)
        if self.outlines is not None and self.has_outline is not None:
            there = there & self.has_outline
        pixels = reference.flatten(1).sum(1).clamp(min=1)
        size = (self.clean.abs() * reference).flatten(1).sum(1) / pixels
        object.__setattr__(self, "reference", reference)
        object.__setattr__(self, "scale", torch.where(size > 0, size, 1))
        object.__setattr__(self, "has_reference", there)

    @property
    def applicable(self) -> Flags:
        return self.has_reference

    @classmethod
    def check(cls, parameters: Mapping[str, Any], classes: Sequence[str] | None) -> None:
        super().check(parameters, classes)
        _check_limit(parameters.get("limit", cls.limit))
        against = parameters.get("against", "prediction")
        if against not in get_args(Against):
            raise UsageError(f"against must be {' or '.join(get_args(Against))}, got {against!r}")

    @classmethod
    def requires(cls, parameters: Mapping[str, Any]) -> frozenset[str]:
        return frozenset({"mask head", "outlines"} if _of_outline(parameters) else {"mask head"})

    @classmethod
    def words(cls, parameters: Mapping[str, Any]) -> str:
        other = "the lesion's outline" if _of_outline(parameters) else "the clean one"
        return f"lower the Dice of the predicted mask against {other} below {parameters.get('limit', cls.limit):g}"

    @classmethod
    def of(cls, clean: CleanFacts, parameters: Mapping[str, Any]) -> "LowerDice":
        if clean.mask_logits is None:
            raise UsageError(
                "the model has no mask head, so there is no mask to damage; use a criterion of the decision"
            )
        limit = parameters.get("limit", cls.limit)
        if not _of_outline(parameters):
            return cls(clean.mask_logits, limit=limit)
        outlines = clean.outlines
        if outlines is None:
            outlines = torch.zeros_like(clean.mask_logits, dtype=torch.bool)
        return cls(clean.mask_logits, outlines, clean.has_outline, limit)

    def loss(self, out: Outputs, rows: Rows) -> Scores:
        z = self._scaled(out, rows)
        loss: Tensor = 1 - soft_dice(z.sigmoid(), self.reference[rows])
        return loss

    def margins(self, out: Outputs, rows: Rows) -> Tensor:
        """(m, 1), in mask logits; its gradient is a mean over pixels, because its own is that of a single pixel.

        The size is exact: how far every pixel's logit must move towards the other side for Dice to fall below
        the limit, or back again. The gradient is the mean of the pixels' gradients, weighted as soft Dice does.
        """
        return self.scaled_margins(out, rows) * self.scale[rows][:, None]

    def scaled_margins(self, out: Outputs, rows: Rows) -> Tensor:
        """The same in units of `scale`."""
        z, reference = self._scaled(out, rows), self.reference[rows]
        right = torch.where(reference, z, -z).flatten(1)  # how far each pixel is from being wrong
        exact = critical_logit(right.detach(), reference.flatten(1), self.limit)
        mean = (right * soft_dice_weights(z.detach(), reference)).sum(1)
        return (exact + mean - mean.detach())[:, None]

    def reached(self, out: Outputs, rows: Rows) -> Flags:
        """Judged on the mask itself. Mask logits that are not finite never count."""
        z = _mask_logits(out)
        lower: Tensor = soft_dice(z >= 0, self.reference[rows]) < self.limit
        return lower & z.isfinite().flatten(1).all(1) & self.has_reference[rows]

    def _scaled(self, out: Outputs, rows: Rows) -> Tensor:
        return _mask_logits(out).to(self.clean.dtype) / self.scale[rows][:, None, None, None]


def _mask_logits(out: Outputs) -> Tensor:
    if out.mask_logits is None:
        raise UsageError("the model gives no mask logits, so there is no mask to damage")
    return out.mask_logits


def _of_outline(parameters: Mapping[str, Any]) -> bool:
    return bool(parameters.get("against") == "outline")


def _check_limit(limit: float) -> None:
    if not 0 < limit <= 1:
        raise UsageError(f"limit must be a Dice score above 0 and at most 1, got {limit:g}; 0.5 is usual")
