"""gate.json: what a gate says of an audit. No torch.

Rates are shares in [0, 1]. A number that was not computed is None, never a default.
"""

from typing import Literal

from pydantic import Field

from xaiaudit.records import Interval, Record, SampleSize

GATE_SCHEMA = 1  # of gate.json
Status = Literal["passed", "failed", "not assessed"]
NO_SHARES = ("auc", "brier", "dice")  # metrics that are no shares of images, and are not told in per cent


class Finding(Record):
    """One checked line of a policy, or a condition that every audit must meet."""

    id: str  # unique within a verdict, stable from run to run: "flip-rate/fgsm", "flip-rate/fgsm/no-worse"
    # a requirement stands by itself, a regression is against the baseline, a condition is asked of every audit
    kind: Literal["requirement", "regression", "condition"]
    metric: str
    attack_id: str | None = None  # of the audit; None: of clean images
    explainer_id: str | None = None
    subgroup: str | None = None  # "device=Logiq 5"; None: all images
    sense: Literal["at most", "at least"] | None = None  # how the metric must lie to the limit
    limit: float | None = None  # of a requirement; of a regression, the worsening that is tolerated
    judged_by: Literal["bound", "estimate"] | None = None
    estimate: float | None = None
    bound: float | None = None  # one-sided 95 %, on the side that counts
    images: int | None = None
    cases: int | None = None
    baseline: float | None = None  # of a regression: the baseline's estimate on the same images
    change: Interval | None = None  # paired, this audit minus the baseline, two-sided 90 %
    p: float | None = None  # against "no worse than tolerated"
    p_holm: float | None = None  # the same among all regressions
    status: Status
    words: str  # one sentence with figures and units
    sample: SampleSize | None = None  # what this many cases can show; None where no flip rate was judged
    line: int | None = None  # of the policy file, counted from 1


class PolicyUsed(Record):
    """What was asked, and by which file."""

    path: str  # as it was named; "command line" where limits were given there
    sha256: str | None
    text: str  # the file, whole; the command's words where there is no file
    intended_use: dict[str, str] = Field(
        default_factory=dict
    )  # as the policy says it: statement, users, limits


class BaselineUsed(Record):
    path: str
    checkpoint: str  # its file
    checkpoint_sha256: str
    audit_sha256: str  # of its audit.json


class Verdict(Record):
    """gate.json, whole."""

    schema_version: int = GATE_SCHEMA
    xaiaudit: str
    audit_sha256: str  # of the audit.json that was judged: a verdict speaks of no other
    policy: PolicyUsed
    baseline: BaselineUsed | None
    left_out: int = 0  # regressions of the policy that --no-baseline left out
    verdict: Status  # failed where any finding is; else not assessed where any is; else passed
    findings: list[Finding]
    notes: list[str]  # what the verdict does not speak of
