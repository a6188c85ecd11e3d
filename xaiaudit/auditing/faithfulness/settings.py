"""Which tests of faithfulness are made, with all their settings, and what they cost."""

from dataclasses import asdict, dataclass, field
from typing import Any

from xaiaudit.faithfulness import Canvas, InfidelityTest, MaxSensitivity, PixelCurve, Randomisation, Squares


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting of the tests."""

    canvas: Canvas = field(default_factory=Canvas)  # of deletion, insertion and infidelity
    steps: int = 28  # of a pixel curve
    samples: int = 64  # squares of infidelity
    sensitivity: MaxSensitivity = field(default_factory=MaxSensitivity)
    blocks: int = 8  # of layers, randomised together
    draws: int = 3  # of the weights

    def __post_init__(self) -> None:
        self.curve("deletion"), self.infidelity(), self.randomisation(0)  # what cannot be is told at once

    def curve(self, way: str) -> PixelCurve:
        return PixelCurve(way=way, canvas=self.canvas, steps=self.steps)

    def infidelity(self) -> InfidelityTest:
        return InfidelityTest(perturbation=Squares(canvas=self.canvas), samples=self.samples)

    def randomisation(self, seed: int) -> Randomisation:
        return Randomisation(draws=self.draws, seed=seed)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a record."""
        return asdict(self)
