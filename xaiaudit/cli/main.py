"""The group of all commands, and what becomes of errors: one line and exit code 2, whatever went wrong."""

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from xaiaudit.cli.accept import accept
from xaiaudit.cli.attack import attack
from xaiaudit.cli.benchmark import benchmark
from xaiaudit.cli.card import card
from xaiaudit.cli.compare import compare
from xaiaudit.cli.convert import convert
from xaiaudit.cli.data import data
from xaiaudit.cli.demo import demo
from xaiaudit.cli.evaluate import evaluate
from xaiaudit.cli.explain import explain
from xaiaudit.cli.faithfulness import faithfulness
from xaiaudit.cli.gate import gate
from xaiaudit.cli.init import init
from xaiaudit.cli.inspect import inspect
from xaiaudit.cli.list import list_names
from xaiaudit.cli.merge import merge
from xaiaudit.cli.mlflow import mlflow
from xaiaudit.cli.pointing import pointing
from xaiaudit.cli.report import report
from xaiaudit.cli.saying import say
from xaiaudit.cli.train import train
from xaiaudit.errors import XaiauditError
from xaiaudit.version import __version__

DONE, COULD_NOT_AUDIT, INTERRUPTED, UNHEARD = 0, 2, 130, 141


class Commands(click.Group):
    """Exit codes: 0 done, 1 the gate failed or found problems, 2 could not audit, 130 interrupted.

    141 where nobody reads on (`| head -1`), in silence, as of a program that is ended by SIGPIPE.
    """

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise click.exceptions.Exit(UNHEARD) from None
        finally:
            _flush()

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        words = list(sys.argv[1:] if args is None else args)
        debug = "--debug" in words
        try:
            code = super().main(words, *rest, **extra | {"standalone_mode": False})
        except XaiauditError as error:
            _fail(str(error), debug=debug)
        except click.exceptions.Exit as stop:
            sys.exit(stop.exit_code)
        except (click.Abort, KeyboardInterrupt):
            _say("Interrupted.")
            sys.exit(INTERRUPTED)
        except click.exceptions.NoArgsIsHelpError as error:
            _say(error.format_message())  # the help itself, which is no one-line message
            sys.exit(COULD_NOT_AUDIT)
        except click.ClickException as error:
            _fail(error.format_message(), debug=debug)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                _fault(error)
            _fail("no space is left to write to; free some, and give the command again", debug=debug)
        except Exception as error:
            _fault(error)
        sys.exit(code if isinstance(code, int) else DONE)


def _fault(error: Exception) -> NoReturn:
    """A fault of ours must not look like a failed gate (exit 1), nor hide."""
    _fail(
        f"{type(error).__name__}: {error}; this is a fault of xaiaudit, please report it with the lines above",
        debug=True,
    )


def _flush() -> None:
    """Now, and not when the interpreter ends, where a reader who left would be told of as an error."""
    if sys.stdout is None:  # closed, as of services and of `>&-`: nothing was written
        return
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def _say(line: str, *, debug: bool = False) -> None:
    """To standard error, where somebody reads it; if not, the exit code is still the right one."""
    try:
        for told in traceback.format_exc().splitlines() if debug else ():
            say(told, err=True)
        click.echo(line, err=True)
    except BrokenPipeError:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def _fail(message: str, *, debug: bool) -> NoReturn:
    from xaiaudit.reports.plain import plain  # pydantic comes in here, not at --help

    _say(f"Error: {plain(' '.join(message.split()))}", debug=debug)
    sys.exit(COULD_NOT_AUDIT)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="xaiaudit")
def main() -> None:
    """Audit breast-ultrasound models: do decision, outline and explanation hold under attack?

    Start with `xaiaudit demo`; then `xaiaudit train` and `xaiaudit attack model.pt --method fgsm`.
    """


for command in (
    demo,
    train,
    evaluate,
    attack,
    explain,
    pointing,
    faithfulness,
    benchmark,
    init,
    gate,
    accept,
    compare,
    report,
    card,
    mlflow,
    merge,
    data,
    inspect,
    convert,
    list_names,
):
    main.add_command(command)
