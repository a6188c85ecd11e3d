"""Is a map faithful to the model it explains? One test a file; a model and an explainer are callables to all of them.

Relevance mass and rank (Arras et al. 2022) are `metrics.energy.energy_shares` and `metrics.top_pixels.relevance_rank`.
"""

from xaiaudit.faithfulness.canvas import Canvas
from xaiaudit.faithfulness.infidelity import InfidelityTest, infidelity
from xaiaudit.faithfulness.layers import blocks_from_the_top
from xaiaudit.faithfulness.max_sensitivity import MaxSensitivity
from xaiaudit.faithfulness.orders import random_maps
from xaiaudit.faithfulness.perturbations import Noise, Squares
from xaiaudit.faithfulness.pixel_curves import PixelCurve
from xaiaudit.faithfulness.randomisation import Randomisation
from xaiaudit.faithfulness.similarity import between_images

__all__ = [
    "Canvas",
    "InfidelityTest",
    "MaxSensitivity",
    "Noise",
    "PixelCurve",
    "Randomisation",
    "Squares",
    "between_images",
    "blocks_from_the_top",
    "infidelity",
    "random_maps",
]
