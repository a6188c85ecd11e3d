"""Verdicts on one attack: whether it finds what a sound attack must find. No torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from xaiaudit.auditing.self_checks import radii
from xaiaudit.auditing.self_checks.record import AttackFacts, Flags
from xaiaudit.auditing.self_checks.tolerance import allowed
from xaiaudit.records import SelfCheckRecord

RISES = "success rises with the radius"
REACHES = "success reaches 100 % at a large radius"
TWICE = "twice the steps do not find more"
SINGLE = "many steps find as much as one"
NOISE = "gradients find more than noise"
SQUARE = "gradients find as much as Square"
LOWER_BOUND = "flip rates under this attack are lower bounds"
STATUS: Mapping[bool | None, Literal["passed", "failed", "not assessable"]] = {
    True: "passed",
    False: "failed",
    None: "not assessable",
}
Figures = dict[str, float | int | None]


def names(facts: AttackFacts) -> list[str]:
    """The checks that make sense for the attack, in the order of the report."""
    several = [SINGLE] if facts.steps > 1 else []
    own = {
        "ball": [RISES, REACHES, TWICE, *several],
        "single": [],
        "fixed": [],
        "minimal": [REACHES, TWICE],
        "none": [],
    }
    return own[facts.kind] + ([] if facts.kind == "none" else [NOISE, SQUARE])


def attack_checks(attack_id: str, facts: AttackFacts) -> list[SelfCheckRecord]:
    """One record for each of `names`."""
    judged = _Judged(attack_id, facts)
    by_name: dict[str, Callable[[], SelfCheckRecord]] = {
        RISES: judged.rises,
        REACHES: judged.reaches,
        TWICE: judged.twice,
        SINGLE: judged.single,
        NOISE: judged.noise,
        SQUARE: judged.square,
    }
    return [by_name[name]() for name in names(facts)]


@dataclass(frozen=True)
class _Judged:
    attack_id: str
    facts: AttackFacts

    @property
    def images(self) -> int:
        return len(self.facts.reached[0])

    @property
    def counts(self) -> list[int]:
        return [sum(flags) for flags in self.facts.reached]

    def rises(self) -> SelfCheckRecord:
        counts, tried = self.counts, self.facts.radii
        drop, peak, valley = max(
            (counts[i] - counts[j], i, j) for j in range(len(counts)) for i in range(j + 1)
        )
        figures: Figures = {"images": self.images, "largest_drop": drop, "radii": len(tried)}
        if len(set(counts)) == 1:
            return self._record(RISES, None, f"every radius tried reaches {self._of(counts[0])}", figures)
        if drop <= allowed(self.images):
            words = (
                f"runs of their own reach {self._of(counts[0])} at {self._at(0)} and {counts[-1]} at "
                f"{self._at(-1)}; between radii they lose at most {drop}"
            )
            return self._record(RISES, True, words, figures)
        words = (
            f"at {self._at(peak)} {self._of(counts[peak])} are reached, at {self._at(valley)} only "
            f"{counts[valley]}, though that ball holds the smaller one; take smaller steps, and more; {LOWER_BOUND}"
        )
        return self._record(RISES, False, words, figures)

    def reaches(self) -> SelfCheckRecord:
        count, where = self.counts[-1], self._at(-1)
        figures = self._figures(-1) | {"reached": count}
        if count >= self.images - allowed(self.images):
            return self._record(REACHES, True, f"at {where} {self._of(count)} are reached", figures)
        if self.facts.reach is not None and self.facts.reach <= self.facts.radii[-1]:
            words = f"the step size that was named carries no farther than {where}, where {self._of(count)} are reached"
            return self._record(REACHES, None, words, figures)
        words = (
            f"even at {where} only {self._of(count)} are reached; if more steps do not help, the model masks its "
            f"gradients (look for steep, quantised or random layers); {LOWER_BOUND}"
        )
        return self._record(REACHES, False, words, figures)

    def twice(self) -> SelfCheckRecord:
        steps = self.facts.steps
        return self._against(
            TWICE,
            self.facts.twice,
            f"{2 * steps} steps",
            "take more steps, until doubling them finds no more",
        )

    def single(self) -> SelfCheckRecord:
        return self._against(
            SINGLE,
            self.facts.single,
            "a single step",
            "small steps that find less than one large one go astray; take others",
        )

    def noise(self) -> SelfCheckRecord:
        return self._against(
            NOISE,
            self.facts.noise,
            f"the best of {self.facts.noise_draws} draws of random noise",
            "its gradients lead nowhere, so trust an attack without them more, such as square",
            strictly=True,
        )

    def square(self) -> SelfCheckRecord:
        return self._against(
            SQUARE,
            self.facts.square,
            f"Square Attack without gradients ({self.facts.square_queries} queries)",
            "its gradients hide what is there, so trust an attack without them more, such as square",
        )

    def _against(
        self, name: str, rival: Flags | None, who: str, advice: str, *, strictly: bool = False
    ) -> SelfCheckRecord:
        """`strictly`: the attack must find more, not as much."""
        at = self.facts.at
        if at is None or rival is None:
            return self._record(name, None, self._no_radius(), {"images": self.images})
        n = len(rival)
        own, other = sum(self.facts.reached[at][:n]), sum(rival)
        told = f"at {self._at(at)} {own} of {n} images are reached by {self.facts.ran}, {other} by {who}"
        figures = self._figures(at) | {"images": n, "reached": own, "reached_by_other": other}
        # one image may lie at the boundary, so it tells nothing; under 5 % only a rival that finds more is told
        few = self.counts[at] < max(radii.FEW * self.images, 2)
        if other - own > allowed(n) or (strictly and not few and other >= own):
            return self._record(name, False, f"{told}; {advice}; {LOWER_BOUND}", figures)
        return self._record(name, None if few else True, told, figures)

    def _no_radius(self) -> str:
        shown = ", ".join(f"{count} at {self._at(place)}" for place, count in enumerate(self.counts))
        return f"no radius tried reaches 5 to 95 % of {self.images} images: {shown}"

    def _figures(self, at: int) -> Figures:
        radius = self.facts.radii[at]
        levels = radii.grey_levels(radius, self.facts.norm, self.facts.pixels)
        return {"images": self.images, "radius": radius, "grey_levels": levels}

    def _at(self, place: int) -> str:
        return radii.words(self.facts.radii[place], self.facts.norm, self.facts.pixels)

    def _of(self, count: int) -> str:
        return f"{count} of {self.images} images"

    def _record(self, name: str, good: bool | None, words: str, figures: Figures) -> SelfCheckRecord:
        return SelfCheckRecord(
            attack_id=self.attack_id, name=name, status=STATUS[good], words=words, figures=figures
        )
