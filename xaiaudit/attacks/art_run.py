"""ART on a batch: image by image, at one radius or several, judged by us at the end."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from xaiaudit.attacks.art_goal import Asked, asked
from xaiaudit.attacks.art_image import Recipe, search
from xaiaudit.attacks.ball import Ball, distance, per_image
from xaiaudit.attacks.engine import Problem, judged
from xaiaudit.attacks.quantise import quantise
from xaiaudit.attacks.sweep import at, stacked
from xaiaudit.tensors import AttackResult, Flags, Images


def solve(recipe: Recipe, problem: Problem, radii: Sequence[float]) -> AttackResult:
    """The attack at its own radius, or at each of these, in ascending order; see `base.Attack`.

    With `to_goal`, what one radius reached is taken over at the larger ones, and only the others are attacked there.

    Raises:
        AttackError: ART broke down.
        InstallationError: ART lacks a package.
        UsageError: a criterion that cannot be told to it.
    """
    with torch.inference_mode():
        clean = problem.judge(problem.x0)
        there = problem.criterion.reached(clean, problem.everything)
    applicable = problem.criterion.applicable
    able = ~there if applicable is None else ~there & applicable
    ask = asked(recipe.made, problem.criterion, clean.logits.clone())
    if not radii:
        return _run(recipe, problem, ask, able)
    results: dict[int, AttackResult] = {}
    found: AttackResult | None = None
    for place in sorted(range(len(radii)), key=radii.__getitem__):
        known = found if problem.to_goal else None
        found = results[place] = _run(recipe.at(radii[place]), problem, ask, able, known)
    return stacked([results[place] for place in range(len(radii))])


def _run(
    recipe: Recipe, problem: Problem, ask: Asked, able: Flags, known: AttackResult | None = None
) -> AttackResult:
    x0, images = problem.x0, problem.x0.clone()
    tried = able if known is None else able & ~_settled(known)
    spent = torch.zeros(2, len(x0), dtype=torch.int64, device=x0.device)  # forwards, backwards
    stuck = torch.zeros_like(able)
    for row in tried.nonzero()[:, 0].tolist():
        images[row], watched, stuck[row] = search(recipe, problem, ask, row)
        spent[:, row] = torch.tensor([watched.forwards, watched.backwards])
    images = _into_ball(recipe, problem, images)
    reached, _, finite = judged(problem, images, problem.everything)
    images = torch.where(per_image(finite), images, x0)
    result = AttackResult(
        images=images,
        reached=reached,
        distance=distance(images, x0, recipe.norm),
        forwards=spent[0] + tried,  # the forward that judges
        backwards=spent[1],
        failed=tried & ~reached & (stuck | ~finite),
    )
    if problem.stored:
        rounded = quantise(images)
        result = replace(result, stored=rounded, survived=judged(problem, rounded, problem.everything).reached)
    return result if known is None else _joined(known, result, tried)


def _into_ball(recipe: Recipe, problem: Problem, images: Images) -> Images:
    """Real pixels only, in ART's own ball and in the box."""
    x0, epsilon = problem.x0, recipe.epsilon
    ball = Ball.around(x0, problem.valid, recipe.norm, None if epsilon is None else at(x0, epsilon))
    if recipe.l1 is not None:
        delta = torch.where(ball.valid, images - x0, 0)
        length = torch.linalg.vector_norm(delta.flatten(1), ord=1, dim=1)
        images = x0 + delta * per_image(recipe.l1 / length.clamp(min=recipe.l1))
    return ball.project(images)


def _settled(known: AttackResult) -> Flags:
    """(n,) nothing is left to find at a larger radius."""
    return known.reached if known.survived is None else known.reached & known.survived


def _joined(known: AttackResult, new: AttackResult, tried: Flags) -> AttackResult:
    """What a smaller radius reached stays, unless this one reached it again and was asked to."""
    better = tried & (new.reached | ~known.reached)
    joined = replace(
        new,
        images=torch.where(per_image(better), new.images, known.images),
        reached=torch.where(better, new.reached, known.reached),
        distance=torch.where(better, new.distance, known.distance),
        failed=torch.where(better, new.failed, known.failed),
    )
    if new.stored is None or new.survived is None or known.stored is None or known.survived is None:
        return joined
    firmer = tried & (new.survived | ~known.survived)
    return replace(
        joined,
        stored=torch.where(per_image(firmer), new.stored, known.stored),
        survived=torch.where(firmer, new.survived, known.survived),
    )
