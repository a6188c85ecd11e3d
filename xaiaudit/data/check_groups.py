"""The findings of a data check that concern several images at once: duplicates and splits."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from xaiaudit.data.cases import positions
from xaiaudit.data.duplicates import NEAR, SAME_SCAN, connected, similar_pairs
from xaiaudit.data.findings import Finding, Item
from xaiaudit.data.looks import Look

_Group = tuple[int, ...]  # positions among the looks, ascending


def duplicate_findings(looks: Sequence[Look]) -> list[Finding]:
    """Groups of equal images, of near-duplicates, and of what is probably the same scan; apart by class.

    Near-duplicates hold the equal ones again; of the weakest kind only groups that the near-duplicates do not
    show are named. The same scan under two labels is an error, under one a note: a split keeps it together.
    """
    exact, near, same = _groups(looks)
    return [
        *_by_class(looks, exact, "exact-duplicates", "groups of images with equal pixels"),
        *_by_class(looks, near, "near-duplicates", f"groups of near-duplicates (correlation above {NEAR})"),
        *_by_class(
            looks,
            [group for group in same if group not in set(near)],
            "same-scan",
            f"further groups that probably show the same scan (correlation above {SAME_SCAN})",
        ),
    ]


def _groups(looks: Sequence[Look]) -> tuple[list[_Group], list[_Group], list[_Group]]:
    exact = [
        tuple(images) for images in positions([seen.sha256 for seen in looks]).values() if len(images) > 1
    ]
    equal = np.array([pair for group in exact for pair in pairwise(group)], dtype=np.intp).reshape(-1, 2)
    thumbs = np.array([seen.thumbnail for seen in looks], dtype=np.float32).reshape(len(looks), -1)

    def above(threshold: float) -> list[_Group]:
        numbers = connected(np.concatenate([equal, similar_pairs(thumbs, threshold)]), len(looks))
        grouped = positions([str(number) for number in numbers])
        return [tuple(images) for images in grouped.values() if len(images) > 1]

    return exact, above(NEAR), above(SAME_SCAN)


def _by_class(looks: Sequence[Look], groups: Sequence[_Group], kind: str, words: str) -> list[Finding]:
    across = [group for group in groups if len({looks[k].entry.label for k in group} - {None}) > 1]
    within = [group for group in groups if group not in set(across)]
    return [
        Finding(
            kind=f"{kind}-across-classes",
            severity="error",
            words=f"{words} under different labels",
            items=_items(looks, across),
        ),
        Finding(kind=kind, severity="note", words=f"{words} under one label", items=_items(looks, within)),
    ]


def _items(looks: Sequence[Look], groups: Sequence[_Group]) -> tuple[Item, ...]:
    return tuple(Item(files=tuple(looks[k].name for k in group)) for group in groups)


def split_findings(looks: Sequence[Look], splits: Mapping[str, Sequence[str]]) -> list[Finding]:
    """Images, cases and scans that lie in two parts of a split, and names in a split that are not there."""
    place = {name: k for k, seen in enumerate(looks) for name in (seen.name, _full_name(seen))}
    parts: dict[int, set[str]] = {}
    unknown = []
    for part, files in splits.items():
        for file in files:
            if file in place:
                parts.setdefault(place[file], set()).add(part)
            else:
                unknown.append(Item(files=(file,), detail=f"in {part}"))
    cases = positions([_full_case(seen) for seen in looks])
    by_case = [tuple(images) for case, images in cases.items() if case and len(images) > 1]
    by_scan = _groups(looks)[2] if parts else []
    return [
        _torn("image-in-two-splits", "images in two parts of the split", looks, parts, [(k,) for k in parts]),
        _torn("case-in-two-splits", "cases in two parts of the split", looks, parts, by_case),
        _torn("scan-in-two-splits", "scans in two parts of the split", looks, parts, by_scan),
        Finding(
            kind="split-of-others",
            severity="error",
            words="files of a split that are not here",
            items=tuple(unknown),
        ),
    ]


def _full_case(seen: Look) -> str:
    return f"{seen.entry.dataset}/{seen.entry.case}" if seen.entry.case is not None else ""


def _full_name(seen: Look) -> str:
    return f"{seen.entry.dataset}/{seen.entry.file}"


def _torn(
    kind: str, words: str, looks: Sequence[Look], parts: Mapping[int, set[str]], groups: Sequence[_Group]
) -> Finding:
    items = []
    for group in groups:
        placed = [k for k in group if k in parts]
        found = sorted(set().union(*(parts[k] for k in placed)))
        if len(found) > 1:
            items.append(Item(files=tuple(looks[k].name for k in placed), detail=f"in {' and '.join(found)}"))
    return Finding(kind=kind, severity="error", words=words, items=tuple(items))
