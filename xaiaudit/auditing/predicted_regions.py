"""The regions around the lesion that a multi-task model itself outlines: no outline of a reader is needed."""

import numpy as np

from xaiaudit.auditing.judging import Judged
from xaiaudit.auditing.loading import Loaded, regions_around
from xaiaudit.metrics.energy import energy_shares
from xaiaudit.metrics.membership import ANY, Membership, membership
from xaiaudit.metrics.pointing import pointing_inside
from xaiaudit.records import REGIONS
from xaiaudit.types import Cells

Predicted = tuple[
    np.ndarray, np.ndarray, Membership
]  # codes (n, h, w), lesion predicted (n,), both by region


def predicted_regions(loaded: Loaded, judged: Judged) -> Predicted | None:
    """Regions of the predicted masks (mask logits >= 0) of the judged images; None without a mask head.

    The tolerance of the pointing game is an assessor's, and plays no part here.
    """
    if judged.mask_logits is None:
        return None
    valid = loaded.valid[:, 0].cpu().numpy()
    masks = (judged.mask_logits[:, 0].cpu().numpy() >= 0) & valid
    codes = np.stack(
        [
            regions_around(mask, sample, own, loaded.ring_mm).codes
            for mask, sample, own in zip(masks, loaded.samples, valid, strict=True)
        ]
    )
    found = masks.any((1, 2))
    return codes, found, membership(codes, found)


def in_predicted(
    predicted: Predicted | None, maps: np.ndarray, *, signed: bool, within: Cells | None = None
) -> dict[str, np.ndarray]:
    """Energy share in lesion, ring and posterior region of the predicted mask, and whether the maximum lies there.

    Each (n,); NaN where the model predicts no mask or no lesion, and as for `pointing` and `energy_shares`.
    """
    if predicted is None:
        nothing = np.full(len(maps), np.nan)
        return {"predicted_share_any": nothing, "predicted_maximum_any": nothing}
    codes, found, member = predicted
    energy = energy_shares(maps, codes, found)
    hits = pointing_inside(maps, member, signed=signed, within=within)
    inside = np.sum([energy[f"energy_{REGIONS[region]}"] for region in ANY], axis=0)
    return {"predicted_share_any": inside, "predicted_maximum_any": hits["maximum_in_any"]}
