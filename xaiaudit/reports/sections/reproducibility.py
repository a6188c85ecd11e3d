"""How to do it again, and what this audit does not say."""

import shlex

from xaiaudit.reports import format as f
from xaiaudit.reports.blocks import Block, Canvas, Facts, Points, Section, Text
from xaiaudit.reports.reading import Audit

LIMITS = [
    "An attack that fails shows that this attack failed, not that the model is robust: flip rates are "
    "lower bounds.",
    "White-box attacks are the worst case that a computer can find; how likely they are in a clinic is "
    "not measured.",
    "Perturbations live on the network's input grid. Nothing is claimed about stored full-size images, "
    "nor about changes that an attacker did not choose, such as gain, depth or another scanner.",
    "A map that stays still need not be right, and a map that points at the lesion need not be the reason "
    "for the decision. CAM and Grad-CAM explain a coarse layer.",
    "Intervals hold for images like the audited ones. They say nothing about other hospitals, devices or "
    "patients, and they are not corrected for the number of attacks and explainers shown.",
]
NO_CLAIM = (
    "Without a policy this document is a description. It claims compliance with no standard and no law."
)


def _maps(audit: Audit) -> list[tuple[str, str]]:
    """What the check before the audit found; nothing in older audits."""
    found = audit.record.map_differences
    if not found:
        return []
    name, largest = max(found.items(), key=lambda item: item[1])
    return [
        (
            "Maps",
            f"of two probes, recomputed alone on a clean copy of the network: largest difference {largest:.1e} of "
            f"the map’s length ({f.printable(name)})",
        )
    ]


def reproducibility(audit: Audit, canvas: Canvas) -> Section:
    record, environment = audit.record, audit.record.environment
    versions = ", ".join(f"{f.printable(k)} {f.printable(v)}" for k, v in environment.versions.items())
    command = " ".join(shlex.quote(part) for part in record.command)
    computer = (
        f"{f.printable(environment.platform)}; {f.printable(environment.device)}, "
        f"{f.count(environment.threads, 'thread')}, {f.printable(environment.precision)}"
    )
    hashes = [(name, f"SHA-256 {f.breakable(sha256)}") for name, sha256 in audit.sha256.items()]
    rows = [
        ("Command", f.breakable(command) if command else "called from Python"),
        ("Begun", f"{f.date(record.created)}; took {f.duration(record.seconds)}"),
        ("xaiaudit", f"{f.printable(record.xaiaudit)}, schema version {record.schema_version}"),
        ("Versions", f"Python {f.printable(environment.python)}, {versions}"),
        ("Computer", computer),
        ("Seed", f"{record.seed}; random draws come per image from the seed and the hash of its pixels"),
        ("Batches", f"{f.count(record.batch_size, 'image')} a batch, {f.count(record.shards, 'shard')}"),
        *_maps(audit),
        ("Case ids", "as in the data" if record.keep_ids else "salted hashes"),
        *hashes,
    ]
    blocks: list[Block] = [
        Facts(rows=rows, mono=["Command", *audit.sha256]),
        Text(
            text="The same command on the same machine, with the same threads and batch size, gives the "
            "same tables byte for byte. Every row of the tables names its file, hash, seed and attack.",
            style="note",
        ),
        Text(text="Limits of this audit", style="subheading"),
        Points(items=[*LIMITS, NO_CLAIM]),
    ]
    return Section(title="Reproducibility and limits", blocks=blocks)
