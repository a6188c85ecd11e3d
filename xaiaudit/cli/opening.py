"""The model and the images that a command names, opened."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xaiaudit.cli import options
from xaiaudit.cli.saying import say

if TYPE_CHECKING:
    from xaiaudit.auditing.specs import Spec
    from xaiaudit.data.datasets import Dataset
    from xaiaudit.models import AuditedModel


def open_model(path: Path, given: dict[str, Any]) -> "AuditedModel":
    """The model at `path`, on the device and with the CPU threads asked for; takes what `options.foreign` added.

    Raises:
        UsageError, CheckpointError: an option at fault, or a file that is no checkpoint.
    """
    from xaiaudit.devices import find_device  # torch comes in here, not at --help
    from xaiaudit.models import load

    foreign = options.foreign_options(given)
    options.set_threads(given["threads"])
    device = find_device(given["device"])
    return load(path, device=device, trust_pickle=given["trust_pickle"], foreign=foreign)


def tell_costs(model: "AuditedModel", explainers: "Sequence[Spec] | None") -> None:
    """A line to standard error for each explainer that asks for many forwards, before they are made.

    Raises:
        UsageError: an explainer that does not suit the model.
    """
    from xaiaudit.auditing.counted import cost_lines

    for line in cost_lines(model, explainers):
        say(line, err=True)


def open_data(model: "AuditedModel", given: dict[str, Any]) -> "Dataset":
    """The images that `options.test_data` and, where the command has it, `options.split` name.

    Raises:
        UsageError, DataError: no images are known, or they cannot be opened.
    """
    from xaiaudit.auditing.selection import choose_data

    return choose_data(
        model, given["data"], kind=given["dataset"], normals=given["normals"], split=given.get("split")
    )
