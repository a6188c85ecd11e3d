"""Options that several commands share. Each says its unit and default."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from xaiaudit.data.registry import DATASETS

Command = TypeVar("Command", bound=Callable[..., Any])

device = click.option(
    "--device", default="auto", show_default=True, metavar="auto|cpu|cuda[:N]", help="Where to compute."
)
threads = click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="CPU threads.  [default: one a core]",
)
seed = click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of every random draw."
)
limit = click.option(
    "--limit", type=click.IntRange(min=1), help="Only N images, drawn by the seed.  [default: all]"
)
strict = click.option(
    "--strict", is_flag=True, help="Stop at the first unreadable image; otherwise it is counted and named."
)
debug = click.option("--debug", is_flag=True, help="Show the traceback of an error.")
overwrite = click.option("--overwrite", is_flag=True, help="Replace a checkpoint that is there already.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
keep_ids = click.option(
    "--keep-ids", is_flag=True, help="Write case ids as they are.  [default: as salted hashes]"
)

split = click.option(
    "--split",
    type=click.Choice(["test", "validation", "train", "all"]),
    help="Which of the splits that the checkpoint recorded.  [default: test; with --data all]",
)
explainers = click.option(
    "--explainer",
    "explainers",
    metavar="NAME[:KEY=VALUE]",
    multiple=True,
    help="Explainer, e.g. grad-cam or grad-cam:layer=layer4; may be repeated. See xaiaudit list explainers.  "
    "[default: grad-cam, and cam where the model allows it]",
)


class Millimetres(click.FloatRange):
    """A finite length; float("nan") lies in every range of click's."""

    name = "mm"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        length = float(super().convert(value, param, ctx))
        if not math.isfinite(length):
            self.fail(f"{value!r} is no finite length in mm", param, ctx)
        return length


class Part(click.ParamType[tuple[int, int]]):
    """3/16: the third of sixteen."""

    name = "i/n"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        first, slash, second = str(value).partition("/")
        if not slash or not first.isdigit() or not second.isdigit() or not 1 <= int(first) <= int(second):
            self.fail(
                f"{value!r} is not of the form 3/16, with the first number from 1 to the second", param, ctx
            )
        return int(first), int(second)


ring = click.option(
    "--ring",
    "ring_mm",
    type=Millimetres(min=0, min_open=True),
    default=5.0,
    show_default=True,
    help="Width of the peritumoral ring, mm; used where the pixel spacing is known.",
)
tolerance = click.option(
    "--tolerance-mm",
    type=Millimetres(min=0),
    default=0.0,
    show_default=True,
    help="Pointing game: an extreme this near a region counts as inside, mm. Images without pixel spacing are then "
    "not assessable.",
)


arguments = click.option(
    "--arg",
    "arguments",
    multiple=True,
    metavar="KEY=VALUE",
    help="Argument of the architecture, e.g. backbone=resnet18; may be repeated.",
)


def batch_size(default: int) -> Callable[[Command], Command]:
    """Images computed together."""
    return click.option(
        "--batch-size", type=click.IntRange(min=1), default=default, show_default=True, help="Images at once."
    )


precision = click.option(
    "--precision",
    type=click.Choice(["float32", "bf16"]),
    default="float32",
    show_default=True,
    help="Of the search; bf16 is faster where the processor has it. Success is judged in float32 either way.",
)


class _AutoOrCount(click.ParamType[int | None]):
    """A whole number above 0, or auto."""

    name = "auto|N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        if value in (None, "auto"):
            return None
        if not str(value).isdigit() or int(value) < 1:
            self.fail(f"{value!r} is neither auto nor a whole number of at least 1", param, ctx)
        return int(value)


auto_batch_size = click.option(
    "--batch-size",
    type=_AutoOrCount(),
    metavar="auto|N",
    help="Images at once, and the unit that --resume keeps or repeats.  "
    "[default: auto, as many as fit into free memory; with --shard 32]",
)


def dataset_kind(command: Command) -> Command:
    """--dataset."""
    return click.option(
        "--dataset",
        metavar="KIND",
        help=f"Force the layout: {', '.join(DATASETS)}.  [default: recognised]",
    )(command)


def data(*, required: bool, help: str) -> Callable[[Command], Command]:
    """--data, --dataset and --normals."""

    def add(command: Command) -> Command:
        command = click.option(
            "--normals",
            type=click.Choice(["leave-out", "benign", "class"]),
            default=None,
            help="Images without a lesion: leave them out, count them as benign, or as a class of their own.  "
            "[default: leave-out, or as the checkpoint was trained]",
        )(command)
        command = dataset_kind(command)
        return click.option(
            "--data",
            "data",
            type=click.Path(path_type=Path),
            multiple=True,
            required=required,
            help=help,
        )(command)

    return add


test_data = data(
    required=False,
    help="Folder of images; may be repeated to join several.  [default: the checkpoint's recorded test split]",
)


def policy(help: str) -> Callable[[Command], Command]:
    """--policy, --baseline and --no-baseline; see `check_baseline`."""

    def add(command: Command) -> Command:
        for option in (
            click.option("--no-baseline", is_flag=True, help="Leave the regressions of the policy out."),
            click.option(
                "--baseline",
                type=click.Path(path_type=Path),
                help="Audit, or store of accepted audits, that the regressions of the policy compare with.  "
                "[default: as the policy says]",
            ),
            click.option("--policy", type=click.Path(path_type=Path), help=help),
        ):
            command = option(command)
        return command

    return add


def check_baseline(baseline: Path | None, *, without: bool) -> None:
    """Raises UsageError where --baseline and --no-baseline are both said."""
    from xaiaudit.errors import UsageError

    if baseline is not None and without:
        raise UsageError("--baseline names one and --no-baseline leaves it out; say one of the two")


def trust_pickle(more: str = "") -> Callable[[Command], Command]:
    """--trust-pickle; `more` ends its help."""
    return click.option(
        "--trust-pickle",
        is_flag=True,
        help=f"Load a checkpoint that needs full pickle, which can run any code{more}.",
    )


def foreign(command: Command) -> Command:
    """What has to be said of weights that are not a checkpoint of ours; see `foreign_options`."""
    for option in reversed(
        [
            click.option(
                "--arch",
                metavar="NAME",
                help="Architecture of foreign weights: resnet50, timm:NAME, torchvision:NAME, package.module:factory.",
            ),
            click.option(
                "--classes", metavar="A,B", help="Classes in the order of the outputs, e.g. benign,malignant."
            ),
            click.option("--positive", metavar="CLASS", help="The class that a positive decision names."),
            click.option("--size", type=int, help="Side of the input, pixels."),
            click.option(
                "--mode",
                type=click.Choice(["pad", "stretch"]),
                help="How an image becomes square.  [default: pad]",
            ),
            click.option(
                "--channels", type=int, help="Input channels.  [default: one for each value of --mean]"
            ),
            click.option(
                "--mean",
                metavar="M,M,M",
                help="Mean of the normalisation, intensities in [0, 1], one value a channel.",
            ),
            click.option("--std", metavar="S,S,S", help="Standard deviation likewise."),
            click.option(
                "--inputs",
                metavar="I,I,I",
                help="What each channel shows: grey, equalised or mask.  [default: grey]",
            ),
            click.option(
                "--threshold", type=float, help="Operating threshold, probability of the positive class."
            ),
            click.option(
                "--outputs",
                metavar="logits=0,mask=1",
                help="Where the outputs stand in what the network returns.",
            ),
            click.option(
                "--cam-layer", metavar="LAYER", help="Layer to explain, by its dotted name.  [default: found]"
            ),
            arguments,
        ]
    ):
        command = option(command)
    return command


FOREIGN = (
    "arch",
    "classes",
    "positive",
    "size",
    "mode",
    "channels",
    "mean",
    "std",
    "inputs",
    "threshold",
    "outputs",
    "cam_layer",
)


def foreign_options(given: dict[str, Any]) -> Any:
    """Take the options of `foreign` out of `given`: a ForeignOptions, or None where none was said.

    Raises:
        UsageError: a list that cannot be read.
    """
    said = {name: given.pop(name) for name in FOREIGN}
    own = pairs(given.pop("arguments"))
    if not own and all(value is None for value in said.values()):
        return None
    from xaiaudit.models.foreign import ForeignOptions
    from xaiaudit.models.outputs import parse_outputs

    if said["classes"] is not None:
        said["classes"] = words(said["classes"])
    if said["inputs"] is not None:
        said["inputs"] = words(said["inputs"])
    for name in ("mean", "std"):
        if said[name] is not None:
            said[name] = numbers(said[name], f"--{name}")
    if said["outputs"] is not None:
        said["outputs"] = parse_outputs(said["outputs"])
    return ForeignOptions(**said, arguments=own)


def words(text: str) -> tuple[str, ...]:
    """Words separated by commas."""
    return tuple(word.strip() for word in text.split(","))


def pairs(texts: tuple[str, ...]) -> dict[str, Any]:
    """KEY=VALUE, the value as JSON where it is some (numbers, true), else as text."""
    from xaiaudit.errors import UsageError

    found: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise UsageError(f"--arg takes KEY=VALUE, e.g. backbone=resnet18; got {text!r}")
        try:
            found[key] = json.loads(value)
        except json.JSONDecodeError:
            found[key] = value
    return found


def check_free(out: Path, *, overwrite: bool) -> None:
    """Raises UsageError where a checkpoint would be lost: audits name it by its hash."""
    from xaiaudit.errors import UsageError

    if out.exists() and not overwrite:
        raise UsageError(f"{out} is there already; name another with --out, or say --overwrite")


def numbers(text: str, option: str) -> tuple[float, ...]:
    """Comma-separated numbers."""
    from xaiaudit.errors import UsageError

    try:
        return tuple(float(word) for word in text.split(","))
    except ValueError:
        raise UsageError(
            f"{option} takes numbers separated by commas, e.g. 0.485,0.456,0.406; got {text!r}"
        ) from None


def set_threads(threads: int | None) -> None:
    """None: as torch has it."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
