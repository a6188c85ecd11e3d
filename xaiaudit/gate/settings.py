"""What `xaiaudit attack` runs where the command line does not say otherwise: [audit] by the names of its options."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from xaiaudit.gate.policy import AuditTable
from xaiaudit.gate.reading import ReadPolicy

Value = Callable[[AuditTable, Path], Any]

# Of each key of [audit]: the options that it stands for. Where one of them is said, none of them is taken from here:
# folders of other images are read in another way.
OPTIONS: Mapping[str, Mapping[str, Value]] = {
    "data": {
        "data": lambda audit, folder: tuple(folder / path for path in audit.data),
        "dataset": lambda audit, _: audit.dataset,
        "normals": lambda audit, _: audit.normals,
        "split": lambda audit, _: audit.split,
    },
    "attacks": {"methods": lambda audit, _: tuple(audit.attacks)},
    "criteria": {"criteria": lambda audit, _: tuple(audit.criteria)},
    "explainers": {"explainers": lambda audit, _: tuple(audit.explainers)},
    "acquisition": {
        "changes": lambda audit, _: tuple(audit.acquisition or ()),
        "no_acquisition": lambda audit, _: audit.acquisition == [],
    },
    "seed": {"seed": lambda audit, _: audit.seed},
    "limit": {"limit": lambda audit, _: audit.limit},
    "ring_mm": {"ring_mm": lambda audit, _: audit.ring_mm},
    "tolerance_mm": {"tolerance_mm": lambda audit, _: audit.tolerance_mm},
    "curve": {"curve": lambda audit, _: audit.curve},
    "checks": {"checks": lambda audit, _: audit.checks},
    "precision": {"precision": lambda audit, _: audit.precision},
}
READ_ALIKE = {"dataset", "normals", "split"}  # go with `data`, and may be said of the policy's data too


def settings(read: ReadPolicy, said: set[str]) -> dict[str, Any]:
    """Values of the options that the command line leaves open; `said` are those that it does not.

    Paths are relative to the policy's folder.
    """
    folder, found = read.path.parent, dict[str, Any]()
    for options in OPTIONS.values():
        if (said & set(options)) - READ_ALIKE:
            continue
        open_ones = {name: value for name, value in options.items() if name not in said}
        found |= {name: value(read.policy.audit, folder) for name, value in open_ones.items()}
    return found


def overruled(said: set[str]) -> list[str]:
    """Keys of [audit] that the command line speaks of."""
    return [key for key, options in OPTIONS.items() if said & set(options)]
