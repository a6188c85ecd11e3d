"""The loop that all gradient attacks share: an attack itself is only where to start and how to step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from xaiaudit.attacks.ball import Ball
from xaiaudit.attacks.base import Criterion
from xaiaudit.attacks.search import Search, Seen, State
from xaiaudit.attacks.seeds import Draws
from xaiaudit.attacks.tally import Tally, Verdict
from xaiaudit.tensors import AttackResult, Flags, Model, Rows


class Problem(NamedTuple):
    """What is attacked: the same for every radius and restart."""

    model: Model
    criterion: Criterion
    x0: Tensor  # (n, c, h, w)
    valid: Tensor | None  # (n, 1, h, w) bool
    seeds: Sequence[int]  # one an image, or none where nothing is drawn
    to_goal: bool


def run(search: Search, problem: Problem, known: AttackResult | None = None) -> AttackResult:
    """Attack at one radius; images that `known` has reached already are taken over as they are.

    The first restart takes every image, later ones those that were not reached. An image that did not
    reach the goal has failed if in any restart its gradient was zero everywhere or not finite: there it
    stays where it was. Success is judged by a forward of its own on the final image, without gradients.
    """
    tally = Tally(problem.x0, known)
    whole = Ball.around(problem.x0, problem.valid, search.norm, search.epsilon)
    for restart in range(search.restarts):
        rows = tally.pending()
        if not len(rows):
            break
        draws = Draws([problem.seeds[i] for i in rows.tolist()] if search.random_start else (), restart)
        _attempt(search, problem, tally, _start(search, whole.take(rows), draws, rows))
    return tally.result(search.norm)


@dataclass
class _Batch:
    """The images that are still being searched."""

    state: State
    ball: Ball
    rows: Tensor  # (m,) of the batch that the attack started with
    stuck: Tensor  # (m,) bool

    def take(self, kept: Tensor) -> None:
        self.state = self.state.take(kept)
        self.ball, self.rows, self.stuck = self.ball.take(kept), self.rows[kept], self.stuck[kept]


def _start(search: Search, ball: Ball, draws: Draws, rows: Rows) -> _Batch:
    return _Batch(search.start(ball, draws), ball, rows, torch.zeros_like(rows, dtype=torch.bool))


def _attempt(search: Search, problem: Problem, tally: Tally, batch: _Batch) -> None:
    # The only place where the host waits for the device is `_leave`, and only if images may leave.
    leaves = problem.to_goal or search.epsilon is None
    for _ in range(search.steps):
        seen = _look(search, problem, batch)
        tally.count(batch.rows, 1, seen.values.shape[1])
        if leaves:
            stayed = _leave(problem, tally, batch, seen)
            if not len(batch.rows):
                return
            seen = seen.take(stayed)
        _move(search, batch, seen)
    everything = torch.arange(len(batch.rows), device=batch.rows.device)
    _judge(problem, tally, batch, everything)


def _look(search: Search, problem: Problem, batch: _Batch) -> Seen:
    """Forward and backward at the iterates; padding has no gradient, however it came about."""
    x = batch.state.x.detach().requires_grad_()
    out = problem.model(x)
    if search.objective == "loss":
        values = problem.criterion.loss(out, batch.rows)[:, None]
    else:
        values = problem.criterion.margins(out, batch.rows)
    reached = problem.criterion.reached(out, batch.rows)
    if search.objective == "margins":
        reached &= values.amin(1) < -_rounding(out.logits)
    grads = torch.stack(_gradients(values, x), 1).masked_fill(~batch.ball.valid[:, None], 0)
    return Seen(values.detach(), grads, reached)


def _rounding(logits: Tensor) -> Tensor:
    """How much a logit may differ from one batch to the next: searches that aim at the boundary go beyond."""
    return 100 * torch.finfo(logits.dtype).eps * logits.detach().abs().amax(1)


def _gradients(values: Tensor, x: Tensor) -> list[Tensor]:
    """Of each column of `values`, (m, j): j tensors like x. Images do not mix, so sums are enough."""
    if not values.requires_grad:  # the outputs do not depend on the image
        return [torch.zeros_like(x)] * values.shape[1]
    sums = values.sum(0).unbind()
    return [
        torch.autograd.grad(total, x, retain_graph=j + 1 < len(sums), materialize_grads=True)[0]
        for j, total in enumerate(sums)
    ]


def _move(search: Search, batch: _Batch, seen: Seen) -> None:
    """One step for all images that can go on; the others stay at their last finite iterate."""
    moved = search.step(batch.state, seen, batch.ball)
    size = seen.grads.abs().flatten(2).amax(2)  # (m, j); NaN goes through
    able = size.isfinite().all(1) & (size > 0).any(1) & moved.x.isfinite().flatten(1).all(1)
    batch.stuck = batch.stuck | ~able
    batch.state = moved.where(~batch.stuck, batch.state)


def _leave(problem: Problem, tally: Tally, batch: _Batch, seen: Seen) -> Tensor:
    """Let images go that are stuck or have reached the goal, once a judging forward confirms it."""
    done = (seen.reached | batch.stuck).nonzero()[:, 0]
    everything = torch.arange(len(batch.rows), device=batch.rows.device)
    if not len(done):
        return everything
    gone = torch.zeros_like(batch.stuck)
    gone[done] = _judge(problem, tally, batch, done) | batch.stuck[done]
    stayed = everything[~gone]
    batch.take(stayed)
    return stayed


def _judge(problem: Problem, tally: Tally, batch: _Batch, places: Tensor) -> Flags:
    """Book the images at these places of the batch; (len(places),) bool whether they reached the goal."""
    x, rows = batch.state.x[places], batch.rows[places]
    with torch.inference_mode():
        out = problem.model(x)
        finite = out.logits.isfinite().all(1)
        reached = problem.criterion.reached(out, rows) & finite
        loss = problem.criterion.loss(out, rows)
        verdict = Verdict(reached, torch.where(loss.isnan(), -torch.inf, loss), finite)
    tally.count(rows, 1, 0)
    tally.offer(rows, x, verdict, batch.stuck[places])
    return reached
