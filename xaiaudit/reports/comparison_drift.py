"""Of a comparison's report: whether maps moved on clean images, and where they point now."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from xaiaudit.comparison_record import ComparisonRecord, DriftRecord, PointingDifference
from xaiaudit.records import PEAK_STATES, REGIONS, SHIFT_METRICS
from xaiaudit.reports import comparison_words as words
from xaiaudit.reports import format as f
from xaiaudit.reports import words as audit_words
from xaiaudit.reports.blocks import Block, Canvas, Column, Heat, Picture, Section, Table, Text, not_assessed
from xaiaudit.reports.figures.variability import WIDTH_MM, Moved, draw_variability
from xaiaudit.reports.sections.shift_table import NAMES, SCALE, decimals

DRIFT = "drift.svg"
RULE = (
    "A map has drifted where its peak left lesion, ring and posterior region, or its mass centre moved by "
    "more than 5 mm (10 % of the diagonal without spacing), or it vanished: the rule of the silent shift, "
    "here between two checkpoints on the clean image. Compared are images that both decide alike, as only "
    "there both maps explain one decision."
)
YARDSTICK = (
    "Maps also move between two sweeps of a probe. The older audit simulated a second sweep of every image; "
    "what that moves the older checkpoint’s maps, on the same images, is the yardstick."
)


def drift_section(record: ComparisonRecord, images: pa.Table, canvas: Canvas) -> Section:
    title = "Explanation drift"
    if not record.drift:
        return Section(title=title, blocks=[not_assessed("no maps could be compared; see what was left out")])
    blocks: list[Block] = [
        Text(text=f"{words.drift_sentence(record)}.", style="lead"),
        Text(text=f"{RULE} {YARDSTICK}"),
        _rates(record),
        _counts(record),
    ]
    if any(item.shift["peak_diagonal"].n for item in record.drift):
        draw_drift(record, images, canvas.path(DRIFT))
        blocks += [_picture(record), _measures(record), *_multiples(record), _energy(record)]
    blocks += [
        Heat(
            caption=f"Where the peaks of {f.printable(item.explainer_id)} went, from the older to the newer",
            states=list(PEAK_STATES),
            counts=item.transitions,
        )
        for item in record.drift
        if any(map(any, item.transitions))
    ]
    return Section(title=title, blocks=blocks)


def draw_drift(record: ComparisonRecord, images: pa.Table, path: Path) -> None:
    """How far maps moved between the checkpoints and, hatched, in a second sweep; a row an explainer each."""
    metrics = drawn(record)
    groups = []
    for item in record.drift:
        name = item.explainer_id
        values = {metric: _column(images, f"{name}:{metric}", metric) for metric in metrics}
        groups.append(Moved(name, values, natural=False))
        if item.natural is not None:
            swept = {
                metric: np.where(  # of the same images
                    np.isnan(values[metric]),
                    np.nan,
                    _column(images, f"{name}:second_sweep_{metric}", metric),
                )
                for metric in metrics
            }
            groups.append(Moved(f"{name}, second sweep", swept, natural=True))
    draw_variability(groups, [(metric, NAMES[metric]) for metric in metrics], path)


def drawn(record: ComparisonRecord) -> list[str]:
    """Millimetres where every compared map has them, else parts of the diagonal; likeness where any is known."""
    first = record.drift
    whole = all(item.shift["peak_mm"].n == item.shift["peak_diagonal"].n for item in first)
    unit = "mm" if whole and any(item.shift["peak_mm"].n for item in first) else "diagonal"
    likeness = [
        name for name in ("topk_intersection", "spearman") if any(item.shift[name].n for item in first)
    ]
    return [f"peak_{unit}", f"mass_centre_{unit}", *likeness]


def _column(images: pa.Table, name: str, metric: str) -> np.ndarray:
    values = np.array(images[name].to_pylist(), np.float64)  # null is NaN
    return values * SCALE.get(metric, 1.0)


def _rates(record: ComparisonRecord) -> Table:
    rows = []
    for item in record.drift:
        natural = item.natural
        rows.append(
            [
                f.printable(item.explainer_id),
                f.rate(item.drifted),
                str(item.compared),
                f.DASH if natural is None else f.rate(natural.moved.before),
                f.DASH if natural is None else f.rate(natural.moved.after),
                f.DASH if natural is None else words.difference(natural.moved, unit=False),
                f.DASH if natural is None else f.p_value(natural.moved.p_holm),
            ]
        )
    made_of = "".join(dict.fromkeys(words.made_of(item.natural) for item in record.drift if item.natural))
    return Table(
        columns=[
            Column(title="Explainer", width=0.9),
            Column(title="Drifted", width=1.3, align="right"),
            Column(title="of maps", width=0.5, align="right"),
            Column(title="Moved in a second sweep", width=1.3, align="right"),
            Column(title="Drifted, of these", width=1.3, align="right"),
            Column(title="Difference", width=1.3, align="right"),
            Column(title="p, Holm", width=0.6, align="right"),
        ],
        rows=rows,
        caption="Maps that moved, between the checkpoints and in a second sweep",
        stacked=True,
        note="The last four columns are of the images whose decision the sweep left standing too; difference in "
        f"percentage points, p by Holm over the explainers.{made_of}"
        + f.dashes(rows, "there is no second sweep to measure by"),
    )


def _counts(record: ComparisonRecord) -> Table:
    return Table(
        columns=[
            Column(title="Explainer", width=0.9),
            *(
                Column(title=title, align="right")
                for title in (
                    "Images",
                    "Decided otherwise",
                    "Undefined before",
                    "of these appeared",
                    "Compared",
                    "Peak left",
                    "Mass centre far",
                    "Vanished",
                )
            ),
        ],
        rows=[
            [
                f.printable(item.explainer_id),
                str(item.images),
                str(item.decided_otherwise),
                str(item.undefined_before),
                str(item.appeared),
                str(item.compared),
                str(item.peak_left),
                str(item.centre_far),
                str(item.vanished),
            ]
            for item in record.drift
        ],
        caption="Which maps were compared, and why those that drifted count",
        note="Left out: images that the two decide otherwise, and those whose older map is undefined. A map "
        "may count for more than one reason.",
    )


def _picture(record: ComparisonRecord) -> Picture:
    return Picture(
        file=DRIFT,
        alt="How far maps moved between the two checkpoints and in a second sweep. "
        + " ".join(f"{words.map_sentence(item)}." for item in record.drift),
        caption="How far maps of the clean images moved between the two checkpoints (filled) and, with the "
        "older, in a second sweep (hatched): quartiles, median, and whiskers from the 5th to the 95th "
        "percentile; of the same images. Of overlap and correlation, 1 means an unchanged map.",
        width_mm=WIDTH_MM,
    )


def _measures(record: ComparisonRecord) -> Table:
    shown = [metric for metric in SHIFT_METRICS if any(item.shift[metric].n for item in record.drift)]
    if "peak_mm" in drawn(record):
        shown = [metric for metric in shown if not metric.endswith("_diagonal")]
    return _spreads(
        record,
        {metric: (NAMES[metric], SCALE.get(metric, 1.0), decimals(metric)) for metric in shown},
        counted="peak_diagonal",
        caption="Drift on clean images: median (quartiles)",
        note="Over images that both decide alike and whose map is defined in both, from the maps as they are stored.",
        dash="the grids differ, or no spacing is known",
    )


def _multiples(record: ComparisonRecord) -> list[Block]:
    shown = drawn(record)
    rows = []
    for item in record.drift:
        if item.natural is None:
            continue
        own = {found.metric: found for found in item.natural.multiples}
        name = f.printable(item.explainer_id)
        rows.append(
            [f"{name}, times a second sweep", *(audit_words.times(own[metric].times) for metric in shown)]
        )
        rows.append(
            [f"{name}, farther than in any sweep", *(f.rate(own[metric].farther) for metric in shown)]
        )
    if not rows:
        return []
    return [
        Table(
            columns=[
                Column(title="Explainer", width=1.5),
                *(Column(title=NAMES[m], align="right") for m in shown),
            ],
            rows=rows,
            caption="Drift as a multiple of what a second sweep moves",
            stacked=True,
            note="Times: median drift / median shift of the same images in the second sweep; of overlap and "
            "correlation, what was lost of them. A vanished map moved farther than any other. Farther than in "
            "any sweep: share of images whose map drifted farther than in any simulated sweep."
            + f.dashes(
                rows, "that median is 0 and nothing is known of the ratio, or no map could be compared"
            ),
        )
    ]


def _energy(record: ComparisonRecord) -> Table:
    regions = [r for r in REGIONS if any(item.shift[f"delta_energy_{r}"].n for item in record.drift)]
    return _spreads(
        record,
        {f"delta_energy_{region}": (region.capitalize(), 100.0, 1) for region in regions},
        counted=f"delta_energy_{REGIONS[0]}",
        caption="Change of energy share, percentage points: median (quartiles)",
        note="Energy share: the part of the map’s positive values that lies in the region.",
        dash="no lesion",
    )


def _spreads(
    record: ComparisonRecord,
    shown: Mapping[str, tuple[str, float, int]],
    *,
    counted: str,
    caption: str,
    note: str,
    dash: str,
) -> Table:
    """A line an explainer: median and quartiles of each metric; `dash` says why there may be none.

    Args:
        shown: of each metric its title, what it is multiplied by, and its decimals.
        counted: the metric whose maps are counted in the second column.
    """
    rows = [
        [
            f.printable(item.explainer_id),
            str(item.shift[counted].n),
            *(f.spread(item.shift[metric], scale, digits) for metric, (_, scale, digits) in shown.items()),
        ]
        for item in record.drift
    ]
    return Table(
        columns=[
            Column(title="Explainer", width=0.9),
            Column(title="Maps", width=0.5, align="right"),
            *(Column(title=title, align="right") for title, _, _ in shown.values()),
        ],
        rows=rows,
        caption=caption,
        stacked=True,
        note=note + f.dashes(rows, dash),
    )


def pointing_section(record: ComparisonRecord) -> Section:
    title = "Pointing game"
    found = [_pointing(item) for item in record.drift if item.pointing]
    if not found:
        reasons = list(dict.fromkeys(item.why_no_pointing for item in record.drift if item.why_no_pointing))
        return Section(
            title=title, blocks=[not_assessed(f.listing(reasons) or "no map lies on an image with a lesion")]
        )
    text = (
        "How often the extreme of a map lies in a region, of images with an outlined lesion whose map is "
        "defined in either audit; an undefined map is a miss. Each map explains its own checkpoint’s "
        "decision, whatever that is."
    )
    return Section(title=title, blocks=[Text(text=text), *found])


def _pointing(item: DriftRecord) -> Table:
    rows = [_hits(found) for found in item.pointing]
    return Table(
        columns=[
            Column(title="Region, extreme", width=1.1),
            Column(title="Chance", width=0.6, align="right"),
            Column(title="Older", width=1.3, align="right"),
            Column(title="Newer", width=1.3, align="right"),
            Column(title="Difference", width=1.3, align="right"),
            Column(title="p, Holm", width=0.6, align="right"),
        ],
        rows=rows,
        caption=f"{f.printable(item.explainer_id)}, {f.count(item.pointing[0].hits.difference.n, 'image')}",
        stacked=True,
        note="Chance: a point drawn uniformly. Differences in percentage points; p by Holm over the rows.",
    )


def _hits(found: PointingDifference) -> list[str]:
    region = "lesion, ring or posterior" if found.region == "any" else found.region
    return [
        f"{region}, {found.extreme}",
        f.percent(found.chance_uniform),
        f.rate(found.hits.before),
        f.rate(found.hits.after),
        words.difference(found.hits, unit=False),
        f.p_value(found.hits.p_holm),
    ]
