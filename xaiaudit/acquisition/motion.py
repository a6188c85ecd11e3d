"""The probe set down a little beside its old place, or turned a little."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from xaiaudit.acquisition.checks import check_range
from xaiaudit.acquisition.view import Changed, Grey, Motion, View


@dataclass(frozen=True, kw_only=True)
class Shift:
    """The field of view moves by `mm` within the image plane, in a direction drawn evenly, by whole pixels."""

    mm: float = 2.0

    def __post_init__(self) -> None:
        check_range("mm", self.mm, 0, 10)

    def __call__(self, image: Grey, view: View, rng: np.random.Generator) -> Changed:
        angle = rng.uniform(0, 2 * np.pi)
        rows, columns = view.pixels(self.mm * np.sin(angle), self.mm * np.cos(angle))
        return moved(image, view, np.array([[1, 0, round(rows)], [0, 1, round(columns)]], np.float64))

    def describe(self) -> str:
        return f"field of view moved by {self.mm:g} mm, undone on the map"


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """The probe turns by `degrees` within the image plane, either way, about the middle of the image."""

    degrees: float = 3.0

    def __post_init__(self) -> None:
        check_range("degrees", self.degrees, 0, 15)

    def __call__(self, image: Grey, view: View, rng: np.random.Generator) -> Changed:
        angle = np.deg2rad(self.degrees) * rng.choice((-1.0, 1.0))
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        turn = (
            turn * np.array(view.spacing) / np.array(view.spacing)[:, None]
        )  # millimetres turn, pixels may be oblong
        middle = np.array([(part.start + part.stop) / 2 for part in view.box])
        return moved(image, view, np.column_stack([turn, middle - turn @ middle]))

    def describe(self) -> str:
        return f"probe turned by {self.degrees:g}°, undone on the map"


def moved(image: Grey, view: View, motion: Motion) -> Changed:
    """The image with each point where `motion` takes it, by cubic splines.

    What comes into view was never seen: there the image is mirrored at its border, which looks like tissue. Maps are
    not compared there (`metrics.undo`).
    """
    box = view.box
    part = image[box]
    origin = np.array([[side.start] for side in box], np.float64)
    places = np.indices(part.shape).reshape(2, -1) + 0.5 + origin  # pixel centres in the second sweep
    before = np.linalg.solve(motion[:, :2], places - motion[:, 2:]) - origin - 0.5
    values = ndimage.map_coordinates(part, before, order=3, mode="mirror")
    shown = image.copy()
    shown[box] = values.reshape(part.shape)
    return Changed(shown, motion)


def joined(first: Motion, second: Motion) -> Motion:
    """`first`, then `second`."""
    whole: Float[np.ndarray, "2 3"] = second[:, :2] @ first
    whole[:, 2] += second[:, 2]
    return whole
