"""How to do it again: command, versions, computer, and the hash of every file."""

import shlex
from collections.abc import Sequence

from xaiaudit.reports import format as f
from xaiaudit.reports.blocks import Block, Canvas, Facts, Section, Text
from xaiaudit.reports.reading import Audit


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


def command_lines(command: Sequence[str]) -> str:
    """The command as a shell takes it, an option a line, so that what is copied from the page runs."""
    lines: list[str] = []
    for part in command:
        if not lines or part.startswith("--"):
            lines.append(shlex.quote(part))
        else:
            lines[-1] += f" {shlex.quote(part)}"
    return " \\\n  ".join(map(f.printable, lines))


def reproducibility(audit: Audit, canvas: Canvas) -> Section:
    record, environment = audit.record, audit.record.environment
    versions = ", ".join(f"{f.printable(k)} {f.printable(v)}" for k, v in environment.versions.items())
    computer = (
        f"{f.printable(environment.platform)}; {f.printable(environment.device)}, "
        f"{f.count(environment.threads, 'thread')}, {f.printable(environment.precision)}"
    )
    hashes = [(name, f"SHA-256 {f.breakable(sha256)}") for name, sha256 in audit.sha256.items()]
    rows = [
        ("Command", command_lines(record.command) or "called from Python"),
        ("Checkpoint", f"SHA-256 {f.breakable(record.checkpoint.sha256)}"),
        ("Begun", f"{f.date(record.created)}; took {f.duration(record.seconds)}"),
        ("xaiaudit", f"{f.printable(record.xaiaudit)}, schema version {record.schema_version}"),
        ("Versions", f"Python {f.printable(environment.python)}, {versions}"),
        ("Computer", computer),
        ("Seed", f"{record.seed}; random draws come per image from the seed and the hash of its pixels"),
        ("Model made ready", "; ".join(map(f.printable, record.search)) or "not recorded"),
        ("Batches", f"{f.count(record.batch_size, 'image')} a batch, {f.count(record.shards, 'shard')}"),
        *_maps(audit),
        ("Case ids", "as in the data" if record.keep_ids else "salted hashes"),
        *hashes,
    ]
    blocks: list[Block] = [
        Facts(rows=rows, mono=["Command", "Checkpoint", *audit.sha256]),
        Text(
            text="The same command on the same machine, with the same threads and batch size, gives the "
            "same tables byte for byte, into a folder that is not there yet (--out). Every row of the tables names its "
            "file, hash, seed and attack.",
            style="note",
        ),
        *_policy(audit),
    ]
    return Section(title="Reproducibility", blocks=blocks)


def _policy(audit: Audit) -> list[Block]:
    """The policy, as the verdict keeps it; its comments are in the file."""
    if audit.verdict is None:
        return []
    lines = [
        line for line in audit.verdict.policy.text.splitlines() if line.strip() and line.lstrip()[0] != "#"
    ]
    rows = [("As it was read", "\n".join(map(f.breakable, lines)))]
    return [
        Text(text="Policy, without empty lines and lines of comment", style="subheading"),
        Facts(rows=rows, mono=["As it was read"]),
    ]
