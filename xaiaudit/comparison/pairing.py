"""Whether two audits can be compared, and which image of one is which of the other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xaiaudit.comparison.sides import Side
from xaiaudit.errors import AuditError
from xaiaudit.metrics.cases import number_cases
from xaiaudit.same_images import lacking, otherwise_prepared, relabelled, rows_of
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

    Raises:
        AuditError: images, labels, outlines, classes or preprocessing differ; it names them.
    """
    found = [*_of_checkpoints(before, after), *_of_images(before, after)]
    if not found:
        before = before.ordered(rows_of(after.clean().table, before.clean().table))
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
    found += [
        f"preprocessing: {key} {mine} and {its}"
        for key, mine, its in otherwise_prepared(old.preprocessing, new.preprocessing)
    ]
    rings = before.record.regions.ring_mm, after.record.regions.ring_mm
    if rings[0] != rings[1] and before.record.explainers and after.record.explainers:
        found.append(f"ring of {rings[0]:g} and {rings[1]:g} mm")
    return found


def _of_images(before: Side, after: Side) -> list[str]:
    old, new = (side.clean().table for side in (before, after))
    said = (("the first", lacking(old, new)), ("the second", lacking(new, old)))
    return [f"{_counted(images, 'image')} of {which} alone" for which, images in said if images]


def _of_labels(before: Side, after: Side) -> list[str]:
    """Of sides in one order."""
    old, new = before.clean().table, after.clean().table
    rows = np.arange(new.num_rows)
    other = [f"{name}: {was or 'none'} and {now or 'none'}" for name, now, was in relabelled(new, old, rows)]
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
