"""For how many images the regions are known, and how well."""

import numpy as np

from xaiaudit.records import RegionCoverage
from xaiaudit.rows import Rows


def coverage(rows: Rows, ring_mm: float, tolerance_mm: float) -> RegionCoverage:
    """Counted on the clean rows of any one explainer."""
    lesion = np.isfinite(rows.floats("area_lesion"))
    calibrated = rows.flags("calibrated")
    known = np.isfinite(rows.floats("chance_any"))
    return RegionCoverage(
        ring_mm=ring_mm,
        calibrated=int((lesion & calibrated).sum()),
        relative=int((lesion & ~calibrated).sum()),
        without_lesion=int((~lesion).sum()),
        tolerance_mm=tolerance_mm,
        without_tolerance=int((lesion & ~known).sum()),
    )
