"""From images to a checkpoint: split, train, choose the threshold, test, write."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from xaiaudit.data import Dataset, Split
from xaiaudit.data.datasets import LESION_CLASSES
from xaiaudit.data.splits import FRACTIONS
from xaiaudit.errors import TrainingError, UsageError
from xaiaudit.metrics.roc import best_threshold
from xaiaudit.models import AuditedModel, build, save
from xaiaudit.models.registry import draws_boxes, makes_diagnosis
from xaiaudit.records import CleanRecord
from xaiaudit.training.arrays import arrays
from xaiaudit.training.batch_norm import norms_to_freeze
from xaiaudit.training.curves import draw_losses
from xaiaudit.training.devices import Precision, make_fabric
from xaiaudit.training.evaluation import Predictions, chance, evaluate
from xaiaudit.training.grid import preprocessing_of
from xaiaudit.training.loop import fit
from xaiaudit.training.material import Material, check_no_mask, check_outlines, gather
from xaiaudit.training.outlines import known_outlines
from xaiaudit.training.progress import Epoch, Progress, Silent
from xaiaudit.training.provenance import provenance, weights_sha256
from xaiaudit.training.recipe import Recipe, check_fits, departures, recipe_of
from xaiaudit.training.robustness import attacked, check_decides, measured, misled
from xaiaudit.training.state import StateFile
from xaiaudit.types import LeftOut, Preprocessing, Sample, plain
from xaiaudit.writing import prove_writable

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """What a training run leaves: files, the model, and what is known of it."""

    path: Path
    picture: Path  # losses by epoch
    model: AuditedModel
    split: Split
    history: list[Epoch]
    validation: CleanRecord
    test: CleanRecord
    left_out: list[LeftOut]
    warnings: list[str]


def train(
    architecture: str,
    data: Dataset | Material,
    out: Path | str,
    *,
    weights: str = "none",
    arguments: Mapping[str, Any] | None = None,
    positive: str = "malignant",
    preprocessing: Preprocessing | None = None,
    recipe: Recipe | None = None,
    seed: int = 0,
    split_seed: int | None = None,
    fractions: tuple[float, float, float] = FRACTIONS,
    limit: int | None = None,
    normals: str = "leave-out",
    device: str = "auto",
    devices: int = 1,
    precision: Precision = "float32",
    workers: int = 2,
    keep_ids: bool = False,
    restart: bool = False,
    strict: bool = False,
    progress: Progress | None = None,
) -> Trained:
    """Train a model by name on a dataset and write its checkpoint, with its losses as a picture beside it.

    The split is case-level and seeded. The weights kept are those of the lowest validation loss, or of the highest
    validation accuracy where the recipe keeps by it; the operating threshold (of a diagnosis between two classes) is
    the point of the validation ROC nearest to the upper left corner.
    Adversarial training keeps the weights of the highest robust balanced accuracy on the validation images, and
    its ROC is over these images clean and attacked (see `robustness`). A run that was killed goes on from
    `<out>.training` when it is called again, and ends with the same weights.

    Args:
        architecture, weights, arguments: as `models.build` takes them.
        data: the images; or a material of them, read, split and prepared already, so that `split_seed`, `fractions`,
            `limit`, `workers` and `strict` have nothing to decide and `preprocessing` is what it was prepared by.
        out: the checkpoint, .pt or .safetensors; replaced if it is there.
        positive: the class that the threshold and sensitivity speak of; of an architecture that outlines lesions
            and makes no diagnosis, "lesion".
        preprocessing: None: 224 pixels, padded, normalised as the weights expect it; see `grid.preprocessing_of`.
        recipe: hyperparameters; None: those of the architecture's source, else the thesis's.
        split_seed: draws the split, and the images of `limit`; None: `seed`. Models of one split and other seeds can be
            compared on its test images, which none of them was trained on.
        fractions: of the images of each class, in train, validation and test.
        limit: use only so many images, drawn at random by the seed.
        normals: what the dataset was opened with, for the record: a checkpoint's own split is found by it.
        device, devices, precision: see `devices.make_fabric`; with several devices, one process each.
        workers: threads that prepare the images.
        keep_ids: write case ids as they are, in place of salted hashes.
        restart: forget an unfinished run.
        strict: raise at the first image that cannot be read, instead of leaving it out.
        progress: told what happens; None: nobody.

    Raises:
        UsageError: an option that cannot be used, an unknown class, an unfinished run of other settings.
        DataError: images, labels or masks that are missing or too few.
        NumericalError: the training diverged.
        TrainingError: adversarial training ended in a model of one class; nothing is written.
    """
    out, recipe, preprocessing = (
        Path(out),
        recipe or recipe_of(architecture),
        preprocessing or preprocessing_of(architecture, weights, arguments or {}),
    )
    check_place(out)
    check_fits(recipe, architecture, weights, preprocessing)
    if not fractions[1] > 0:
        raise UsageError(
            f"a validation share of {fractions[1]:g} leaves no image to choose the epoch and the threshold "
            "by; give it a share above 0, e.g. 0.7,0.1,0.2"
        )
    if devices > 1 and draws_boxes(architecture):
        raise UsageError(f"{architecture} is trained on one device, got {devices}; leave --devices out")
    fabric = _launched(device, devices, precision, recipe)
    dataset = data.dataset if isinstance(data, Material) else data
    detects = draws_boxes(architecture)
    named = dataset.with_background().classes if detects else dataset.classes
    classes = len(named) if makes_diagnosis(architecture) else 2
    _try_building(architecture, arguments, weights, classes, preprocessing.channels)
    progress = progress if progress is not None and fabric.is_global_zero else Silent()
    material = (
        data
        if isinstance(data, Material)
        else gather(
            data.outlined() if preprocessing.takes_mask else data,
            preprocessing,
            seed=seed if split_seed is None else split_seed,
            fractions=fractions,
            positive=positive,
            limit=limit,
            workers=workers,
            strict=strict,
        )
    )
    if detects:
        material = material.with_background()
    if not makes_diagnosis(architecture):
        material, recipe, positive = material.by_lesion(), replace(recipe, alpha=0), LESION_CLASSES[1]
    progress.say(f"{material.dataset.describe()}; {material.split.words}")
    if words := departures(replace(recipe, adversarial=None)):
        progress.say(f"recipe: {words}")
    settings = {
        "architecture": architecture,
        "arguments": dict(arguments or {}),
        "weights": weights,
        "weights_sha256": weights_sha256(weights),
        "positive": positive,
        "preprocessing": asdict(preprocessing),
        "seed": seed,
        "device": fabric.device.type,
        "devices": devices,
        "precision": precision,
    }
    state = StateFile(
        out.with_name(f"{out.name}.training"),
        plain({**settings, **asdict(recipe), "images": material.digest}),
    )
    if restart:
        state.delete()
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        model = _new_model(settings, material, preprocessing)
        history = _fit(model, material, recipe, seed, fabric, state, progress)
    if not fabric.is_global_zero:
        raise SystemExit(0)  # a process that only helped with training; the first one writes
    salt = None if keep_ids else secrets.token_hex(16)
    try:
        trained = _finish(out, model, material, recipe, history, settings, normals=normals, salt=salt)
    except TrainingError:
        state.delete()  # going on from it could only end here again
        raise
    state.delete()
    return trained


def check_place(out: Path) -> None:
    """Raises UsageError, before the long work, where a checkpoint could not be written."""
    if out.suffix not in (".pt", ".pth", ".safetensors"):
        raise UsageError(f"a checkpoint ends in .pt or .safetensors, got {out.name}")
    if out.is_dir():
        raise UsageError(f"{out} is a folder; name a file, e.g. {out / 'model.pt'}")
    try:
        prove_writable(out.parent)
    except OSError as error:
        raise UsageError(
            f"{out} cannot be written: {error.strerror} in {out.parent}; choose another place"
        ) from error


def _launched(device: str, devices: int, precision: Precision, recipe: Recipe) -> "Fabric":
    if recipe.batch_size < 2 * devices:
        raise UsageError(
            f"a batch of {recipe.batch_size} images is too small for {devices} devices; give 2 images to each"
        )
    fabric = make_fabric(device, devices, precision)
    fabric.launch()
    return fabric


def _try_building(
    architecture: str, arguments: Mapping[str, Any] | None, weights: str, classes: int, channels: int
) -> None:
    """Finds a name or weights that cannot be used before the images are read; draws nothing from the caller."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        build(
            architecture, classes=max(2, classes), channels=channels, weights=weights, **dict(arguments or {})
        )


def _new_model(settings: Mapping[str, Any], material: Material, preprocessing: Preprocessing) -> AuditedModel:
    net = build(
        settings["architecture"],
        classes=len(material.classes),
        channels=preprocessing.channels,
        weights=settings["weights"],
        **settings["arguments"],
    )
    return AuditedModel(
        net, classes=material.classes, positive=settings["positive"], preprocessing=preprocessing
    )


def _fit(
    model: AuditedModel,
    material: Material,
    recipe: Recipe,
    seed: int,
    fabric: "Fabric",
    state: StateFile,
    progress: Progress,
) -> list[Epoch]:
    train, validation = material.part(material.split.train), material.part(material.split.validation)
    if model.has_mask:
        train, validation = _outlined(train, validation, material, recipe, progress)
        check_outlines(train, material.dataset, type(model.net).__name__)
        if model.draws_boxes:
            train, validation = _with_targets(train, progress), _with_targets(validation, progress)
    else:
        check_no_mask(recipe, type(model.net).__name__)
    norms = norms_to_freeze(model.net, recipe)
    if norms:
        progress.say(
            f"{len(norms)} batch norms keep the statistics they came with (batch norm: {recipe.batch_norm})"
        )
    if recipe.adversarial is not None:
        progress.say(f"adversarial training: {recipe.adversarial.describe()}; {measured(recipe.adversarial)}")
    kinds = {
        "masks": model.has_mask or model.preprocessing.takes_mask,
        "valid": recipe.adversarial is not None or recipe.contrast > 0,
    }
    return fit(
        model.to(fabric.device),
        arrays(train, model.classes, **kinds),
        arrays(validation, model.classes, **kinds),
        recipe,
        seed=seed,
        fabric=fabric,
        state_file=state,
        frozen_norms=norms,
        progress=progress,
    )


def _outlined(
    train: list[Sample], validation: list[Sample], material: Material, recipe: Recipe, progress: Progress
) -> tuple[list[Sample], list[Sample]]:
    """Both with the outlines that the recipe lets a network learn from; validation images keep all of theirs."""
    kept, boxes = material.outlined(recipe.mask_share), recipe.mask_boxes
    if recipe.mask_share < 1 or boxes:
        form = "as a box" if boxes else "as it is"
        progress.say(f"{len(kept)} of {len(train)} training images keep their outline, {form}")
    if recipe.pseudo_weight and len(kept) == len(train):
        progress.say(
            f"pseudo-labels teach nothing here (weight {recipe.pseudo_weight:g}): the outline of each of the "
            f"{len(train)} training images is known"
        )
    return (
        known_outlines(train, kept, boxes=boxes),
        known_outlines(validation, range(len(validation)), boxes=boxes),
    )


def _with_targets(samples: list[Sample], progress: Progress) -> list[Sample]:
    """Without lesions that have no outline: taken as they are, they would be taught as background."""
    kept = [s for s in samples if s.label is None or (s.mask is not None and s.mask.any())]
    if len(kept) < len(samples):
        progress.say(
            f"{len(samples) - len(kept)} of {len(samples)} images have a lesion and no outline of it, so that a "
            "detector cannot learn where it is; they are left out"
        )
    return kept


def _choose_threshold(
    model: AuditedModel, material: Material, recipe: Recipe, validation: Predictions
) -> None:
    """Raises TrainingError where an adversarially trained model decides for one class at its best."""
    if recipe.adversarial is not None:
        masks = model.preprocessing.takes_mask
        images = arrays(material.part(material.split.validation), model.classes, masks=masks, valid=True)
        found = attacked(model, images, recipe.adversarial, recipe.batch_size, model.device)
        model.threshold = found.threshold(model.positive)
        check_decides(found, model, recipe.adversarial)
    elif len(set(validation.labels.tolist())) == len(model.classes) == 2:
        margins = validation.logits[:, 1] - validation.logits[:, 0]
        model.threshold = best_threshold(validation.labels == model.positive, margins)


def _finish(
    out: Path,
    model: AuditedModel,
    material: Material,
    recipe: Recipe,
    history: list[Epoch],
    settings: Mapping[str, Any],
    *,
    normals: str,
    salt: str | None,
) -> Trained:
    """Choose the threshold, test, draw and save."""
    validation, test = (
        evaluate(model, material.part(rows), cases=material.cases(rows), batch_size=recipe.batch_size)
        for rows in (material.split.validation, material.split.test)
    )
    # another outlines something at one half, and a detector's veto asks whether a box is likelier malignant than not
    if makes_diagnosis(settings["architecture"]) and not draws_boxes(settings["architecture"]):
        _choose_threshold(model, material, recipe, validation)
    records = {
        part: replace(predictions, threshold=model.threshold).record()
        for part, predictions in (("validation", validation), ("test", test))
    }
    picture = out.with_name(f"{out.stem}.loss.png")
    draw_losses(
        history, picture, f"{settings['architecture']}, {material.dataset.name}, seed {settings['seed']}"
    )
    said = provenance(
        material,
        recipe=recipe,
        normals=normals,
        salt=salt,
        history=history,
        outlined=material.outlined(recipe.mask_share) if model.has_mask else None,
        metrics=records,
        settings=settings,
    )
    save(
        model,
        out,
        architecture=settings["architecture"],
        arguments=settings["arguments"],
        weights=settings["weights"],
        training=said,
    )
    warnings = [chance(records["test"]), misled(history)]
    return Trained(
        path=out,
        picture=picture,
        model=model,
        split=material.split,
        history=history,
        left_out=material.left_out,
        warnings=[warning for warning in warnings if warning is not None],
        **records,
    )
