"""What the model says when it is asked again, of images like none it knows, and for gradients."""

import torch
from torch import Tensor

from xaiaudit.auditing.self_checks.last_step import squashes
from xaiaudit.auditing.self_checks.record import Gradient, ModelFacts
from xaiaudit.auditing.self_checks.subset import Subset
from xaiaudit.functional import decision


def model_facts(subset: Subset) -> ModelFacts:
    """Five forwards (inverted, of noise, alone, in other company, for its gradient) and one backward an image.

    One image is asked once more, for how many outputs there are.
    """
    clean = subset.criterion.clean
    strange = torch.cat([_ask(subset, images) for images in (_inverted(subset), _noise(subset))])
    everything = torch.cat((clean, strange))
    out = _one(subset)
    finite = bool(everything.isfinite().all())
    shown = everything[:, 1:] if out else everything
    sums = everything.sum(1)
    return ModelFacts(
        decisions=decision(clean, subset.criterion.threshold).tolist(),
        drift=drift(subset),
        one_output=out,
        squashed=squashes(subset.ready.judge, subset.images[:1]),
        lowest=float(shown.min()) if finite else None,
        highest=float(shown.max()) if finite else None,
        sums=(float(sums.min()), float(sums.max())) if finite else None,
        gradients=[kind for part in subset.batches() for kind in _gradients(subset, part)],
    )


def drift(subset: Subset) -> list[float | None]:
    """Largest change of a logit when the same image is asked again, alone and in other company.

    Relative to the image's largest logit, or to 1 where that is larger.
    """
    clean = subset.criterion.clean
    again = _ask(subset, subset.images, 1)
    # backwards, in batches of another size: a model that looks at the whole batch does not repeat itself either
    size = subset.batch_size
    other = _ask(subset, subset.images.flip(0), size // 2 if size >= 4 else size + 1).flip(0)
    scale = clean.abs().amax(1).clamp(min=1)
    change = torch.maximum((again - clean).abs().amax(1), (other - clean).abs().amax(1)) / scale
    return [value if value == value and value != float("inf") else None for value in change.tolist()]


def _one(subset: Subset) -> bool:
    with torch.inference_mode():
        return subset.ready.judge(subset.images[:1]).one_logit


def _ask(subset: Subset, images: Tensor, batch_size: int | None = None) -> Tensor:
    """(n, k) logits in float32."""
    with torch.inference_mode():
        parts = [
            subset.ready.judge(part).logits for part in torch.split(images, batch_size or subset.batch_size)
        ]
        return torch.cat(parts).to(subset.criterion.clean)


def _inverted(subset: Subset) -> Tensor:
    return torch.where(subset.valid, 1 - subset.images, subset.images)


def _noise(subset: Subset) -> Tensor:
    drawn = torch.rand(subset.images.shape, generator=torch.Generator().manual_seed(0))
    return torch.where(subset.valid, drawn.to(subset.images), subset.images)


def _gradients(subset: Subset, part: slice) -> list[Gradient]:
    """Of the loss that attacks raise, to the real pixels, in the precision of the search."""
    x = subset.images[part].detach().clone().requires_grad_()
    criterion = subset.part(part).criterion
    loss = criterion.loss(subset.ready.search(x), torch.arange(len(x), device=x.device)).sum()
    if not loss.requires_grad:  # the outputs do not depend on the image
        return ["zero"] * len(x)
    (grad,) = torch.autograd.grad(loss, x, materialize_grads=True)
    grad = grad.masked_fill(~subset.valid[part], 0).flatten(1)
    finite, moves = grad.isfinite().all(1).tolist(), (grad != 0).any(1).tolist()
    return [
        "not finite" if not known else "usable" if some else "zero"
        for known, some in zip(finite, moves, strict=True)
    ]
