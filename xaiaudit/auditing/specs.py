"""Attacks, criteria, explainers and changes of the acquisition as people name them."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

Spec = tuple[str, dict[str, Any]]  # name and hyperparameters


def parsed(items: Iterable[str | Spec], parse: Callable[[str], Spec]) -> list[Spec]:
    """The items, those that are text read by `parse`."""
    return [parse(item) if isinstance(item, str) else item for item in items]


def unique(names: Sequence[str]) -> list[str]:
    """Ids: the names, numbered from the second of a name on."""
    seen: Counter[str] = Counter()
    ids = []
    for name in names:
        seen[name] += 1
        ids.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return ids
