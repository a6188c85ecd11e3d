"""Attacks, criteria, explainers and changes of the acquisition as people name them."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from xaiaudit.errors import UsageError

Spec = tuple[str, dict[str, Any]]  # name and hyperparameters


def parsed(items: Iterable[str | Spec], parse: Callable[[str], Spec]) -> list[Spec]:
    """The items, those that are text read by `parse`."""
    return [parse(item) if isinstance(item, str) else item for item in items]


def refuse_equal(kind: str, specs: Iterable[Spec]) -> None:
    """Of two that are equal in name and parameters, the second would only repeat the first. Defaults must be named.

    Raises:
        UsageError: there are two.
    """
    seen: list[Spec] = []
    for name, parameters in specs:
        if (name, parameters) in seen:
            given = ",".join(f"{key}={value}" for key, value in parameters.items() if value is not None)
            with_what = f" with {given}" if given else ""
            raise UsageError(
                f"the {kind} {name}{with_what} is named twice; name it once, or with other parameters"
            )
        seen.append((name, parameters))


def unique(names: Sequence[str]) -> list[str]:
    """Ids: the names, numbered from the second of a name on."""
    seen: Counter[str] = Counter()
    ids = []
    for name in names:
        seen[name] += 1
        ids.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return ids
