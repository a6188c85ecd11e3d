"""summary.md: the verdict first, then what was found, as GitHub's page of a job shows it."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from xaiaudit.gate_record import Finding, Verdict
from xaiaudit.records import AuditRecord, RegionCoverage
from xaiaudit.reports import check_words, markup, words
from xaiaudit.reports import format as f
from xaiaudit.reports.detection_words import lesions_found
from xaiaudit.reports.plain import plain
from xaiaudit.reports.severity import gravest_first, not_passed, tally
from xaiaudit.reports.verdict_table import HEAD, row

ROOM = (
    128 * 1024
)  # bytes; a step's summaries may take 1 MiB together, and GitHub drops what is over it unsaid
LONGEST = 1000  # characters of one cell


def summary_markdown(
    verdict: Verdict | None, record: AuditRecord, folder: Path | str, fault: str = ""
) -> str:
    """The document, in UTF-8; its tables and lists fill at most 7/8 of `ROOM`, and rows beyond are counted, never cut.

    Args:
        verdict: None where no policy was asked.
        record: of the audit.
        folder: of the audit, as the reader would name it.
        fault: why a verdict that lies there is not used.
    """
    parts = [_head(verdict, record, fault)]
    if verdict is not None:
        parts += [part(verdict, folder) for part in (_findings, _not_passed, _samples, _notes)]
    parts.append(_figures(record, folder))
    parts.append(_how_to_go_on(verdict, folder))
    return "\n\n".join(filter(None, parts)) + "\n"


def _head(verdict: Verdict | None, record: AuditRecord, fault: str) -> str:
    checkpoint = f"{_text(record.checkpoint.path)} (SHA-256 {record.checkpoint.sha256[:12]})"
    data = _text(f.listing([dataset.name for dataset in record.datasets]))
    judged = f"{checkpoint} on {f.terminal(f.count(record.images, 'image'))} of {data}"
    if verdict is None:
        why = f"**{_text(fault)}.**" if fault else words.NO_POLICY
        return f"## xaiaudit: no policy\n\n{why} {judged}."
    policy = verdict.policy
    told = [f"**{tally(verdict.findings)}.** {judged}."]
    told.append(
        f"Policy: {_text(policy.path)}" + (f" (SHA-256 {policy.sha256[:12]})." if policy.sha256 else ".")
    )
    base = verdict.baseline
    told.append(
        f"Baseline: {_text(base.checkpoint)} (SHA-256 {base.checkpoint_sha256[:12]})."
        if base
        else "Baseline: none."
    )
    return f"## xaiaudit: {verdict.verdict}\n\n{' '.join(told)}"


def _findings(verdict: Verdict, folder: Path | str) -> str:
    findings = gravest_first(verdict.findings)
    rows = [_row([status, *map(_text, cells)]) for status, *cells in map(_cells, findings)]
    shown, left = _fitting(rows, ROOM // 4)
    lines = [_row(["verdict", *HEAD[1:]]), "|---|---|--:|--:|--:|--:|", *shown]
    if left:
        lines.append(
            f"\n{left} more findings are left out here ({tally(findings[-left:])}); {_where(folder)} has all of them."
        )
    return "\n".join(lines)


def _cells(finding: Finding) -> list[str]:
    status = finding.status if finding.status == "passed" else f"**{finding.status}**"
    return [status, *row(finding)[1:]]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _not_passed(verdict: Verdict, folder: Path | str) -> str:
    points = []
    for finding in not_passed(verdict):
        line = "" if finding.line is None else f", line {finding.line} of the policy"
        points.append(f"- **{finding.status}**, {_text(finding.id)}{line}: {_text(finding.words)}")
    return _points("What did not pass:", points, ROOM // 4, folder)


def _samples(verdict: Verdict, folder: Path | str) -> str:
    shown = dict.fromkeys(finding.sample.words for finding in verdict.findings if finding.sample is not None)
    return _points("What these cases can show:", [f"- {_text(words)}" for words in shown], ROOM // 8, folder)


def _notes(verdict: Verdict, folder: Path | str) -> str:
    return _points("Notes:", [f"- {_text(note)}" for note in verdict.notes], ROOM // 8, folder)


def _points(title: str, points: Sequence[str], room: int, folder: Path | str) -> str:
    """Nothing where there are none."""
    shown, left = _fitting(points, room)
    more = [f"- and {left} more, in {_where(folder)}"] * bool(left)
    return "\n".join([f"{title}\n", *shown, *more]) if points else ""


def _figures(record: AuditRecord, folder: Path | str) -> str:
    rows = [f"| {_text(name)} | {_text(value)} |" for name, value in _key_figures(record)]
    shown, left = _fitting(rows, ROOM // 8)
    more = [f"\n{left} more figures are in {_where(folder, 'audit.json')}."] * bool(left)
    return "\n".join(["| key figure | |", "|---|---|", *shown, *more])


def _key_figures(record: AuditRecord) -> list[tuple[str, str]]:
    clean = record.clean
    rows = [
        ("clean AUC", f.value(clean.auc)),
        ("clean sensitivity", f.rate(clean.sensitivity)),
        ("clean specificity", f.rate(clean.specificity)),
    ]
    if not record.checkpoint.diagnoses:
        rows.insert(0, ("what it does", words.NO_DIAGNOSIS))
    if record.checkpoint.given_outline:
        rows.insert(0, ("given the outline", words.GIVEN_OUTLINE))
    rows.append(("self-checks", check_words.alarm(record.checks) or check_words.count(record.checks)))
    for attack in record.attacks:
        rows.append((f"flips, {attack.id}", words.flips(attack)))
        if not attack.after_a_flip:
            rows.append((f"goal, {attack.id}", words.goal(attack)))
    rows += [(f"outline, {item.attack_id}", words.outline(item)) for item in record.outlines]
    if (found := lesions_found(record)) is not None:
        rows.append(("lesions found", found))
    rows += [
        ("silent shift", words.silent(record.maps)),
        ("LEAK" if record.leak.found else "leak", words.leak(record)),
        ("pixel spacing", _spacing(record.regions)),
        ("left out", words.left_out(record)),
    ]
    return rows + [("warning", warning) for warning in record.warnings]


def _spacing(regions: RegionCoverage) -> str:
    lesions = regions.calibrated + regions.relative
    return f"known of {regions.calibrated} of {f.count(lesions, 'image')} with a lesion"


def _how_to_go_on(verdict: Verdict | None, folder: Path | str) -> str:
    audit = shlex.quote(plain(folder))
    commands = [(f"xaiaudit report {audit} --format pdf,html", "all of it, for people")]
    if verdict is None:
        commands.append(
            (f"xaiaudit gate {audit} --policy xaiaudit.toml", "judge it; xaiaudit init writes a policy")
        )
    elif verdict.verdict == "passed":
        commands.append((f"xaiaudit accept {audit}", "make it the baseline of the checkpoints to come"))
    if verdict is not None and verdict.baseline is not None:
        baseline = shlex.quote(plain(verdict.baseline.path))
        commands.append((f"xaiaudit compare {baseline} {audit}", "image by image against the baseline"))
    width = max(len(command) for command, _ in commands)
    lines = [f"{command:<{width}}  # {why}" for command, why in commands]
    return f"How to go on:\n\n{markup.block(lines)}"


def _where(folder: Path | str, file: str = "gate.json") -> str:
    return _text(f"{file} in {folder}")


def _fitting(rows: Sequence[str], room: int) -> tuple[list[str], int]:
    """The first rows that fit into so many bytes, and how many do not."""
    shown, used = [], 0
    for line in rows:
        used += len(line.encode()) + 1
        if used > room:
            break
        shown.append(line)
    return shown, len(rows) - len(shown)


def _text(text: object) -> str:
    """Foreign text as itself: no markup, no HTML, no link, no end of a table's cell."""
    shown = plain(text)
    if len(shown) > LONGEST:
        shown = f"{shown[:LONGEST]} … ({len(shown) - LONGEST} more characters)"
    return markup.text(shown)
