"""What is measured: rows of work, each on models and batches, against rivals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

CHECKPOINT = "checkpoint"  # the model of --checkpoint, in place of an architecture's name
TINY = "small-cnn"
OURS, FLOOR = "ours", "floor"


class Target(NamedTuple):
    """What the ratio is held to; at most: ours / theirs, otherwise theirs / ours."""

    value: float
    at_most: bool = False


@dataclass(frozen=True, kw_only=True)
class Work:
    """What every contender is asked to do, with the same numbers."""

    attack: str
    steps: int | None = None  # None: the attack's own
    epsilon: float | None = None  # L-inf radius, in [0, 1] intensities
    alpha: float | None = None  # step size
    to_goal: bool = False  # ours lets images leave; the others have no such setting
    attacks: str | None = None  # the set of `worst`, joined by +
    curve: bool = False  # at all of RADII, besides at epsilon
    stored: bool = False  # also look for success after rounding to 8 bits

    def shortened(self, steps: int) -> "Work":
        """Fewer steps of the same size and radius; where the steps are the attack's own, they stay."""
        return self if self.steps is None else replace(self, steps=steps)

    def alone(self, member: str) -> "Work":
        """One attack of the set, at the one radius, run to its end."""
        return Work(attack=member, epsilon=self.epsilon)

    @property
    def parameters(self) -> dict[str, Any]:
        """For our registry."""
        named = {
            "steps": self.steps,
            "epsilon": self.epsilon,
            "alpha": self.alpha,
            "attacks": self.attacks,
        }
        return {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One kind of work. `rivals`: whom it is compared with, each with its target or None."""

    words: str
    work: Work
    rivals: Mapping[str, Target | None]
    models: Sequence[str] = ("resnet50", "mobilenet_v2")
    batches: Sequence[int] = (8, 32)
    unit: Literal["step", "image", "memory"] = "step"  # what a figure is given for
    precision: Literal["float32", "bf16"] = "float32"  # of our search
    same_norms: bool = True  # the definitions ask for perturbations of equal length
    dearest_only: bool = False  # the target holds against the most expensive rival of a model and batch
    smallest_batch: int = 8  # at which the targets hold


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One comparison: it is measured, written and resumed as a whole."""

    row: str
    model: str
    batch: int
    device: str
    rival: str
    work: Work
    size: int  # pixels of the square image

    def target(self) -> Target | None:
        """Only of the row's own work; on CUDA only the floor is held to something, at most 1.1 times it."""
        row = ROWS[self.row]
        if self.work != row.work:
            return None
        if self.device.startswith("cuda"):
            return Target(1.1, at_most=True) if self.rival == FLOOR else None
        return row.rivals[self.rival] if self.batch >= row.smallest_batch else None


RADII = (*(grey / 255 for grey in (0.1, 0.25, 0.5, 1, 2, 4, 8)), 0.1)
WORST = Work(attack="worst", epsilon=8 / 255, attacks="apgd+fab", curve=True, to_goal=True)
MEMBERS = {
    "pgd": Target(1.3, at_most=True),
    "apgd": Target(1.3, at_most=True),
    "fab": Target(1.3, at_most=True),
}
FGSM = Work(attack="fgsm", steps=25, epsilon=0.1, alpha=0.1 / 25)
BATCH_ON_CUDA = 64

ROWS: Mapping[str, Row] = {
    "fgsm": Row(
        words="`fgsm`, every image takes all steps; search in float32",
        work=FGSM,
        rivals={
            "art": Target(1.9),
            "foolbox": Target(1.8),
            "torchattacks": Target(1.15),
            FLOOR: Target(1.05, at_most=True),
        },
    ),
    "fgsm-bf16": Row(
        words="the same, searched in bf16 and judged in float32; the others in float32",
        work=FGSM,
        precision="bf16",
        rivals={"art": Target(3.3), FLOOR: None},
    ),
    "fgsm-goal": Row(
        words="`fgsm` of a trained model to the goal: ours lets an image leave when its decision has flipped",
        work=replace(FGSM, to_goal=True),
        models=(CHECKPOINT,),
        rivals={"art": Target(8), "foolbox": None, "torchattacks": None},
        unit="image",
        same_norms=False,
    ),
    "pgd": Row(
        words="`pgd`, one random start of each toolkit's own, every image takes all steps; search in float32",
        work=Work(attack="pgd", steps=25, epsilon=8 / 255, alpha=2.5 * 8 / 255 / 25),
        models=("mobilenet_v2",),
        batches=(8,),
        same_norms=False,
        rivals={"art": None, "foolbox": None, "torchattacks": None, FLOOR: None},
    ),
    "deepfool": Row(
        words="`deepfool`, L2, two classes, at most 50 steps, overshoot 0.02",
        work=Work(attack="deepfool", steps=50),
        models=("resnet18", CHECKPOINT),
        batches=(4, 8, 32),
        rivals={"art": Target(40), "foolbox": Target(2), "torchattacks": Target(2.5)},
        unit="image",
    ),
    "deepfool-100": Row(
        words="the same, at most 100 steps, as ART's own default",
        work=Work(attack="deepfool", steps=100),
        models=("resnet18", CHECKPOINT),
        batches=(8,),
        rivals={"art": Target(40)},
        unit="image",
    ),
    "worst": Row(
        words="`worst` without Square (`apgd` and `fab`) at 8 radii of a trained model, "
        "against each of ours alone at 8/255",
        work=WORST,
        models=(CHECKPOINT,),
        rivals=MEMBERS,
        unit="image",
        same_norms=False,
        dearest_only=True,
    ),
    "worst-three": Row(
        words="the same of `pgd`, `apgd` and `fab`",
        work=replace(WORST, attacks="pgd+apgd+fab"),
        models=(CHECKPOINT,),
        rivals=MEMBERS,
        unit="image",
        same_norms=False,
        dearest_only=True,
    ),
    "worst-stored": Row(
        words="`worst` of `apgd` and `fab`, that also looks for what survives rounding to 8 bits",
        work=replace(WORST, stored=True),
        models=(CHECKPOINT,),
        batches=(8,),
        rivals=dict.fromkeys(MEMBERS),
        unit="image",
        same_norms=False,
    ),
    "memory": Row(
        words="peak memory of `fgsm` above that of the loaded model; search in float32",
        work=FGSM.shortened(3),
        rivals={"art": None, "foolbox": None, "torchattacks": Target(1, at_most=True), FLOOR: None},
        unit="memory",
    ),
}
