"""The same statistics for images of one device, BI-RADS category or size of lesion; and whether they differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from xaiaudit.auditing.tables import Tables
from xaiaudit.data.subgroups import RELATIVE, SIZES
from xaiaudit.metrics.auc import auc
from xaiaudit.metrics.cases import Cases, select
from xaiaudit.metrics.classification import positive_scores, share_among
from xaiaudit.metrics.contrast import permutation_among
from xaiaudit.metrics.proportions import FEWEST, proportion
from xaiaudit.records import SUBGROUPS, AttackRecord, Interval, SubgroupAttack, SubgroupRecord, SubgroupTest
from xaiaudit.types import Decisions, Flags, Vector

Outcome = tuple[str, str | None, str | None]  # what, attack, explainer


@dataclass(frozen=True, eq=False)
class _Facts:
    """One value an image, in the order of the plan."""

    tables: Tables
    assessable: frozenset[str]  # attacks whose flips say something

    @cached_property
    def labels(self) -> Decisions:
        return self.tables.clean.classes("label", self.tables.plan.checkpoint.classes)

    @cached_property
    def decisions(self) -> Decisions:
        return self.tables.clean.classes("decision", self.tables.plan.checkpoint.classes)

    @cached_property
    def scores(self) -> Vector:
        checkpoint = self.tables.plan.checkpoint
        logits = self.tables.clean.stacked("logits").astype(np.float64)
        return positive_scores(logits, self.positive, checkpoint.threshold)

    @property
    def positive(self) -> int:
        checkpoint = self.tables.plan.checkpoint
        return checkpoint.classes.index(checkpoint.positive)

    @cached_property
    def outcomes(self) -> Mapping[Outcome, Vector]:
        """1 where it holds, 0 where not, NaN where it is not defined: of every test."""
        right = np.where(self.labels >= 0, self.decisions == self.labels, np.nan)
        found: dict[Outcome, Vector] = {("accuracy", None, None): right}
        for attack in self.tables.plan.attacks:
            flipped = self.tables.prediction(attack.id).flags("flipped")
            found["flip rate", attack.id, None] = flipped.astype(np.float64)
            for explainer in self.tables.plan.explainers:
                moved = self.tables.map(attack.id, explainer.id, "same").floats("silent_shift")
                found["silent shift", attack.id, explainer.id] = moved
        return found

    def strata(self, attribute: str) -> Decisions:
        """Among images of one of these, values are exchanged: of one label, and of lesions measured alike."""
        if attribute == "label":
            return np.zeros(len(self.labels), np.int64)
        relative = [str(size).startswith(RELATIVE) for size in self.tables.clean.strings("size")]
        return 2 * self.labels + (np.array(relative) if attribute == "size" else 0)

    @cached_property
    def groups(self) -> Mapping[str, Mapping[str | None, Flags]]:
        """By attribute with more than one value, and by value: the images that have it."""
        found: dict[str, Mapping[str | None, Flags]] = {}
        for attribute in SUBGROUPS:
            values = self.tables.clean.strings(attribute)
            ordered = sorted(set(values), key=lambda value: self._rank(attribute, value))
            if len(ordered) > 1:
                found[attribute] = {
                    value: np.array([own == value for own in values], bool) for value in ordered
                }
        return found

    def _rank(self, attribute: str, value: str | None) -> tuple[bool, int, str]:
        order: dict[str, list[str]] = {
            "dataset": [data.record.name for data in self.tables.plan.data],
            "label": self.tables.plan.checkpoint.classes,
            "size": list(SIZES),
        }
        own = order.get(attribute, [])
        return value is None, own.index(value) if value in own else len(own), value or ""


def subgroup_records(
    tables: Tables, attacks: Sequence[AttackRecord]
) -> tuple[list[SubgroupRecord], list[SubgroupTest]]:
    """Every subgroup of every attribute that parts the images, and the tests of differences among them.

    `attacks` tell whose flips can be assessed; those of the others are not tested.
    """
    facts = _Facts(tables, frozenset(attack.id for attack in attacks if attack.assessable))
    records = [
        _record(facts, attribute, value, own)
        for attribute, groups in facts.groups.items()
        for value, own in groups.items()
    ]
    return records, _tests(facts)


def _record(facts: _Facts, attribute: str, value: str | None, own: Flags) -> SubgroupRecord:
    cases = select(facts.tables.clean.cases, own)
    counts = {"attribute": attribute, "value": value, "images": len(cases), "cases": len(set(cases))}
    if not _rated(value, own):
        return SubgroupRecord.model_validate(counts | {"rated": False})
    every, known = facts.tables.clean.cases, own & (facts.labels >= 0)
    positive, said = facts.labels == facts.positive, facts.decisions == facts.positive
    both = min((known & positive).sum(), (known & ~positive).sum()) >= FEWEST
    return SubgroupRecord.model_validate(
        counts
        | {
            "rated": True,
            "positive": int((known & positive).sum()),
            "auc": auc(positive[known], facts.scores[known], select(every, known)) if both else None,
            "sensitivity": _share(said, known & positive, every),
            "specificity": _share(~said, known & ~positive, every),
            "accuracy": _share(facts.decisions == facts.labels, known, every),
            "attacks": [_attacked(facts, attack.id, own) for attack in facts.tables.plan.attacks],
        }
    )


def _share(hits: Flags, among: Flags, cases: Cases) -> Interval | None:
    return share_among(hits, among, cases) if among.sum() >= FEWEST else None


def _rated(value: str | None, own: Flags) -> bool:
    return value is not None and int(own.sum()) >= FEWEST


def _attacked(facts: _Facts, attack_id: str, own: Flags) -> SubgroupAttack:
    every = facts.tables.clean.cases
    flipped = facts.outcomes["flip rate", attack_id, None] == 1
    right = (facts.decisions == facts.labels) & ~flipped
    silent = {
        str(explainer): _share(moved == 1, own & ~np.isnan(moved), every)
        for (_, attack, explainer), moved in facts.outcomes.items()
        if explainer is not None and attack == attack_id
    }
    return SubgroupAttack(
        attack_id=attack_id,
        flips=proportion(flipped[own], select(every, own)),
        robust_accuracy=_share(right, own & (facts.labels >= 0), every),
        silent_shift=silent,
    )


def _tests(facts: _Facts) -> list[SubgroupTest]:
    """Adjusted for all that are made: within an attribute by the exchanges, among attributes by Bonferroni."""
    families = [family for attribute in facts.groups if (family := _tests_of(facts, attribute))]
    return [
        test.model_copy(update={"p_adjusted": min(1.0, len(families) * test.p_adjusted)})
        for family in families
        for test in family
    ]


def _tests_of(facts: _Facts, attribute: str) -> list[SubgroupTest]:
    """None where fewer than two groups are rated, or nothing is defined: no label, and no flips that say anything."""
    rated = [own for value, own in facts.groups[attribute].items() if _rated(value, own)]
    if len(rated) < 2:
        return []
    among = np.any(rated, axis=0)
    outcomes = {
        key: values[among]
        for key, values in facts.outcomes.items()
        if key[1] in (None, *facts.assessable) and np.isfinite(values[among]).any()
    }
    if not outcomes:
        return []
    ps, adjusted = permutation_among(
        np.stack(list(outcomes.values()), 1),
        np.argmax(rated, axis=0)[among],
        select(facts.tables.clean.cases, among),
        strata=facts.strata(attribute)[among],
    )
    return [
        SubgroupTest.model_validate(
            {
                "attribute": attribute,
                **dict(zip(("outcome", "attack_id", "explainer_id"), key, strict=True)),
                "groups": len(rated),
                "images": int(np.isfinite(values).sum()),
                "p": p,
                "p_adjusted": of_all,
            }
        )
        for (key, values), p, of_all in zip(outcomes.items(), ps.tolist(), adjusted.tolist(), strict=True)
    ]
