"""xaiaudit gate: pass or fail, for CI."""

import json
import sys
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, NoReturn, TextIO

import click

from xaiaudit.cli import options
from xaiaudit.cli.saying import say, say_json

if TYPE_CHECKING:
    from xaiaudit.gate.reading import ReadPolicy
    from xaiaudit.gate_record import Verdict


@click.command()
@click.argument("audit", type=click.Path(path_type=Path), required=False)
@options.policy("What must hold, as xaiaudit init writes it.  [default: ./xaiaudit.toml]")
@click.option(
    "--max-flip-rate",
    type=click.FloatRange(0, 1),
    help="Without a policy: the largest share of label flips under each attack, 0 to 1; its one-sided 95 % upper bound "
    "must hold.",
)
@click.option(
    "--attack",
    "attacks",
    multiple=True,
    metavar="ID",
    help="With --max-flip-rate: only this attack of the audit; may be repeated.  [default: all that have a radius and "
    "are after flips]",
)
@click.option(
    "--check", is_flag=True, help="Only read the policy, without an audit, and say whether it is sound."
)
@options.as_json
@options.debug
def gate(
    audit: Path | None,
    policy: Path | None,
    baseline: Path | None,
    no_baseline: bool,
    max_flip_rate: float | None,
    attacks: tuple[str, ...],
    check: bool,
    as_json: bool,
    debug: bool,
) -> None:
    """Judge the finished audit in folder AUDIT by a policy and write gate.json there.

    Exit code 0 where every finding passes, 1 where one does not or cannot be assessed, 2 where nothing can be judged.
    """
    from xaiaudit.errors import UsageError
    from xaiaudit.gate.store import check_not_accepted

    if check:
        if audit or baseline or no_baseline or attacks or max_flip_rate is not None:
            raise UsageError("--check reads a policy and judges nothing; say it with --policy alone")
        check_policy(policy, as_json=as_json)
        return
    if audit is None:
        raise UsageError(
            "no audit is named; name the folder of a finished one, or say --check to read a policy alone"
        )
    if attacks and max_flip_rate is None:
        raise UsageError("--attack goes with --max-flip-rate; a policy names its attacks itself")
    if max_flip_rate is not None and (policy or baseline or no_baseline):
        raise UsageError(
            "--max-flip-rate is a limit without a policy, and without a baseline; say it alone, or write it into the "
            'policy as a finding: metric = "flip-rate", max = ...'
        )
    options.check_baseline(baseline, without=no_baseline)
    check_not_accepted(audit)
    try:
        if max_flip_rate is not None:
            from xaiaudit.gate.quick import judge_flips

            verdict = judge_flips(audit, max_flip_rate, attacks)
        else:
            verdict = judge_by_policy(audit, policy, baseline, no_baseline=no_baseline)
    except Exception:  # a fault of ours too ends with exit code 2
        _withdraw(audit)
        raise
    _renew(audit)
    finish(audit, verdict, as_json=as_json)


def _withdraw(audit: Path) -> None:
    """A script that goes on after exit code 2 must not find the pass of an earlier call and accept it."""
    from xaiaudit.reports.gate_files import withdraw

    if withdraw(audit):
        say(f"The earlier verdict in {audit} is withdrawn, as no new one can be given", err=True)
        _renew(audit)


def _renew(audit: Path) -> None:
    """Reports that are there would go on telling an older verdict. Where one cannot be renewed, this one stands."""
    from xaiaudit.errors import AuditError
    from xaiaudit.reports.formats import renew_documents

    try:
        for path in renew_documents(audit):
            say(f"Renewed: {path}", err=True)
    except AuditError as error:
        say(f"Warning: a report in {audit} still tells an older verdict, or none: {error}", err=True)


def check_policy(path: Path | None, *, as_json: bool) -> None:
    """Say what is in a policy, or, as UsageError, what is wrong with it."""
    from xaiaudit.gate.policy_lines import policy_lines

    read = the_policy(path)
    findings = [
        {"id": line.id, "line": line.number, "compared": line.finding.max_regression is not None}
        for line in policy_lines(read)
    ]
    told = {
        "policy": str(read.path),
        "sha256": read.sha256,
        "attacks": len(read.policy.audit.attacks),
        "count": len(findings),
        "compared": sum(item["compared"] is True for item in findings),
        "findings": findings,
    }
    if as_json:
        say_json(json.dumps(told, indent=1))
        return
    say(
        f"The policy is sound: {told['attacks']} attacks, {told['count']} findings, {told['compared']} of them "
        "compared with a baseline"
    )


def judge_by_policy(
    audit: Path, policy: Path | None, baseline: Path | None, *, no_baseline: bool
) -> "Verdict":
    """By the file named, else by ./xaiaudit.toml, which is said aloud."""
    from xaiaudit.gate.judging import judge

    return judge(audit, the_policy(policy), baseline, no_baseline=no_baseline)


def the_policy(path: Path | None) -> "ReadPolicy":
    """That in the file named, else in ./xaiaudit.toml, which is said aloud.

    Raises:
        UsageError: there is none, or it is not sound.
    """
    from xaiaudit.errors import UsageError
    from xaiaudit.gate.reading import POLICY, read_policy

    if path is None:
        path = Path(POLICY)
        if not path.is_file():
            raise UsageError(
                f"nothing says what must hold: there is no {POLICY} here; name a policy with --policy (xaiaudit init "
                "writes one to start from), or say --max-flip-rate"
            )
        say(f"Policy: {path}", err=True)
    return read_policy(path)


def finish(audit: Path, verdict: "Verdict", *, as_json: bool = False, err: bool = False) -> NoReturn:
    """Write what CI reads beside gate.json, print the verdict and end with its exit code.

    Args:
        err: to standard error, as standard output has JSON of its own.
    """
    from xaiaudit.reports.gate_files import tell_github, write_gate_files

    write_gate_files(audit, verdict)
    if as_json:
        say_json(verdict.model_dump_json(indent=1))
    else:
        for line in _told(verdict, sys.stderr if err else sys.stdout):
            say(line, err=err)
    for line in tell_github(audit, verdict):
        click.echo(line, err=True)
    sys.exit(0 if verdict.verdict == "passed" else 1)


def _told(verdict: "Verdict", stream: TextIO) -> list[str]:
    """A table for people; a log gets one line a finding, which can be searched."""
    if not stream.isatty():
        from xaiaudit.reports.verdict_lines import verdict_lines

        return verdict_lines(verdict)
    from xaiaudit.reports.verdict_table import WIDTH, verdict_table

    return verdict_table(verdict, min(WIDTH, get_terminal_size().columns))
