"""Training and evaluating: from images to a checkpoint and its clean metrics."""

from xaiaudit.training.adversarial import Adversarial
from xaiaudit.training.evaluation import Predictions, evaluate, swapped_classes
from xaiaudit.training.grid import preprocessing_of
from xaiaudit.training.pipeline import Trained, train
from xaiaudit.training.progress import Epoch, Progress, Silent, console
from xaiaudit.training.recipe import Recipe, recipe_of, resisting

__all__ = [
    "Adversarial",
    "Epoch",
    "Predictions",
    "Progress",
    "Recipe",
    "Silent",
    "Trained",
    "console",
    "evaluate",
    "preprocessing_of",
    "recipe_of",
    "resisting",
    "swapped_classes",
    "train",
]
