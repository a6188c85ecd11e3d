"""Array types with their shapes, and the records that pass between layers. NumPy only: no torch.

Reports, the gate and the metrics must run without torch, so what holds tensors stands in `tensors`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING or find_spec("jaxtyping"):
    from jaxtyping import Bool, Float, Float32, Int, UInt8

    GreyImage = UInt8[np.ndarray, "h w"]  # one B-mode image, grey levels 0 to 255
    Mask = Bool[np.ndarray, "h w"]
    Masks = Bool[np.ndarray, "n h w"]
    Maps = Float[np.ndarray, "n u v"]  # saliency maps, raw and unnormalised, on any grid
    Cells = Bool[np.ndarray, "n u v"]  # of such maps
    Vector = Float[np.ndarray, "n"]
    Codes = UInt8[np.ndarray, "n h w"]  # region of every pixel, index into records.REGIONS
    Spacings = Float[np.ndarray, "n 2"]  # mm per pixel: rows (depth), columns; NaN where unknown
    Decisions = Int[np.ndarray, "n"]  # class index
    Flags = Bool[np.ndarray, "n"]
    BoxArray = Float32[np.ndarray, "k 4"]  # x0, y0, x1, y1 in pixels, half-open
    Affine = Float[np.ndarray, "2 3"]
else:  # a machine with torch alone: attacks and CAMs still run, unchecked
    GreyImage = Mask = Masks = Maps = Cells = Vector = Codes = Spacings = np.ndarray
    Decisions = Flags = BoxArray = Affine = np.ndarray

Spacing = tuple[float, float]  # mm per pixel: rows (depth), columns
IDENTITY = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


class LeftOut(NamedTuple):
    """A file that could not take part, and why: it is counted and named in every report."""

    file: str
    reason: str


INPUTS = ("grey", "equalised", "mask")  # of a network's channels; mask: the outlined lesion


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """How a source image becomes the network's input; travels in the checkpoint.

    The grey image is brought to `size` x `size`, either padded with zeros to a square about its centre or
    stretched, by antialiased bilinear interpolation, and rounded to the 8-bit grid. Inside the model it is
    repeated to `channels` and normalised as (x - mean) / std, per channel, on intensities in [0, 1]. `inputs` may
    name channels to show its histogram-equalised form, or the outlined lesion, which is given beside the image.
    """

    size: int = 224  # pixels
    mode: Literal["pad", "stretch"] = "pad"
    channels: int = 3
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    inputs: tuple[str, ...] = ()  # what each channel shows, of INPUTS; empty: the grey image in all

    @property
    def takes_mask(self) -> bool:
        """The network sees the outlined lesion too: images without an outline cannot be shown to it."""
        return "mask" in self.inputs

    @property
    def given(self) -> int:
        """Channels of the images that a model gets: the grey one, and the outline where it takes it."""
        return 2 if self.takes_mask else 1

    def __post_init__(self) -> None:
        if self.size < 8:
            raise ValueError(f"size must be at least 8 pixels, got {self.size}")
        if self.mode not in ("pad", "stretch"):
            raise ValueError(f"mode must be 'pad' or 'stretch', got {self.mode!r}")
        if len(self.mean) != self.channels or len(self.std) != self.channels:
            raise ValueError(
                f"mean and std need one value for each of the {self.channels} channels, "
                f"got {len(self.mean)} and {len(self.std)}"
            )
        if self.inputs and (len(self.inputs) != self.channels or set(self.inputs) - set(INPUTS)):
            raise ValueError(
                f"inputs name what each of the {self.channels} channels shows, {' or '.join(INPUTS)}, got "
                f"{', '.join(self.inputs)}"
            )
        if min(self.std) <= 0:
            raise ValueError(f"std must be positive, got {self.std}")


ONE_CHANNEL = {"channels": 1, "mean": (0.45,), "std": (0.225,)}  # grey: the mean over ImageNet's channels


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """One image with all that is known of it, on its source grid or (after `data.prepare`) on the network's.

    `affine` takes source pixels to this grid, (x', y') = affine @ (x, y, 1), with the origin at the upper left
    corner of the upper left pixel. `valid` marks real pixels (padding is not tissue); None means all of them.
    `mask` None means that no outline is known; a mask without a pixel means that there is no lesion.
    """

    image: GreyImage
    label: str | None  # class name
    mask: Mask | None
    case: str | None  # patient or lesion; None where the dataset knows none
    file: str  # relative to the dataset's folder
    dataset: str  # the dataset's name
    sha256: str  # of the decoded grey source pixels and their shape
    source_shape: tuple[int, int]
    spacing: Spacing | None = None  # on this grid
    boxes: BoxArray | None = None
    valid: Mask | None = None
    affine: Affine = field(default_factory=IDENTITY.copy)
    frame: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)  # device, BI-RADS and the like, as read

    @property
    def name(self) -> str:
        """Unique within an audit: dataset, file and, in a clip, the frame."""
        return f"{self.dataset}/{self.file}" + (f"#{self.frame}" if self.frame else "")


def plain(value: Any) -> Any:
    """`value` with tuples as lists and NumPy scalars as Python's, so that JSON and weights-only files take it."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    return value
