"""What a policy can ask about: a literal table from a metric's name to what it is of and which way is worse."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Metric:
    """`of` says what else a finding must name: nothing (clean), an attack, an explainer beside an attack (map; of
    clean maps where the attack is left out, if `clean_too`), or nothing but the simulated second sweep (sweep)."""

    of: Literal["clean", "attack", "map", "sweep", "sweep map"]
    worse: Literal["higher", "lower"]
    words: str  # what it is, for messages and tables
    clean_too: bool = False  # the attack may be left out


METRICS: Mapping[str, Metric] = {
    "auc": Metric(of="clean", worse="lower", words="AUC on clean images"),
    "accuracy": Metric(of="clean", worse="lower", words="accuracy on clean images"),
    "balanced-accuracy": Metric(of="clean", worse="lower", words="balanced accuracy on clean images"),
    "sensitivity": Metric(of="clean", worse="lower", words="sensitivity on clean images"),
    "specificity": Metric(of="clean", worse="lower", words="specificity on clean images"),
    "brier": Metric(of="clean", worse="higher", words="Brier score on clean images"),
    "dice": Metric(of="attack", worse="lower", words="Dice of the drawn outline", clean_too=True),
    "flip-rate": Metric(of="attack", worse="higher", words="share of decisions that flip"),
    "robust-accuracy": Metric(of="attack", worse="lower", words="share right before and after the attack"),
    "missed-cancers": Metric(
        of="attack", worse="higher", words="share of found cancers that the attack hides"
    ),
    "false-alarms": Metric(
        of="attack", worse="higher", words="share of cleared images that the attack turns malignant"
    ),
    "goal-rate": Metric(
        of="attack", worse="higher", words="share of images on which the attack reaches its goal"
    ),
    "silent-shift": Metric(
        of="map", worse="higher", words="share of maps that move while the decision stands"
    ),
    "vanished": Metric(of="map", worse="higher", words="share of maps that vanish"),
    "pointing": Metric(
        of="map", worse="lower", words="share of maps whose extreme lies in the region", clean_too=True
    ),
    "sweep-flip-rate": Metric(
        of="sweep", worse="higher", words="share of decisions that a second sweep changes"
    ),
    "sweep-silent-shift": Metric(
        of="sweep map", worse="higher", words="share of maps that a second sweep moves in silence"
    ),
}
