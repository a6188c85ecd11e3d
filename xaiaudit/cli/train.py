"""xaiaudit train: from images to a checkpoint."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from xaiaudit.cli import options
from xaiaudit.cli.saying import say, say_json


@click.command()
@click.option(
    "--arch",
    "architecture",
    required=True,
    metavar="NAME",
    help="Architecture: resnet50, thesis-mtl, timm:NAME, torchvision:NAME, package.module:factory. "
    "See xaiaudit list models.",
)
@options.data(
    required=True, help="Folder of images, or the CSV of a manifest; may be repeated to join several."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("model.pt"),
    show_default=True,
    help="Checkpoint to write, .pt or .safetensors.",
)
@click.option(
    "--weights",
    default="none",
    show_default=True,
    metavar="default|PATH|none",
    help="Start from ImageNet weights (downloaded), a file, or nothing.",
)
@options.arguments
@click.option(
    "--positive",
    default="malignant",
    show_default=True,
    help="The class that threshold and sensitivity speak of.",
)
@click.option(
    "--size", type=click.IntRange(min=32), default=224, show_default=True, help="Side of the input, pixels."
)
@click.option(
    "--mode",
    type=click.Choice(["pad", "stretch"]),
    default="pad",
    show_default=True,
    help="How an image becomes square.",
)
@click.option(
    "--channels",
    type=click.Choice(["1", "3"]),
    default="3",
    show_default=True,
    help="Input channels of the network.",
)
@click.option(
    "--inputs",
    metavar="I,I,I",
    help="What each channel shows: grey, equalised (its histogram) or mask (the outlined lesion, which every image "
    "must then bring), e.g. grey,grey,mask.  [default: grey]",
)
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    help="Passes over the training images.  [default: 8]  With --adversarial: 10.",
)
@click.option("--batch-size", type=click.IntRange(min=1), help="Images at once.  [default: 16]")
@click.option("--learning-rate", type=float, help="[default: 1e-4]")
@click.option("--optimizer", type=click.Choice(["adam", "sgd", "nadam"]), help="[default: adam]")
@click.option("--momentum", type=float, help="Of sgd.  [default: 0.9]")
@click.option(
    "--freeze-backbone/--no-freeze-backbone",
    default=None,
    help="Let only the heads learn, on features as pretraining left them.  [default: False]",
)
@click.option(
    "--patience",
    type=click.IntRange(min=1),
    help="Stop after so many epochs without a better one.  [default: never]",
)
@click.option(
    "--class-weights",
    type=click.Choice(["none", "balanced"]),
    help="Weigh classes by their share of the images.  [default: none]  With --adversarial: balanced.",
)
@click.option(
    "--loss",
    type=click.Choice(["cross-entropy", "weighted", "focal"]),
    help="Of the class; weighted: the positive class counts more; focal: hard images do.  "
    "[default: cross-entropy]",
)
@click.option("--positive-weight", type=float, help="weighted: of the positive class.  [default: 3]")
@click.option("--focal-gamma", type=float, help="focal: 0, or from 1 on.  [default: 2]")
@click.option("--focal-alpha", type=float, help="focal: weight of the positive class.  [default: 0.25]")
@click.option("--alpha", type=float, help="Multi-task networks: weight of the class loss.  [default: 0.1]")
@click.option("--beta", type=float, help="Multi-task networks: weight of the mask loss.  [default: 1]")
@click.option(
    "--mask-loss",
    type=click.Choice(["dice", "cross-entropy"]),
    help="Multi-task networks; cross-entropy: of every pixel.  [default: dice]",
)
@click.option(
    "--proposal-epochs",
    type=click.IntRange(min=0),
    help="Of a network that draws boxes: epochs of its shared map and proposals alone, first.  [default: 0]",
)
@click.option(
    "--head-epochs",
    type=click.IntRange(min=0),
    help="Then epochs of its heads alone; --epochs are of all parts.  [default: 0]",
)
@click.option(
    "--tune-proposals/--no-tune-proposals",
    default=None,
    help="Its proposals learn in the last step too.  [default: True]",
)
@click.option(
    "--mask-epochs",
    type=click.IntRange(min=0),
    help="Multi-task networks: epochs before the others that train the mask alone.  [default: 0]",
)
@click.option(
    "--mask-share",
    type=float,
    help="Multi-task networks: share of the training cases whose outline is used, e.g. 0.25.  [default: 1]",
)
@click.option(
    "--mask-boxes/--no-mask-boxes",
    default=None,
    help="Multi-task networks: learn from the box of each lesion in place of its outline.  [default: False]",
)
@click.option(
    "--pseudo-weight",
    type=float,
    help="Multi-task networks: weight of pseudo-labels in the mask loss, of images without an outline.  [default: 0]",
)
@click.option(
    "--pseudo-threshold",
    type=float,
    help="Probability above which a pixel of theirs counts as lesion.  [default: 0.8]",
)
@click.option(
    "--keep-by",
    type=click.Choice(["loss", "accuracy"]),
    help="Of the validation images, what decides which epoch is kept.  [default: loss]",
)
@click.option("--flip", type=float, help="Augmentation: chance of a horizontal flip.  [default: 0.5]")
@click.option(
    "--vertical-flip", type=float, help="Augmentation: chance of an upside-down flip.  [default: 0]"
)
@click.option(
    "--rotation", type=float, help="Augmentation: largest rotation, degrees to either side.  [default: 5]"
)
@click.option(
    "--shift", type=float, help="Augmentation: largest shift up or down, share of the height.  [default: 0.1]"
)
@click.option(
    "--width-shift",
    type=float,
    help="Augmentation: largest shift to the left or right, share of the width.  [default: 0]",
)
@click.option(
    "--zoom", type=float, help="Augmentation: largest change of size, 0.1: from 0.9 to 1.1.  [default: 0]"
)
@click.option(
    "--shear", type=float, help="Augmentation: largest shear, degrees to either side.  [default: 0]"
)
@click.option(
    "--brightness",
    type=float,
    help="Augmentation: largest change of the factor on grey levels, from 1.  [default: 0]",
)
@click.option(
    "--contrast",
    type=float,
    help="Augmentation: the same on their distance from the mean of the real pixels.  [default: 0]",
)
@click.option(
    "--copies",
    type=click.IntRange(min=0),
    help="Augmentation: make so many copies of each training image once, in memory (50 kB each at 224 pixels, as much "
    "for a mask), in place of a fresh change every epoch; 3 is the thesis's.  [default: 0]",
)
@click.option(
    "--batch-norm",
    type=click.Choice(["auto", "train", "freeze"]),
    help="Whether batch-norm statistics learn; auto freezes folded ones.  [default: auto]",
)
@click.option(
    "--adversarial",
    type=click.Choice(["pgd", "trades", "free"]),
    help="Train to resist attacks: by PGD, by TRADES, or by single steps from a random start.  [default: never]",
)
@click.option(
    "--epsilon",
    metavar="RADIUS",
    help="Adversarial: L-inf radius, in [0, 1] intensity, e.g. 1/255.  [default: 1/255]",
)
@click.option(
    "--adversarial-steps",
    "steps",
    type=click.IntRange(min=1),
    help="Adversarial: steps of the inner attack.  [default: 2; free: 1]",
)
@click.option("--trades-beta", type=float, help="TRADES: weight of the KL divergence.  [default: 3]")
@click.option("--clean-share", type=float, help="pgd and free: share of each batch left clean.  [default: 0]")
@click.option(
    "--plain-epochs",
    type=click.IntRange(min=0),
    help="Adversarial: epochs before the first attack.  [default: 2]",
)
@click.option(
    "--ramp-epochs",
    type=click.IntRange(min=0),
    help="Adversarial: epochs over which the radius rises.  [default: 3]",
)
@click.option(
    "--fractions",
    default="0.7,0.1,0.2",
    show_default=True,
    metavar="T,V,T",
    help="Share of the images in train, validation and test.",
)
@options.seed
@click.option(
    "--split-seed",
    type=click.IntRange(min=0),
    help="Of the split and of --limit alone: another --seed then trains on the same images, so that checkpoints can be "
    "compared on the same test images.  [default: that of --seed]",
)
@options.limit
@options.device
@click.option(
    "--devices", type=click.IntRange(min=1), default=1, show_default=True, help="How many CUDA devices."
)
@click.option(
    "--precision",
    type=click.Choice(["float32", "bf16"]),
    default="float32",
    show_default=True,
    help="bf16: mixed precision.",
)
@options.threads
@click.option(
    "--workers", type=click.IntRange(min=1), default=2, show_default=True, help="Threads that prepare images."
)
@options.strict
@options.keep_ids
@options.overwrite
@click.option("--restart", is_flag=True, help="Forget an unfinished run; without it, a killed run goes on.")
@options.as_json
@options.debug
def train(**given: Any) -> None:
    """Train a classifier or multi-task network, choose its threshold, test it, and write a checkpoint.

    Defaults are those of Rasaee 2022; an architecture whose source trains it otherwise brings its own, and prints
    them. A run that was killed goes on when it is started again.
    """
    from xaiaudit.data import open_dataset
    from xaiaudit.training import console
    from xaiaudit.training import train as run

    options.check_free(given["out"], overwrite=given["overwrite"])
    options.set_threads(given["threads"])
    recipe = _recipe(given)
    normals: Any = given["normals"] or "leave-out"
    dataset = open_dataset(given["data"], kind=given["dataset"], normals=normals)
    with console(sys.stderr) as progress:
        trained = run(
            given["architecture"],
            dataset,
            given["out"],
            weights=given["weights"],
            arguments=options.pairs(given["arguments"]),
            positive=given["positive"],
            preprocessing=_preprocessing(given),
            recipe=recipe,
            seed=given["seed"],
            split_seed=given["split_seed"],
            fractions=_fractions(given["fractions"]),
            limit=given["limit"],
            normals=normals,
            device=given["device"],
            devices=given["devices"],
            precision=given["precision"],
            workers=given["workers"],
            keep_ids=given["keep_ids"],
            restart=given["restart"],
            strict=given["strict"],
            progress=progress,
        )
    _print(trained, given["architecture"], as_json=given["as_json"])


RECIPE = (
    "epochs", "batch_size", "learning_rate", "patience", "optimizer", "momentum", "freeze_backbone", "loss",
    "class_weights", "positive_weight", "focal_gamma", "focal_alpha", "mask_loss", "alpha", "beta", "mask_epochs",
    "proposal_epochs", "head_epochs", "tune_proposals",
    "mask_share", "mask_boxes", "pseudo_weight", "pseudo_threshold", "keep_by", "flip", "vertical_flip", "rotation",
    "shift", "width_shift", "zoom", "shear", "brightness", "contrast", "copies", "batch_norm",
)  # fmt: skip
ADVERSARIAL = ("epsilon", "steps", "trades_beta", "clean_share", "plain_epochs", "ramp_epochs")

OF_LOSSES = {"positive_weight": "weighted", "focal_gamma": "focal", "focal_alpha": "focal"}
# What an option weighs or forms: a network without such a head would not look at it.
OF_HEADS = {
    **dict.fromkeys(("loss", "class_weights", "positive_weight", "focal_gamma", "focal_alpha"), ("class",)),
    "mask_loss": ("mask",), "alpha": ("class", "mask"), "beta": ("class", "mask"),
}  # fmt: skip
OF_METHODS = {"trades_beta": ("trades",), "clean_share": ("pgd", "free")}


def _preprocessing(given: dict[str, Any]) -> Any:
    from xaiaudit.errors import UsageError
    from xaiaudit.training import preprocessing_of

    said: dict[str, Any] = {"size": given["size"], "mode": given["mode"], "channels": int(given["channels"])}
    if given["inputs"] is not None:
        said["inputs"] = options.words(given["inputs"])
    try:
        return preprocessing_of(
            given["architecture"], given["weights"], options.pairs(given["arguments"]), **said
        )
    except ValueError as error:
        raise UsageError(f"--inputs: {error}") from error


def _recipe(given: dict[str, Any]) -> Any:
    from xaiaudit.errors import UsageError
    from xaiaudit.training import Adversarial, recipe_of, resisting

    changed, attack = (
        {name: given[name] for name in names if given[name] is not None} for names in (RECIPE, ADVERSARIAL)
    )
    if "epsilon" in attack:
        attack["epsilon"] = _radius(attack["epsilon"])
    if given["adversarial"] is not None:
        for option, methods in OF_METHODS.items():
            if option in attack and given["adversarial"] not in methods:
                raise UsageError(
                    f"--{option.replace('_', '-')} has no effect with --adversarial {given['adversarial']}; "
                    f"leave it out, or take {' or '.join(methods)}"
                )
        adversarial = Adversarial(method=given["adversarial"], **attack)
        return _checked(
            resisting(adversarial, given["architecture"], **changed), changed, given["architecture"]
        )
    if attack:
        name = "adversarial-steps" if "steps" in attack else next(iter(attack)).replace("_", "-")
        raise UsageError(f"--{name} is of adversarial training; add --adversarial pgd, trades or free")
    return _checked(recipe_of(given["architecture"], **changed), changed, given["architecture"])


def _checked(recipe: Any, changed: dict[str, Any], architecture: str) -> Any:
    """Raises UsageError for an option that this recipe does not look at."""
    from xaiaudit.errors import UsageError
    from xaiaudit.models.registry import heads_of

    known = heads_of(architecture) or ("class", "mask")  # a factory's may have either
    for option in (option for option in OF_HEADS if option in changed):
        if missing := [head for head in OF_HEADS[option] if head not in known]:
            raise UsageError(
                f"--{option.replace('_', '-')} is of networks with a {' and a '.join(OF_HEADS[option])} head, and "
                f"{architecture} has no {missing[0]} head; leave it out"
            )
    for option, loss in OF_LOSSES.items():
        if option in changed and recipe.loss != loss:
            raise UsageError(
                f"--{option.replace('_', '-')} is of --loss {loss}, and the loss is {recipe.loss}"
            )
    if "momentum" in changed and recipe.optimizer != "sgd":
        raise UsageError(f"--momentum is of --optimizer sgd, and the optimizer is {recipe.optimizer}")
    if "pseudo_threshold" in changed and not recipe.pseudo_weight:
        raise UsageError(
            "--pseudo-threshold is of pseudo-labels, and their weight is 0; add --pseudo-weight 0.1"
        )
    if "keep_by" in changed and recipe.adversarial is not None:
        raise UsageError(
            "--keep-by has no effect with --adversarial, which keeps the epoch of the highest robust accuracy; "
            "leave it out"
        )
    return recipe


def _print(trained: Any, architecture: str, *, as_json: bool) -> None:
    from xaiaudit.models.registry import makes_diagnosis
    from xaiaudit.reports.clean_summary import clean_lines, threshold_words

    if as_json:
        say_json(json.dumps({"checkpoint": str(trained.path), "test": trained.test.model_dump()}, indent=1))
        return
    words = threshold_words(trained.model.classes, trained.model.threshold)
    say(f"Test split ({trained.test.images} images){words}:")
    given_outline = trained.model.preprocessing.takes_mask
    for line in clean_lines(
        trained.test, diagnoses=makes_diagnosis(architecture), given_outline=given_outline
    ):
        say(line)
    for file, reason in trained.left_out:
        say(f"Left out: {file}: {reason}")
    for warning in trained.warnings:
        say(f"Warning: {warning}")
    say(f"Losses: {trained.picture}")
    say(f"Checkpoint: {trained.path}")


def _radius(text: str) -> float:
    from xaiaudit.errors import UsageError
    from xaiaudit.values import number

    try:
        return number(text)
    except ValueError as error:
        raise UsageError(f"--epsilon takes a radius such as 1/255 or 0.004, got {text!r}") from error


def _fractions(text: str) -> tuple[float, float, float]:
    from xaiaudit.errors import UsageError

    values = options.numbers(text, "--fractions")
    if len(values) != 3:
        raise UsageError(f"--fractions takes three shares, of train, validation and test; got {text!r}")
    return values[0], values[1], values[2]
