"""Whether two audits can be compared, and which image of one is which of the other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xaiaudit.comparison.sides import Side
from xaiaudit.errors import AuditError
from xaiaudit.metrics.cases import number_cases
from xaiaudit.types import Decisions

NAMED = 3  # images that an error names


@dataclass(frozen=True, eq=False)
class Pair:
    """Two audits of the same images, row by row. `before` is the older."""

    before: Side
    after: Side
    names: list[str]  # of the images, as the newer audit calls them
    sha256: list[str]
    cases: list[str]  # of the newer audit
    labels: Decisions  # class index, -1 for none

    @property
    def classes(self) -> list[str]:
        return self.after.record.checkpoint.classes

    @property
    def positive(self) -> int:
        return self.classes.index(self.after.record.checkpoint.positive)

    def decisions(self) -> tuple[Decisions, Decisions]:
        """(n,) class index of the clean images, before and after."""
        before, after = (side.clean().classes("decision", self.classes) for side in (self.before, self.after))
        return before, after


def paired(before: Side, after: Side) -> Pair:
    """The two audits with their images in the order of the newer.

    Images are paired by the hash of their pixels; copies of one image, by their labels, then in the order of their
    names.

    Raises:
        AuditError: images, labels, outlines, classes or preprocessing differ; it names them.
    """
    found = [*_of_checkpoints(before, after), *_of_images(before, after)]
    if not found:
        before = before.ordered(_same_order(before, after))
        found = [*_of_labels(before, after), *_of_regions(before, after)]
    if found:
        raise AuditError(
            f"{before.folder} and {after.folder} cannot be compared: {'; '.join(found)}; audit both checkpoints on the "
            "same images with the same settings"
        )
    rows, classes = after.clean(), after.record.checkpoint.classes
    return Pair(
        before=before,
        after=after,
        names=rows.strings("image"),
        sha256=rows.strings("sha256"),
        cases=rows.cases,
        labels=rows.classes("label", classes),
    )


def same_grouping(pair: Pair) -> bool:
    """Whether both audits take the same images for one case; ids may differ, being salted hashes."""
    (mine, _), (its, _) = (
        number_cases(side.clean().cases, len(pair.names)) for side in (pair.before, pair.after)
    )
    return bool((mine == its).all())  # both are numbered by first appearance, in one order of images


def _of_checkpoints(before: Side, after: Side) -> list[str]:
    old, new = before.record.checkpoint, after.record.checkpoint
    found = []
    if old.classes != new.classes:
        found.append(f"classes {', '.join(old.classes)} and {', '.join(new.classes)}")
    if old.positive != new.positive:
        found.append(f"positive class {old.positive} and {new.positive}")
    mine, its = (
        {"inputs": []} | part.preprocessing for part in (old, new)
    )  # `inputs` is younger than the rest
    mine["inputs"], its["inputs"] = (list(part["inputs"] or []) for part in (mine, its))
    found += [
        f"preprocessing: {key} {mine.get(key)} and {its.get(key)}"
        for key in dict.fromkeys((*mine, *its))
        if mine.get(key) != its.get(key)
    ]
    rings = before.record.regions.ring_mm, after.record.regions.ring_mm
    if rings[0] != rings[1] and before.record.explainers and after.record.explainers:
        found.append(f"ring of {rings[0]:g} and {rings[1]:g} mm")
    return found


def _of_images(before: Side, after: Side) -> list[str]:
    old, new = (side.clean() for side in (before, after))
    lacking = _beyond(old.strings("sha256"), old.strings("image"), new.strings("sha256"))
    further = _beyond(new.strings("sha256"), new.strings("image"), old.strings("sha256"))
    said = (("the first", lacking), ("the second", further))
    return [f"{_counted(images, 'image')} of {which} alone" for which, images in said if images]


def _beyond(own: Sequence[str], names: Sequence[str], others: Sequence[str]) -> list[str]:
    """Names of the images that the others lack; of copies, as many as are too many."""
    left = list(others)
    free: dict[str, int] = {}
    for sha in left:
        free[sha] = free.get(sha, 0) + 1
    found = []
    for sha, name in zip(own, names, strict=True):
        if free.get(sha, 0) == 0:
            found.append(name)
        else:
            free[sha] -= 1
    return found


def _same_order(before: Side, after: Side) -> np.ndarray:
    """Row of `before` of each image of `after`."""
    ranked = []
    for side in (before, after):
        rows = side.clean()
        labels = map(str, rows.strings("label"))  # copies may be labelled each otherwise
        keys = list(zip(rows.strings("sha256"), labels, rows.strings("image"), strict=True))
        ranked.append(np.array(sorted(range(len(keys)), key=keys.__getitem__), np.int64))
    order = np.empty_like(ranked[0])
    order[ranked[1]] = ranked[0]
    return order


def _of_labels(before: Side, after: Side) -> list[str]:
    old, new = (side.clean().table["label"].to_pylist() for side in (before, after))
    names = after.clean().strings("image")
    other = [
        f"{name}: {one or 'none'} and {two or 'none'}"
        for name, one, two in zip(names, old, new, strict=True)
        if one != two
    ]
    return [f"labels of {_counted(other, 'image')}"] if other else []


def _of_regions(before: Side, after: Side) -> list[str]:
    """The outlined lesions, as far as both audits have maps."""
    if not (before.record.explainers and after.record.explainers and len(after.order)):
        return []
    old, new = (side.map(side.record.explainers[0].id) for side in (before, after))
    columns = [f"area_{region}" for region in ("lesion", "ring", "posterior")]
    columns += [name for name in ("diagonal",) if before.knows_field and after.knows_field]
    apart = np.zeros(len(after.order), bool)
    for column in columns:
        apart |= ~np.isclose(old.floats(column), new.floats(column), rtol=0, atol=1e-9, equal_nan=True)
    if before.knows_field and after.knows_field:
        spacings = zip(old.table["spacing"].to_pylist(), new.table["spacing"].to_pylist(), strict=True)
        apart |= np.array([one != two for one, two in spacings], bool)
    names = [name for name, differs in zip(after.clean().strings("image"), apart, strict=True) if differs]
    return [f"outline or spacing of {_counted(names, 'image')}"] if names else []


def _counted(names: Sequence[str], noun: str) -> str:
    shown = ", ".join(names[:NAMED]) + (", ..." if len(names) > NAMED else "")
    return f"{len(names)} {noun}{'s' * (len(names) != 1)} ({shown})"
