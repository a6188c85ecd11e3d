"""See on a subset of the images whether model and attacks behave as sound ones must; `verdicts` judges it.

Athalye et al. 2018, arXiv:1802.00420, section 3.1; Carlini et al. 2019, arXiv:1902.06705, section 4.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

from xaiaudit.attacks.criteria import LeaveDecision
from xaiaudit.attacks.registry import attack as make_attack
from xaiaudit.auditing.self_checks.attack_facts import Runs, untried
from xaiaudit.auditing.self_checks.model_facts import model_facts
from xaiaudit.auditing.self_checks.model_verdicts import repeats
from xaiaudit.auditing.self_checks.record import Facts
from xaiaudit.auditing.self_checks.subset import Subset
from xaiaudit.metrics.proportions import FEWEST
from xaiaudit.models.prepared import Prepared

Spec = tuple[str, dict[str, Any]]  # name and hyperparameters
Tell = Callable[[int, int, str], None]  # attacks tried, attacks to try, what runs now


def silent(_done: int, _total: int, _words: str) -> None:
    """Tell nobody."""


def gather(
    ready: Prepared,
    images: Tensor,
    valid: Tensor,
    seeds: Sequence[int],
    criterion: LeaveDecision,
    attacks: Mapping[str, Spec],
    *,
    batch_size: int = 32,
    tell: Tell = silent,
) -> Facts:
    """Try model and attacks on these images: the whole subset, (n, c, h, w), in batches.

    Every run is one to the goal, of leaving the clean decision, whatever else the audit is after. Attacks are not
    tried where the model does not repeat itself, or where there are too few images for a verdict.

    Raises:
        UsageError: an unknown attack or parameter.
    """
    told = _Told(tell, len(attacks))
    subset = Subset(
        ready=ready,
        images=images,
        valid=valid,
        seeds=seeds,
        criterion=criterion,
        batch_size=batch_size,
        on_run=told.run,
    )
    model = model_facts(subset)
    made = {name: make_attack(spec[0], **spec[1]) for name, spec in attacks.items()}
    if not repeats(model) or len(images) < FEWEST:
        return Facts(
            model=model, attacks={name: untried(attack, images[0].numel()) for name, attack in made.items()}
        )
    runs = Runs(subset)
    facts = {}
    for done, (name, attack) in enumerate(made.items()):
        told.begin(done, name)
        facts[name] = runs.facts(attack)
    told.end()
    return Facts(model=model, attacks=facts)


class _Told:
    """Says which run of which attack is being made; how many there will be follows from what they find."""

    def __init__(self, tell: Tell, attacks: int) -> None:
        self.tell, self.attacks = tell, attacks
        self.done, self.name, self.runs = 0, "", 0

    def begin(self, done: int, name: str) -> None:
        self.done, self.name, self.runs = done, name, 0

    def run(self) -> None:
        self.runs += 1
        self.tell(self.done, self.attacks, f"{self.name}, run {self.runs}")

    def end(self) -> None:
        self.tell(self.attacks, self.attacks, self.name)
