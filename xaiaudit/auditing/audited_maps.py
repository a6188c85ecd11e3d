"""What a move of a map is, told to the attack that is after one: the formulas of the audit's own tables."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from xaiaudit.metrics.extremes import defined
from xaiaudit.metrics.silent_shift import moved_maps
from xaiaudit.tensors import Flags, Rows, Saliency
from xaiaudit.types import Codes, Spacings
from xaiaudit.types import Flags as ArrayFlags


@dataclass(frozen=True, eq=False)
class AuditedMaps:
    """A `criteria.shift_map.MapJudge` for one batch."""

    codes: Codes
    has_lesion: ArrayFlags
    spacing: Spacings

    def defined(self, maps: Saliency, *, signed: bool) -> Flags:
        return torch.from_numpy(defined(_array(maps), signed=signed)).to(maps.device)

    def moved(self, before: Saliency, after: Saliency, rows: Rows, *, signed: bool) -> Flags:
        own = rows.cpu().numpy()
        codes, has_lesion, spacing = self.codes[own], self.has_lesion[own], self.spacing[own]
        found = moved_maps(_array(before), _array(after), codes, has_lesion, spacing, signed=signed)
        return torch.from_numpy(found).to(after.device)


def _array(maps: Tensor) -> np.ndarray:
    return np.asarray(maps.detach().cpu().numpy())
