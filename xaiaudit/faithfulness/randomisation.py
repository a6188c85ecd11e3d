"""Model-parameter randomisation: a map that explains a model must change when the model forgets what it learnt."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from xaiaudit.errors import UsageError
from xaiaudit.faithfulness.layers import Block
from xaiaudit.faithfulness.max_sensitivity import Explain
from xaiaudit.faithfulness.reinitialised import reinitialised
from xaiaudit.faithfulness.similarity import Similarity, similarity
from xaiaudit.tensors import Images, Labels, Model
from xaiaudit.types import Cells

WAYS = ("cascading", "independent")


@dataclass(frozen=True, kw_only=True)
class Randomisation:
    """Draws weights anew, block by block from the logits down ("cascading"), or each block alone ("independent").

    The class explained stays the one given, though the randomised model may decide otherwise.

    What it can show: that a map does not depend on what was learnt. It cannot show that a map is right: noise
    changes too, and gets the best marks, and strong features shine through random layers above them (Binder et al.
    2023, arXiv:2211.12486; Hedström et al. 2024, arXiv:2405.02383).

    Source: Adebayo et al. 2018, arXiv:1810.03292, section 3.
    """

    draws: int = 3  # of all weights: with one, all images share its luck
    seed: int = 0

    def __post_init__(self) -> None:
        if self.draws < 1:
            raise UsageError(f"draws must be a whole number of at least 1, got {self.draws}")

    def __call__(
        self,
        explain: Explain,
        model: nn.Module,
        images: Images,
        target: Labels,
        blocks: Sequence[Block],
        *,
        signed: bool,
        within: Cells | None = None,
    ) -> dict[str, Similarity]:
        """By way, each value (n, blocks, draws). Explains the batch 2 x blocks x draws times, and once before.

        Args:
            explain: an explainer, called as explain(model, images, target).
            model: restored bit by bit, whatever happens.
            blocks: parameters to draw together, the logits' first; see `layers.blocks_from_the_top`.
            within: cells of the maps that are compared, (n, u, v), as for `metrics.extremes.defined`.
        """
        clean = _maps(explain, model, images, target)
        size = (images.shape[2], images.shape[3])
        found = {}
        for way in WAYS:
            steps = []
            for names in _steps(blocks, way):
                for draw in range(self.draws):
                    with reinitialised(model, names, seed=self.seed, draw=draw):
                        after = _maps(explain, model, images, target)
                    steps.append(similarity(clean, after, size, signed=signed, within=within))
            shape = (len(images), len(blocks), self.draws)
            found[way] = Similarity(*(np.stack(part, 1).reshape(shape) for part in zip(*steps, strict=True)))
        return found


def _steps(blocks: Sequence[Block], way: str) -> Iterator[frozenset[str]]:
    """The parameters that each step draws anew."""
    names: frozenset[str] = frozenset()
    for block in blocks:
        names = names | set(block) if way == "cascading" else frozenset(block)
        yield names


def _maps(explain: Explain, model: Model, images: Images, target: Labels) -> np.ndarray:
    return explain(model, images, target).detach().double().cpu().numpy()
