"""The policy that `attack` goes by: its settings, and its limit of time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

from xaiaudit.cli import options
from xaiaudit.cli.saying import say

if TYPE_CHECKING:
    from xaiaudit.gate.reading import ReadPolicy
    from xaiaudit.gate_record import Verdict

P = ParamSpec("P")


def apply_policy(given: dict[str, Any], said: set[str]) -> "ReadPolicy | None":
    """Fill what the command line leaves open from the policy: --policy, else ./xaiaudit.toml where it is there.

    Args:
        given: every option's value by its name; changed in place.
        said: names of the options that stand on the command line.

    Raises:
        UsageError: the policy cannot be used.
    """
    from xaiaudit.gate.reading import POLICY, read_policy
    from xaiaudit.gate.settings import overruled, settings

    path = given["policy"] or Path(POLICY)
    if given["policy"] is None and not path.is_file():
        return None
    read = read_policy(path)
    _check(read)
    given.update(settings(read, said))
    others = overruled(said)
    but = f"; the command line says otherwise of {', '.join(others)}" if others else ""
    judged = "" if given["policy"] else "; nothing is judged without --policy"
    say(f"Settings: [audit] of {path}{but}{judged}", err=True)
    return read


def _check(read: "ReadPolicy") -> None:
    """As far as it needs the classes: ranges of parameters, and parameters of other packages."""
    from xaiaudit.attacks.criteria.spec import parse as criterion
    from xaiaudit.attacks.spec import parse as attack
    from xaiaudit.errors import UsageError
    from xaiaudit.explainers.spec import parse as explainer

    audit = read.policy.audit
    for key, texts, parse in (
        ("attacks", audit.attacks, attack),
        ("criteria", audit.criteria, criterion),
        ("explainers", audit.explainers, explainer),
    ):
        for number, text in enumerate(texts):
            try:
                parse(text)
            except UsageError as error:
                raise read.fault(("audit", key, number), f"{key!r} in [audit]: {error}") from error


def judgement(read: "ReadPolicy | None", given: dict[str, Any]) -> "Callable[[Path], Verdict] | None":
    """What judges the audit once it is there; None where no policy was named. The baseline is looked for now.

    Raises:
        UsageError, AuditError: options that do not go together, or no such baseline.
    """
    from xaiaudit.errors import UsageError
    from xaiaudit.gate.baselines import find_baseline
    from xaiaudit.gate.judging import judge

    baseline, without = given["baseline"], given["no_baseline"]
    if read is None or given["policy"] is None:
        if baseline is not None or without:
            raise UsageError(
                "--baseline and --no-baseline are about judging, which takes a policy: add --policy FILE"
            )
        return None
    options.check_baseline(baseline, without=without)
    regressions = sum(finding.max_regression is not None for finding in read.policy.finding)
    if regressions and not without and find_baseline(read, baseline) is None:
        say(
            f"Note: no baseline is there, so that {regressions} findings with max_regression will not be assessed, and "
            "the policy not passed; name one with --baseline, or say --no-baseline",
            err=True,
        )
    return lambda folder: judge(folder, read, baseline, no_baseline=without)


class OutOfTime(Exception):
    """The policy's limit of time is over."""


class TimeLimit:
    """What tells of progress ends the audit once the time is over: an unfinished part of it is made again later."""

    def __init__(self, minutes: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock  # seconds
        self._end = None if minutes is None else clock() + 60 * minutes

    def on(self, tell: Callable[P, None]) -> Callable[P, None]:
        def told(*args: P.args, **kwargs: P.kwargs) -> None:
            tell(*args, **kwargs)
            if self._end is not None and self._clock() > self._end:
                raise OutOfTime

        return told


@contextmanager
def ending_in_time(read: "ReadPolicy | None", out: Path) -> Iterator[TimeLimit]:
    """Raises AuditError, which says how to go on, where the limit of the policy ended the audit in `out`."""
    limit = read.policy.audit.max_minutes if read is not None else None
    try:
        yield TimeLimit(limit)
    except OutOfTime as error:
        from xaiaudit.errors import AuditError

        where = f"{read.path}, line {read.keys['audit', 'max_minutes']}" if read is not None else ""
        raise AuditError(
            f"{where}: 'max_minutes' = {limit:g} are over, and {_state(out)}; raise it, or lower --limit"
        ) from error


def _state(out: Path) -> str:
    from xaiaudit.auditing.plan import AuditFolder, read_plan

    folder = AuditFolder(out)
    if not folder.plan.exists():
        return "the images were not yet read"
    plan = read_plan(folder)
    done = sum(folder.done(unit) for unit in range(plan.units))
    return (
        f"{done} of {plan.units} parts of the audit are done, which are kept: repeat the command with "
        f"--resume --out {out}"
    )
