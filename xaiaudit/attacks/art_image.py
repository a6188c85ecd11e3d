"""ART at work on one image: built for it, seeded for it, and asked once."""

from collections.abc import Mapping
from inspect import signature
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from xaiaudit.attacks.art_classes import BEGIN_AT_NOISE, art_version
from xaiaudit.attacks.art_goal import Asked
from xaiaudit.attacks.art_model import Watched, classifier
from xaiaudit.attacks.art_parameters import for_art
from xaiaudit.attacks.art_quiet import quiet_and_seeded
from xaiaudit.attacks.base import Norm
from xaiaudit.attacks.engine import Problem
from xaiaudit.attacks.registry import ART_PREFIX
from xaiaudit.errors import AttackError, InstallationError

# What ART's code raises where it breaks down. Memory that runs out is none of these: the caller tries smaller batches.
FAULTS = (AssertionError, AttributeError, LookupError, RuntimeError, StopIteration, TypeError, ValueError)
NUMERICAL = (ArithmeticError, np.linalg.LinAlgError)


class Recipe(NamedTuple):
    """An attack of ART with everything that it is built with."""

    made: type[Any]
    values: Mapping[str, Any]  # every parameter
    norm: Norm  # of distances, and of the ball
    epsilon: float | None  # radius of that ball
    l1: float | None  # radius of an L1 ball

    def at(self, radius: float) -> "Recipe":
        return self._replace(values={**self.values, "eps": radius}, epsilon=radius)


def search(recipe: Recipe, problem: Problem, ask: Asked, row: int) -> tuple[Tensor, Watched, bool]:
    """ART's image, what it asked of the model, and whether it could not go on."""
    x0, name = problem.x0[row : row + 1], ART_PREFIX + recipe.made.__name__
    valid = None if problem.valid is None else problem.valid[row : row + 1]
    given = x0.float().cpu().numpy()
    watched = Watched(problem.model, x0, valid, ask.shift)
    try:
        with quiet_and_seeded(problem.seeds[row] if problem.seeds else 0):
            made = build(recipe, watched, ask)
            found = np.asarray(made.generate(x=given.copy(), y=ask.one_hot(row)))
    except torch.OutOfMemoryError:
        raise
    except NUMERICAL:
        return x0[0], watched, True
    except ImportError as error:
        raise InstallationError(
            f"{name} needs a package that is not installed ({error}); install it"
        ) from error
    except FAULTS as error:
        if isinstance(error, AssertionError) and recipe.made.__name__ in BEGIN_AT_NOISE:
            return x0[0], watched, True  # BrendelBethgeAttack asserts that it has found where to begin
        raise AttackError(f"{name} broke down inside ART {art_version()}: {reason(error)}") from error
    if found.shape != tuple(x0.shape):
        raise AttackError(f"{name} gave an array of shape {found.shape} for an image of {tuple(x0.shape)}")
    x = torch.from_numpy(found).to(x0)[0]
    if not bool(x.isfinite().all()):
        return x0[0], watched, True
    nowhere = recipe.made.__name__ in BEGIN_AT_NOISE and np.array_equal(found, given)
    return x, watched, watched.stuck or nowhere


def build(recipe: Recipe, watched: Watched, ask: Asked) -> Any:
    """ART's attack on this model."""
    known = signature(recipe.made.__init__).parameters
    ours = {"targeted": ask.targeted, "verbose": False, "parallel_pool_size": 0}
    estimator = classifier(watched, third=ask.third, probabilities=ask.probabilities)
    fixed = {key: value for key, value in ours.items() if key in known}
    return recipe.made(estimator, **for_art(recipe.made, recipe.values), **fixed)


def reason(error: BaseException) -> str:
    """Kind and text of an exception in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
