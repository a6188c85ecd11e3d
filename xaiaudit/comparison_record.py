"""comparison.json: what changed between two audits of the same images. No torch.

Shares lie in [0, 1], radii and distances are in the units of `records`. `before` is of the older audit, `after` of the
newer; a difference is after minus before. A number that was not computed is None, never a default.
"""

from typing import Literal

from xaiaudit.records import Distribution, Extreme, Interval, Record

COMPARISON_SCHEMA = 1

Finding = Literal["drifted", "farther", "within", "no yardstick", "unmoved", "not assessed"]


class ComparedAudit(Record):
    path: str
    audit_sha256: str  # of its audit.json
    created: str
    xaiaudit: str
    checkpoint: str  # its file
    checkpoint_sha256: str
    architecture: str
    threshold: float  # operating threshold, a probability
    seed: int
    leaked: (
        int | None
    )  # images that the checkpoint was trained on, or close to some; None where that is not known


class PairedStatistic(Record):
    """One statistic of both audits on the same images, and its difference."""

    name: str
    before: Interval | None
    after: Interval | None
    difference: Interval
    test: str  # behind p
    p: float | None  # two-sided, against no difference
    p_holm: float | None = None  # the same within its family
    gained: int | None = (
        None  # images that are a hit after and were none before; None where images are no hits
    )
    lost: int | None = None


class CleanComparison(Record):
    statistics: list[PairedStatistic]  # one family; empty without labels
    decisions: list[list[int]]  # images [decision before][decision after], in the order of the classes
    right_to_wrong: list[str]  # images
    wrong_to_right: list[str]
    differs: (
        bool | None
    )  # any statistic at 5 %, by Holm; None without labels, but for models that outline alone


class RadiusComparison(Record):
    """The smallest radius at which an attack reaches its goal, image by image."""

    radii: list[float]  # of the epsilon curves, those that both have; [] where the attack finds its own
    images: int  # compared
    left_out: int  # the goal is not asked of them, or an attack without radii found nothing
    median_before: float | None  # None where half of the images or more are reached at no radius
    median_after: float | None
    never_before: int  # images that no radius reached; 0 where the attack finds its own
    never_after: int
    larger: int  # images that need a larger radius now
    smaller: int
    equal: int
    doublings: (
        Interval  # mean of log2(after / before); one that no radius reaches counts a doubling past the last
    )
    p: float | None  # Wilcoxon on case means of the doublings
    p_holm: float | None = None


class AttackComparison(Record):
    attack_id: str  # of the newer audit
    id_before: str
    summary: str
    norm: Literal["linf", "l2"]  # of its radii
    criterion: str  # in words
    after_a_flip: bool  # its goal was to leave the clean decision
    why_not: str  # why flips say nothing; "" where they do
    flips: PairedStatistic
    flips_rounded: PairedStatistic  # after rounding to 8 bits
    robust_accuracy: PairedStatistic | None  # None without labels
    reached: PairedStatistic | None  # of an attack with another goal, on images that both were to reach
    breakable: list[str]  # images that flip now and did not
    mended: list[str]  # the other way round
    radius: RadiusComparison | None


class DriftMultiple(Record):
    """Drift and a second sweep by one measure; likeness counts as what was lost of it, a vanished map as farthest."""

    metric: str
    drift: float | None  # median over the images with a value of both; None where half vanished or more
    second_sweep: float | None
    times: Interval  # their ratio
    farther: Interval  # share of images whose map drifted farther than in any simulated sweep


class NaturalDrift(Record):
    """Drift beside what a second sweep of the probe does to the maps of the older checkpoint."""

    changes: list[str]  # what the second sweep was made of, with the strengths that are not the default
    whole: bool  # these are all changes that can be simulated, each as strong as by default
    moved: PairedStatistic  # by the second sweep (before) and between the checkpoints (after), same rule, same images
    multiples: list[DriftMultiple]
    # of the mass centre's medians as in `multiples`, at a level of 1 - 0.05 / explainers: what `farther` is judged by
    centre: Interval


class PointingDifference(Record):
    region: str  # one of REGIONS, or "any": lesion, ring or posterior
    extreme: Extreme
    hits: PairedStatistic  # of images with a lesion whose map is defined in either audit; an undefined one is a miss
    chance_uniform: float | None


class DriftRecord(Record):
    """How the maps of the clean images differ between two checkpoints, each explaining the same decision."""

    explainer_id: str  # of the newer audit
    id_before: str
    layer_before: str
    layer_after: str
    grid_before: tuple[int, int]  # of the maps as they were computed
    grid_after: tuple[int, int]
    stored_before: tuple[int, int]  # and as they are stored, which is what is compared here
    stored_after: tuple[int, int]
    signed: bool
    images: int
    decided_otherwise: int  # left out: the maps explain different decisions
    undefined_before: int  # of images decided alike: left out, as there is no map to drift
    appeared: int  # of those, defined now
    compared: int  # images behind `drifted`
    vanished: int  # of those, no longer defined
    drifted: Interval  # share whose map moved, vanished ones among them
    peak_left: (
        int  # of the images that drifted: the peak went from lesion, ring or posterior region to elsewhere
    )
    centre_far: int  # the mass centre moved by more than 5 mm, or 10 % of the diagonal without spacing
    shift: dict[str, Distribution]  # records.SHIFT_METRICS and delta_energy_*, where both maps are defined
    transitions: list[list[int]]  # [state before][state after], in the order of PEAK_STATES
    natural: NaturalDrift | None
    why_no_natural: str  # "" where there is one
    pointing: list[PointingDifference]
    why_no_pointing: str
    finding: Finding


class MapOf(Record):
    """One stored map of a gallery case."""

    grid: tuple[int, int]
    values: list[float | None]  # raw, row by row; None where not finite
    cells: list[int]  # region at each cell's centre, index into REGIONS
    peak: int | None  # cell of the maximum; None where undefined


class DriftMaps(Record):
    """The maps of one explainer on one image."""

    explainer_id: str
    moved: str  # how far, in words
    before: MapOf
    after: MapOf


class DriftCase(Record):
    """An image whose map drifted far by at least one explainer, for the eye."""

    image: str
    label: str | None
    decision: str  # of both
    maps: list[DriftMaps]  # one an explainer
    pictures: dict[str, str]  # clean, mask, valid -> path, where an audit's gallery holds the image; else {}
    spacing: tuple[float, float] | None


class ComparisonRecord(Record):
    """comparison.json, whole."""

    schema_version: int = COMPARISON_SCHEMA
    xaiaudit: str
    before: ComparedAudit
    after: ComparedAudit
    classes: list[str]
    positive: str
    ring_mm: float
    images: int
    labelled: int
    cases: int
    clean: CleanComparison
    attacks: list[AttackComparison]
    drift: list[DriftRecord]
    # accuracy does not differ and maps moved farther than a second sweep moves them; None where that cannot be told
    explanation_drift: bool | None
    gallery: list[DriftCase]
    left_out: list[str]  # attacks and explainers that only one audit has, or with other parameters
    notes: list[str]
