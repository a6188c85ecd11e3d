"""Map shift in numbers: medians and quartiles of every metric, and what the paired tests say."""

from collections.abc import Mapping

from xaiaudit.records import REGIONS, SHIFT_METRICS, Distribution, MapRecord
from xaiaudit.reports import format as f
from xaiaudit.reports import words
from xaiaudit.reports.blocks import Column, Table, Text
from xaiaudit.reports.sections.empty_rows import Empty, Outcome, left_out

NAMES = {
    "peak_mm": "Peak moved, mm",
    "peak_diagonal": "Peak moved, % of diagonal",
    "mass_centre_mm": "Mass centre moved, mm",
    "mass_centre_diagonal": "Mass centre moved, % of diagonal",
    "topk_intersection": "Top-k overlap",
    "spearman": "Spearman’s ρ",
    "pearson": "Pearson’s r",
    "ssim": "SSIM",
    "wasserstein_mm": "Wasserstein-1, mm",
}
SCALE = {"peak_diagonal": 100.0, "mass_centre_diagonal": 100.0}


def shift_table(records: list[MapRecord], new: list[MapRecord]) -> Table | Text:
    """One explainer under every attack; two rows an attack, and a third for the new decision of flipped images.

    `records` explain the clean decision after the attack, `new` the decision then; they differ only where it flipped.
    A row without any map is left out, and the note says so.
    """
    name = f.printable(records[0].explainer_id)
    shown = [m for m in SHIFT_METRICS if any(_n(r.shift, m) for r in records)]
    drawn = drawn_metrics(records)
    shown = [m for m in shown if m in drawn or not m.startswith(("peak", "mass_centre"))]
    rows, empty = [], []
    after = {record.attack_id: record.shift_flipped for record in new}
    for record in records:
        outcomes: dict[Outcome, Mapping[str, Distribution]] = {
            "flipped": record.shift_flipped,
            "stood": record.shift_unflipped,
            "flipped, new decision": after.get(record.attack_id, {}),
        }
        for outcome, values in outcomes.items():
            n = max((_n(values, metric) for metric in shown), default=0)
            if not n:
                empty.append(Empty(record, outcome))
                continue
            cells = [
                f.spread(values.get(metric), SCALE.get(metric, 1.0), decimals(metric)) for metric in shown
            ]
            rows.append([f"{f.identifier(record.attack_id)}, {outcome}", str(n), *cells])
    if not rows:
        return Text(text=left_out(empty))
    columns = [Column(title="Attack, decision", width=1.25), Column(title="Maps", width=0.5, align="right")]
    columns += [Column(title=NAMES[metric], align="right") for metric in shown]
    told = [
        "Over images whose map is defined before and after; maps explain the clean decision both times, but in rows of "
        f"the new decision, where the second explains that.{f.dashes(rows, 'the metric is undefined there')}",
        left_out(empty),
    ]
    return Table(
        columns=columns,
        rows=rows,
        caption=f"Map shift by {name}: median (quartiles)",
        stacked=True,
        note=" ".join(filter(None, told)),
    )


def energy_table(records: list[MapRecord]) -> Table:
    """How the energy share of every region changed, of one explainer under every attack."""
    regions = [region for region in REGIONS if any(_n(r.shift, f"delta_energy_{region}") for r in records)]
    rows, empty = [], []
    for record in records:
        outcomes: dict[Outcome, Mapping[str, Distribution]] = {
            "flipped": record.shift_flipped,
            "stood": record.shift_unflipped,
        }
        for outcome, values in outcomes.items():
            found = [values.get(f"delta_energy_{region}") for region in regions]
            n = max((item.n for item in found if item is not None), default=0)
            if not n:
                empty.append(Empty(record, outcome))
                continue
            cells = [f.spread(item, 100, 1) for item in found]
            rows.append([f"{f.identifier(record.attack_id)}, {outcome}", str(n), *cells])
    columns = [Column(title="Attack, decision", width=1.25), Column(title="Maps", width=0.5, align="right")]
    return Table(
        columns=[*columns, *(Column(title=region.capitalize(), align="right") for region in regions)],
        rows=rows,
        caption=f"Change of energy share by {f.printable(records[0].explainer_id)}, percentage points: "
        "median (quartiles)",
        stacked=True,
        note="Energy share: the part of the map’s positive values that lies in the region. Over images with a lesion "
        f"whose map has a positive value before and after. {left_out(empty)}".rstrip(),
    )


def decimals(metric: str) -> int:
    return 1 if metric.endswith(("_mm", "_diagonal")) else 2


TESTED = {"energy_lesion": "Energy, lesion", "energy_ring": "Energy, ring", "energy_posterior": "Energy, posterior",
          "energy_elsewhere": "Energy, elsewhere", "relevance_rank": "Relevance rank"}  # fmt: skip


def tests_table(records: list[MapRecord]) -> list[Table]:
    """What the paired tests of the audit say of every explainer and attack; nothing where it made none."""
    known = [record for record in records if any(p is not None for p in record.wilcoxon.values())]
    if not known:
        return []
    keys = list(dict.fromkeys(key for record in known for key in record.wilcoxon))
    rows = [
        [
            f.printable(r.explainer_id),
            f.identifier(r.attack_id),
            *(f.p_value(r.wilcoxon.get(key)) for key in keys),
        ]
        for r in known
    ]
    return [
        Table(
            columns=[
                Column(title="Explainer", width=1.3),
                Column(title="Attack", width=1.2),
                *(Column(title=TESTED.get(key, f.printable(key)), align="right") for key in keys),
            ],
            rows=rows,
            caption="Before against after: p",
            note="Wilcoxon signed-rank on case means, by Holm within each attack. Energy: share of the map’s positive "
            "mass in the region. Relevance rank: share of the strongest pixels, as many as the lesion "
            "has, that lie in it."
            f"{f.dashes(rows, 'not tested, because nothing changed or no pair is known')}",
        )
    ]


def drawn_metrics(records: list[MapRecord]) -> list[str]:
    """Millimetres where every compared map has them, else parts of the diagonal, which every map has."""
    return [
        *(
            ("peak_mm", "mass_centre_mm")
            if words.in_millimetres(records)
            else ("peak_diagonal", "mass_centre_diagonal")
        ),
        "topk_intersection",
        "spearman",
    ]


def _n(values: Mapping[str, Distribution], metric: str) -> int:
    return values[metric].n if metric in values else 0
