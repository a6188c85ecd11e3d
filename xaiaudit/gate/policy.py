"""A policy: what is audited, and what must hold. The tables of `xaiaudit.toml`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from xaiaudit.gate.metrics import METRICS

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
MIN_CASES = 30  # cases below which a finding is not assessed, unless the policy says otherwise


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class AuditTable(Table):
    """What `xaiaudit attack --policy` runs where the command line does not say otherwise."""

    data: list[str] = []  # paths, relative to the policy's folder; empty: the checkpoint's test split
    dataset: str | None = None  # adapter; None: recognised
    normals: Literal["leave-out", "benign", "class"] | None = (
        None  # images without a lesion; None: as trained
    )
    split: Literal["test", "validation", "train", "all"] | None = None  # None: test; with data all
    attacks: Annotated[list[str], Field(min_length=1)]  # "fgsm:epsilon=1/255"
    criteria: list[str] = []  # empty: as the audit's default
    explainers: list[str] = []  # likewise
    acquisition: list[str] | None = None  # changes of a second sweep; None: all, []: none
    seed: Annotated[int, Field(ge=0)] = 0
    limit: Count | None = None  # images, drawn by the seed
    ring_mm: Annotated[float, Field(gt=0)] = 5.0
    tolerance_mm: Annotated[float, Field(ge=0)] = 0.0
    curve: bool = True
    checks: bool = True
    precision: Literal["float32", "bf16"] = "float32"
    max_minutes: Annotated[float, Field(gt=0)] | None = None  # the audit stops there, and can be resumed


class GateTable(Table):
    min_cases: Count = MIN_CASES
    require_calibration: bool = False  # every image with a lesion must have its pixel spacing
    require_leak_check: bool = True  # it must be known which images the model was trained on
    max_left_out: Share = 0.0  # of the files: could not be read
    baseline: str | None = None  # audit or store of accepted audits, relative to the policy's folder


class IntendedUse(Table):
    """For the report; the gate judges none of it."""

    statement: str = ""
    users: str = ""
    limits: str = ""


class FindingTable(Table):
    """One line of the policy: at least one of max, min and max_regression."""

    metric: Annotated[str, Field(json_schema_extra={"enum": list(METRICS)})]  # told in words where it is none
    attack: str | None = None  # one of [audit] attacks, as written there, or its name where that is unique
    criterion: str | None = None  # one of [audit] criteria, likewise
    explainer: str | None = None  # one of [audit] explainers, likewise
    region: Literal["lesion", "ring", "posterior", "any"] = "any"  # of pointing
    extreme: Literal["maximum", "minimum", "either"] = "maximum"  # of pointing
    rounded: bool = False  # judged after rounding to 8 bits; attacks only
    subgroup: dict[str, str] = {}  # attribute -> value, e.g. { device = "Logiq 5" }; all must hold
    max: Share | None = None
    min: Share | None = None
    judge: Literal["bound", "estimate"] = "bound"
    max_regression: Share | None = None
    min_cases: Count | None = None  # None: that of [gate]


class Policy(Table):
    """xaiaudit.toml, whole."""

    version: Annotated[int, Field(ge=1, le=1)] = 1
    audit: AuditTable
    gate: GateTable = GateTable()
    intended_use: IntendedUse = IntendedUse()
    finding: Annotated[list[FindingTable], Field(min_length=1)]
