"""xaiaudit gate: pass or fail, for CI."""

import sys
from pathlib import Path

import click

from xaiaudit.cli import options


@click.command()
@click.argument("audit", type=click.Path(path_type=Path))
@click.option(
    "--max-flip-rate",
    type=click.FloatRange(0, 1),
    required=True,
    help="Largest share of label flips under each attack, 0 to 1; its one-sided 95 % upper bound must hold.",
)
@click.option(
    "--attack",
    "attacks",
    multiple=True,
    metavar="ID",
    help="Only this attack of the audit; may be repeated.  [default: all that have a radius and are after flips]",
)
@options.as_json
@options.debug
def gate(audit: Path, max_flip_rate: float, attacks: tuple[str, ...], as_json: bool, debug: bool) -> None:
    """Judge the finished audit in folder AUDIT and write gate.json there.

    Exit code 0 where every attack holds, 1 where one does not or cannot be assessed, 2 where there is no audit.
    """
    from xaiaudit.gate.flips import judge_flips

    verdict = judge_flips(audit, max_flip_rate, attacks)
    if as_json:
        click.echo(verdict.model_dump_json(indent=1))
    else:
        for finding in verdict.findings:
            click.echo(f"{finding.status.upper():<13} {finding.attack_id}: {finding.words}")
            if finding.sample is not None:
                click.echo(f"{'':<13} {finding.sample.words}")
        for note in verdict.notes:
            click.echo(f"Note: {note}")
        click.echo(f"Verdict: {verdict.verdict}")
    sys.exit(0 if verdict.verdict == "passed" else 1)
