"""The arguments of `xaiaudit.audit` by their types, for its two signatures."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypedDict

from xaiaudit.auditing.counted import OnMap
from xaiaudit.auditing.look import Progress
from xaiaudit.auditing.self_checks.facts import Tell
from xaiaudit.auditing.specs import Spec
from xaiaudit.models.prepared import Precision

Part = tuple[int, int]  # (3, 16): the third of sixteen
OnAttack = Callable[[float, int, str], None]  # images attacked, images to attack, id of the attack


class Arguments(TypedDict, total=False):
    """What `audit` takes by name, apart from `shard`, which decides what it returns."""

    criteria: Sequence[str | Spec] | None
    acquisition: Sequence[str | Spec] | None
    out: Path | str | None
    resume: bool
    seed: int
    batch_size: int | None
    precision: Precision
    limit: int | None
    curve: bool
    checks: int
    ring_mm: float
    tolerance_mm: float
    gallery: int
    keep_ids: bool
    strict: bool
    command: Sequence[str]
    on_look: Progress | None
    on_attack: OnAttack | None
    on_check: Tell | None
    on_map: OnMap | None
