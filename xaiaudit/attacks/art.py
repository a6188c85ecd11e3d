"""Any evasion attack of the Adversarial Robustness Toolbox (ART) as one of ours: art:NAME."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from xaiaudit.attacks.art_classes import DRAW_NOTHING, LINF, PROBABILITIES, art_version, evasion_class
from xaiaudit.attacks.art_goal import Asked
from xaiaudit.attacks.art_image import FAULTS, Recipe, build, reason
from xaiaudit.attacks.art_model import Watched
from xaiaudit.attacks.art_parameters import Kind, kinds, step_size, whole
from xaiaudit.attacks.art_quiet import quiet_and_seeded
from xaiaudit.attacks.art_run import solve
from xaiaudit.attacks.base import Norm
from xaiaudit.attacks.checks import check_radius
from xaiaudit.attacks.engine import Problem
from xaiaudit.attacks.registry import ART_PREFIX
from xaiaudit.attacks.searching import SolvingAttack, grey, radius_words
from xaiaudit.errors import UsageError
from xaiaudit.tensors import AttackResult, Images, Outputs

STEPS = ("max_iter", "nb_steps")  # what ART calls them


@dataclass(frozen=True, kw_only=True)
class ArtAttack(SolvingAttack):
    """An attack of `art.attacks.evasion` (Nicolae et al. 2018, arXiv:1807.01069), by the name of its class.

    ART's `eps` in L-inf or L2 is our epsilon; other attacks look for a perturbation of their own length, told in
    L-inf or, whatever they measure themselves, in L2. ART searches; ball, box, padding and success are ours.
    Images are attacked one by one, so that nothing depends on the batch; one that has reached its goal already is left
    as it is. Without radii `to_goal` changes nothing: when an image is done is ART's affair.

    Raises:
        InstallationError: ART is not installed.
        UsageError: an unknown attack, one that cannot attack a classifier of images, or a bad parameter.
    """

    attack: str  # ART's name of the class, with or without `art:`
    parameters: Mapping[str, Any] = field(default_factory=dict)  # ART's own; afterwards all of them

    def __post_init__(self) -> None:
        made = evasion_class(self.attack)
        object.__setattr__(self, "attack", made.__name__)
        object.__setattr__(self, "parameters", whole(made, self.parameters))
        radius = self.recipe.epsilon
        if radius is not None:
            check_radius(f"{self.name}:eps", radius, self.norm)
        self._let_art_check()

    def _let_art_check(self) -> None:
        """Build it for a model of no account: ART then looks at the values."""
        nowhere = torch.zeros(1, dtype=torch.int64)
        ask = Asked(nowhere, False, torch.zeros(2), False, self.attack in PROBABILITIES)
        watched = Watched(_undecided, torch.zeros(1, 1, 8, 8), None, torch.zeros(2))
        try:
            with quiet_and_seeded(0):
                build(self.recipe, watched, ask)
        except FAULTS as error:
            raise UsageError(f"ART {art_version()} refuses {self.name}: {reason(error)}") from error

    @staticmethod
    def kinds(name: str) -> dict[str, Kind]:
        """ART's own parameters of the attack of that name."""
        return kinds(evasion_class(name))

    @property
    def recipe(self) -> Recipe:
        made, values = evasion_class(self.attack), self.parameters
        ball = values.get("norm", "inf" if self.attack in LINF else 2)
        norm: Norm = "linf" if ball == "inf" else "l2"
        radius = float(values["eps"]) if "eps" in values else None
        epsilon = radius if ball in ("inf", 2) else None
        return Recipe(made, values, norm, epsilon, radius if ball == 1 else None)

    @property
    def name(self) -> str:
        return ART_PREFIX + self.attack

    @property
    def norm(self) -> Norm:
        return self.recipe.norm

    @property
    def epsilon(self) -> float | None:
        return self.recipe.epsilon

    @property
    def steps(self) -> int:
        """1 where ART counts none."""
        return next((int(self.parameters[key]) for key in STEPS if key in self.parameters), 1)

    @property
    def step_size(self) -> float | None:
        """Of attacks that let one choose it."""
        stepping = "eps_step" in self.parameters and self.attack != "FastGradientMethod"
        return step_size(self.recipe.made, self.parameters) if stepping else None

    @property
    def random_start(self) -> bool:
        """Whether the attack draws, at the start or later."""
        tries, radius = self.parameters.get("num_random_init", 0), self.parameters.get("random_eps", False)
        return self.attack not in DRAW_NOTHING or bool(tries or radius)

    @property
    def supports_radii(self) -> bool:
        return self.epsilon is not None

    @property
    def without_radii(self) -> str:
        return f"{self.name} has no radius to choose; leave the radii out"

    def describe(self) -> str:
        """One line in words, with ART's parameters as it calls them."""
        told = {key: value for key, value in self.parameters.items() if key != "eps_step"}
        lead = f"length told in {'L∞' if self.norm == 'linf' else 'L2'}"
        if self.epsilon is not None:
            lead = radius_words(self.epsilon, self.norm)
            told = {key: value for key, value in told.items() if key not in ("eps", "norm")}
        if self.step_size is not None:
            lead += f", steps of {grey(self.step_size)} grey levels"
        rest = ", ".join(f"{key} {_words(value)}" for key, value in told.items())
        return f"{self.attack} of ART {art_version()}: {lead}" + (f"; {rest}" if rest else "")

    def solve(self, problem: Problem, radii: Sequence[float]) -> AttackResult:
        """See `art_run.solve`."""
        return solve(self.recipe, problem, radii)


def _undecided(images: Images, layers: tuple[str, ...] = ()) -> Outputs:
    return Outputs(images.new_zeros(len(images), 2))


def _words(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
