"""What an audit will do, fixed before it starts: written to plan.json, so that shards agree and a resume can check."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from xaiaudit.errors import AuditError
from xaiaudit.records import (
    CheckpointRecord,
    DatasetRecord,
    Environment,
    LeakRecord,
    LeftOutRecord,
    Record,
)
from xaiaudit.writing import prove_writable, write_atomically

PLAN = "plan.json"


class PlannedImage(Record):
    name: str
    part: int  # which dataset
    index: int  # within that dataset
    sha256: str
    case: str  # salted hash unless ids are kept
    seed: int


class PlannedAttack(Record):
    id: str
    name: str
    parameters: dict[str, Any]
    radii: list[float]  # of the epsilon curve; [] for none
    criterion: str  # what it is after, by name
    criterion_parameters: dict[str, Any]
    goal: str  # the same in words


class PlannedExplainer(Record):
    id: str
    name: str
    layer: str  # or "image": whose cells the maps have
    parameters: dict[str, Any]


class PlannedChange(Record):
    """A change of the acquisition."""

    id: str
    name: str
    parameters: dict[str, Any]


class PlannedData(Record):
    path: str
    kind: str
    record: DatasetRecord


class AuditPlan(Record):
    """Everything that decides a number of the audit. Two plans that agree give the same tables."""

    schema_version: int
    xaiaudit: str
    checkpoint: CheckpointRecord
    data: list[PlannedData]
    images: list[PlannedImage]
    left_out: list[LeftOutRecord]
    warnings: list[str]
    leak: LeakRecord
    attacks: list[PlannedAttack]
    explainers: list[PlannedExplainer]
    acquisition: list[PlannedChange] = Field(
        default_factory=list
    )  # simulated alone and all at once; [] for none
    seed: int
    limit: int | None = None  # images drawn by the seed; None: all there were
    batch_size: int  # images of a shard, run as one batch
    environment: Environment  # where the plan was made; shards must agree on what decides a number
    ring_mm: float
    tolerance_mm: float = 0.0  # of the pointing game
    checked: list[int]  # images, by index, that the attacks' self-checks run on; [] for no self-checks
    gallery: int  # cases of each kind and attack
    random_cases: list[str]  # drawn before anything is known of the results
    keep_ids: bool
    strict: bool
    created: str
    command: list[str]

    def differences(self, other: "AuditPlan") -> list[str]:
        """Names of the settings in which the two differ and that change a number."""
        mine, its = self.settings(), other.settings()
        return [name for name in mine | its if name not in _INCIDENTAL and mine.get(name) != its.get(name)]

    def settings(self) -> dict[str, object]:
        """Every setting by name, those of the environment among the others; one GPU is as good as the next."""
        own, around = dict(self), dict(self.environment)
        # the same files may be mounted elsewhere on another machine: hashes tell them, not paths
        own["checkpoint"] = self.checkpoint.model_dump(exclude={"path"})
        own["data"] = [data.record.model_dump(exclude={"path"}) for data in self.data]
        del own["environment"], around["versions"]
        return own | around | self.environment.versions | {"device": around["device"].partition(":")[0]}

    @property
    def shards(self) -> int:
        return -(-len(self.images) // self.batch_size)

    @property
    def units(self) -> int:
        """Shards, and the self-checks after them."""
        return self.shards + bool(self.checked)

    def units_of(self, part: tuple[int, int] | None) -> list[int]:
        """The units of the i-th of n parts, (i, n), or of all. A part may have none where there are few images."""
        return [index for index in range(self.units) if part is None or index % part[1] == part[0] - 1]

    def shard_images(self, shard: int) -> list[PlannedImage]:
        return self.images[shard * self.batch_size : (shard + 1) * self.batch_size]


# May differ between two starts of the same audit: they say when and how it was called, not what it does.
_INCIDENTAL = {"created", "command", "warnings", "python", "platform"}


@dataclass(frozen=True)
class AuditFolder:
    """Where the parts of one audit lie."""

    path: Path

    @property
    def plan(self) -> Path:
        return self.path / PLAN

    @property
    def shards(self) -> Path:
        return self.path / "shards"

    @property
    def record(self) -> Path:
        return self.path / "audit.json"

    @property
    def images(self) -> Path:
        return self.path / "images"

    def shard(self, index: int, what: str) -> Path:
        return self.shards / f"{index:05d}.{what}"

    def done(self, index: int) -> bool:
        """The marker of a unit is written last, so that it is there wholly or not at all."""
        return self.shard(index, "json").exists()


def create_folder(path: Path) -> AuditFolder:
    """The audit folder, made and proved writable before any long work."""
    folder = AuditFolder(path)
    try:
        prove_writable(folder.shards)
    except OSError as error:
        raise AuditError(
            f"cannot write to the audit folder {path} ({error.strerror}); name another with --out"
        ) from error
    return folder


def drop_empty(folder: AuditFolder) -> None:
    """Take away what `create_folder` made, where nothing was written into it; what holds anything stays."""
    for path in (folder.shards, folder.path):
        with suppress(OSError):
            path.rmdir()


def adopt_plan(folder: AuditFolder, plan: AuditPlan) -> AuditPlan:
    """The folder's plan if it has one that agrees with `plan`, else `plan`, written.

    Raises:
        AuditError: the folder was begun with a different plan.
    """
    if not folder.plan.exists():
        write_atomically(folder.plan, plan.model_dump_json(indent=1).encode())
        return plan
    old = read_plan(folder)
    differing = old.differences(plan)
    if differing:
        shown = "; ".join(
            f"{name}: {_short(then)} then, {_short(now)} now"
            for name in differing[:3]
            for then, now in [_differing(old.settings().get(name), plan.settings().get(name))]
        )
        raise AuditError(
            f"{folder.path} was begun with other settings ({shown}); "
            "repeat the command that began it, or name another folder with --out"
        )
    return old


def read_plan(folder: AuditFolder) -> AuditPlan:
    """The plan in the folder.

    Raises:
        AuditError: there is none, or it cannot be read.
    """
    try:
        return AuditPlan.model_validate(json.loads(folder.plan.read_bytes()))
    except FileNotFoundError:
        raise AuditError(
            f"{folder.path} holds no audit ({PLAN} is missing); name the --out of an earlier run"
        ) from None
    except (json.JSONDecodeError, ValidationError) as error:
        raise AuditError(
            f"{folder.plan} cannot be read ({str(error).splitlines()[0]}); start afresh in another folder"
        ) from error


def _differing(then: object, now: object) -> tuple[object, object]:
    """The two values; of two mappings only the entries in which they differ."""
    if not isinstance(then, dict) or not isinstance(now, dict):
        return then, now
    keys = [key for key in then | now if then.get(key) != now.get(key)]
    return {key: then.get(key) for key in keys}, {key: now.get(key) for key in keys}


def _short(value: object) -> str:
    if isinstance(value, list):
        return f"{len(value)} entries" if len(value) > 3 else ", ".join(_short(item) for item in value)
    if isinstance(value, PlannedAttack | PlannedExplainer | PlannedChange):
        given = ",".join(f"{key}={item}" for key, item in value.parameters.items() if item is not None)
        goal = f", to {value.goal}" if isinstance(value, PlannedAttack) else ""
        return f"{value.name}:{given}{goal}"
    text = str(getattr(value, "id", value))
    return text if len(text) <= 90 else text[:87] + "..."
