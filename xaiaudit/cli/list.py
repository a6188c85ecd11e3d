"""xaiaudit list: what can be named."""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module

import click

from xaiaudit.cli import options


def _attacks() -> Iterator[tuple[str, str]]:
    from xaiaudit.attacks.registry import ATTACKS, attack
    from xaiaudit.attacks.spec import written

    for name in ATTACKS:
        takes = ", ".join(written(name))
        yield name, attack(name).describe() + (f"; takes {takes}" if takes else "")
    yield (
        "art:NAME",
        "an evasion attack of ART by its class, with ART's parameters, e.g. art:SquareAttack:eps=1/255",
    )


def _criteria() -> Iterator[tuple[str, str]]:
    from xaiaudit.attacks.criteria.registry import CRITERIA, criterion_class

    for name in CRITERIA:
        found = criterion_class(name)
        takes = f"; takes {', '.join(found.parameters)}" if found.parameters else ""
        yield name, (found.__doc__ or "").strip().splitlines()[0] + takes


def _explainers() -> Iterator[tuple[str, str]]:
    from xaiaudit.explainers.registry import EXPLAINERS, parameters_of

    for name, words in _first_lines(EXPLAINERS):
        yield name, f"{words.rstrip('.')}; takes {', '.join(parameters_of(name))}"


def _acquisition() -> Iterator[tuple[str, str]]:
    from xaiaudit.acquisition.registry import CHANGES, change, settings

    for name in CHANGES:
        made = change(name)
        yield name, f"{made.describe()}; takes {', '.join(settings(made))}"


def _models() -> Iterator[tuple[str, str]]:
    from xaiaudit.models.counting import parameters, torchvision_parameters
    from xaiaudit.models.registry import MODELS
    from xaiaudit.models.zoo import torchvision_names

    for name, entry in MODELS.items():
        yield name, f"{_millions(parameters(name))}; {' and '.join(entry.heads)}; {entry.source}"
    for name in torchvision_names():
        yield name, f"{_millions(torchvision_parameters(name))} with 1000 classes; class; torchvision"
    yield "timm:NAME", "any classifier of timm"
    yield "package.module:factory", "a function of your own that returns a network"


def _millions(parameters: int) -> str:
    return f"{parameters / 1e6:.2f} M parameters"


def _datasets() -> Iterator[tuple[str, str]]:
    from xaiaudit.data.registry import DATASETS

    return _first_lines(DATASETS)


def _first_lines(registry: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What the module of each name says it is."""
    for name, target in registry.items():
        yield name, (import_module(target.partition(":")[0]).__doc__ or "").strip().splitlines()[0]


KINDS: dict[str, Callable[[], Iterator[tuple[str, str]]]] = {
    "attacks": _attacks,
    "criteria": _criteria,
    "explainers": _explainers,
    "acquisition": _acquisition,
    "models": _models,
    "datasets": _datasets,
}


@click.command("list")
@click.argument("kind", type=click.Choice(list(KINDS)))
@options.debug
def list_names(kind: str, debug: bool) -> None:
    """Names that other commands take, one a line."""
    rows = list(KINDS[kind]())
    width = max(len(name) for name, _ in rows)
    for name, words in rows:
        click.echo(f"{name:<{width}}  {words}")
