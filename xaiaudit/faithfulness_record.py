"""What `xaiaudit faithfulness` writes: the model behind faithfulness.json and the schema of its table. No torch.

Areas and relevance are in [0, 1], infidelity in squared logits. A number that was not computed is None here and null
in the table. Intervals are two-sided 95 %, over cases.
"""

from typing import Any, Literal

import pyarrow as pa

from xaiaudit.records import CheckpointRecord, Distribution, Environment, Interval, LeftOutRecord, Record

SCHEMA = 1
MEASURES = (
    "deletion_area",
    "insertion_area",
    "relevance_mass",
    "relevance_rank",
    "infidelity",
    "infidelity_scaled",
    "infidelity_unexplained",
    "max_sensitivity",
)
HIGHER_IS_BETTER = frozenset({"insertion_area", "relevance_mass", "relevance_rank"})
Way = Literal["cascading", "independent"]


class MeasureRecord(Record):
    """One measure of one explainer, against random maps on the same grid but in raw infidelity and max-sensitivity."""

    name: str  # of MEASURES
    images: int  # it could be asked of: all, or those with a lesion
    undefined: int  # of those: zero, NaN or vanished maps, or a score that nothing moves; in no figure below
    mean: Interval
    distribution: Distribution
    gain: (
        Interval | None
    )  # mean paired difference from the random map, positive where the explainer is better
    better: Interval | None  # share of images on which the explainer is strictly better


class StepRecord(Record):
    """Maps after one step of randomisation, against those of the trained model; means over draws, then images."""

    top: str  # the layer of the step's block that is nearest to the logits
    layers: int  # of the block
    spearman: Interval
    spearman_abs: Interval
    ssim: Interval
    spread: (
        float | None
    )  # standard deviation of the mean Spearman between draws of the weights; None: one draw
    maps: int  # images with a defined clean map, times draws
    undefined: int  # of those, no longer defined
    identical: int  # of those, changed by no more than rounding


class RandomisationRecord(Record):
    way: Way
    steps: list[StepRecord]  # from the logits down


class ExplainerRecord(Record):
    """One explainer, or the random maps of one grid (no explained layer, no sensitivity, no randomisation)."""

    id: str
    name: str
    parameters: dict[str, Any]
    explained: str  # a layer, or "image"; "" for random maps
    grid: tuple[int, int]
    signed: bool
    control: str  # id of the random maps it is compared with; "" for random maps
    undefined: int  # clean maps without an extreme
    vanished: int  # defined, and undefined after a change within max-sensitivity's radius
    wrong_sign: int  # images whose best scale of the map is negative: it says falls where the score rises
    measures: list[MeasureRecord]
    deletion: list[float | None]  # mean probability at each step; None: no image has a curve
    insertion: list[float | None]
    randomisation: list[RandomisationRecord]
    between_images: dict[str, Interval]  # Spearman, its absolute form and SSIM of maps of different images


class CanvasRecord(Record):
    """What deletion leaves: how much of the decision the canvas still holds."""

    words: str
    probability_clean: Distribution  # of the class explained
    probability_canvas: Distribution
    positive_canvas: (
        Distribution  # probability of the positive class on the canvas: its spread is evidence left
    )
    decisions_kept: Interval  # images whose canvas gets their decision: one canvas for all keeps some


class FaithfulnessRecord(Record):
    """faithfulness.json, whole."""

    schema_version: int
    xaiaudit: str
    created: str  # UTC, ISO 8601
    seconds: float
    command: list[str]
    seed: int
    batch_size: int
    environment: Environment
    checkpoint: CheckpointRecord
    data: str  # in words
    images: int
    cases: int
    with_lesion: int
    explained: dict[str, int]  # images by the class explained, the model's decision
    left_out: list[LeftOutRecord]
    warnings: list[str]
    tests: dict[str, Any]  # every setting of the tests
    canvas: CanvasRecord
    explainers: list[ExplainerRecord]

    def explainer(self, name: str) -> ExplainerRecord:
        """By id."""
        return next(item for item in self.explainers if item.id == name)


TABLE = pa.schema(
    [
        pa.field("image", pa.string(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("case", pa.string(), nullable=False),  # salted hash
        pa.field("explainer_id", pa.string(), nullable=False),
        pa.field("target_class", pa.string(), nullable=False),
        pa.field("defined", pa.bool_(), nullable=False),
        *(pa.field(name, pa.float64()) for name in MEASURES),
        pa.field("infidelity_scale", pa.float64()),
        pa.field("vanished", pa.bool_()),  # null for random maps
    ],
    metadata={"schema_version": str(SCHEMA)},
)
