"""What a comparison found as sentences, the same in the terminal and in the PDF."""

from pathlib import Path

from xaiaudit.comparison_record import (
    AttackComparison,
    ComparedAudit,
    ComparisonRecord,
    DriftRecord,
    NaturalDrift,
    PairedStatistic,
    RadiusComparison,
)
from xaiaudit.records import Interval
from xaiaudit.reports import format as f
from xaiaudit.reports import words

UNITS = ("AUC", "Dice")  # statistics that are no shares of images
LEADING = ("accuracy", "AUC")  # statistics that the first sentence gives
SWEEP = "a second sweep of the probe"


def name(audit: ComparedAudit) -> str:
    return f.printable(Path(audit.checkpoint).name)


def drift_sentence(record: ComparisonRecord) -> str:
    """Whether maps moved at equal accuracy."""
    moved = [
        f.printable(item.explainer_id) for item in record.drift if item.finding in ("drifted", "farther")
    ]
    sweep = f.listing(list(dict.fromkeys(_sweep(item.natural) for item in record.drift if item.natural)))
    if record.explanation_drift:
        return (
            f"Explanation drift: the maps by {f.listing(moved)} moved more than {sweep} moves them, and from "
            f"{_size(record)} it is not shown that clean performance differs ({_leading(record)})"
        )
    if record.explanation_drift is None:
        return (
            f"Whether explanations drifted at equal accuracy is not assessed, because {_why_unknown(record)}"
        )
    if moved:
        return (
            f"Accuracy differs, so that it is no explanation drift at equal accuracy that the maps by "
            f"{f.listing(moved)} moved more than {sweep} moves them"
        )
    findings = {item.finding for item in record.drift} - {"not assessed"}
    if findings == {"unmoved"}:
        return f"No explanation drift: no map of {_size(record)} moved where both decide alike"
    if "no yardstick" in findings:
        return "Accuracy differs, so that it is no explanation drift at equal accuracy whatever the maps did"
    return (
        f"No explanation drift is shown: that maps moved more than {sweep} moves them does not follow from "
        f"{_size(record)}"
    )


def leaks(record: ComparisonRecord) -> list[str]:
    """Of each checkpoint that is judged by images that it knows."""
    return [
        f"{audit.leaked} of {f.count(record.images, 'image')} are in the training data of the {which} checkpoint, or "
        "close to some of it: what is said of it is flattered"
        for which, audit in (("older", record.before), ("newer", record.after))
        if audit.leaked
    ]


def accuracy_sentence(record: ComparisonRecord) -> str:
    """Whether clean performance differs, and within what."""
    if record.clean.differs is None:
        return "Accuracy is not assessed, because no image has a label"
    figures = _leading(record)
    if record.clean.differs:
        apart = [
            item.name for item in record.clean.statistics if item.p_holm is not None and item.p_holm < 0.05
        ]
        return f"Clean performance differs ({f.listing(apart)}): {figures}"
    return f"Clean performance does not differ, as far as {_size(record)} can tell: {figures}"


def turned(record: ComparisonRecord) -> str:
    """How many clean decisions are others now, and in which direction as far as labels tell."""
    kept = sum(row[i] for i, row in enumerate(record.clean.decisions))
    said = f"{f.count(record.images - kept, 'image')} decided otherwise"
    if not record.labelled:
        return said
    return f"{said}; {len(record.clean.right_to_wrong)} turned wrong, {len(record.clean.wrong_to_right)} turned right"


def map_sentence(item: DriftRecord) -> str:
    """Whether the maps of one explainer moved, beside a second sweep."""
    head = f"Maps by {f.printable(item.explainer_id)}"
    if item.finding == "not assessed":
        return f"{head}: not assessed, because no image is decided alike by both and has a defined older map"
    moved = f"{f.rate(item.drifted)} of {f.count(item.compared, 'map')} moved"
    if item.finding == "unmoved":
        return f"{head}: none of {f.count(item.compared, 'map')} moved"
    if item.natural is None:
        return f"{head}: {moved}; whether that is more than {SWEEP} moves is not known, because {item.why_no_natural}"
    against = (
        f"{_sweep(item.natural)} moves {f.percent(_estimate(item.natural.moved.before))} of the "
        f"{item.natural.moved.difference.n} that it leaves decided, difference {difference(item.natural.moved)}"
        f"{tested(item.natural.moved)}"
    )
    leading = next(found for found in item.natural.multiples if found.metric == "mass_centre_diagonal")
    far = (
        "half of the maps or more vanished"
        if leading.drift is None
        else f"the mass centre moved {words.times(leading.times)} times as far as in a sweep"
    )
    if item.finding == "drifted":
        return f"{head}: {moved}, more than in a sweep: {against}; {far}"
    if item.finding == "farther":
        return f"{head}: {moved}, not shown to be more than in a sweep: {against}; but {far}"
    return f"{head}: {moved}, not shown to be more than in a sweep: {against}; {far}"


def attack_sentence(item: AttackComparison) -> str:
    """How flips changed under one attack."""
    head = f"Under {f.printable(item.attack_id)}"
    if item.reached is not None and item.reached.p is not None:
        goal, found = f.printable(item.criterion), item.reached
        flips = f"; flips are not assessable, because {f.printable(item.why_not)}" if item.why_not else ""
        return f"{head}: goal ({goal}) reached {both(found)}, difference {difference(found)}{tested(found)}{flips}"
    if item.why_not:
        return f"{head}: not assessable, because {f.printable(item.why_not)}"
    changed = (
        f"{f.count(len(item.breakable), 'image')} became breakable, {len(item.mended)} "
        f"{'was' if len(item.mended) == 1 else 'were'} mended"
    )
    return f"{head}: flips {both(item.flips)}, difference {difference(item.flips)}{tested(item.flips)}; {changed}"


def median_radii(item: AttackComparison) -> tuple[str, str]:
    """The median smallest radius, older and newer."""
    found = item.radius
    if found is None:
        return f.DASH, f.DASH
    return _median(found.median_before, found, item.norm), _median(found.median_after, found, item.norm)


def both(item: PairedStatistic) -> str:
    """Before and after without their intervals: 86.2 % → 85.0 %."""
    show = _plain if item.name in UNITS else _percent
    return f"{show(item.before)} → {show(item.after)}"


def level(item: PairedStatistic, which: Interval | None) -> str:
    """One of the two with its interval."""
    return f.value(which, 3) if item.name in UNITS else f.rate(which)


def difference(item: PairedStatistic, unit: bool = True) -> str:
    """In percentage points, or for AUC and Dice as it is."""
    if item.name in UNITS:
        return f.value(item.difference, 3)
    if item.difference.estimate is None:
        return f.DASH
    said = f.points(item.difference)
    return said.replace(" (", f"{f.NBSP}points (", 1) if unit else said


def tested(item: PairedStatistic) -> str:
    """The p-value that stands beside a difference; nothing where none was computed."""
    p = item.p if item.p_holm is None else item.p_holm
    if p is None:
        return ""
    said = f.p_value(p)
    adjusted = "" if item.p_holm is None else " by Holm"
    return f", p{adjusted} {said}"


def made_of(natural: NaturalDrift) -> str:
    """What the second sweep was, where it was not all that one is made of."""
    return "" if natural.whole else f" The sweep was made of {f.listing(natural.changes)} alone."


def _sweep(natural: NaturalDrift) -> str:
    return SWEEP if natural.whole else f"a sweep made of {f.listing(natural.changes)} alone"


def _leading(record: ComparisonRecord) -> str:
    """The statistics that the first sentence gives, with their differences."""
    told = [item for key in LEADING for item in record.clean.statistics if item.name == key]
    told = told or record.clean.statistics  # a model that outlines alone has its Dice
    return "; ".join(f"{item.name} {both(item)}, difference {difference(item)}" for item in told)


def _size(record: ComparisonRecord) -> str:
    return f"{f.count(record.images, 'image')} of {f.count(record.cases, 'case')}"


def _why_unknown(record: ComparisonRecord) -> str:
    if record.clean.differs is None:
        return "no image has a label"
    if not record.drift:
        return "no maps could be compared"
    reasons = list(dict.fromkeys(item.why_no_natural for item in record.drift if item.why_no_natural))
    return f.listing(reasons) if reasons else "no image is decided alike by both with a map to compare"


def _median(value: float | None, item: RadiusComparison, norm: str) -> str:
    if value is not None:
        return words.radius(norm, value)
    return f"over {words.radius(norm, item.radii[-1])}" if item.radii and item.images else f.DASH


def _estimate(interval: Interval | None) -> float | None:
    return None if interval is None else interval.estimate


def _plain(interval: Interval | None) -> str:
    return f.fixed(_estimate(interval), 3)


def _percent(interval: Interval | None) -> str:
    return f.percent(_estimate(interval))
