"""What a data check has to say: findings, each with the files it is about."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from xaiaudit.types import plain


@dataclass(frozen=True, kw_only=True)
class Item:
    files: tuple[str, ...]  # relative to the dataset's folder; in joined datasets after the dataset's name
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """An error is wrong whatever the use; a note is a fact that a user of the images must know."""

    kind: str  # stable, for scripts, e.g. "near-duplicates-across-classes"
    severity: Literal["error", "note"]
    words: str  # one line
    items: tuple[Item, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Findings:
    """The answer of `check`. Exit 0 when `ok`, 1 otherwise."""

    dataset: str
    kind: str
    path: str
    selection: str
    images: int
    labels: Mapping[str, int]  # images per class, "unlabelled" among them
    cases: int | None  # None: the dataset knows none
    with_mask: int
    with_spacing: int
    findings: tuple[Finding, ...]  # errors first

    @property
    def ok(self) -> bool:
        return not any(finding.severity == "error" for finding in self.findings)

    def lines(self, most: int | None = 10) -> list[str]:
        """For print: a head line, then each finding with its files, `most` of them at most."""
        counts = ", ".join(f"{count} {label}" for label, count in self.labels.items())
        cases = "no case ids" if self.cases is None else f"{self.cases} cases"
        lines = [
            f"{self.dataset} ({self.kind}, {self.selection}): {self.images} images ({counts}), {cases}, "
            f"{self.with_mask} with a mask, {self.with_spacing} with spacing"
        ]
        for finding in self.findings:
            lines.append(f"{finding.severity}: {finding.words}")
            lines += [f"    {_line(item)}" for item in finding.items[:most]]
            if most is not None and len(finding.items) > most:
                lines.append(f"    and {len(finding.items) - most} more")
        errors = sum(finding.severity == "error" for finding in self.findings)
        lines.append(f"{errors} kinds of errors, {len(self.findings) - errors} notes")
        return lines

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with `ok`, and every file of every finding."""
        found: dict[str, Any] = plain(asdict(self))
        return {**found, "ok": self.ok}


def _line(item: Item) -> str:
    files = " = ".join(item.files)
    return f"{files}: {item.detail}" if item.detail else files
