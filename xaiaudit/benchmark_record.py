"""What `xaiaudit benchmark` writes: run.json, benchmark.json and the schemas of its tables. No torch.

A run is one configuration, trained on the other folds and tested on one, of one dataset, in one repeat. A number that
was not computed is None here and null in the tables. Intervals are two-sided 95 %, over cases.
"""

from typing import Any, Literal

import pyarrow as pa

from xaiaudit.records import CleanRecord, Distribution, Interval, LeftOutRecord, Record, parquet_list

SCHEMA = 1
OF_MASKS = ("dice", "jsi", "box_jsi")
METRICS = ("auc", "balanced_accuracy", "accuracy", "sensitivity", "specificity", "f1", *OF_MASKS)
TESTED = ("auc", "balanced_accuracy", "dice")  # against the reference
Status = Literal["done", "diverged", "refused"]  # refused: training ended in a model nobody should use


class DataRecord(Record):
    """One dataset, as it was read."""

    name: str
    paths: list[str]
    words: str
    positive: str
    images: int
    cases: int
    never_tested: int = 0  # images of cases with two labels, which train in every fold
    labels: dict[str, int]
    left_out: list[LeftOutRecord]
    digest: str  # of the images, their labels, cases and outlines


class ConfigurationRecord(Record):
    """A model with everything that was chosen for it."""

    name: str
    folder: str  # the same, as its folder is called
    model: str  # the name of its [[model]] table
    architecture: str
    weights: str
    arguments: dict[str, Any]
    recipe: dict[str, Any]
    preprocessing: dict[str, Any]
    varied: dict[str, Any]  # what the grid chose, by field


class ShiftFigures(Record):
    """Maps of one explainer under one attack, in one run; of the clean decision before and after."""

    explainer_id: str
    silent_shift: Interval
    mass_centre: Distribution  # displacement, share of the valid image's diagonal


class AttackFigures(Record):
    """One attack in one run."""

    attack_id: str
    summary: str
    epsilon: float | None
    assessable: bool
    why_not: str
    flips: Interval
    robust_accuracy: Interval | None
    shifts: list[ShiftFigures]
    after_a_flip: bool = True  # one that moves maps keeps decisions on purpose: its flips compare nothing


class RunRecord(Record):
    """run.json, whole: written last, so that a run is done or not."""

    schema_version: int
    xaiaudit: str
    dataset: str
    configuration: str
    repeat: int  # from 1
    fold: int  # from 1
    seed: int  # of training
    status: Status
    reason: str  # why it was stopped; empty where it was not
    split: str  # in words
    epochs: int | None  # trained; None where it was stopped
    best_epoch: int | None
    seconds: float | None  # of training
    parameters: int | None
    threshold: float | None
    classes: list[str]
    positive: str
    outlines_only: bool  # it makes no diagnosis: its classes are whether it outlines anything
    clean: CleanRecord | None  # of the fold's test images
    attacks: list[AttackFigures]
    versions: dict[str, str]

    @property
    def name(self) -> str:
        return f"{self.dataset}, {self.configuration}, repeat {self.repeat}, fold {self.fold}"

    @property
    def metrics(self) -> tuple[str, ...]:
        """Of METRICS, those that say something of such a model."""
        return OF_MASKS if self.outlines_only else METRICS

    def why_not(self, attack: AttackFigures) -> str:
        """Why flips under one of `attacks` say nothing; empty where they say something."""
        if attack.assessable and not self.outlines_only:
            return ""
        return attack.why_not or "the model makes no diagnosis that could flip"


class MetricRecord(Record):
    """One metric of one configuration over its finished runs."""

    name: str  # of METRICS
    pooled: Interval  # over all test images; of AUC the mean over folds, each ranked by itself
    mean: float | None  # over folds and repeats
    sd: float | None  # standard deviation over them; None with fewer than two
    folds: list[float | None]  # in the order of the runs


class StoppedRecord(Record):
    run: str
    status: Status
    reason: str


class ShiftRecord(Record):
    explainer_id: str
    silent_shift: Interval  # of images with a defined clean map, over all folds
    mass_centre: Distribution


class RobustnessRecord(Record):
    """One attack on one configuration, over the runs in which flips say something."""

    attack_id: str
    summary: str
    runs: int
    not_assessable: list[StoppedRecord]  # left out of every figure here, and why
    flips: Interval
    robust_accuracy: Interval | None
    clean_accuracy: Interval | None = None  # of the same images, before the attack
    dice_lost: (
        Interval | None
    )  # Dice before minus after, mean over images with an outlined lesion, of all runs
    shifts: list[ShiftRecord]


class ResultRecord(Record):
    """One configuration on one dataset."""

    dataset: str
    configuration: str
    planned: int  # runs
    done: int
    stopped: list[StoppedRecord]  # in no figure
    parameters: int | None
    seconds: float | None  # of training, mean a run
    metrics: list[MetricRecord]
    robustness: list[RobustnessRecord]

    def metric(self, name: str) -> MetricRecord | None:
        return next((item for item in self.metrics if item.name == name), None)


class ComparisonRecord(Record):
    """A configuration against the reference, on the images of the runs that both finished."""

    dataset: str
    configuration: str
    measure: str  # of TESTED, "flips" or "silent_shift"
    attack_id: str = ""
    explainer_id: str = ""
    runs: int
    difference: Interval  # configuration minus reference
    test: str
    p: float | None
    p_holm: float | None  # by Holm over all comparisons of the benchmark


class BenchmarkRecord(Record):
    """benchmark.json, whole."""

    schema_version: int
    xaiaudit: str
    created: str  # UTC, ISO 8601
    command: list[str]
    file: str  # the TOML
    toml: str  # its text
    folds: int
    repeats: int
    validation: float
    seed: int
    reference: str
    audit: dict[str, Any] | None  # its settings; None: no audit was asked for
    data: list[DataRecord]
    configurations: list[ConfigurationRecord]
    results: list[ResultRecord]
    comparisons: list[ComparisonRecord]

    def result(self, dataset: str, configuration: str) -> ResultRecord:
        return next(
            item for item in self.results if (item.dataset, item.configuration) == (dataset, configuration)
        )


# Followed by a column for each field that the grid varies (`varied_<field>`, as text), and for each attack:
# flips_<attack>, robust_accuracy_<attack>, assessable_<attack>, and for each of its explainers
# silent_shift_<attack>_<explainer> and mass_centre_<attack>_<explainer> (median); null where not assessable.
RUNS = pa.schema(
    [
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("configuration", pa.string(), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        pa.field("architecture", pa.string(), nullable=False),
        pa.field("weights", pa.string(), nullable=False),
        pa.field("settings", pa.string(), nullable=False),  # arguments, recipe and preprocessing, JSON
        pa.field("repeat", pa.int32(), nullable=False),
        pa.field("fold", pa.int32(), nullable=False),
        pa.field("seed", pa.int64(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("epochs", pa.int32()),
        pa.field("best_epoch", pa.int32()),
        pa.field("seconds", pa.float64()),
        pa.field("parameters", pa.int64()),
        pa.field("threshold", pa.float64()),
        pa.field("images", pa.int32()),
        *(pa.field(name, pa.float64()) for name in METRICS),
    ],
    metadata={"schema_version": str(SCHEMA)},
)

PREDICTIONS = pa.schema(
    [
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("configuration", pa.string(), nullable=False),
        pa.field("repeat", pa.int32(), nullable=False),
        pa.field("fold", pa.int32(), nullable=False),
        pa.field("image", pa.string(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("case", pa.int32(), nullable=False),  # number within the dataset, which names no patient
        pa.field("label", pa.string(), nullable=False),
        pa.field("logits", parquet_list(pa.float32()), nullable=False),
        pa.field(
            "score", pa.float64(), nullable=False
        ),  # of the positive class, in logits; see positive_scores
        pa.field("decision", pa.string(), nullable=False),  # at the run's threshold
        pa.field("dice", pa.float64()),
        pa.field("box_jsi", pa.float64()),
    ],
    metadata={"schema_version": str(SCHEMA)},
)
