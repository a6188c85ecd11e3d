"""The robustness section of a model card: what was found, on which images, and what it does not say."""

import shlex
from pathlib import Path

from xaiaudit.gate_record import Verdict
from xaiaudit.records import AuditRecord, DatasetRecord
from xaiaudit.reports import check_words, markup, words
from xaiaudit.reports import format as f
from xaiaudit.reports.card import tables
from xaiaudit.reports.detection_words import lesions_found
from xaiaudit.reports.sections.limits import limits_of
from xaiaudit.reports.severity import not_passed, tally

NO_DEVICE = (
    "This is no clinical validation. xaiaudit is not a medical device, and neither the audit nor this card claims "
    "compliance with any regulation."
)
RADIUS = (
    "Radius: the largest change of any pixel in grey levels of 255, on the network's input grid, unless the table says "
    "L2. In brackets: two-sided 95 % intervals that respect cases. Decisions flipped: share of images whose decision "
    "differs from that on the clean image, a lower bound, as a better attack may find more."
)
POINTING = (
    "Of images with an outlined lesion and a defined clean map; a map that vanished is a miss. A random point: of the "
    "real part of the image."
)


def section(record: AuditRecord, verdict: Verdict | None = None, fault: str = "") -> str:
    """Markdown, from its heading of the second order on, without the marks that enclose it.

    Args:
        verdict: on this audit; None where no policy was asked.
        fault: why a verdict that is there speaks of another audit, or cannot be read.
    """
    parts = [
        "## Robustness audit",
        *_verdict(verdict, fault),
        *_warnings(record),
        *_intended(verdict),
        "### What was audited",
        _audited(record),
        *_clean(record),
        *_attacked(record),
        *_explained(record),
        "### What the figures rest on",
        _points([_sentence(said) for said in _rests_on(record)]),
        "### Limits",
        _points([*map(markup.text, limits_of(record)), NO_DEVICE]),
        "### How to do it again",
        *_again(record),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _verdict(verdict: Verdict | None, fault: str) -> list[str]:
    if verdict is None and fault:
        return [f"**Verdict: none.** {markup.text(words.capital(fault))}."]
    if verdict is None:
        return [f"**Verdict: no policy.** {words.NO_POLICY}"]
    policy, base = verdict.policy, verdict.baseline
    told = f"**Verdict: {verdict.verdict}** by "
    told += (
        f"the policy {markup.code(policy.path)} (SHA-256 {markup.code(policy.sha256)})"
        if policy.sha256
        else f"limits of the command line ({markup.code(policy.text)})"
    )
    told += f": {tally(verdict.findings)}. "
    told += (
        f"Baseline: {markup.code(Path(base.checkpoint).name)} (SHA-256 {markup.code(base.checkpoint_sha256)})."
        if base
        else "Compared with no baseline."
    )
    rows = [[f"**{x.status}**", markup.text(x.id), markup.text(x.words)] for x in not_passed(verdict)]
    table = markup.table(["Result", "Finding", "In words"], rows, "lll") if rows else ""
    return [told, table, _points([markup.text(note) for note in verdict.notes])]


def _intended(verdict: Verdict | None) -> list[str]:
    """What the model is for, as the policy has it."""
    use = verdict.policy.intended_use if verdict is not None else {}
    items = [f"{markup.text(words.capital(key))}: {markup.text(said)}" for key, said in use.items()]
    return ["### Intended use", _points(items)] if items else []


def _warnings(record: AuditRecord) -> list[str]:
    """What must not be missed, before any figure."""
    found = []
    if record.leak.found:
        found.append(("Leak", words.leak(record)))
    if record.checkpoint.given_outline:
        found.append(("Given the outline", words.GIVEN_OUTLINE))
    if not record.checkpoint.diagnoses:
        found.append(("No diagnosis", words.NO_DIAGNOSIS))
    if alarm := check_words.alarm(record.checks):
        found.append(("A self-check failed", alarm.rstrip(".")))
    found += [("Not assessable", said.rstrip(".")) for said in words.refusals(record.attacks)]
    return [f"> **{title}.** {markup.text(words.capital(said))}." for title, said in found]


def _audited(record: AuditRecord) -> str:
    checkpoint = record.checkpoint
    rows = [
        ["Checkpoint", markup.code(Path(checkpoint.path).name)],
        ["SHA-256", markup.code(checkpoint.sha256)],
        ["Architecture", markup.code(checkpoint.architecture)],
        ["Classes", markup.text(f"{f.listing(checkpoint.classes)}; positive: {checkpoint.positive}")],
        *(["Data", _dataset(dataset)] for dataset in record.datasets),
        ["Left out", markup.text(words.left_out(record))],
    ]
    return markup.table(["", f"{record.images} images"], rows, "ll")


def _dataset(dataset: DatasetRecord) -> str:
    labels = f.listing([f"{n} {name}" for name, n in dataset.labels.items()]) or "no labels"
    told = f"{dataset.name}: {dataset.selection}; {f.count(dataset.images, 'image')} of "
    told += f"{f.count(dataset.cases, 'case')} ({labels}); {dataset.with_mask} with an outlined lesion, "
    told += f"{dataset.with_spacing} with pixel spacing"
    return markup.text(f"{told}. {dataset.citation}" if dataset.citation else told)


def _clean(record: AuditRecord) -> list[str]:
    if not record.clean.images:
        return ["### Clean performance", "Not assessed: no audited image has a label that the model knows."]
    return ["### Clean performance", tables.clean(record.clean)]


def _attacked(record: AuditRecord) -> list[str]:
    after_flips = [attack for attack in record.attacks if attack.after_a_flip]
    others = [attack for attack in record.attacks if not attack.after_a_flip]
    positive = record.checkpoint.positive
    missed, false = words.directions(positive)
    note = f"{RADIUS} {words.capital(missed)} and {false}: of the images decided rightly before the attack."
    said = [(a.id, words.begins(a)) for a in after_flips if a.curve and a.goal_assessable]
    said += [(a.id, words.goal(a)) for a in others]
    said += [(item.attack_id, words.outline(item)) for item in record.outlines]
    items = [f"{markup.code(name)}: {markup.text(text)}." for name, text in said]
    items += [f"{markup.text(text)}." for text in words.told_apart(record.attacks)]
    if (found := lesions_found(record)) is not None:
        items.append(f"Lesions found: {markup.text(found)}.")
    table = tables.flips(after_flips, positive)
    how = [f"{markup.code(a.id)}: {markup.text(a.summary)}." for a in record.attacks]
    return [
        "### Under attack",
        table,
        markup.text(note) if table else "",
        _points(items),
        "What each attack does:",
        _points(how),
    ]


def _explained(record: AuditRecord) -> list[str]:
    if not record.maps:
        return ["### Explanations", "Not assessed: the audit has no maps."]
    silent = markup.text(f"Silent shift: {words.silent(record.maps)}.")
    parts = ["### Explanations", silent, tables.silent_shifts(record.maps)]
    if pointing := tables.pointing(record):
        parts += ["Pointing game, of images clean and attacked:", pointing, POINTING]
    return [*parts, f"Second sweep of the probe: {markup.text(words.second_sweep(record))}."]


def _rests_on(record: AuditRecord) -> list[str]:
    said = [
        f"leak: {words.leak(record)}",
        f"self-checks of model and attacks: {check_words.count(record.checks)}",
    ]
    said += [f"warning: {warning}" for warning in record.warnings]
    return [markup.text(item) for item in said]


def _sentence(said: str) -> str:
    """With a full stop, unless it ends as a sentence does."""
    return words.capital(said) if said.endswith((".", "?", "!")) else f"{words.capital(said)}."


def _again(record: AuditRecord) -> list[str]:
    command = shlex.join(record.command) if record.command else "# called from Python"
    told = f"xaiaudit {record.xaiaudit}, begun on {f.date(record.created)}, seed {record.seed}."
    return [markup.block([command]), markup.text(told)]


def _points(items: list[str]) -> str:
    return "\n".join(f"- {item}" for item in items)
