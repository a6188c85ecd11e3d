"""Why a line of a policy cannot be judged, or why a good figure proves nothing. No torch."""

import numpy as np

from xaiaudit.gate.audited import Audited
from xaiaudit.gate.lines import Counted, Line, members
from xaiaudit.gate.questions import Question
from xaiaudit.metrics import flips
from xaiaudit.metrics.proportions import FEWEST
from xaiaudit.records import SelfCheckRecord

OF_DECISIONS = (
    "flip-rate",
    "robust-accuracy",
    "missed-cancers",
    "false-alarms",
)  # say nothing of a constant model
OF_OUTPUTS = (
    "outputs are repeatable",
    "outputs are logits",
)  # checks of the model that clean figures depend on
TRUE_LABEL = "true-label"


def why_not(audited: Audited, line: Line, found: Counted) -> str:
    """Why nothing can be said, whatever the figures; empty where something can."""
    among = members(audited, line.subgroup)
    hollow = says_nothing(audited, line.question, found.keep, among)
    if hollow:
        return hollow
    undefined = undefined_maps(found, among)
    if not found.keep.any():
        of_maps = f"; the clean map of {undefined} is undefined" if undefined else ""
        return f"the audit has no {found.measure.of}{of_maps}"
    if found.number < line.min_cases:
        return (
            f"{found.number} case{'s' * (found.number != 1)} ({int(found.keep.sum())} {found.measure.of}), "
            f"and the policy asks for {line.min_cases}"
        )
    return ""


def undefined_maps(found: Counted, among: np.ndarray) -> int:
    """How many images do not count as their clean map is undefined."""
    return 0 if found.measure.undefined is None else int((found.measure.undefined & among).sum())


def says_nothing(audited: Audited, question: Question, counting: np.ndarray, among: np.ndarray) -> str:
    """Why the model or the attack makes the figure worthless: it hardly decides, or the attack broke down.

    Args:
        counting: (n,) bool, the images behind the figure.
        among: likewise, those of the subgroup.
    """
    return (
        _of_all(audited, question)
        or _failed(audited, question, counting)
        or _one_decision(audited, question, among)
    )


def _of_all(audited: Audited, question: Question) -> str:
    attack = question.attack
    if attack is not None:
        good = attack.assessable if question.metric in OF_DECISIONS else attack.goal_assessable
        if not good:
            return attack.why_not or f"{attack.id} cannot be assessed"
        return _broken(attack.failed, attack.images, "images")
    if question.kind.of.startswith("sweep") and not flips.assessable(audited.decisions):
        return (
            "the model gives one decision to over 95 % of the clean images, so that it hardly decides at all"
        )
    return ""


def _failed(audited: Audited, question: Question, counting: np.ndarray) -> str:
    """Few failures among all images may be all there are of a subgroup, or of the cancers."""
    if question.attack is None:
        return ""
    failed = audited.attacked(question.attack.id, rounded=question.rounded).flags("failed")
    return _broken(int((failed & counting).sum()), int(counting.sum()), "images behind the figure")


def _broken(failed: int, images: int, of: str) -> str:
    if failed <= flips.FAILED * images:
        return ""
    return f"the attack failed on {failed} of {images} {of}, which is no sign of robustness"


def _one_decision(audited: Audited, question: Question, among: np.ndarray) -> str:
    """In a subgroup too a model that hardly decides never flips; where nearly all labels are one, it may be right."""
    attack = question.attack
    after_flips = attack is not None and (attack.after_a_flip or question.metric in OF_DECISIONS)
    if among.all() or not among.any() or not (after_flips or question.kind.of.startswith("sweep")):
        return ""
    labels = audited.labels[among & (audited.labels >= 0)]
    alike = len(labels) > 0 and not flips.assessable(labels)
    if alike or flips.assessable(audited.decisions[among]):
        return ""
    return "the model gives one decision to over 95 % of the subgroup's clean images, so that it hardly decides there"


def doubts(audited: Audited, question: Question) -> str:
    """Why a good figure proves nothing, though a bad one is real; a clause, empty without any."""
    broken = _not_finite(audited, question)
    if broken:
        return broken
    attack, checks = question.attack, audited.record.checks
    if attack is not None and question.metric in OF_DECISIONS:
        usual = attack.after_a_flip or (
            question.metric != "flip-rate" and attack.criterion_name == TRUE_LABEL
        )
        if not usual:
            return f"the goal of the attack is another, {attack.criterion}"
    names = [check.name for check in checks if check.status == "failed" and _bears_on(check, question)]
    return f"it does not hold that {', that '.join(names)}" if names else ""


def _not_finite(audited: Audited, question: Question) -> str:
    """Logits that are no numbers decide by accident, and count for no AUC."""
    finite = np.isfinite(audited.clean.stacked("logits")).all(1)
    if question.attack is not None:
        rows = audited.attacked(question.attack.id, rounded=question.rounded)
        finite &= np.isfinite(rows.stacked("logits")).all(1)
    broken = int((~finite).sum())
    return f"the model's outputs are not finite on {broken} of {len(finite)} images" if broken else ""


def too_few_stand(found: Counted) -> str:
    """Why a low rate of silent shifts proves nothing: where all decisions flip, none is there; a clause, or empty."""
    if found.measure.standing is None:
        return ""
    stood = int((found.measure.standing & found.keep).sum())
    return "" if stood >= FEWEST else f"only {stood} of {len(found.cases)} decisions stood"


def _bears_on(check: SelfCheckRecord, question: Question) -> bool:
    if question.attack is None:
        return check.attack_id is None and check.name in OF_OUTPUTS
    return check.attack_id in (None, question.attack.id)
