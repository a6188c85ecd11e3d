"""What a finding is about: attack, criterion and explainer with every hyperparameter, also those left to the default.

An audit is judged only where it was made with just these: a weaker attack of the same name says less.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xaiaudit.attacks.art_parameters import Kind
from xaiaudit.attacks.defaults import ATTACK_DEFAULTS, CRITERION_DEFAULTS, whole
from xaiaudit.attacks.registry import ART_PREFIX
from xaiaudit.attacks.spec import read
from xaiaudit.errors import UsageError
from xaiaudit.explainers.defaults import EXPLAINER_DEFAULTS
from xaiaudit.gate.faults import nearest
from xaiaudit.gate.policy import AuditTable, FindingTable
from xaiaudit.records import LEAVE_DECISION

Spec = tuple[str, dict[str, Any]]  # name and hyperparameters
OWN_GOAL = "map-shift"  # the attack whose goal is its own, whatever criteria are asked for
USUAL_EXPLAINERS = ("grad-cam", "cam")  # of an audit that names none; cam where the model allows it
USUAL_CRITERIA = (LEAVE_DECISION, "lower-dice")  # likewise; the second of a model that makes no diagnosis
_SCALAR = Kind(frozenset({int, float, bool, str}), None)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Of one finding. An attack of ART has the parameters that were written alone: its defaults are ART's."""

    attack: Spec | None  # None: clean images, or the second sweep
    criterion: Spec | None  # None: the attack's own goal, or the usual one of the model
    explainer: Spec | None


def asked(audit: AuditTable, finding: FindingTable) -> Asked:
    """Raises UsageError where the finding names what [audit] does not, or more than one of it."""
    attack = criterion = explainer = None
    if finding.attack is not None:
        attack = attack_spec(_chosen("attacks", finding.attack, audit.attacks, attack_spec))
        criterion = _criterion(audit, finding, attack[0])
    if finding.explainer is not None:
        listed = audit.explainers or USUAL_EXPLAINERS
        explainer = explainer_spec(_chosen("explainers", finding.explainer, listed, explainer_spec))
    return Asked(attack=attack, criterion=criterion, explainer=explainer)


def attack_spec(text: str) -> Spec:
    """`pgd:epsilon=4/255` with the attack's defaults. Ranges are checked where the attack is made.

    Raises:
        UsageError: an unknown name or parameter, or a value of the wrong kind.
    """
    if text.strip().startswith(ART_PREFIX):
        items = text.strip().removeprefix(ART_PREFIX).partition(":")[2].split(",")
        theirs = {item.partition("=")[0].strip(): _SCALAR for item in items}
        return read(text, lambda _: theirs, "art:SquareAttack:eps=1/255")
    name, given = read(
        text, lambda name: _kinds("attack", name, ATTACK_DEFAULTS), "pgd:epsilon=4/255,steps=40"
    )
    return name, whole(name, given)


def criterion_spec(text: str) -> Spec:
    """Likewise `lower-dice:limit=0.5`."""
    return _with_defaults("criterion", text, CRITERION_DEFAULTS, "lower-dice:limit=0.5,against=outline")


def explainer_spec(text: str) -> Spec:
    """Likewise `grad-cam:layer=layer4`; a layer of None is found in the network."""
    return _with_defaults("explainer", text, EXPLAINER_DEFAULTS, "grad-cam:layer=layer4")


def _with_defaults(kind: str, text: str, table: Mapping[str, Mapping[str, Any]], example: str) -> Spec:
    name, given = read(text, lambda name: _kinds(kind, name, table), example)
    return name, {**table[name], **given}


def _kinds(kind: str, name: str, table: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """The type of each parameter, by its default."""
    if name not in table:
        raise UsageError(f"unknown {kind} {name!r}; {nearest(name, table)}")
    return {key: _kind(key, value) for key, value in table[name].items()}


def _kind(key: str, default: Any) -> Any:
    if default is None:
        return str if key in ("layer", "class") else float
    return Sequence[str] if isinstance(default, tuple) else type(default)


def _criterion(audit: AuditTable, finding: FindingTable, attack: str) -> Spec | None:
    if finding.criterion is not None:
        if attack == OWN_GOAL:
            raise UsageError(f"{OWN_GOAL} has a goal of its own, which goal= names; leave 'criterion' out")
        listed = audit.criteria or USUAL_CRITERIA
        return criterion_spec(_chosen("criteria", finding.criterion, listed, criterion_spec))
    specs = [criterion_spec(text) for text in audit.criteria]
    if attack == OWN_GOAL or not specs:
        return None
    usual = [spec for spec in specs if spec[0] == LEAVE_DECISION]
    if not usual and len(specs) > 1:
        raise UsageError(f"[audit] names {len(specs)} criteria; say which one, with 'criterion'")
    return (usual or specs)[0]


def _chosen(key: str, text: str, listed: Sequence[str], spec: Callable[[str], Spec]) -> str:
    """The entry of [audit] that the text means: the same, or the only one of that name."""
    wanted = text.strip()
    same = [item for item in listed if item.strip() == wanted] or [
        item for item in listed if ":" in wanted.removeprefix(ART_PREFIX) and spec(item) == spec(wanted)
    ]
    named = same or [item for item in listed if spec(item)[0] == wanted]
    if not named:
        raise UsageError(f"{text!r} is not among {key} of [audit]: add it there; {nearest(wanted, listed)}")
    if len(named) > 1 and not same:
        raise UsageError(
            f"{text!r} means {len(named)} of {key} of [audit]; write one in full: {', '.join(named)}"
        )
    return named[0]
