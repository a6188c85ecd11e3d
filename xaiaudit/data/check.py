"""What is wrong with a folder of images, before anyone trains on it or audits with it."""

from collections import Counter
from collections.abc import Mapping, Sequence

from xaiaudit.data.check_groups import duplicate_findings, split_findings
from xaiaudit.data.check_images import image_findings
from xaiaudit.data.datasets import Dataset
from xaiaudit.data.entries import Entry
from xaiaudit.data.findings import Finding, Findings, Item
from xaiaudit.data.looks import Look, look
from xaiaudit.errors import DataError


def check(dataset: Dataset, *, splits: Mapping[str, Sequence[str]] | None = None) -> Findings:
    """Decode every image and mask once and compare them with one another and with what the dataset says.

    Args:
        dataset: opened with `normals="class"`, or the normals are not looked at.
        splits: part -> files, as a checkpoint records them, by file or by dataset/file. None: the column
            `split` of a manifest, where there is one.
    """
    looks: list[Look] = []
    unreadable: list[Item] = []
    for entry in dataset.entries:
        try:
            looks.append(look(entry, _name(dataset, entry)))
        except DataError as error:
            unreadable.append(Item(files=(_name(dataset, entry),), detail=str(error)))
    findings = [
        Finding(
            kind="unreadable", severity="error", words="images that cannot be read", items=tuple(unreadable)
        ),
        Finding(
            kind="left-out",
            severity="error",
            words="files that the dataset names or holds and that cannot take part",
            items=tuple(Item(files=(file,), detail=reason) for file, reason in dataset.left_out),
        ),
        *image_findings(looks),
        *duplicate_findings(looks),
        *split_findings(looks, splits if splits is not None else _declared_splits(looks)),
    ]
    found = [_counted(finding) for finding in findings if finding.items] + _knowledge(dataset)
    return _summary(dataset, looks, sorted(found, key=lambda finding: finding.severity != "error"))


def _name(dataset: Dataset, entry: Entry) -> str:
    return f"{entry.dataset}/{entry.file}" if dataset.joined else entry.file


def _counted(finding: Finding) -> Finding:
    return Finding(
        kind=finding.kind,
        severity=finding.severity,
        words=f"{finding.words}: {len(finding.items)}",
        items=finding.items,
    )


def _declared_splits(looks: Sequence[Look]) -> Mapping[str, Sequence[str]]:
    parts: dict[str, list[str]] = {}
    for seen in looks:
        if part := seen.entry.attributes.get("split"):
            parts.setdefault(part, []).append(seen.name)
    return parts


def _knowledge(dataset: Dataset) -> list[Finding]:
    """What the dataset as a whole does not know."""
    entries = dataset.entries
    notes = []
    without_case = sum(entry.case is None for entry in entries)
    if without_case:
        words = f"{without_case} of {len(entries)} images have no case id; near-duplicate groups act as cases"
        notes.append(Finding(kind="no-case-ids", severity="note", words=words))
    without_spacing = sum(entry.spacing is None for entry in entries)
    if without_spacing:
        words = f"{without_spacing} of {len(entries)} images have no spacing; their distances are relative"
        notes.append(Finding(kind="no-spacing", severity="note", words=words))
    unlabelled = tuple(Item(files=(_name(dataset, entry),)) for entry in entries if entry.label is None)
    if unlabelled:
        words = f"images without a label: {len(unlabelled)}"
        notes.append(Finding(kind="unlabelled", severity="note", words=words, items=unlabelled))
    return notes


def _summary(dataset: Dataset, looks: Sequence[Look], findings: Sequence[Finding]) -> Findings:
    labels = Counter(entry.label or "unlabelled" for entry in dataset.entries)
    cases = {(entry.dataset, entry.case) for entry in dataset.entries if entry.case is not None}
    order = [label for label in (*dataset.classes, "unlabelled") if labels[label]]
    return Findings(
        dataset=dataset.name,
        kind=dataset.kind,
        path=str(dataset.path),
        selection=dataset.selection,
        images=len(dataset),
        labels={label: labels[label] for label in order},
        cases=len(cases) or None,
        with_mask=sum(seen.lesion is not None for seen in looks),
        with_spacing=sum(entry.spacing is not None for entry in dataset.entries),
        findings=tuple(findings),
    )
