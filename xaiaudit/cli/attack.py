"""xaiaudit attack: the audit."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xaiaudit.cli import options
from xaiaudit.cli.opening import open_data, open_model, tell_costs
from xaiaudit.cli.policy import apply_policy, ending_in_time, judgement
from xaiaudit.cli.progress import Progress
from xaiaudit.cli.saying import say, say_json

if TYPE_CHECKING:
    from xaiaudit.gate_record import Verdict

CHECKED = 32  # images for the self-checks


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--method",
    "methods",
    metavar="NAME[:KEY=VALUE,...]",
    multiple=True,
    help="Attack, e.g. fgsm or pgd:epsilon=4/255,steps=40; may be repeated. Radii in [0, 1] intensity. "
    "See xaiaudit list attacks.",
)
@click.option(
    "--criterion",
    "criteria",
    metavar="NAME[:KEY=VALUE,...]",
    multiple=True,
    help="What the attacks are after, e.g. target-class:class=malignant or lower-dice:limit=0.5; may be repeated: "
    "every attack is made for each. See xaiaudit list criteria.  [default: leave-decision; lower-dice for a model that "
    "outlines and makes no diagnosis]",
)
@options.test_data
@options.split
@options.explainers
@options.policy(
    "Audit as [audit] of this file says where the command line does not, and judge by it: exit code 1 where it is "
    "not passed. See xaiaudit init.  [default: settings of ./xaiaudit.toml where it is there, and no judgement]"
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Audit folder.  [default: audits/<model>-<utc time>]",
)
@click.option("--resume", is_flag=True, help="Go on with the unfinished audit in --out.")
@click.option(
    "--shard",
    type=options.Part(),
    help="Run only this part of the audit, e.g. 3/16; join them with xaiaudit merge.",
)
@click.option(
    "--curve/--no-curve", default=True, show_default=True, help="Attack at the radii of the ε curve too."
)
@options.ring
@options.tolerance
@click.option(
    "--gallery",
    type=click.IntRange(min=0),
    default=2,
    show_default=True,
    help="Worst, typical and random cases shown, of each, for each attack.",
)
@click.option(
    "--checks/--no-checks",
    default=True,
    show_default=True,
    help="Check that model and attacks are sound, on 32 images drawn by the seed.",
)
@click.option(
    "--acquisition",
    "changes",
    metavar="NAME[:KEY=VALUE,...]",
    multiple=True,
    help="Change that a second sweep of the probe would make, as the yardstick of map shift, e.g. gain:db=3 or "
    "speckle:correlation=0.9; may be repeated. See xaiaudit list acquisition.  [default: all of them]",
)
@click.option("--no-acquisition", is_flag=True, help="Simulate no second sweep.")
@options.auto_batch_size
@options.precision
@options.seed
@options.limit
@options.device
@options.threads
@options.strict
@options.keep_ids
@options.foreign
@options.trust_pickle("; the report says so")
@click.option(
    "--report/--no-report",
    "with_report",
    default=True,
    show_default=True,
    help="Write report.pdf and report.html.",
)
@options.as_json
@options.debug
@click.pass_context
def attack(context: click.Context, /, model: Path, **given: Any) -> None:
    """Attack MODEL, compare its maps before and after, and write tables and a PDF report.

    Without --data the images are the test split that the checkpoint recorded.
    """
    default = (click.core.ParameterSource.DEFAULT, click.core.ParameterSource.DEFAULT_MAP)
    _run(model, given, {name for name in given if context.get_parameter_source(name) not in default})


def _run(path: Path, given: dict[str, Any], said: set[str]) -> None:
    from xaiaudit.auditing import audit
    from xaiaudit.auditing.api import default_folder
    from xaiaudit.records import AuditRecord

    policy = apply_policy(given, said)  # before anything slow
    judging = judgement(policy, given)
    named = _named(given)
    _check_out(given)
    model = open_model(path, given)
    dataset = open_data(model, given)
    say(f"Data: {dataset.drawn(given['limit'], given['seed']).describe()}", err=True)
    tell_costs(model, named["explainers"])
    out = given["out"] or default_folder(model)
    with _telling_how_to_go_on(out), ending_in_time(policy, out) as limit, Progress() as progress:
        record: AuditRecord | None = audit(
            model,
            dataset,
            **named,
            out=out,
            resume=given["resume"],
            shard=given["shard"],
            seed=given["seed"],
            batch_size=given["batch_size"],
            precision=given["precision"],
            limit=given["limit"],
            curve=given["curve"],
            checks=CHECKED if given["checks"] else 0,
            ring_mm=given["ring_mm"],
            tolerance_mm=given["tolerance_mm"],
            gallery=given["gallery"],
            keep_ids=given["keep_ids"],
            strict=given["strict"],
            command=["xaiaudit", *sys.argv[1:]],
            on_look=limit.on(partial(progress.update, phase="reading")),
            on_attack=limit.on(progress.attacked),
            on_check=limit.on(progress.checked),
            on_map=limit.on(progress.explained),
        )
    if record is None:
        then = f", then xaiaudit gate {out} --policy {policy.path}" if judging and policy else ""
        say(f"{_told_of_part(out, given['shard'])}; when all are done: xaiaudit merge {out}{then}")
        return
    _finish(record, out, given, judging)


def _finish(
    record: Any, out: Path, given: dict[str, Any], judging: "Callable[[Path], Verdict] | None"
) -> None:
    """The verdict before the report, which tells it; the report also where nothing could be judged."""
    from xaiaudit.cli.gate import finish as finish_gate
    from xaiaudit.errors import XaiauditError

    told = partial(
        finish,
        record,
        out,
        with_report=given["with_report"],
        as_json=given["as_json"],
        policy=judging is not None,
    )
    try:
        verdict = judging(out) if judging is not None else None
    except XaiauditError:
        told()
        raise
    told()
    if verdict is not None:
        finish_gate(out, verdict, err=given["as_json"])


def _told_of_part(out: Path, part: tuple[int, int]) -> str:
    """What a part of an audit did; of few images there may be none left for it."""
    from xaiaudit.auditing import AuditFolder, read_plan

    plan = read_plan(AuditFolder(out))
    units = plan.units_of(part)
    images = sum(len(plan.shard_images(unit)) for unit in units if unit < plan.shards)
    name, all_images = f"Shard {part[0]} of {part[1]}", f"{len(plan.images)} images"
    if images:
        return f"{name} is done, {images} of {all_images}"
    nothing = f"had no images (the audit has {all_images} and takes {plan.batch_size} at once)"
    return f"{name} {nothing} and did the self-checks" if units else f"{name} {nothing} and did nothing"


def _named(given: dict[str, Any]) -> dict[str, Any]:
    """Attacks, explainers, criteria and changes of the acquisition, as `audit` takes them."""
    from xaiaudit.acquisition.registry import parse as parse_change
    from xaiaudit.attacks.criteria.spec import parse as parse_criterion
    from xaiaudit.attacks.spec import parse as parse_attack
    from xaiaudit.errors import UsageError
    from xaiaudit.explainers.spec import parse as parse_explainer

    if not given["methods"]:
        raise UsageError(
            "no attack is named; say --method fgsm, or another of xaiaudit list attacks, or name a policy"
        )
    if given["changes"] and given["no_acquisition"]:
        raise UsageError(
            "--acquisition names a change and --no-acquisition leaves all out; say one of the two"
        )
    changes = [parse_change(text) for text in given["changes"]]
    return {
        "attacks": [parse_attack(text) for text in given["methods"]],
        "criteria": [parse_criterion(text) for text in given["criteria"]] or None,
        "explainers": [parse_explainer(text) for text in given["explainers"]] or None,
        "acquisition": changes or (() if given["no_acquisition"] else None),
    }


@contextmanager
def _telling_how_to_go_on(out: Path) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        if (out / "plan.json").exists():
            say(f"To go on, repeat the command with --resume --out {out}", err=True)
        raise


def finish(record: Any, out: Path, *, with_report: bool, as_json: bool, policy: bool = False) -> None:
    """Write the reports, print the summary, say where things lie; `policy`: the verdict is told after it."""
    from xaiaudit.reports.formats import DOCUMENTS, write_formats
    from xaiaudit.reports.summary import summary

    written = list(write_formats(out, DOCUMENTS)) if with_report else []
    if as_json:
        say_json(record.model_dump_json(indent=1))
        return
    for line in summary(record, policy=policy):
        say(line)
    for what, path in zip(("Report", "In a browser"), written, strict=False):
        say(f"{what}: {path}")
    say(f"Audit: {out}")


def _check_out(given: dict[str, Any]) -> None:
    from xaiaudit.errors import UsageError

    for option in ("resume", "shard"):
        if given[option] and given["out"] is None:
            raise UsageError(f"--{option} needs --out, the folder of the audit that it belongs to")
