"""What an audit writes: the models behind audit.json and the schemas of its tables. No torch.

Radii, norms and distances are in [0, 1] intensities; multiply by 255 for grey levels. A number that was not
computed is None here and null in the tables, never a default. Intervals are two-sided 95 % unless they say
otherwise.
"""

from math import floor
from typing import Any, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

SCHEMA = 2  # of audit.json and the tables; raised when a reader of the old one would misread the new one
REGIONS = ("lesion", "ring", "posterior", "elsewhere", "padding")
Extreme = Literal["maximum", "minimum", "either"]
EXTREMES: tuple[Extreme, ...] = (
    "maximum",
    "minimum",
    "either",
)  # of a map; "either" of the two, signed maps only
PEAK_STATES = (*REGIONS, "undefined")  # rows and columns of a transition table
LEAVE_DECISION = "leave-decision"  # the usual goal of an attack, and the one that flip rates are about
SECOND_SWEEP = "second-sweep"  # all changes of the acquisition at once
ONE_CHANGE = "one-change"  # all single ones, pooled
SUBGROUPS = ("dataset", "label", "device", "birads", "size")  # columns of PREDICTIONS that part the images
BOX = (
    "x0",
    "y0",
    "x1",
    "y1",
    "score",
    "class index",
)  # numbers a box in the tables; pixels of the input grid
CURVE_GREY_LEVELS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 25.5)  # 25.5 grey levels are 0.1 of full scale


class Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Interval(Record):
    """A statistic with its interval. Any of the three is None where it is undefined."""

    estimate: float | None
    low: float | None
    high: float | None
    n: int  # images (or defined values) behind the estimate
    cases: int  # independent cases behind the interval
    method: str  # e.g. "Wilson at n/deff", "case bootstrap, 10000"
    level: float = 0.95
    effective: float | None = None  # of a proportion: independent images that its n images are worth, n/deff


class SampleSize(Record):
    """What the images behind a flip rate can show, one-sided at 5 % and with a power of 80 %."""

    images: int
    cases: int
    effective: float  # independent images that they are worth, n/deff
    rate: float  # flip rate found
    limit: float | None  # of a requirement; None: none was asked for
    passes_up_to: (
        float | None
    )  # largest true rate that passes the limit; None: no limit, or too few cases for it
    smallest_rise: (
        float | None
    )  # that a paired comparison with this rate would notice; None: no rise would be
    words: str  # one sentence


class LeftOutRecord(Record):
    file: str
    reason: str


class DatasetRecord(Record):
    name: str
    path: str
    kind: str  # adapter
    citation: str
    selection: str  # "all", or "test split of the checkpoint, seed 0", ...
    images: int
    cases: int
    labels: dict[str, int]
    with_mask: int
    with_spacing: int


class CheckpointRecord(Record):
    path: str
    sha256: str
    format: str  # "pt", "safetensors"; "in memory" for a model that was never saved
    loaded: str  # how, e.g. "weights only", "full pickle, trusted by --trust-pickle"
    architecture: str
    arguments: dict[str, Any]
    parameters: int
    classes: list[str]
    positive: str
    one_logit: bool
    threshold: float
    preprocessing: dict[str, Any]
    cam_layer: str | None
    has_mask: bool | None = None  # it outlines the lesion itself; None in older audits
    diagnoses: bool = True  # False: it outlines alone, and decides only whether it outlines anything
    training: dict[str, Any]  # provenance as the checkpoint holds it; {} when it holds none

    @property
    def given_outline(self) -> bool:
        """The outlined lesion is a channel of its input."""
        return "mask" in (self.preprocessing.get("inputs") or ())


class LeakRecord(Record):
    """Audited images that the checkpoint was trained on."""

    assessed: bool
    reason: str  # why not, when not assessed
    exact: list[str]
    near: list[str]  # near-duplicates, by fingerprint
    same_case: list[str] = []  # other images of a case that the checkpoint was trained on

    @property
    def found(self) -> list[str]:
        """All of them."""
        return self.exact + self.near + self.same_case


class RocPoint(Record):
    false_positive_rate: float
    true_positive_rate: float
    margin: float  # decisions at or above this margin are positive


class ReliabilityBin(Record):
    """Images of like probability."""

    low: float  # smallest probability of the positive class given in it
    high: float
    mean_probability: float
    positive_share: Interval  # images that are positive


class ReliabilityRecord(Record):
    """Whether probabilities mean what they say, on clean images with a label: see `metrics.calibration`.

    Of the positive class against all others, but for the Brier score, which is of all classes. It holds for this share
    of positive images; where they are rarer, a model that is right here gives too high probabilities.
    """

    positive_share: float
    mean_probability: float  # of the positive class
    brier: Interval  # mean of half the squared distance to certainty of the label; 0 is best
    brier_of_shares: float  # what the shares of the classes score as the probabilities of every image
    bins: list[ReliabilityBin]  # of about as many images each; empty where no two bins of 10 can be made
    ece: float | None  # expected calibration error over these bins, biased upwards; None without them
    ece_by_chance: (
        float | None
    )  # its mean where the same probabilities are right, by 2000 draws of the labels
    ece_by_chance_high: float | None  # which 95 % of these draws do not exceed
    intercept: (
        Interval | None
    )  # of the log-odds with their slope held at 1; 0 where they are right on the whole
    slope: Interval | None  # of the log-odds; under 1: too extreme. None where they part the classes wholly


class FrocPoint(Record):
    """If all boxes of some score and above count."""

    false_marks: float  # an image
    share: float  # of lesions found


class DetectionRecord(Record):
    """What a detector finds. A box finds a lesion by an IoU above `iou`, whatever its class."""

    iou: float
    images: int  # on which it is known where lesions are, or that there is none
    unknown: int  # images with a lesion of which neither outline nor box is known: left out
    lesions: int
    score: float  # from which on a box counts; of the next three
    found: Interval | None  # share of lesions, over lesions; None without one
    false_marks: float | None  # an image
    found_dice: (
        Interval | None
    )  # Dice of the mask, of images whose every lesion is found at an IoU of `dice_iou`
    dice_iou: float
    shares: dict[str, Interval]  # of lesions found, by false marks an image: "0.5", "1", ...
    precision: dict[str, float]  # average precision by IoU: "0.2", ...
    by_iou: dict[str, Interval]  # share found at one false mark an image, by the IoU that is asked
    froc: list[FrocPoint]


class CleanRecord(Record):
    """Performance on clean images that have a label. None where a class is missing."""

    images: int
    auc: Interval | None
    accuracy: Interval | None
    balanced_accuracy: Interval | None
    sensitivity: Interval | None
    specificity: Interval | None
    f1: Interval | None = None  # of the positive class; this and the next two are None in records of old
    false_positive_rate: Interval | None = None  # 1 - specificity
    false_negative_rate: Interval | None = None  # 1 - sensitivity
    dice: Interval | None  # multi-task models only
    jsi: Interval | None = None  # intersection over union, likewise; None in records of old
    box_jsi: Interval | None = None  # of the boxes around mask and lesion; None in an audit
    detection: DetectionRecord | None = None  # of models that draw boxes
    reliability: ReliabilityRecord | None = None  # of the probabilities; None in records of old
    confusion: list[list[int]]  # [label][decision], in the order of the classes
    roc: list[RocPoint]
    decision_shares: dict[str, float]  # share of images given each decision


class CurvePoint(Record):
    epsilon: float
    reached: Interval  # the criterion holds, of the images that it applies to
    reached_quantised: Interval
    flips: Interval
    flips_quantised: Interval
    robust_accuracy: Interval | None  # None without labels


class Distribution(Record):
    """Of one value an image."""

    n: int
    median: float | None
    q1: float | None
    q3: float | None
    maximum: float | None
    median_interval: Interval | None = None


class ConfidenceBin(Record):
    """Images decided with like confidence before the attack."""

    low: float  # smallest confidence in it
    high: float
    flips: Interval
    after: Distribution  # confidence in the new decision, of those that flipped


class ConfidenceRecord(Record):
    """Flips by confidence before and after: how far logits carry the decision beyond the operating threshold.

    Confidence is the logistic of that distance: 0.5 at the threshold, up to 1; of more than two classes it is of the
    decided class against the next. At a threshold of 0.5, of two classes, it is the probability of the decided class.
    """

    bins: list[ConfidenceBin]  # of about as many images each, at most four; one with fewer than 20 images
    flipped_before: Distribution
    flipped_after: Distribution
    held_before: Distribution  # of the images that did not flip


class AttackRecord(Record):
    id: str  # e.g. "fgsm", "pgd-2"; the tables point here
    name: str
    summary: str  # one line in words: norm, radius in grey levels, steps, step size, start
    parameters: dict[str, Any]
    defaults: dict[str, Any] | None = None  # of the same, where none is named; None in older audits
    norm: Literal["linf", "l2"]
    epsilon: float | None  # None for minimum-norm attacks
    steps: int
    step_size: float | None
    random_start: bool
    criterion: str  # in words: what the attack was after
    criterion_name: str
    criterion_parameters: dict[str, Any]
    applicable: int  # images that the criterion applies to
    reached: Interval  # the criterion holds on the final image, of those
    reached_quantised: Interval  # the same after rounding to 8 bits
    broken_by: dict[str, int]  # of `worst`: images by the attack that broke them; else empty
    assessable: bool  # False: the model gives one decision to over 95 % of images, so flips say nothing
    why_not: str
    images: int
    flips: Interval  # decision after differs from decision before
    flips_quantised: Interval  # the same after rounding to 8 bits
    flips_by_rounding_alone: int  # clean images cannot flip by rounding; this counts flips gained by it
    lost_in_rounding: int
    robust_accuracy: Interval | None  # right when clean and right after the attack
    robust_balanced_accuracy: Interval | None  # the same share in each class, and the mean over the classes
    missed_cancers: Interval | None  # decided not malignant, of images labelled and (clean) decided malignant
    false_alarms: Interval | None  # decided malignant, of images labelled and (clean) decided otherwise
    from_positive: Interval  # flips among images decided positive
    from_negative: Interval
    confidence: ConfidenceRecord | None = None  # flips by it; None in records of old
    failed: int  # the attack itself could not go on; counted as not flipped, which is no robustness
    linf: Distribution  # perturbation really reached
    l2: Distribution
    smallest_radius: Distribution | None  # among flipped images, over the curve or of the minimum-norm attack
    never_flipped: int
    curve: list[CurvePoint]  # empty for minimum-norm attacks without radii
    curve_note: str
    detection: DetectionRecord | None = None  # what is found under the attack; of models that draw boxes
    dice_after: Interval | None
    dice_drop: Interval | None  # paired, before minus after
    mcnemar_p: float | None  # clean right/wrong against attacked right/wrong
    mcnemar_holm: float | None = None  # the same, adjusted for all attacks of the audit
    forwards: int
    backwards: int

    @property
    def after_a_flip(self) -> bool:
        """Its goal was to leave the clean decision; one with another goal flips fewer than it could."""
        return self.criterion_name == LEAVE_DECISION

    @property
    def goal_assessable(self) -> bool:
        """Reaching its goal says something: a flip that cannot be assessed does not, another goal does."""
        return self.assessable or not self.after_a_flip


class SelfCheckRecord(Record):
    """Whether an attack, or the model that it attacks, behaves as a sound attack must. Figures of a subset."""

    attack_id: str | None  # None: of the model
    name: str  # what is expected, e.g. "twice the steps do not find more"
    status: Literal["passed", "failed", "not assessable"]
    words: str  # one sentence with the figures and the radius in grey levels
    figures: dict[str, float | int | None]


class ExplainerRecord(Record):
    id: str
    name: str
    layer: str  # or "image": what the cells of a map are
    grid: tuple[int, int]  # rows and columns of the map that the metrics were taken from
    signed: bool
    parameters: dict[str, Any] = {}


class PointingCell(Record):
    """How often one extreme of the map lies in a region, on one state of the images."""

    region: str  # one of REGIONS, or "any": lesion, ring or posterior
    extreme: Extreme
    share: Interval
    chance_uniform: float | None  # a uniform random point of the valid image
    chance_shuffled: float | None  # the same maps shuffled between images


class PointingRecord(Record):
    """How often the map's extreme lies in a region, before and after.

    Of images with a lesion and a defined clean map, before and after alike: a map that vanished is a miss. An
    extreme shared by several cells counts by the share of them that lies inside. Energy is of all images with a
    lesion whose map has a positive value then, so that `n` before and after may differ.
    """

    region: str  # one of REGIONS, or "any": lesion, ring or posterior
    extreme: Extreme
    before: Interval
    after: Interval
    chance_uniform: float | None  # a uniform random point of the valid image
    chance_shuffled: float | None  # clean maps shuffled between images
    energy_before: Distribution | None  # share of positive mass in the region (maximum only)
    energy_after: Distribution | None


class PseudoMaskRecord(Record):
    """How a mask made of the map matches the lesion. Before and after need not have equal `n`: an undefined map has
    no mask."""

    metric: str  # one of PSEUDO_METRICS
    before: Distribution
    after: Distribution


class MapRecord(Record):
    """How the maps of one explainer moved under one attack."""

    attack_id: str
    explainer_id: str
    target: Literal["same", "own"]
    images: int
    undefined_before: int
    undefined_after: int
    vanished: int  # defined before, undefined after: counts as moved in every rate
    shift: dict[str, Distribution]  # metric -> values over images with both maps defined
    shift_flipped: dict[str, Distribution]
    shift_unflipped: dict[str, Distribution]
    wilcoxon: dict[str, float | None]  # p of energy shares and relevance rank, before against after, by Holm
    silent_shift: Interval  # of all images with a defined clean map
    silent_shift_unflipped: Interval
    pointing: list[PointingRecord]
    transitions: list[list[int]]  # [state before][state after], in the order of PEAK_STATES
    pseudo_masks: list[PseudoMaskRecord] = []  # empty in older audits
    pseudo_threshold: float | None = None  # share of the map's maximum; None in older audits


class ChangeRecord(Record):
    """A simulated change of the acquisition, and what it did to decisions."""

    id: str  # `SECOND_SWEEP` for all of them at once
    name: str  # the same, without a number
    summary: str  # in words, with its strength
    parameters: dict[str, Any]
    decisions_changed: Interval


class NaturalShiftRecord(Record):
    """How the maps of one explainer moved under one change of the acquisition, explaining the clean decision.

    `change_id` is `ONE_CHANGE` where all single changes are pooled: each image counts once for each of them.
    """

    change_id: str
    explainer_id: str
    images: int
    undefined_after: int
    vanished: int
    shift: dict[str, Distribution]
    silent_shift: Interval
    silent_shift_unflipped: Interval


class MultipleRecord(Record):
    """How far an attack moved the maps of one explainer, beside how far an acquisition did.

    Likeness is turned into how much of it was lost (1 - value), so that more is farther. A map that vanished moved
    farther than any other. Medians are over the images with a defined clean map; None where half of the maps or more
    vanished.
    """

    attack_id: str
    explainer_id: str
    metric: str
    attack: float | None  # median, in the unit of the metric
    second_sweep: float | None  # median of the same images under all changes at once
    one_change: float | None  # median over the same images of each one's median single change
    times_second_sweep: Interval  # attack / second_sweep; None where that is 0 or either is None
    times_one_change: Interval
    farther: Interval  # share of images whose map the attack moved farther than any change did


class VariabilityRecord(Record):
    """Natural variability: the same measures under what a second sweep of the probe would change."""

    changes: list[ChangeRecord]
    shifts: list[NaturalShiftRecord]
    multiples: list[MultipleRecord]


class HitRelation(Record):
    """Whether maps of right decisions point into a region more often than those of wrong ones, on clean images."""

    explainer_id: str
    region: str  # one of REGIONS, or "any"
    extreme: Extreme
    right: Interval  # hit rate among right decisions
    wrong: Interval
    difference: Interval  # right minus wrong
    p: float | None  # clustered permutation test, by Holm over the regions of an explainer


class RiskCoverage(Record):
    """Error rate of the decisions kept, against the share kept, when they are ranked by a score."""

    score: Literal["energy", "confidence"]  # energy share inside the regions; by how much the logits decide
    aurc: Interval  # area under the curve: mean risk over all coverages
    excess: float | None  # of it over that of a perfect score
    coverage: list[float]  # rising to 1; at most 200 points
    risk: list[float]


class AbstentionRecord(Record):
    """What is gained by withholding the decisions whose map points outside lesion, ring and posterior region.

    Of images with a label whose regions are known; the rule and the regions need an outline, unless the model
    predicts one.
    """

    attack_id: str  # "none": clean images
    explainer_id: str
    regions: Literal["outline", "predicted"]  # of the dataset's outline, or of the model's own mask
    images: int
    without_label: int  # took no part
    without_regions: int  # took no part: no outline, or no spacing for the tolerance
    undefined: int  # withheld: the map has no extreme, or no mask was predicted
    coverage: Interval  # share kept by the rule
    risk_all: Interval  # error rate without the rule
    risk_kept: Interval
    risk_withheld: Interval
    energy: RiskCoverage
    confidence: RiskCoverage
    assessable: bool = (
        True  # False: no map points into or out of such a region, so rule and energy say nothing
    )
    why_not: str = ""


class RegionCoverage(Record):
    ring_mm: float
    calibrated: int  # images whose ring is in true millimetres
    relative: int  # images without spacing: relative ring
    without_lesion: int  # no outline, or an empty one
    tolerance_mm: float = 0.0  # of the pointing game
    without_tolerance: int = 0  # images with a lesion and no spacing, which a tolerance leaves out


class PointingGroup(Record):
    """The pointing game among the images that were decided rightly, or wrongly, of one class or of all."""

    decided: Literal["rightly", "wrongly"]
    label: str | None  # None: of every class
    images: int
    cases: int
    cells: list[PointingCell]


class PointingTable(Record):
    """The pointing game of one explainer on clean images."""

    explainer: ExplainerRecord
    left_out: dict[str, int]  # images by the first reason why they are in no group
    groups: list[PointingGroup]
    relations: list[HitRelation]


class PointingReport(Record):
    """What `xaiaudit pointing` finds."""

    xaiaudit: str
    checkpoint: CheckpointRecord
    data: str  # in words
    images: int
    left_out: list[LeftOutRecord]  # files that could not be read
    warnings: list[str]
    leak: LeakRecord
    regions: RegionCoverage
    tables: list[PointingTable]


class MaskState(Record):
    """The masks that a model draws on one version of the images.

    A mask is every real pixel with a logit of 0 or more. Dice and JSI are of images with an outlined lesion, where a
    mask that is not there scores 0, and None without such an image; as everywhere, they count what is drawn on padding
    as drawn wrongly.
    """

    dice: Interval | None
    jsi: Interval | None
    dice_drop: Interval | None = None  # paired, clean minus this; None of the clean images
    jsi_drop: Interval | None = None
    overlap: Interval | None = (
        None  # Dice with the clean predicted mask, where either is drawn; None likewise
    )
    drawn: int  # images in which something is outlined
    vanished: int | None = (
        None  # something was outlined on the clean image, and nothing is here; None likewise
    )
    appeared: int | None = None  # the other way round


class OutlineRecord(Record):
    """What one attack did to the masks that a model draws."""

    attack_id: str
    images: int
    with_lesion: int  # images with an outlined lesion
    clean: MaskState
    attacked: MaskState
    rounded: MaskState  # the attacked images after rounding to 8 bits


class MaskAgreement(Record):
    """Whether maps look where masks lie.

    Hits are of all images: where the map is undefined or nothing is drawn, map and mask do not agree. Only real pixels
    count; a maximum shared by several cells counts by the share of them inside.
    """

    hits: Interval
    chance_uniform: float  # the mean share of the real pixels that is drawn
    energy: Distribution  # share of the map's positive energy inside the mask, where both are there
    undefined: int  # maps
    empty: int  # masks


class AgreementRecord(Record):
    """Map and predicted mask under one attack. The maps explain the decision on their own image."""

    attack_id: str
    explainer_id: str
    images: int
    clean: MaskAgreement  # clean map, clean mask
    attacked: MaskAgreement  # attacked map, attacked mask
    apart: MaskAgreement  # attacked map, clean mask
    energy_change: Interval | None  # mean paired change from clean to attacked, where both have a value


class SubgroupAttack(Record):
    """What one attack did to the images of a subgroup."""

    attack_id: str
    flips: Interval
    robust_accuracy: Interval | None
    silent_shift: dict[str, Interval | None]  # explainer -> rate, of the maps of the clean decision


class SubgroupRecord(Record):
    """Images that share a value of one of SUBGROUPS. With fewer than 10 images, or value None, they are only counted.

    A rate is None where it would be of fewer than 10 images; the AUC where a class has fewer.
    """

    attribute: str
    value: str | None  # None: not known
    images: int
    cases: int
    rated: bool
    positive: int | None = None  # images labelled with the positive class; None where not rated
    auc: Interval | None = None
    sensitivity: Interval | None = None
    specificity: Interval | None = None
    accuracy: Interval | None = None
    attacks: list[SubgroupAttack] = []


class SubgroupTest(Record):
    """Whether a rate differs among the rated values of an attribute, by a permutation of cases.

    Only cases whose images have the same labels are exchanged, so that a difference is not one of how many are
    malignant, and lesions measured in millimetres are compared among themselves, as are relative ones. For the
    attribute label all cases with as many images are exchanged.
    """

    attribute: str
    outcome: Literal["accuracy", "flip rate", "silent shift"]
    attack_id: str | None  # None: clean images
    explainer_id: str | None  # of a silent shift
    groups: int
    images: int
    p: float
    p_adjusted: float  # for all tests of the audit's subgroups: see docs/statistics.md


class GalleryCase(Record):
    kind: Literal["worst", "typical", "random"]
    image: str  # name of the sample
    attack_id: str
    # clean, adversarial, adversarial_float, mask, valid and, of a model that draws masks, predicted_clean and
    # predicted -> path in the audit folder
    files: dict[str, str]
    label: str | None
    decision_before: str
    decision_after: str
    probability_before: float  # of the positive class
    probability_after: float
    linf: float
    spacing: tuple[float, float] | None


class Environment(Record):
    python: str
    platform: str
    device: str
    threads: int
    precision: str  # of the search; success is always judged in float32
    versions: dict[str, str]


class AuditRecord(Record):
    """audit.json, whole."""

    schema_version: int
    xaiaudit: str
    created: str  # UTC, ISO 8601
    seconds: float
    command: list[str]
    seed: int
    batch_size: int
    batch_size_retries: list[str]
    shards: int
    search: list[str]  # how the model was made ready, in words; one line, unless machines differed
    environment: Environment
    checkpoint: CheckpointRecord
    datasets: list[DatasetRecord]
    limit: int | None = (
        None  # images drawn by the seed; None: all there were, and in audits of older versions
    )
    images: int
    left_out: list[LeftOutRecord]
    warnings: list[str]
    leak: LeakRecord
    clean: CleanRecord
    attacks: list[AttackRecord]
    checks: list[SelfCheckRecord] = []  # of the attacks and the model; empty in audits that made none
    explainers: list[ExplainerRecord]
    # by explainer: the largest difference of a probe's map from one recomputed on a clean copy, over the longer map's
    # length; an audit stops above 0.01. Empty in older audits
    map_differences: dict[str, float] = {}
    maps: list[MapRecord]
    variability: VariabilityRecord | None = None  # None where no changes of the acquisition were simulated
    hit_relations: list[HitRelation] = []  # empty in older audits, and without labels or maps
    abstention: list[AbstentionRecord] = []  # likewise
    outlines: list[OutlineRecord] = []  # one an attack; empty in older audits, and without a mask head
    agreement: list[AgreementRecord] = []  # likewise, and without maps
    subgroups: list[SubgroupRecord] = []  # of attributes with more than one value; empty in older audits
    subgroup_tests: list[SubgroupTest] = []  # of attributes with two rated values or more
    regions: RegionCoverage
    gallery: list[GalleryCase]
    tables: dict[str, str] = {}  # SHA-256 of each table, by file; empty in audits of older versions
    keep_ids: bool


def parquet_list(values: pa.DataType) -> pa.DataType:
    """The type of a column of lists."""
    return pa.list_(
        pa.field("element", values)
    )  # the name that Parquet gives it, so that a read schema is equal


PREDICTIONS = pa.schema(
    [
        pa.field("image", pa.string(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("file", pa.string(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("case", pa.string(), nullable=False),  # salted hash unless --keep-ids
        pa.field("label", pa.string()),
        # as `data.subgroups` has them; null where one is not known. Not in audits of older versions
        pa.field("device", pa.string()),
        pa.field("birads", pa.string()),
        pa.field("size", pa.string()),
        pa.field("attack_id", pa.string(), nullable=False),  # "none" for the clean image
        pa.field("epsilon", pa.float64()),  # null for the clean image and for minimum-norm attacks
        pa.field("curve", pa.bool_(), nullable=False),  # a point of the epsilon curve, run to its goal
        pa.field("quantised", pa.bool_(), nullable=False),
        pa.field("criterion", pa.string(), nullable=False),
        pa.field("applicable", pa.bool_(), nullable=False),  # the criterion applies to this image
        pa.field("logits", parquet_list(pa.float32()), nullable=False),
        pa.field("margin", pa.float64()),  # two classes only
        pa.field("decision", pa.string(), nullable=False),
        pa.field("decision_clean", pa.string(), nullable=False),
        pa.field("flipped", pa.bool_(), nullable=False),
        pa.field("reached", pa.bool_(), nullable=False),
        pa.field("failed", pa.bool_(), nullable=False),
        pa.field("broken_by", pa.string()),  # of `worst`: the attack that reached the goal
        pa.field("linf", pa.float64(), nullable=False),
        pa.field("l2", pa.float64(), nullable=False),
        pa.field("forwards", pa.int64(), nullable=False),
        pa.field("backwards", pa.int64(), nullable=False),
        pa.field("dice", pa.float64()),
        pa.field("jsi", pa.float64()),
        pa.field("mask_overlap", pa.float64()),  # Dice with the mask drawn on the clean image
        pa.field(
            "mask_drawn", pa.bool_()
        ),  # the model outlines something; null, as all here, without a mask head
        pa.field(
            "outlined_lesion", pa.bool_()
        ),  # the dataset outlines a lesion; null where no outline is known
        # of models that draw boxes: `BOX` of each, and `BOX[:4]` of each lesion (null where there is one and nobody
        # knows where); null of others, not in audits of older versions
        pa.field("boxes", parquet_list(pa.float32())),
        pa.field("true_boxes", parquet_list(pa.float32())),
        pa.field("seed", pa.int64(), nullable=False),  # of this image's random draws
    ],
    metadata={"schema_version": str(SCHEMA)},
)

SHIFT_METRICS = (
    "peak_mm",
    "peak_diagonal",
    "mass_centre_mm",
    "mass_centre_diagonal",
    "topk_intersection",
    "spearman",
    "pearson",
    "ssim",
    "wasserstein_mm",
)

PSEUDO_METRICS = ("pseudo_dice", "pseudo_iou", "pseudo_box_iou")  # of the thresholded map with the lesion

MAPS = pa.schema(
    [
        pa.field("image", pa.string(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("case", pa.string(), nullable=False),
        pa.field("attack_id", pa.string(), nullable=False),  # "none" for the clean image
        pa.field("explainer_id", pa.string(), nullable=False),
        pa.field("target", pa.string(), nullable=False),  # "same" or "own"; "own" for the clean image
        pa.field("target_class", pa.string(), nullable=False),
        pa.field("defined", pa.bool_(), nullable=False),
        pa.field("peak_state", pa.string(), nullable=False),  # one of PEAK_STATES, "unknown" without a mask
        *(
            pa.field(f"{extreme}_in_{region}", pa.float64())
            for extreme in ("maximum", "minimum", "either")
            for region in (*REGIONS, "any")
        ),  # pointing game: share of the tied extreme cells inside; null where undefined or without a lesion
        *(pa.field(f"energy_{region}", pa.float64()) for region in REGIONS),
        *(pa.field(metric, pa.float64()) for metric in SHIFT_METRICS),  # against the clean map; null for it
        *(pa.field(f"delta_energy_{region}", pa.float64()) for region in REGIONS),
        pa.field("relevance_rank", pa.float64()),
        pa.field("iou", pa.float64()),
        *(pa.field(metric, pa.float64()) for metric in PSEUDO_METRICS),
        pa.field(
            "predicted_share_any", pa.float64()
        ),  # energy share in the regions of the mask that the model
        pa.field("predicted_maximum_any", pa.float64()),  # predicts, and whether the maximum lies in them
        pa.field("own_mask_hit", pa.float64()),  # the map's maximum lies in the mask drawn on this image
        pa.field("own_mask_share", pa.float64()),  # share of its energy in there
        pa.field(
            "own_mask_area", pa.float64()
        ),  # share of the real pixels that the mask takes; 0: it is empty
        pa.field("clean_mask_hit", pa.float64()),  # the same in the mask drawn on the clean image
        pa.field("clean_mask_share", pa.float64()),
        pa.field(
            "pseudo_box", parquet_list(pa.float64())
        ),  # x0, y0, x1, y1 on the input grid, half-open; null without
        pa.field("vanished", pa.bool_(), nullable=False),
        pa.field("silent_shift", pa.bool_()),  # null where the clean map is undefined
        *(pa.field(f"area_{region}", pa.float64()) for region in REGIONS[:4]),  # share of the valid image
        *(
            pa.field(f"chance_{region}", pa.float64()) for region in (*REGIONS[:4], "any")
        ),  # the same share within the tolerance: what a uniform point hits; null where a hit cannot be known
        pa.field("calibrated", pa.bool_(), nullable=False),
        # what another audit's maps of the same image are compared on; null in audits of older versions
        pa.field("spacing", parquet_list(pa.float64())),  # mm per pixel of the input grid, rows and columns
        pa.field("diagonal", pa.float64()),  # of the box around the valid pixels, in pixels
        pa.field("lesion_pixels", pa.int32()),  # 0: no lesion, or no known outline
        pa.field("valid_pixels", pa.int32()),
        pa.field(
            "native_rows", pa.int32(), nullable=False
        ),  # cells of the map that every metric was taken from
        pa.field("native_columns", pa.int32(), nullable=False),
        pa.field("grid_rows", pa.int32(), nullable=False),  # and of the map as it is stored
        pa.field("grid_columns", pa.int32(), nullable=False),
        pa.field(
            "cells", parquet_list(pa.uint8()), nullable=False
        ),  # region at each cell's centre, index into REGIONS
        pa.field(
            "inside", parquet_list(pa.uint8()), nullable=False
        ),  # bits of the regions (and "any") that each cell's centre lies in, within the tolerance; 0 if not known
        # stored cells that hold the native map's maximum and, of signed maps, its minimum; [] where undefined
        pa.field("maximum_cells", parquet_list(pa.int32()), nullable=False),
        pa.field("minimum_cells", parquet_list(pa.int32()), nullable=False),
        pa.field("map_scale", pa.float64(), nullable=False),  # the raw map is map_scale times `map`
        pa.field("map", parquet_list(pa.float16()), nullable=False),  # row by row, in [-1, 1]
    ],
    metadata={"schema_version": str(SCHEMA)},
)


ACQUISITION = pa.schema(
    [
        pa.field("image", pa.string(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("case", pa.string(), nullable=False),
        pa.field("change_id", pa.string(), nullable=False),  # of audit.json's variability
        pa.field("seed", pa.int64(), nullable=False),  # of this image's random draws
        pa.field(
            "motion", parquet_list(pa.float64()), nullable=False
        ),  # 2 x 3, row by row: where (row, column, 1) went
        pa.field("logits", parquet_list(pa.float32()), nullable=False),
        pa.field("margin", pa.float64()),  # two classes only
        pa.field("decision", pa.string(), nullable=False),
        pa.field("decision_clean", pa.string(), nullable=False),
        pa.field("flipped", pa.bool_(), nullable=False),
        pa.field("explainer_id", pa.string()),  # null, as all below, without one that reads a forward
        pa.field("target_class", pa.string()),  # the clean decision
        pa.field("compared", pa.float64()),  # share of the cells with a real centre that both sweeps show
        pa.field("defined", pa.bool_()),
        pa.field(
            "peak_state", pa.string()
        ),  # one of PEAK_STATES, on the first sweep; "unknown" without a mask
        *(pa.field(metric, pa.float64()) for metric in SHIFT_METRICS),  # against the clean map, motion undone
        *(pa.field(f"delta_energy_{region}", pa.float64()) for region in REGIONS),
        pa.field("vanished", pa.bool_()),
        pa.field("silent_shift", pa.bool_()),  # null where the clean map is undefined
    ],
    metadata={"schema_version": str(SCHEMA)},
)


class Explanation(Record):
    """One image's map, as `xaiaudit explain` tells it."""

    file: str
    explainer: str
    layer: str
    signed: bool
    decision: str
    positive: str
    probability: float  # of the positive class
    target: str  # class explained
    maximum: tuple[float, float] | None  # column and row in the source image, pixels; None: undefined map
    minimum: tuple[float, float] | None  # signed maps only
    maximum_cell: tuple[int, int] | None  # row and column of `map`; of a map of pixels never in padding
    minimum_cell: tuple[int, int] | None
    map: list[list[float]]  # raw, on its native grid
    image: list[list[int]]  # grey levels on the network's grid
    source_shape: tuple[int, int]  # rows and columns of the source image
    warnings: list[str] = []  # why the image is hardly one that the model is made for

    def as_dict(self) -> dict[str, Any]:
        """Without the pixels."""
        return self.model_dump(exclude={"image"})

    def words(self) -> str:
        place = (
            "the map is undefined (no positive value)"
            if self.maximum is None
            else f"maximum at {self._told(self.maximum)}"
        )
        if self.minimum is not None:
            place += f", minimum at {self._told(self.minimum)}"
        return (
            f"{self.file}: {self.decision} (probability of {self.positive} {self.probability:.3f}); "
            f"{self.explainer} of {self.target}: {place}"
        )

    def _told(self, place: tuple[float, float]) -> str:
        """The pixel, counted from 0; a cell of a layer may lie beyond the image."""
        column, row = (floor(value) for value in place)
        rows, columns = self.source_shape
        beyond = "" if 0 <= column < columns and 0 <= row < rows else " (beyond the image, in its padding)"
        return f"column {column}, row {row}{beyond}"
