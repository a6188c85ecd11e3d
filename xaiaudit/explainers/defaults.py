"""What explainers do where nothing else is said: for readers of an audit, which import no torch.

The classes hold the same values, and a test compares the two for every entry of the registry. A layer of None is
found in the network, and the audit records which.
"""

from collections.abc import Mapping
from typing import Any

EXPLAINER_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "cam": {"layer": None},
    "grad-cam": {"layer": None},
    "grad-cam++": {"layer": None},
    "hirescam": {"layer": None},
    "layercam": {"layer": None},
    "xgrad-cam": {"layer": None},
    "eigen-cam": {"layer": None},
    "seg-grad-cam": {"layer": None},
    "score-cam": {"layer": None},
    "cameras": {"layer": None, "scales": 8},
    "integrated-gradients": {"steps": 50, "baseline": 0.0},
    "smoothgrad": {"samples": 25, "noise": 0.1, "seed": 0},
    "occlusion": {"window": 16, "stride": 8, "baseline": 0.0},
    "guided-grad-cam": {"layer": None},
}
