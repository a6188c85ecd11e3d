"""How a model is trained: the thesis's recipe, as defaults that can be changed one by one."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from xaiaudit.errors import UsageError
from xaiaudit.models.registry import MODELS, draws_boxes, is_factory, makes_diagnosis
from xaiaudit.training.adversarial import Adversarial
from xaiaudit.types import Preprocessing

AUGMENTATION = (
    "flip", "vertical_flip", "rotation", "shift", "width_shift", "zoom", "shear", "brightness", "contrast",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Hyperparameters of one training run.

    The defaults follow Rasaee 2022 (thesis, sections 2.2 and 3.2) where it speaks: learning rate,
    augmentation, loss, the best epoch by validation loss. Batch size and epochs are ours: it gives neither.

    Raises:
        UsageError: a value out of its range.
    """

    epochs: int = 8
    batch_size: int = 16  # images, over all devices
    learning_rate: float = 1e-4
    patience: int | None = None  # stop after so many epochs without a better one; None: never
    optimizer: Literal["adam", "sgd", "nadam"] = "adam"
    momentum: float = 0.9  # of sgd
    freeze_backbone: bool = False  # only the heads learn; batch norms keep their statistics
    loss: Literal["cross-entropy", "weighted", "focal"] = (
        "cross-entropy"  # of the class; see `losses.class_loss`
    )
    class_weights: Literal["none", "balanced"] = "none"  # balanced: n / (k n_c) for a class of n_c images
    positive_weight: float = 3.0  # of weighted: how much more an image of the positive class counts
    focal_gamma: float = 2.0
    focal_alpha: float = 0.25  # of focal: weight of the positive class; the others have 1 - alpha
    mask_loss: Literal["dice", "cross-entropy"] = "dice"
    alpha: float = 0.1  # of the class loss in a multi-task network: alpha CE + beta mask loss (equation 6)
    beta: float = 1.0
    proposal_epochs: int = 0  # of a detector, first: shared map and proposals, by the loss of proposals
    head_epochs: int = 0  # of a detector, then: its heads alone; `epochs` are of all parts
    tune_proposals: bool = (
        True  # of a detector: its proposals learn in the last step too, by their own loss beside
    )
    mask_epochs: int = 0  # before the others, on images with an outline and by the mask loss alone
    mask_share: float = 1.0  # of the training images' outlines that are used; see `outlines.kept_outlines`
    mask_boxes: bool = False  # boxes in place of outlines; see `outlines.boxed`
    pseudo_weight: float = 0.0  # of images without an outline in the mask loss; see `losses.mask_loss`
    pseudo_threshold: float = 0.8  # probability above which a pixel of theirs counts as lesion
    keep_by: Literal["loss", "accuracy"] = "loss"  # of the validation images, the epoch to keep
    flip: float = 0.5  # chance of a horizontal flip
    vertical_flip: float = 0.0
    rotation: float = 5.0  # degrees, to either side
    shift: float = 0.1  # of the height, up or down
    width_shift: float = 0.0  # of the width, left or right
    zoom: float = 0.0  # largest change of the factor 1 that both sides are magnified by
    shear: float = 0.0  # degrees, to either side
    brightness: float = 0.0  # largest change of the factor 1 that intensities are multiplied by
    contrast: float = 0.0  # the same for their distance from their mean
    copies: int = (
        0  # augmented copies of each image, made once, in place of a fresh draw every epoch; 0: fresh draws
    )
    batch_norm: Literal["auto", "train", "freeze"] = "auto"  # see `batch_norm.norms_to_freeze`
    adversarial: Adversarial | None = None  # None: on images as they are

    def __post_init__(self) -> None:
        for name, low in (
            ("epochs", 1), ("batch_size", 1), ("patience", 1), ("mask_epochs", 0), ("copies", 0),
            ("proposal_epochs", 0), ("head_epochs", 0),
        ):  # fmt: skip
            value = getattr(self, name)
            if value is not None and value < low:
                raise UsageError(f"{name.replace('_', ' ')} must be at least {low}, got {value}")
        if not 0 < self.learning_rate < 1:
            raise UsageError(
                f"learning rate must lie between 0 and 1, got {self.learning_rate}; the default is 1e-4"
            )
        if not 0 <= self.momentum < 1:
            raise UsageError(f"momentum must lie in [0, 1), got {self.momentum}; the default is 0.9")
        self._check_loss()
        self._check_outlines()
        if self.alpha < 0 or self.beta < 0 or self.alpha + self.beta == 0:
            raise UsageError(
                "alpha and beta weigh two losses; neither can be negative and one must be above 0, got "
                f"{self.alpha} and {self.beta}"
            )
        self._check_augmentation()
        if self.adversarial is not None and self.adversarial.plain_epochs >= self.epochs:
            raise UsageError(
                f"{self.epochs} epochs, of which {self.adversarial.plain_epochs} are plain, leave none to train "
                "against attacks; give more epochs or fewer plain ones"
            )

    def _check_augmentation(self) -> None:
        if not 0 <= self.flip <= 1 or not 0 <= self.rotation <= 180 or not 0 <= self.shift < 1:
            raise UsageError(
                "augmentation needs a flip chance in [0, 1], a rotation in [0, 180] degrees and a shift in "
                f"[0, 1) of the height, got {self.flip}, {self.rotation} and {self.shift}"
            )
        if not 0 <= self.vertical_flip <= 1 or not 0 <= self.brightness <= 1 or not 0 <= self.contrast <= 1:
            raise UsageError(
                "vertical flip is a chance and brightness and contrast are changes of a factor, all in [0, 1], got "
                f"{self.vertical_flip}, {self.brightness} and {self.contrast}"
            )
        if not 0 <= self.width_shift < 1 or not 0 <= self.zoom < 1 or not 0 <= self.shear < 90:
            raise UsageError(
                "augmentation needs a width shift in [0, 1) of the width, a zoom in [0, 1) and a shear in [0, 90) "
                f"degrees, got {self.width_shift}, {self.zoom} and {self.shear}"
            )
        if self.copies and not any(getattr(self, name) for name in AUGMENTATION):
            raise UsageError(
                f"{self.copies} copies of each image that nothing changes would only be seen more often; give them an "
                "augmentation, e.g. a flip of 0.5, or leave the copies out"
            )

    @property
    def all_epochs(self) -> int:
        return self.proposal_epochs + self.head_epochs + self.mask_epochs + self.epochs

    def _check_outlines(self) -> None:
        if not 0 < self.mask_share <= 1:
            raise UsageError(
                f"the mask share must lie in (0, 1], got {self.mask_share}; 0.25 keeps a quarter"
            )
        if self.pseudo_weight < 0 or not 0 < self.pseudo_threshold < 1:
            raise UsageError(
                "pseudo-labels need a weight of at least 0 and a threshold in (0, 1), got "
                f"{self.pseudo_weight} and {self.pseudo_threshold}"
            )

    def _check_loss(self) -> None:
        if self.loss != "cross-entropy" and self.class_weights != "none":
            raise UsageError(
                f"the {self.loss} loss weighs classes itself; leave the balanced class weights out, or take "
                "cross-entropy"
            )
        if self.positive_weight <= 0:
            raise UsageError(f"the positive weight must be above 0, got {self.positive_weight}")
        if (self.focal_gamma and self.focal_gamma < 1) or not 0 < self.focal_alpha < 1:
            raise UsageError(
                "the focal loss needs a gamma of 0 or from 1 on (between, its gradient is not finite) and an alpha "
                f"in (0, 1), got {self.focal_gamma} and {self.focal_alpha}"
            )


def check_fits(recipe: Recipe, architecture: str, weights: str, preprocessing: Preprocessing) -> None:
    """Raises UsageError where a recipe contradicts what the network starts from or is shown."""
    if draws_boxes(architecture):
        _check_detector(recipe, architecture)
    elif recipe.proposal_epochs or recipe.head_epochs:
        raise UsageError(
            f"{architecture} draws no boxes, so that it has no proposals or heads to train by themselves; leave "
            "proposal epochs and head epochs out"
        )
    if recipe.freeze_backbone and weights == "none" and not is_factory(architecture):
        raise UsageError(
            f"the backbone of {architecture} would stay as it is and starts from random weights, so that it has learnt "
            "nothing; start from weights (--weights default, or a file), or let it learn (--no-freeze-backbone)"
        )
    if recipe.adversarial is not None and not makes_diagnosis(architecture):
        raise UsageError(
            f"adversarial training resists attacks on the diagnosis, and {architecture} makes none; leave it out, or "
            "take a network with a diagnosis"
        )
    if preprocessing.takes_mask and (recipe.mask_share < 1 or recipe.mask_boxes):
        raise UsageError(
            "a network that is shown the outlined lesion (inputs: mask) must be trained on the outlines that it will "
            "be shown; leave the mask share and boxes out, or the mask out of its inputs"
        )


def departures(recipe: Recipe) -> str:
    """What differs from the default recipe, in words; empty: nothing."""
    plain, given = asdict(Recipe()), asdict(recipe)
    return ", ".join(
        f"{name.replace('_', ' ')} {given[name]}" for name in given if given[name] != plain[name]
    )


def recipe_of(architecture: str, **changed: Any) -> Recipe:
    """How the source of an architecture trains it, but for what is changed; what it leaves open is the thesis's."""
    known = MODELS[architecture].recipe if architecture in MODELS else {}
    return Recipe(**{**known, **changed})


def resisting(adversarial: Adversarial, architecture: str = "", **changed: Any) -> Recipe:
    """The recipe of adversarial training: more epochs, and every class weighs the same, unless changed."""
    changed = {"epochs": 10, **changed}
    if changed.get("loss", "cross-entropy") == "cross-entropy":
        changed = {"loss": "cross-entropy", "class_weights": "balanced", **changed}
    return recipe_of(architecture, **changed, adversarial=adversarial)


def _check_detector(recipe: Recipe, architecture: str) -> None:
    """Raises UsageError for what has no meaning, or is not there, in the training of a detector."""
    meant = {
        "adversarial training": recipe.adversarial is not None,
        "mask epochs": recipe.mask_epochs > 0,
        "boxes in place of outlines": recipe.mask_boxes,
        "pseudo-labels": recipe.pseudo_weight > 0,
        "augmented copies": recipe.copies > 0,
        "a mask share": recipe.mask_share < 1,
        "another loss of the class": recipe.loss != "cross-entropy" or recipe.class_weights != "none",
        "a frozen backbone": recipe.freeze_backbone,
    }
    for words, said in meant.items():
        if said:
            raise UsageError(
                f"{architecture} is trained in the steps of its source (proposals, heads, all) from whole outlines, "
                f"where {words} cannot be had; leave it out"
            )
