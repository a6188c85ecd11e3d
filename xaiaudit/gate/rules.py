"""What the tables of a policy must be beside each other: every finding can be judged by what [audit] makes."""

from collections.abc import Callable, Sequence
from typing import Any

from xaiaudit.acquisition.registry import parse as parse_change
from xaiaudit.data.registry import DATASETS
from xaiaudit.errors import UsageError
from xaiaudit.gate.asked import OWN_GOAL, Asked, asked, attack_spec, criterion_spec, explainer_spec
from xaiaudit.gate.faults import Fault, nearest
from xaiaudit.gate.key_lines import Key
from xaiaudit.gate.metrics import METRICS, Metric
from xaiaudit.gate.policy import AuditTable, FindingTable, Policy
from xaiaudit.records import LEAVE_DECISION, SUBGROUPS

OF_DECISIONS = ("flip-rate", "robust-accuracy", "missed-cancers", "false-alarms")
NO_RADIUS = ("deepfool", "radius")  # attacks that go on until the decision flips
SINGLE_CLASS = ("auc", "balanced-accuracy")  # undefined among images of one label


def check(policy: Policy) -> tuple[Asked, ...]:
    """What each finding is about.

    Raises:
        Fault: the first that is found.
    """
    _check_audit(policy.audit)
    found: list[Asked] = []
    seen: dict[Any, int] = {}
    for number, finding in enumerate(policy.finding):
        found.append(_checked(policy.audit, finding, ("finding", number)))
        same = seen.setdefault(_about(finding, found[-1]), number)
        if same != number:
            raise Fault(
                ("finding", number),
                f"this [[finding]] is about the same as finding {same + 1} of the policy; make one of the two",
            )
    return tuple(found)


def _check_audit(audit: AuditTable) -> None:
    _check_specs("attacks", audit.attacks, attack_spec)
    _check_specs("criteria", audit.criteria, criterion_spec)
    _check_specs("explainers", audit.explainers, explainer_spec)
    _check_specs("acquisition", audit.acquisition or (), parse_change)
    for number, path in enumerate(audit.data):
        if not path.strip():
            raise Fault(("audit", "data", number), "'data' in [audit] names folders, got an empty text")
    if audit.dataset is not None and audit.dataset not in DATASETS:
        raise Fault(
            ("audit", "dataset"), f"unknown dataset {audit.dataset!r}; {nearest(audit.dataset, DATASETS)}"
        )
    for key in ("dataset", "normals"):
        if getattr(audit, key) is not None and not audit.data:
            raise Fault(
                ("audit", key),
                f"{key!r} says how the folders of 'data' are read, and [audit] names none; add 'data'",
            )


def _check_specs(key: str, texts: Sequence[str], spec: Callable[[str], Any]) -> None:
    seen: list[Any] = []
    for number, text in enumerate(texts):
        try:
            found = spec(text)
        except UsageError as error:
            raise Fault(("audit", key, number), f"{key!r} in [audit]: {error}") from error
        if found in seen:
            raise Fault(("audit", key, number), f"{key!r} in [audit] names {text!r} twice; name it once")
        seen.append(found)


def _checked(audit: AuditTable, finding: FindingTable, here: Key) -> Asked:
    if finding.metric not in METRICS:
        raise Fault(
            (*here, "metric"), f"unknown metric {finding.metric!r}; {nearest(finding.metric, METRICS)}"
        )
    metric = METRICS[finding.metric]
    _check_named(finding, metric, here)
    _check_limits(finding, metric, here)
    for key in finding.subgroup:
        if key not in SUBGROUPS:
            raise Fault((*here, "subgroup", key), f"unknown subgroup {key!r}; {nearest(key, SUBGROUPS)}")
        if key == "label" and finding.metric in SINGLE_CLASS:
            raise Fault(
                (*here, "subgroup", key), f"{finding.metric} needs both classes, and a label leaves one"
            )
    if metric.of.startswith("sweep") and audit.acquisition == []:
        raise Fault(
            (*here, "metric"), f"{finding.metric} needs a second sweep, and 'acquisition' in [audit] is empty"
        )
    known = _asked(audit, finding, here)
    _check_goal(finding, known, here)
    return known


def _check_named(finding: FindingTable, metric: Metric, here: Key) -> None:
    """Nothing is named that the metric is not of, and all that it is of."""
    name, given = finding.metric, finding.model_fields_set
    takes = {
        "attack": metric.of in ("attack", "map"),
        "criterion": metric.of in ("attack", "map") and finding.attack is not None,
        "explainer": metric.of in ("map", "sweep map"),
        "region": name == "pointing",
        "extreme": name == "pointing",
        "rounded": (metric.of == "attack" and finding.attack is not None) or not finding.rounded,
    }
    for key, taken in takes.items():
        if key in given and not taken:
            raise Fault((*here, key), f"{name} is the {metric.words} and takes no {key!r}; leave it out")
    needs = {"attack": takes["attack"] and not metric.clean_too, "explainer": takes["explainer"]}
    for key, needed in needs.items():
        if needed and getattr(finding, key) is None:
            raise Fault((*here, "metric"), f"{name} is the {metric.words}: say of which, with {key!r}")


def _check_limits(finding: FindingTable, metric: Metric, here: Key) -> None:
    right, wrong = ("max", "min") if metric.worse == "higher" else ("min", "max")
    if getattr(finding, wrong) is not None:
        raise Fault(
            (*here, wrong), f"{finding.metric} is worse when {metric.worse}, so that {wrong!r} would ask for a worse "
            f"model; say {right!r}"
        )  # fmt: skip
    limit = getattr(finding, right)
    if limit is None and finding.max_regression is None:
        raise Fault(
            (*here, "metric"), f"this [[finding]] asks for nothing; say {right!r} or 'max_regression'"
        )
    if limit == (1 if right == "max" else 0):
        raise Fault(
            (*here, right),
            f"{right!r} = {limit:g} holds whatever the model does; leave it out, or tighten it",
        )
    if finding.max_regression == 1:
        raise Fault((*here, "max_regression"), "'max_regression' = 1 tolerates any worsening; leave it out")
    if limit is None and "judge" in finding.model_fields_set:
        raise Fault(
            (*here, "judge"), f"'judge' says what must lie within {right!r}, and there is none; leave it out"
        )


def _asked(audit: AuditTable, finding: FindingTable, here: Key) -> Asked:
    for key in ("attack", "criterion", "explainer"):  # one by one, for the line of the one at fault
        if getattr(finding, key) is None and key != "attack":
            continue
        alone = {"criterion": None, "explainer": None, key: getattr(finding, key)}
        try:
            known = asked(audit, finding.model_copy(update=alone))
        except UsageError as error:
            raise Fault((*here, key), f"{key!r} in [[finding]]: {error}") from error
    return asked(audit, finding) if finding.criterion and finding.explainer else known


def _check_goal(finding: FindingTable, known: Asked, here: Key) -> None:
    """An attack that is after something else changes fewer decisions than it could."""
    if finding.metric not in OF_DECISIONS or known.attack is None:
        return
    if known.attack[0] == OWN_GOAL:
        raise Fault(
            (*here, "attack"),
            f"{OWN_GOAL} leaves the decision as it is, so that {finding.metric} says nothing; judge silent-shift, or "
            "name an attack on the decision",
        )
    if known.attack[0] in NO_RADIUS:
        raise Fault(
            (*here, "attack"),
            f"{known.attack[0]} has no radius and goes on until the decision flips, so that {finding.metric} says "
            "nothing of how small a change does it; name an attack with a radius, e.g. pgd:epsilon=1/255",
        )
    fitting = (LEAVE_DECISION,) if finding.metric == "flip-rate" else (LEAVE_DECISION, "true-label")
    if known.criterion is not None and known.criterion[0] not in fitting:
        key = "criterion" if finding.criterion is not None else "attack"
        raise Fault(
            (*here, key),
            f"{finding.metric} needs attacks whose criterion is {' or '.join(fitting)}, got {known.criterion[0]}: an "
            "attack that is after something else changes fewer decisions than it could",
        )


def _about(finding: FindingTable, known: Asked) -> Any:
    place = (finding.region, finding.extreme, finding.rounded, tuple(sorted(finding.subgroup.items())))
    return (finding.metric, *place, str(known))
