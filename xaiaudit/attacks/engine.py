"""The loop that all searches share: an attack itself is only where to start and how to step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import torch
from torch import Tensor

from xaiaudit.attacks.ball import Ball, slopes
from xaiaudit.attacks.base import Criterion, Guarded, Norm
from xaiaudit.attacks.quantise import quantise
from xaiaudit.attacks.search import Search, Seen, State
from xaiaudit.attacks.tally import Tally, Verdict
from xaiaudit.seeds import Draws
from xaiaudit.tensors import AttackResult, Flags, Model, Outputs, Rows

HALF_A_GREY_LEVEL = 0.5 / 255


class Problem(NamedTuple):
    """What is attacked: the same for every radius and restart."""

    model: Model  # searches
    judge: Model  # decides
    criterion: Criterion
    x0: Tensor  # (n, c, h, w)
    valid: Tensor | None  # (n, 1, h, w) bool, or (n, c, h, w)
    seeds: Sequence[int]  # one an image, or none where nothing is drawn
    to_goal: bool
    stored: bool

    @property
    def everything(self) -> Rows:
        return torch.arange(len(self.x0), device=self.x0.device)


def run(search: Search, problem: Problem, rows: Rows, radii: Tensor | None) -> AttackResult:
    """Attack the images of these rows, each at its own radius, (len(rows),); None: in the whole box.

    The first restart takes every image, later ones those that were not reached (of a search for the smallest
    perturbation: all). A search for the smallest perturbation follows a boundary: where that leads to nothing which
    the judge accepts, it is made again on the judge itself. An image that did not reach the goal has failed if in any
    restart its gradient was zero everywhere or not finite: there it stays where it was. Success is judged by a
    forward of its own on the final image, without gradients. Images to which the criterion does not apply stay as
    they are.
    """
    applicable, valid = problem.criterion.applicable, problem.valid
    x0 = problem.x0[rows]
    smallest = search.norm if search.minimal and not search.leaves else None
    tally = Tally(x0, None if applicable is None else applicable[rows], smallest)
    ball = Ball.around(x0, None if valid is None else valid[rows], search.norm, radii)

    def attempt(asked: Problem, places: Tensor, restart: int) -> None:
        if len(places):
            seeds = [problem.seeds[row] for row in rows[places].tolist()] if search.random_start else ()
            _Attempt(search, asked, tally, rows).go(ball.take(places), places, Draws(seeds, restart))

    for restart in range(search.restarts):
        attempt(problem, tally.pending(), restart)
    if search.minimal and problem.judge is not problem.model:
        unreached = (tally.applicable & ~tally.reached).nonzero()[:, 0]
        attempt(problem._replace(model=problem.judge), unreached, 0)
    if problem.criterion.may_hold_already:
        _judge_clean(problem, tally, rows)
    if problem.stored:
        judge_rounded(problem, tally, rows)
    return tally.result(search.norm)


def first_order(problem: Problem, rows: Rows, norm: Norm) -> tuple[Tensor, int, int]:
    """(m,) how far the nearest boundary lies in the linearised model, in [0, 1] intensities; forwards, backwards.

    Infinite where no gradient leads there, NaN where it is not finite.
    """
    x = problem.x0[rows].detach().requires_grad_()
    values = problem.criterion.margins(problem.model(x, problem.criterion.layers), rows).to(x)
    grads = torch.stack(_gradients(values, x), 1)
    if problem.valid is not None:
        grads = grads.masked_fill_(~problem.valid[rows][:, None], 0)
    slope = slopes(grads, norm)  # (n, j)
    lengths = values.detach().clamp(min=0) / slope
    return (
        torch.where(slope > 0, lengths, torch.where(slope.isnan(), torch.nan, torch.inf)).amin(1),
        1,
        values.shape[1] + problem.criterion.inner_backwards,
    )


def survivable(norm: Norm, radii: Tensor) -> Tensor:
    """(r,) bool: rounding to 8 bits need not give the clean image back; below half a grey level it does."""
    if norm == "l2":
        return torch.ones_like(radii, dtype=torch.bool)
    return radii >= HALF_A_GREY_LEVEL * (1 - 1e-6)


def judged(problem: Problem, x: Tensor, rows: Rows) -> Verdict:
    """What the judge says of images of these rows; `judging` says what it costs."""
    criterion = problem.criterion
    # a criterion on feature maps may want gradients to them even to judge
    with torch.enable_grad() if criterion.layers else torch.inference_mode():
        out = problem.judge(x, criterion.layers)
        finite = out.logits.isfinite().all(1)
        reached = criterion.reached(out, rows) & finite
        loss = criterion.loss(out, rows).detach().to(x)
        verdict = Verdict(reached, torch.where(loss.isnan(), -torch.inf, loss), finite)
    return Verdict(*(part.clone() for part in verdict))  # of inference mode nobody could change them


def judging(problem: Problem) -> tuple[int, int]:
    """Forwards and backwards of `judged`, which asks whether the goal is reached and for the loss."""
    return 1, 2 * problem.criterion.inner_backwards


def judge_rounded(problem: Problem, tally: Tally, rows: Rows) -> None:
    """Round the images that no rounded one stands for yet, and judge them. Rows as the tally has them."""
    places = (tally.applicable & ~tally.survived).nonzero()[:, 0]
    x = quantise(tally.images[places])
    survived = judged(problem, x, rows[places]).reached if len(x) else tally.survived[places]
    tally.count(places, *judging(problem))
    tally.offer_stored(places, x, survived)


def _judge_clean(problem: Problem, tally: Tally, rows: Rows) -> None:
    """Where the attack led to no success, the clean image may be one. Rows as the tally has them."""
    places = (tally.applicable & ~tally.reached).nonzero()[:, 0]
    if len(places):
        x = tally.x0[places]
        verdict = judged(problem, x, rows[places])
        tally.count(places, *judging(problem))
        worst = verdict._replace(loss=torch.full_like(verdict.loss, -torch.inf))
        tally.offer(places, x, worst, torch.zeros_like(verdict.reached))


@dataclass
class _Batch:
    """The images that are still being searched."""

    state: State
    ball: Ball
    places: Tensor  # (m,) in the tally
    stuck: Tensor  # (m,) bool
    keen: Tensor  # (m,) bool: rounding to 8 bits may leave something of what is found

    def take(self, kept: Tensor) -> None:
        self.state = self.state.take(kept)
        self.ball, self.places = self.ball.take(kept), self.places[kept]
        self.stuck, self.keen = self.stuck[kept], self.keen[kept]


class _Look(NamedTuple):
    """What a forward at the iterates shows."""

    x: Tensor  # (m, c, h, w), asked for gradients where the search wants them
    values: Tensor  # (m, j) of the objective
    reached: Tensor  # (m,) bool, as the search sees it
    step: int


@dataclass(frozen=True)
class _Attempt:
    """One restart."""

    search: Search
    problem: Problem
    tally: Tally
    rows: Rows  # place in the tally -> row of the problem

    def go(self, ball: Ball, places: Tensor, draws: Draws) -> None:
        stuck = torch.zeros_like(places, dtype=torch.bool)
        batch = _Batch(self.search.start(ball, draws), ball, places, stuck, self._keen(ball))
        # The only place where the host waits for the device is `_leave`, and only if images may leave.
        goal = self.search.leaves if self.search.minimal else self.problem.to_goal
        for step in range(self.search.looks):
            look = self._look(batch, step)
            # of the objective and of `reached`
            self.tally.count(batch.places, 1, 2 * self.problem.criterion.inner_backwards)
            stayed = None
            if goal or batch.state.done is not None:
                stayed = self._leave(batch, look.reached, goal)
                if not len(batch.places):
                    return
                if look.x.requires_grad and 2 * len(stayed) < len(look.x):
                    # to look again at the few that stay costs less than a backward of all
                    del look  # and with it what was kept for that
                    look, stayed = self._look(batch, step), None
            self._move(batch, self._differentiate(batch, look, stayed))
        self._book(batch, self._everyone(batch))

    def _keen(self, ball: Ball) -> Tensor:
        # a search for the smallest perturbation stays at the boundary, where nothing outlives rounding
        waits = ball.x0.new_full(
            (len(ball.x0),), self.problem.stored and not self.search.minimal, dtype=torch.bool
        )
        return waits if ball.epsilon is None else waits & survivable(self.search.norm, ball.epsilon)

    def _look(self, batch: _Batch, step: int) -> _Look:
        """Forward at the iterates, ready for a backward where the search wants one."""
        search, criterion = self.search, self.problem.criterion
        gradients = search.wants_gradients(step)
        x = batch.state.x.detach().requires_grad_(gradients)
        rows = self.rows[batch.places]
        with torch.set_grad_enabled(gradients):
            out = self.problem.model(x, criterion.layers)
            values = _objective(search, criterion, out, rows)
        reached = criterion.reached(out, rows)
        if search.objective == "margins" and search.leaves:
            reached &= values.amin(1) < -_rounding(out.logits)
        return _Look(x, values.to(x), reached, step)  # a network may answer in another precision

    def _differentiate(self, batch: _Batch, look: _Look, stayed: Tensor | None) -> Seen:
        """Backward, only now that it is known who goes on; padding has no gradient, however it came about."""
        values, reached = look.values, look.reached
        grads = look.x.new_empty((len(look.x), 0, *look.x.shape[1:]))
        if look.x.requires_grad:
            found = _gradients(values, look.x)
            grads = torch.stack(found, 1) if len(found) > 1 else found[0][:, None]
        values = values.detach()
        if stayed is not None and len(stayed) < len(values):
            values, grads, reached = values[stayed], grads[stayed], reached[stayed]
        if self.problem.valid is not None:
            grads = grads.masked_fill_(~batch.ball.valid[:, None], 0)
        self.tally.count(batch.places, 0, grads.shape[1])
        return Seen(values, grads, reached, look.step)

    def _move(self, batch: _Batch, seen: Seen) -> None:
        """One step for all images that can go on; the others stay at their last finite iterate."""
        moved = self.search.step(batch.state, seen, batch.ball)
        able = moved.x.flatten(1).amax(1).isfinite()  # NaN goes through; iterates lie in the box
        if seen.grads.shape[1]:
            flat = seen.grads.flatten(2)
            # (m, j); a norm of order infinity takes 20 times as long
            size = torch.maximum(flat.amax(2), -flat.amin(2))
            able &= size.isfinite().all(1) & (size > 0).any(1)
        batch.stuck = batch.stuck | ~able
        # on a CPU the question costs less than the copy; on CUDA the host would have to wait for the answer
        unhindered = moved.x.device.type == "cpu" and not bool(batch.stuck.any())
        batch.state = moved if unhindered else moved.where(~batch.stuck, batch.state)

    def _leave(self, batch: _Batch, reached: Flags, goal: bool) -> Tensor:
        """Let images go that are stuck, at their end, or have reached the goal, once a judging forward confirms it."""
        ended = batch.stuck if batch.state.done is None else batch.stuck | batch.state.done
        claimed = (reached & ~ended) if goal else torch.zeros_like(ended)
        everyone = self._everyone(batch)
        if not bool((ended | claimed).any()):
            return everyone
        gone = ended.clone()
        self._book(batch, ended.nonzero()[:, 0])
        claimed_places = claimed.nonzero()[:, 0]
        gone[claimed_places] = self._confirm(batch, claimed_places)
        stayed = everyone[~gone]
        batch.take(stayed)
        return stayed

    def _confirm(self, batch: _Batch, chosen: Tensor) -> Flags:
        """Book claimed successes; (len(chosen),) bool whether nothing is left to look for."""
        if not len(chosen):
            return torch.zeros_like(chosen, dtype=torch.bool)
        fresh = ~self.tally.reached[batch.places[chosen]]
        self._judge(batch.state.x[chosen[fresh]], batch.places[chosen[fresh]], batch.stuck[chosen[fresh]])
        reached = self.tally.reached[batch.places[chosen]]
        self._round(batch, chosen[reached & batch.keen[chosen]])
        return reached & (self.tally.survived[batch.places[chosen]] | ~batch.keen[chosen])

    def _book(self, batch: _Batch, chosen: Tensor) -> None:
        """Judge the finalists of images whose search is over; of those reached on the way, only rounded."""
        if self.tally.smallest is None:
            reached = self.tally.reached[batch.places[chosen]]
            self._round(batch, chosen[reached & batch.keen[chosen]])
            chosen = chosen[~reached]
        for x in self.search.finalists(batch.state, batch.ball):
            if not len(chosen):
                return
            chosen = chosen[~self._judge(x[chosen], batch.places[chosen], batch.stuck[chosen])]

    def _round(self, batch: _Batch, chosen: Tensor) -> None:
        """Judge the iterates of these images on the 8-bit grid, where nothing was found there yet."""
        chosen = chosen[~self.tally.survived[batch.places[chosen]]]
        if len(chosen):
            places, x = batch.places[chosen], quantise(batch.state.x[chosen])
            self.tally.count(places, *judging(self.problem))
            self.tally.offer_stored(places, x, judged(self.problem, x, self.rows[places]).reached)

    def _judge(self, x: Tensor, places: Tensor, stuck: Tensor) -> Flags:
        if not len(x):
            return stuck
        verdict = judged(self.problem, x, self.rows[places])
        self.tally.count(places, *judging(self.problem))
        self.tally.offer(places, x, verdict, stuck)
        return verdict.reached

    @staticmethod
    def _everyone(batch: _Batch) -> Tensor:
        return torch.arange(len(batch.places), device=batch.places.device)


def _objective(search: Search, criterion: Criterion, out: Outputs, rows: Rows) -> Tensor:
    """(m, j) what the search wants to know of the criterion."""
    if search.objective == "loss":
        return criterion.loss(out, rows)[:, None]
    if search.objective == "guarded":
        return cast(Guarded, criterion).guarded(out, rows)
    return criterion.margins(out, rows)


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
