"""What a reader of a comparison must know besides its figures."""

from collections.abc import Iterator, Sequence

from xaiaudit.comparison.pairing import Pair, same_grouping
from xaiaudit.comparison.shifts import Shifts
from xaiaudit.comparison.stored import Matched, Stored
from xaiaudit.records import AuditRecord


def notes(pair: Pair, explainers: Matched, maps: Sequence[tuple[Stored, Stored, Shifts]]) -> list[str]:
    """One sentence each, without a full stop."""
    return [*_of_audits(pair), *_of_each(pair), *_of_maps(pair, explainers, maps)]


def _of_audits(pair: Pair) -> Iterator[str]:
    old, new = pair.before.record, pair.after.record
    if old.checkpoint.sha256 == new.checkpoint.sha256:
        yield "both audits are of the same checkpoint: what differs is the audits themselves"
    if old.created > new.created:
        yield "the audit named as the older was begun after the other; differences are the second minus the first"
    if old.seed != new.seed:
        yield f"the seeds differ ({old.seed} and {new.seed}), and with them random starts and simulated sweeps"
    if old.environment.precision != new.environment.precision:
        yield f"attacks searched in {old.environment.precision} and {new.environment.precision}"
    if old.xaiaudit != new.xaiaudit:
        yield f"the audits were made by xaiaudit {old.xaiaudit} and {new.xaiaudit}"
    if len(pair.classes) == 2 and old.checkpoint.threshold != new.checkpoint.threshold:
        yield (
            f"the operating thresholds differ ({old.checkpoint.threshold:g} and {new.checkpoint.threshold:g}): "
            "decisions and flips are each at their own checkpoint's, and may differ for that alone; AUC does not"
        )
    if not same_grouping(pair):
        yield "the audits group images into cases differently; the groups of the newer one are used"


def _of_each(pair: Pair) -> Iterator[str]:
    sides: tuple[tuple[str, AuditRecord], ...] = (("older", pair.before.record), ("newer", pair.after.record))
    for which, record in sides:
        if not record.checkpoint.diagnoses:
            yield (
                f"the {which} checkpoint makes no diagnosis: accuracy and flips are of whether it outlines anything in "
                "an image"
            )
        if record.checkpoint.given_outline:
            yield f"the {which} checkpoint is given the outlined lesion as a channel of its input"
        if not record.leak.assessed:
            yield f"of the {which} checkpoint it is not known whether it was trained on these images"
        for check in record.checks:
            if check.status == "failed":
                of = f"attack {check.attack_id}" if check.attack_id else "the model"
                yield f"in the {which} audit {of} failed a self-check: it does not hold that {check.name}"


def _of_maps(pair: Pair, explainers: Matched, maps: Sequence[tuple[Stored, Stored, Shifts]]) -> Iterator[str]:
    if explainers and not maps:
        yield (
            "drift of maps is not assessed: an audit was made by a version that did not record what maps are compared "
            "on; audit that checkpoint again"
        )
    for before, after, _ in maps:
        name = after.explainer.id
        if before.explainer.layer != after.explainer.layer:
            yield f"maps by {name} are of layer {before.explainer.layer} and of layer {after.explainer.layer}"
        if before.grid != after.grid:
            yield (
                f"maps by {name} have {_cells(before.grid)} and {_cells(after.grid)} cells: where they peak and where "
                "their mass lies is compared, to no finer than a cell; overlap, correlations and SSIM are not"
            )
        for which, item in (("older", before), ("newer", after)):
            if not item.whole:
                yield (
                    f"maps of the {which} checkpoint by {name} are compared as they are stored, {_cells(item.grid)} of "
                    f"{_cells(item.explainer.grid)} cells"
                )


def _cells(grid: tuple[int, int]) -> str:
    return f"{grid[0]} x {grid[1]}"
