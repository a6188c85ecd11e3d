"""ART on a batch: image by image, at one radius or several, judged by us at the end."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from xaiaudit.attacks.art_goal import Asked, asked
from xaiaudit.attacks.art_image import Recipe, search
from xaiaudit.attacks.ball import Ball, distance, l1, per_image
from xaiaudit.attacks.engine import Problem, judged
from xaiaudit.attacks.quantise import quantise
from xaiaudit.attacks.sweep import at, nothing_spent, stacked
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
        there = problem.criterion.reached(clean, problem.everything) & clean.logits.isfinite().all(1)
    applicable = problem.criterion.applicable
    able = ~there if applicable is None else ~there & applicable
    ask = asked(recipe.made, problem.criterion, clean.logits.clone())
    start = _unattacked(recipe, problem, there.clone(), able)
    if not radii:
        return _run(recipe, problem, ask, able, start)
    results: dict[int, AttackResult] = {}
    known = start
    for place in sorted(range(len(radii)), key=radii.__getitem__):
        results[place] = _run(recipe.at(radii[place]), problem, ask, able, known)
        known = nothing_spent(results[place] if problem.to_goal else start)
    return stacked([results[place] for place in range(len(radii))])


def _unattacked(recipe: Recipe, problem: Problem, there: Flags, able: Flags) -> AttackResult:
    """The clean images, some of which have reached the goal already, and the forwards that it took to know.

    What rounding alone does to an image that will be attacked is not the attack's success.
    """
    x0 = problem.x0
    one = torch.ones(len(x0), dtype=torch.int64, device=x0.device)
    never = torch.zeros_like(there)
    clean = AttackResult(x0, there, distance(x0, x0, recipe.norm), one, torch.zeros_like(one), never)
    if not problem.stored:
        return clean
    rounded = quantise(x0)
    survived = judged(problem, rounded, problem.everything).reached & ~able
    return replace(clean, forwards=one + 1, stored=rounded, survived=survived)


def _run(recipe: Recipe, problem: Problem, ask: Asked, able: Flags, known: AttackResult) -> AttackResult:
    """The attack on those images of which something is left to find, added to what is known."""
    x0, images = problem.x0, problem.x0.clone()
    tried = able & ~_settled(known)
    rows = tried.nonzero()[:, 0]
    if not len(rows):
        return known
    forwards, backwards = known.forwards.clone(), known.backwards.clone()
    reached, stuck = torch.zeros_like(able), torch.zeros_like(able)
    for row in rows.tolist():
        images[row], watched, stuck[row] = search(recipe, problem, ask, row)
        forwards[row] += watched.forwards
        backwards[row] += watched.backwards
    images = _into_ball(recipe, problem, images)
    verdict = judged(problem, images[rows], rows)
    forwards[rows] += 1
    reached[rows] = verdict.reached
    stuck[rows] |= ~verdict.finite
    images[rows[~verdict.finite]] = x0[rows[~verdict.finite]]
    new = AttackResult(
        images=images,
        reached=reached,
        distance=distance(images, x0, recipe.norm),
        forwards=forwards,
        backwards=backwards,
        failed=stuck & ~reached,
    )
    if problem.stored:
        rounded, survived = quantise(images), torch.zeros_like(reached)
        survived[rows] = judged(problem, rounded[rows], rows).reached
        forwards[rows] += 1
        new = replace(new, stored=rounded, survived=survived)
    return _joined(known, new, tried)


def _into_ball(recipe: Recipe, problem: Problem, images: Images) -> Images:
    """Real pixels only, in ART's own ball and in the box."""
    x0, epsilon = problem.x0, recipe.epsilon
    ball = Ball.around(x0, problem.valid, recipe.norm, None if epsilon is None else at(x0, epsilon))
    if recipe.l1 is not None:
        delta = torch.where(ball.valid, images - x0, 0)
        images = x0 + delta * per_image(recipe.l1 / l1(delta).clamp(min=recipe.l1))
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
    survived = known.survived | tried & new.survived
    stored = torch.where(per_image(tried & new.survived), new.stored, known.stored)
    # where none survived, the stored image is the one that is returned, rounded
    lost = per_image(tried & ~survived)
    return replace(joined, stored=torch.where(lost, quantise(joined.images), stored), survived=survived)
