"""How a finding says its figures: rates in per cent with one decimal, differences in points, others as numbers."""

from collections.abc import Mapping

from xaiaudit.gate.questions import Question
from xaiaudit.gate_record import NO_SHARES

NAMES: Mapping[str, str] = {
    "auc": "AUC",
    "accuracy": "accuracy",
    "balanced-accuracy": "balanced accuracy",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "brier": "Brier score",
    "dice": "Dice of the drawn outline",
    "flip-rate": "flip rate",
    "robust-accuracy": "robust accuracy",
    "missed-cancers": "missed cancers",
    "false-alarms": "false alarms",
    "goal-rate": "goal reached",
    "silent-shift": "silent shift",
    "vanished": "vanished maps",
    "pointing": "pointing game",
    "sweep-flip-rate": "decisions that a second sweep changes",
    "sweep-silent-shift": "silent shift by a second sweep",
}
REGIONS: Mapping[str, str] = {"any": "lesion, ring or posterior region", "posterior": "posterior region"}


def value(metric: str, figure: float) -> str:
    """0.873, or 31.0 %."""
    return f"{figure:.3f}" if metric in NO_SHARES else f"{100 * figure:.1f} %"


def difference(metric: str, figure: float, *, sign: bool = True) -> str:
    """+0.020, or +2.0 points."""
    digits = ".3f" if metric in NO_SHARES else ".1f"
    shown = format(figure if metric in NO_SHARES else 100 * figure, f"{'+' if sign else ''}{digits}")
    shown = shown.replace("-", "−")
    return shown if metric in NO_SHARES else f"{shown} points"


def counts(images: int, cases: int) -> str:
    return f"{images} image{'s' * (images != 1)}, {cases} case{'s' * (cases != 1)}"


def place(question: Question, subgroup: str | None) -> str:
    """What the figure is of, to stand behind it: attack, radius, maps, subgroup."""
    parts = []
    if question.metric == "pointing":
        parts.append(f"with the {question.extreme} in the {REGIONS.get(question.region, question.region)}")
    if question.explainer is not None:
        parts.append(f"of the maps of {question.explainer.id}")
    if question.attack is not None:
        parts.append(f"under {question.attack.id}{_within(question)}")
        if question.explainer is None:
            parts.append(f"{'after' if question.rounded else 'before'} rounding to 8 bits")
    elif not question.kind.of.startswith("sweep"):
        parts.append("on clean images")
    if subgroup is not None:
        parts.append(f"among {subgroup}")
    return " ".join(parts)


def _within(question: Question) -> str:
    """The radius of an attack that has one, in the unit of its norm."""
    attack = question.attack
    if attack is None or attack.epsilon is None:
        return ""
    if attack.norm == "l2":
        return f" within an L2 radius of {attack.epsilon:.3g}"
    levels = f"{255 * attack.epsilon:.3g}"
    return f" within {levels} grey level{'s' * (levels != '1')}"
