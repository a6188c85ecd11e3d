"""Withholding the decisions whose map points outside every region: the rule, and what it is measured against."""

import numpy as np

from xaiaudit.auditing.candidates import support
from xaiaudit.auditing.tables import Tables
from xaiaudit.metrics.abstention import aurc, least_aurc, risk_coverage
from xaiaudit.metrics.cases import Cases, select
from xaiaudit.metrics.membership import ANY
from xaiaudit.metrics.proportions import proportion
from xaiaudit.records import REGIONS, AbstentionRecord, RiskCoverage
from xaiaudit.rows import Rows
from xaiaudit.types import Flags, Vector

UNDRAWN = "the model draws no lesion on any image that has a defined map"
POINTS = 200  # of a curve that is written down


def abstention_records(tables: Tables) -> list[AbstentionRecord]:
    """For clean images and under every attack, of each explainer: by outline and, where there is one, by mask head."""
    found = []
    for attack_id in ("none", *(attack.id for attack in tables.plan.attacks)):
        for explainer in tables.plan.explainers:
            maps = tables.map(attack_id, explainer.id, "own")  # what a reader would see beside the decision
            found += _records(tables, attack_id, explainer.id, maps)
    return found


def _records(tables: Tables, attack_id: str, explainer_id: str, maps: Rows) -> list[AbstentionRecord]:
    checkpoint, rows = tables.plan.checkpoint, tables.prediction(attack_id)
    labels, decisions = (rows.classes(name, checkpoint.classes) for name in ("label", "decision"))
    confidence = support(rows.stacked("logits"), decisions, checkpoint.threshold)
    outline = np.sum([maps.floats(f"energy_{REGIONS[region]}") for region in ANY], axis=0)
    kinds = {
        "outline": (np.isfinite(maps.floats("chance_any")), maps.floats("maximum_in_any"), outline),
        "predicted": (
            np.full(len(rows.cases), bool(checkpoint.has_mask) or _drawn(tables)),
            maps.floats("predicted_maximum_any"),
            maps.floats("predicted_share_any"),
        ),
    }
    records = []
    for kind, (known, hits, energy) in kinds.items():
        among = known & (labels >= 0)
        if not among.any():
            continue
        facts = {
            "attack_id": attack_id,
            "explainer_id": explainer_id,
            "regions": kind,
            "without_label": int((labels < 0).sum()),
            "without_regions": int((~known & (labels >= 0)).sum()),
        }
        if kind == "predicted" and not _drawn(tables):
            facts |= {"assessable": False, "why_not": UNDRAWN}
        wrong, cases = (decisions != labels)[among], select(rows.cases, among)
        records.append(abstention_record(facts, wrong, hits[among], energy[among], confidence[among], cases))
    return records


def _drawn(tables: Tables) -> bool:
    """Some defined map, clean or attacked, of some explainer has a predicted mask to point at."""
    hits = np.asarray(tables.maps["predicted_maximum_any"].cast("float64").to_numpy())
    return bool(np.isfinite(hits).any())


def abstention_record(
    facts: dict[str, object], wrong: Flags, hits: Vector, energy: Vector, confidence: Vector, cases: Cases
) -> AbstentionRecord:
    """Rates of the rule and the ranking by energy have no value where `facts` call them not assessable."""
    kept = hits > 0  # of tied extremes, one inside is enough; an undefined map has none
    asked = np.full(len(wrong), bool(facts.get("assessable", True)))
    return AbstentionRecord.model_validate(
        facts
        | {
            "images": len(wrong),
            "undefined": int(np.isnan(hits).sum()),
            "coverage": proportion(kept[asked], select(cases, asked)),
            "risk_all": proportion(wrong, cases),
            "risk_kept": proportion(wrong[kept], select(cases, kept)),
            "risk_withheld": proportion(wrong[~kept & asked], select(cases, ~kept & asked)),
            "energy": _curve("energy", energy[asked], wrong[asked], select(cases, asked)),
            "confidence": _curve("confidence", confidence, wrong, cases),
        }
    )


def _curve(score: str, scores: Vector, wrong: Flags, cases: Cases) -> RiskCoverage:
    risks, area = risk_coverage(scores, wrong), aurc(scores, wrong, cases)
    n = len(wrong)
    kept = np.unique(np.linspace(1, n, min(n, POINTS)).round().astype(int))
    return RiskCoverage.model_validate(
        {
            "score": score,
            "aurc": area,
            "excess": None if area.estimate is None else max(0.0, area.estimate - least_aurc(wrong)),
            "coverage": (kept / n).tolist(),
            "risk": risks[kept - 1].tolist(),
        }
    )
