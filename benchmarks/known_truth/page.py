"""The results as Markdown tables. Networks of one cue are taken together, each with its own held-out cases."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.known_truth.causal import TISSUE
from benchmarks.known_truth.column import Column
from benchmarks.results import Record
from benchmarks.table import markdown
from xaiaudit.data.phantom_features import PLACES
from xaiaudit.metrics.bootstrap import bootstrap
from xaiaudit.metrics.proportions import proportion
from xaiaudit.records import Interval

NONE = "–"
ACROSS = (  # title, what is told, its chance level, only of cases whose decision rests on the cue
    ("maximum in the cue's place, where the decision rests on the cue", "maximum", "chance", True),
    ("the same, with cells at the centre of what they see (maps of a layer)", "aligned", "chance", True),
    ("maximum in the cue's place, of all held-out cases", "maximum", "chance", False),
    ("maximum in the place or within a cell of it, where the decision rests on the cue", "within_a_cell",
     "chance_within", True),
    ("positive mass in the place, where the decision rests on the cue", "energy", "chance", True),
)  # fmt: skip


def tables(records: Sequence[Record]) -> str:
    """All tables, of the explainers that every record holds; in per cent, with 95 % intervals over cases."""
    cues = list(dict.fromkeys(record["cue"] for record in records))
    of = {cue: [record for record in records if record["cue"] == cue] for cue in cues}
    names = [name for name in records[0]["explainers"] if all(name in r["explainers"] for r in records)]
    parts = [_settings(records[0]), _title("do the networks use the cue?"), _causal(records)]
    parts += [_title("where the evidence is"), _evidence(of)]
    for title, key, chance, resting in ACROSS:
        parts += [_title(title), _across(of, names, key, chance, resting=resting)]
    for cue in cues:
        parts += [_title(f"{cue}, whose place is {' and '.join(PLACES[cue])}"), _cue(of[cue], names)]
    return "\n\n".join(parts)


def _settings(record: Record) -> str:
    made = record["settings"]
    return (
        f"small-cnn, {made['size']} × {made['size']} pixels, trained on {made['train']} phantoms for "
        f"{made['epochs']} epochs; {made['cases']} held-out phantoms of each network."
    )


def _causal(records: Sequence[Record]) -> str:
    rows = []
    for record in records:
        found, blind = record["causal"], record["blind"]
        areas = [_area(found[key]) for key in ("whole", "without_place", "place_alone")]
        verdict = "yes" if found["uses_the_cue"] else "no"
        resting = f"{sum(found['rests'])} of {len(found['rests'])}"
        row = [record["cue"], str(record["network"]), *areas, verdict, resting]
        rows.append([*row, _area(blind) if blind else ""])
    head = [
        "cue",
        "network",
        "AUC",
        "place neutral",
        "all else neutral",
        "uses the cue",
        "decisions that rest on it",
    ]
    return markdown([*head, "AUC of the blind twin"], rows)


def _evidence(of: Mapping[str, Sequence[Record]]) -> str:
    rows = []
    for cue, records in of.items():
        areas = [[record["causal"]["without"][region]["estimate"] for record in records] for region in TISSUE]
        most = np.concatenate([record["causal"]["most"] for record in records])
        shares = [_percent(most == region) for region in TISSUE]
        rows.append([cue, *(f"{np.mean(area):.2f}" for area in areas), *shares])
    head = [f"AUC, {region} neutral" for region in TISSUE] + [f"most in {region}, %" for region in TISSUE]
    return markdown(["cue", *head], rows)


def _across(
    of: Mapping[str, Sequence[Record]], names: Sequence[str], key: str, chance: str, *, resting: bool
) -> str:
    """A row an explainer, a column a cue."""
    columns = [Column(records, resting) for records in of.values()]
    rows = [["chance: an even map" if key == "energy" else "chance: a point at random"]]
    rows[0] += [_percent(column.of_any(names, chance)) for column in columns]
    rows += [[f"`{name}`", *(_cell(column, name, key) for column in columns)] for name in names]
    return markdown(["explainer", *of], rows)


def _cue(records: Sequence[Record], names: Sequence[str]) -> str:
    """A row an explainer, of the cases whose decision rests on the cue."""
    column = Column(records, resting=True)
    malignant = column.of_cases([record["decided"] for record in records]) == 1
    rows = []
    for name in names:
        if column.refused(name):
            continue
        hits, aligned, either = (column.values(name, key) for key in ("maximum", "aligned", "either"))
        regions = [
            column.of_cases([r["explainers"][name]["in_region"][region] for r in records])
            for region in TISSUE
        ]
        shuffled = [record["explainers"][name]["shuffled"] for record in records]
        rows.append(
            [
                f"`{name}`",
                *(_rate(hits[which], column.cases[which]) for which in (malignant, ~malignant)),
                *(_told(aligned[which], column.cases[which]) for which in (malignant, ~malignant)),
                _told(either, column.cases),
                _percent(np.array(shuffled)),
                *(_percent(np.nan_to_num(found[malignant])) for found in regions),
                str(int(np.isnan(hits).sum())),
            ]
        )
    head = [
        "explainer",
        "maximum, decided malignant",
        "decided benign",
        "aligned, decided malignant",
        "aligned, decided benign",
        "either extreme",
        "another case's map",
    ]
    return markdown([*head, *(f"decided malignant: in {region}" for region in TISSUE), "undefined"], rows)


def _cell(column: Column, name: str, key: str) -> str:
    if column.refused(name):
        return NONE
    found = column.values(name, key)
    if key == "energy":
        return _interval(bootstrap(found, column.cases))
    return (_told if key == "aligned" else _rate)(found, column.cases)


def _told(hits: np.ndarray, cases: np.ndarray) -> str:
    """As `_rate`, of what is not told of every explainer."""
    return _rate(hits, cases) if np.isfinite(hits).any() else NONE


def _rate(hits: np.ndarray, cases: np.ndarray) -> str:
    """Undefined maps are no hits."""
    return _interval(proportion(np.nan_to_num(hits), cases))


def _interval(found: Interval) -> str:
    if found.estimate is None or found.low is None or found.high is None:
        return NONE
    return f"{100 * found.estimate:.0f} ({100 * found.low:.0f} to {100 * found.high:.0f})"


def _area(found: Mapping[str, Any]) -> str:
    if found["low"] is None:
        return NONE if found["estimate"] is None else f"{found['estimate']:.2f}"
    return f"{found['estimate']:.2f} ({found['low']:.2f} to {found['high']:.2f})"


def _percent(shares: np.ndarray) -> str:
    """Their mean; none of nothing, nor of what is undefined."""
    return f"{100 * shares.mean():.0f}" if len(shares) and np.isfinite(shares).all() else NONE


def _title(words: str) -> str:
    return f"### {words[0].upper()}{words[1:]}"
