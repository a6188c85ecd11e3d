"""From a model, a dataset and the names of attacks to a plan: one look at every image, none at any result."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import torch

from xaiaudit.attacks.art_goal import check_goal
from xaiaudit.attacks.base import Attack
from xaiaudit.attacks.criteria.lower_dice import LowerDice
from xaiaudit.attacks.criteria.registry import criterion_class
from xaiaudit.attacks.map_shift import MapShift
from xaiaudit.attacks.reach import reach, remark
from xaiaudit.attacks.registry import attack as make_attack
from xaiaudit.attacks.registry import settings
from xaiaudit.auditing.chosen_explainers import planned_explainers
from xaiaudit.auditing.environment import environment
from xaiaudit.auditing.leak import find_leak
from xaiaudit.auditing.look import Progress, View, look
from xaiaudit.auditing.plan import AuditPlan, PlannedAttack, PlannedData, PlannedExplainer, PlannedImage
from xaiaudit.auditing.specs import Spec, refuse_equal, unique
from xaiaudit.auditing.sweeps import planned_changes
from xaiaudit.data.cases import hash_case
from xaiaudit.data.datasets import Dataset
from xaiaudit.errors import UsageError
from xaiaudit.models import AuditedModel
from xaiaudit.models.prepared import Precision
from xaiaudit.records import CURVE_GREY_LEVELS, LEAVE_DECISION, SCHEMA, CheckpointRecord, DatasetRecord
from xaiaudit.seeds import image_seed
from xaiaudit.types import plain
from xaiaudit.version import __version__

L2_CURVE = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)  # radii of an L2 attack's curve, [0, 1] intensities

NO_SWEEP = "no second sweep is simulated: the model is given the outline, which another sweep would move"


def make_plan(
    model: AuditedModel,
    dataset: Dataset,
    attacks: Sequence[Spec],
    explainers: Sequence[Spec] | None = None,
    *,
    criteria: Sequence[Spec] | None = None,
    acquisition: Sequence[Spec] = (),
    seed: int = 0,
    limit: int | None = None,
    batch_size: int = 32,
    precision: Precision = "float32",
    curve: bool = True,
    checks: int = 32,
    ring_mm: float = 5.0,
    tolerance_mm: float = 0.0,
    gallery: int = 2,
    keep_ids: bool = False,
    strict: bool = False,
    command: Sequence[str] = (),
    progress: Progress | None = None,
) -> AuditPlan:
    """Fix every image, attack, seed and setting of an audit. Every attack is made for every criterion.

    Reads each image once, for its hash, its case and the leak check, and keeps none. `criteria` None: to leave the
    clean decision, or, of a model that outlines and makes no diagnosis, to damage its mask. `explainers` None:
    Grad-CAM, and CAM where the model ends in global average pooling and one linear layer. `acquisition` names the
    changes of the acquisition to simulate, in the order in which they are applied when all are made at once.
    `limit`: so many images were drawn by the seed; None: `dataset` is all there is.

    Raises:
        UsageError: no attack is named, a name or parameter is unknown, or an explainer does not suit the model.
        DataError: no image can be read; with `strict`, any image cannot be read.
    """
    if not 0 <= tolerance_mm < float("inf"):
        raise UsageError(f"tolerance_mm is a length of at least 0 mm, got {tolerance_mm}")
    if not attacks:
        raise UsageError("no attack is named; name at least one, e.g. --method fgsm")
    checkpoint = checkpoint_record(model)
    if criteria is None:
        criteria = [(LEAVE_DECISION if checkpoint.diagnoses else LowerDice.name, {})]
    planned_attacks = _planned_attacks(attacks, criteria, model, curve=curve)
    chosen_explainers = planned_explainers(model, explainers)
    if model.preprocessing.takes_mask and acquisition:
        raise UsageError(f"{NO_SWEEP}; leave the changes of the acquisition out")
    changes = planned_changes(acquisition, unique([name for name, _ in acquisition]))
    seen = look(dataset, strict=strict, progress=progress)
    _check_criteria(criteria, model, seen.views)
    images = planned_images(seen.views, None if keep_ids else case_salt(model, checkpoint), seed)
    return AuditPlan(
        schema_version=SCHEMA,
        xaiaudit=__version__,
        checkpoint=checkpoint,
        data=[_planned_data(number, part, seen.views) for number, part in enumerate(dataset.parts)],
        images=images,
        left_out=seen.left_out,
        warnings=[
            *(model.info.notes if model.info is not None else ()),
            *seen.warnings,
            *_remarks(attacks),
            *_unseen_maps(attacks, chosen_explainers, model),
            *((NO_SWEEP,) if model.preprocessing.takes_mask else ()),
        ],
        leak=find_leak(model, seen.views, dataset),
        attacks=planned_attacks,
        explainers=chosen_explainers,
        acquisition=changes,
        seed=seed,
        limit=limit,
        batch_size=batch_size,
        environment=environment(str(model.device), torch.get_num_threads(), precision),
        ring_mm=ring_mm,
        tolerance_mm=tolerance_mm,
        checked=_drawn([image.name for image in images], seed + 1, checks),
        gallery=gallery,
        random_cases=_draw([image.name for image in images], seed, gallery),
        keep_ids=keep_ids,
        strict=strict,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=list(command),
    )


def planned_images(views: Sequence[View], salt: str | None, seed: int) -> list[PlannedImage]:
    """The images looked at; their cases are named as they are, or by a salted hash."""
    return [
        PlannedImage(
            name=view.name,
            part=view.part,
            index=view.index,
            sha256=view.sha256,
            case=view.case if salt is None else hash_case(view.case, salt),
            seed=image_seed(view.sha256, seed),
        )
        for view in views
    ]


def checkpoint_record(model: AuditedModel) -> CheckpointRecord:
    """What the plan and the report say of the model; an unsaved one is known by the hash of its weights."""
    info = model.info
    return CheckpointRecord(
        path=str(info.path) if info is not None else "in memory",
        sha256=info.sha256 if info is not None else weights_hash(model.net),
        format=info.format if info is not None else "in memory",
        loaded=info.loaded if info is not None else "handed over in memory",
        architecture=info.architecture if info is not None else type(model.net).__name__,
        arguments=plain(info.arguments) if info is not None else {},
        parameters=sum(parameter.numel() for parameter in model.net.parameters()),
        classes=list(model.classes),
        positive=model.classes[model.positive],
        one_logit=model.one_logit,
        threshold=model.threshold,
        preprocessing=plain(asdict(model.preprocessing)),
        cam_layer=model.cam_layer,
        has_mask=model.has_mask,
        diagnoses=model.diagnoses,
        training=_without_images(info.training) if info is not None else {},
    )


def case_salt(model: AuditedModel, checkpoint: CheckpointRecord) -> str:
    """What case ids are hashed with: the checkpoint's own, which no audit prints; foreign weights have none."""
    training = model.info.training if model.info is not None else {}
    return str(training.get("salt") or checkpoint.sha256)


def weights_hash(net: torch.nn.Module) -> str:
    """SHA-256 over the names, shapes and bytes of all weights and buffers."""
    digest = hashlib.sha256()
    for name, tensor in sorted(net.state_dict().items()):
        digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _without_images(training: dict[str, Any]) -> dict[str, Any]:
    """Provenance without the per-image lists, which would name every training image in every report."""
    kept = {key: value for key, value in training.items() if key not in ("split", "fingerprints", "salt")}
    split = training.get("split", {})
    kept["images"] = {part: len(items) for part, items in split.items()}
    return dict(plain(kept))


def _planned_attacks(
    attacks: Sequence[Spec], criteria: Sequence[Spec], model: AuditedModel, *, curve: bool
) -> list[PlannedAttack]:
    # an unknown name or a wrong value ends here
    made = [make_attack(name, **parameters) for name, parameters in attacks]
    refuse_equal("attack", [(attack.name, settings(attack)) for attack in made])
    for name, own in criteria:
        criterion_class(name).check(own, model.classes)
    # in words, which name what is left to the default
    refuse_equal("criterion", [(name, {"goal": criterion_class(name).words(own)}) for name, own in criteria])
    pairs = _with_goals(made, criteria)
    ids = unique([_id(attack, criterion) for attack, (criterion, _) in pairs])
    planned = []
    for name_id, (attack, (criterion, own)) in zip(ids, pairs, strict=True):
        whole = settings(attack)  # defaults too
        criterion_class(criterion).check(own, model.classes)
        check_goal(attack.name, criterion)
        if isinstance(attack, MapShift):
            attack.explains().explained(model)  # or it has no such map to move
        planned.append(
            PlannedAttack(
                id=name_id,
                name=attack.name,
                parameters=plain(whole),
                radii=_radii(attack, whole.get("alpha", whole.get("eps_step"))) if curve else [],
                criterion=criterion,
                criterion_parameters=plain(own),
                goal=criterion_class(criterion).words(own),
            )
        )
    return planned


def _remarks(attacks: Sequence[Spec]) -> list[str]:
    found = [remark(make_attack(name, **parameters)) for name, parameters in attacks]
    return [words for words in dict.fromkeys(found) if words is not None]


def _unseen_maps(
    attacks: Sequence[Spec], explainers: Sequence[PlannedExplainer], model: AuditedModel
) -> list[str]:
    """Of each map that is attacked and not compared: what the tables say of other maps is not the attack's success."""
    compared, found = {(item.name, item.layer) for item in explainers}, []
    for attack in (make_attack(name, **parameters) for name, parameters in attacks):
        if isinstance(attack, MapShift):
            layer = attack.explains().explained(model)
            if (attack.explainer, layer) not in compared:
                found.append(
                    f"{attack.name} moves maps of {attack.explainer} at {layer}, which are not among the maps of this "
                    "audit: its goal is judged by them, and silent shift and every other measure by other maps; "
                    f"name them too, with --explainer {attack.explainer}:layer={layer}"
                )
    return list(dict.fromkeys(found))


def _with_goals(attacks: Sequence[Attack], criteria: Sequence[Spec]) -> list[tuple[Attack, Spec]]:
    """Every attack with every criterion; one with a goal of its own once, with that.

    Raises:
        UsageError: a criterion that only one attack can be after, which brings it along, or that none is after.
    """
    for name, _ in criteria:
        if (alone := criterion_class(name).only_for) is not None:
            raise UsageError(
                f"{name} comes with the attack {alone} and is not asked for; leave --criterion {name} out"
            )
    if all(isinstance(attack, MapShift) for attack in attacks) and list(criteria) != [(LEAVE_DECISION, {})]:
        raise UsageError(
            f"no attack here can be after {criteria[0][0]}: map-shift has a goal of its own, which goal= names; leave "
            "--criterion out, or add an attack on the decision, e.g. --method fgsm"
        )
    pairs: list[tuple[Attack, Spec]] = []
    for number, criterion in enumerate(criteria):
        for attack in attacks:
            if not isinstance(attack, MapShift):
                pairs.append((attack, criterion))
            elif number == 0:
                pairs.append((attack, (attack.criterion, attack.criterion_parameters)))
    return pairs


def _id(attack: Attack, criterion: str) -> str:
    """The goal is named where it is neither the usual one nor the attack's own."""
    usual = criterion == LEAVE_DECISION or isinstance(attack, MapShift)
    return attack.name if usual else f"{attack.name}-{criterion}"


_LACKING = {
    "mask head": "the model has none",
    "boxes": "the model draws none",
    "images without a lesion": "none is labelled normal; --normals class takes them in",
}


def _check_criteria(criteria: Sequence[Spec], model: AuditedModel, views: Sequence[View]) -> None:
    """Raises UsageError before the long work where a criterion applies to no image at all."""
    there = {
        "mask head": model.has_mask,
        "labels": any(view.label in model.classes for view in views),
        "outlines": any(view.has_mask for view in views),
        "boxes": model.draws_boxes,
        "images without a lesion": any(view.label == "normal" for view in views),
    }
    for name, parameters in criteria:
        for need in sorted(criterion_class(name).requires(parameters)):
            if not there[need]:
                head = need == "mask head"
                whose = _LACKING.get(need, "no image has any")
                raise UsageError(
                    f"the criterion {name} asks for {'a ' * head}{need}, and {whose}; "
                    "choose another of xaiaudit list criteria"
                )


def _radii(attack: Attack, alpha: float | None) -> list[float]:
    """Of the epsilon curve; [] for attacks without a radius to choose.

    A step size that was named is kept at every radius, so radii beyond what all steps together can travel are
    left out: there the curve would stand still and look like robustness.
    """
    if not attack.supports_radii or attack.epsilon is None:
        return []
    radii = L2_CURVE if attack.norm == "l2" else [level / 255 for level in CURVE_GREY_LEVELS]
    farthest = reach(attack, alpha)
    return [radius for radius in radii if farthest is None or radius <= farthest]


def _planned_data(number: int, part: Dataset, views: Sequence[View]) -> PlannedData:
    own = [view for view in views if view.part == number]
    record = DatasetRecord(
        name=part.name,
        path=str(part.path),
        kind=part.kind,
        citation=part.citation,
        selection=part.selection,
        images=len(own),
        cases=len({view.case for view in own}),
        labels=dict(sorted(Counter(view.label or "no label" for view in own).items())),
        with_mask=sum(view.has_mask for view in own),
        with_spacing=sum(view.has_spacing for view in own),
    )
    return PlannedData(path=str(part.path), kind=part.kind, record=record)


def _draw(names: Sequence[str], seed: int, count: int) -> list[str]:
    """Gallery cases by the smallest hash of name and seed: the same whatever the order or the shards."""
    return [names[index] for index in _drawn(names, seed, count)]


def _drawn(names: Sequence[str], seed: int, count: int) -> list[int]:
    order = sorted(
        range(len(names)), key=lambda index: hashlib.sha256(f"{seed}:{names[index]}".encode()).digest()
    )
    return order[:count]
