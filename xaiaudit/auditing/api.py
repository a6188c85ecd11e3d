"""`xaiaudit.audit`: the whole audit in one call."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Unpack, overload

from xaiaudit.acquisition.registry import CHANGES
from xaiaudit.acquisition.registry import parse as parse_change
from xaiaudit.attacks.criteria.spec import parse as parse_criterion
from xaiaudit.attacks.spec import parse as parse_attack
from xaiaudit.auditing.arguments import Arguments, OnAttack, Part
from xaiaudit.auditing.checking import run_checks
from xaiaudit.auditing.chosen_explainers import made_explainers
from xaiaudit.auditing.counted import OnMap, own_forwards, telling
from xaiaudit.auditing.loading import load_images
from xaiaudit.auditing.look import Progress
from xaiaudit.auditing.map_check import PROBES, check_maps
from xaiaudit.auditing.merge import merge
from xaiaudit.auditing.plan import AuditFolder, AuditPlan, adopt_plan, create_folder, drop_empty, read_plan
from xaiaudit.auditing.planning import make_plan
from xaiaudit.auditing.selection import opened
from xaiaudit.auditing.self_checks.facts import Tell, silent
from xaiaudit.auditing.shard import run_shard
from xaiaudit.auditing.specs import Spec, parsed
from xaiaudit.data.datasets import Dataset
from xaiaudit.errors import AuditError, UsageError, XaiauditError
from xaiaudit.explainers.spec import parse as parse_explainer
from xaiaudit.models import AuditedModel
from xaiaudit.models.execution import deterministic
from xaiaudit.models.memory import batch_size_for
from xaiaudit.models.prepared import Precision, prepared
from xaiaudit.records import AuditRecord

SHARDED = 32  # images at once where the parts of an audit may run on different machines


@overload
def audit(
    model: AuditedModel,
    dataset: Dataset | Path | str | None = ...,
    attacks: Sequence[str | Spec] = ...,
    explainers: Sequence[str | Spec] | None = ...,
    *,
    shard: None = None,
    **arguments: Unpack[Arguments],
) -> AuditRecord: ...


@overload
def audit(
    model: AuditedModel,
    dataset: Dataset | Path | str | None = ...,
    attacks: Sequence[str | Spec] = ...,
    explainers: Sequence[str | Spec] | None = ...,
    *,
    shard: Part,
    **arguments: Unpack[Arguments],
) -> None: ...


def audit(
    model: AuditedModel,
    dataset: Dataset | Path | str | None = None,
    attacks: Sequence[str | Spec] = ("fgsm",),
    explainers: Sequence[str | Spec] | None = None,
    *,
    criteria: Sequence[str | Spec] | None = None,
    acquisition: Sequence[str | Spec] | None = None,
    out: Path | str | None = None,
    resume: bool = False,
    shard: Part | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    precision: Precision = "float32",
    limit: int | None = None,
    curve: bool = True,
    checks: int = 32,
    ring_mm: float = 5.0,
    tolerance_mm: float = 0.0,
    gallery: int = 2,
    keep_ids: bool = False,
    strict: bool = False,
    command: Sequence[str] = (),
    on_look: Progress | None = None,
    on_attack: OnAttack | None = None,
    on_check: Tell | None = None,
    on_map: OnMap | None = None,
) -> AuditRecord | None:
    """Attack a model on a dataset, compare its maps before and after, and write the audit folder.

    Args:
        model: what `xaiaudit.load` gives, or `AuditedModel(net, ...)` around any network.
        dataset: what `xaiaudit.open_dataset` gives, or the path of one; None: the test split that the checkpoint
            recorded.
        attacks: names with hyperparameters, "fgsm" or "pgd:epsilon=4/255,steps=40".
        criteria: what each attack is after, "leave-decision" or "lower-dice:limit=0.5"; every attack is made for each.
            None: to leave the decision; of a model that outlines and makes no diagnosis, to damage its mask.
        explainers: likewise; None: Grad-CAM, and CAM where the model allows it.
        acquisition: changes that a second sweep of the probe would make, "gain" or "speckle:correlation=0.9", as the
            yardstick of natural variability; None: all there are, (): none.
        out: the audit folder; None: audits/<model>-<utc time>.
        resume: go on with a folder that was begun before; finished shards are kept.
        shard: (i, n) runs the i-th of n parts and merges nothing: `merge` does, once all are done.
        seed: of every random draw; each image draws by itself, from this and its own pixels.
        batch_size: images attacked together, and the unit that a resume keeps or repeats; None: as many as fit into
            the memory that is free, at most 32 on a CPU and 256 on a GPU; a resumed audit keeps its own.
        precision: of the search; "bf16" is faster where the processor has it. Success is judged in float32.
        limit: audit only so many images, drawn by the seed.
        curve: attack at the radii of the epsilon curve too.
        checks: images, drawn by the seed, that the self-checks of model and attacks run on; 0: no self-checks.
        ring_mm: width of the peritumoral ring where the pixel spacing is known.
        tolerance_mm: an extreme of a map this near a region counts as inside it; images without spacing are then
            not assessable.
        gallery: cases of each kind (worst, typical, random) shown for each attack.
        keep_ids: write case ids as they are, not salted hashes of them.
        strict: an image that cannot be read ends the audit; otherwise it is counted and named.
        command: what was called, for the record.
        on_look: told images read and images in all, while the plan is made.
        on_attack: told, as often as something is done, how many images were attacked in this run, how many it has
            to attack (an image counts once an attack), and by which attack; it goes back where memory ran out.
        on_check: told before each run of the self-checks how many attacks were checked, how many there are, and what
            runs now.
        on_map: told after each forward that explainers make of their own how many images the network has seen so,
            how many it will, whether the maps are checked or images explained, and for which explainer.

    Returns:
        The record that stands in audit.json; None with `shard`.

    Raises:
        UsageError, DataError, AuditError: see their messages.
    """
    if shard is not None and not 1 <= shard[0] <= shard[1]:
        raise UsageError(f"shard must be (i, n) with i from 1 to n, got {shard}")
    path = Path(out) if out is not None else default_folder(model)
    _refuse_finished(path, resume=resume, shard=shard)
    folder = create_folder(path)
    try:
        there = opened(model, dataset)
        data = there.drawn(limit, seed)
        plan = make_plan(
            model,
            data,
            parsed(attacks, parse_attack),
            None if explainers is None else parsed(explainers, parse_explainer),
            criteria=None if criteria is None else parsed(criteria, parse_criterion),
            acquisition=parsed(_changes(model) if acquisition is None else acquisition, parse_change),
            seed=seed,
            limit=limit if len(data) < len(there) else None,
            batch_size=batch_size or _batch_size(folder, model, shard),
            precision=precision,
            curve=curve,
            checks=checks,
            ring_mm=ring_mm,
            tolerance_mm=tolerance_mm,
            gallery=gallery,
            keep_ids=keep_ids,
            strict=strict,
            command=command,
            progress=on_look,
        )
    except BaseException:
        drop_empty(folder)
        raise
    begun_here = shard is None and not folder.plan.exists()
    plan = adopt_plan(folder, plan)
    left = [index for index in plan.units_of(shard) if not folder.done(index)]
    try:
        _run(plan, folder, model, data, precision, left, on_attack, on_check, on_map)
    except XaiauditError:
        # the same command would end here again, so that a plan of nothing done would only be in the way
        if begun_here and not any(folder.done(index) for index in range(plan.units)):
            folder.plan.unlink()
            drop_empty(folder)
        raise
    return merge([path]) if shard is None else None


def default_folder(model: AuditedModel) -> Path:
    """audits/<model>-<utc time>."""
    stem = Path(model.info.path).stem if model.info is not None else "model"
    return Path("audits") / f"{stem}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"


def _run(
    plan: AuditPlan,
    folder: AuditFolder,
    model: AuditedModel,
    dataset: Dataset,
    precision: Precision,
    units: Sequence[int],
    on_attack: OnAttack | None,
    on_check: Tell | None,
    on_map: OnMap | None,
) -> None:
    images = sum(len(plan.shard_images(shard)) for shard in units if shard < plan.shards)
    total = len(plan.attacks) * images
    done = 0.0

    def step(attack_id: str, images: float) -> None:
        nonlocal done
        done += images
        if on_attack is not None:
            on_attack(done, total, attack_id)

    differences: dict[str, float] = {}
    forwards = sum(own_forwards(model, made_explainers(plan.explainers)).values()) if images else 0
    seen = telling(on_map, "explaining", forwards * images * (1 + 2 * len(plan.attacks)))
    with deterministic(), prepared(model, precision) as ready:
        if plan.explainers and any(unit < plan.shards for unit in units):
            differences = _check_maps(plan, model, dataset, on_map)
        for unit in units:
            if unit < plan.shards:
                run_shard(plan, folder, ready, model, dataset, unit, step, differences, seen)
                continue
            run_checks(plan, folder, ready, model, dataset, on_check or silent)


def _check_maps(
    plan: AuditPlan, model: AuditedModel, dataset: Dataset, on_map: OnMap | None
) -> dict[str, float]:
    loaded = load_images(
        plan.images[:PROBES], model, dataset, ring_mm=plan.ring_mm, tolerance_mm=plan.tolerance_mm
    )
    explainers = made_explainers(plan.explainers)
    forwards = 2 * len(loaded.planned) * sum(own_forwards(model, explainers).values())  # given and clean
    return check_maps(model, loaded, explainers, telling(on_map, "checking the maps", forwards))


def _batch_size(folder: AuditFolder, model: AuditedModel, shard: Part | None) -> int:
    """As many images as fit; that of the folder's plan where there is one, and one size for all parts of an audit."""
    if folder.plan.exists():
        return read_plan(folder).batch_size
    if shard is not None:
        return SHARDED
    size, channels = model.preprocessing.size, model.preprocessing.given
    return batch_size_for(model, (channels, size, size), model.device)


def _changes(model: AuditedModel) -> Sequence[str]:
    """All of them; none for a model that takes the outlined lesion, which a second sweep would move."""
    return () if model.preprocessing.takes_mask else tuple(CHANGES)


def _refuse_finished(path: Path, *, resume: bool, shard: Part | None) -> None:
    folder = AuditFolder(path)
    if folder.record.exists():
        raise AuditError(
            f"{path} already holds a finished audit, which never changes; name another with --out"
        )
    if folder.plan.exists() and not resume and shard is None:
        raise AuditError(f"{path} holds an unfinished audit; go on with --resume, or name another with --out")
    if resume and not folder.plan.exists():
        raise AuditError(
            f"{path} holds no audit to go on with; leave --resume out, or name its folder with --out"
        )
