"""Rows of map shift in which nothing could be compared: no table shows them, a sentence below says which and why."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from xaiaudit.records import MapRecord
from xaiaudit.reports import format as f

Outcome = Literal["flipped", "stood", "flipped, new decision"]


class Empty(NamedTuple):
    """A row that would hold dashes alone."""

    record: MapRecord  # of the maps that explain the clean decision
    outcome: Outcome


def left_out(empty: Sequence[Empty]) -> str:
    """The sentence; nothing where every row has a figure."""
    reasons: dict[str, list[str]] = {}
    for record, outcome in empty:
        ids = reasons.setdefault(_why(record, outcome), [])
        name = f.printable(record.attack_id)
        ids += [name] * (name not in ids)
    told = "; ".join(f"under {f.listing(ids)} {why}" for why, ids in reasons.items())
    return f"Rows without any map are left out: {told}." if told else ""


def _why(record: MapRecord, outcome: Outcome) -> str:
    stood = record.silent_shift_unflipped.n  # of images with a defined clean map
    if not record.silent_shift.n:
        return "no clean map is defined"
    if outcome == "stood" and not stood:
        return "no decision stood"
    if outcome != "stood" and stood == record.silent_shift.n:
        return "no decision flipped"
    after = " of the new decision" if outcome == "flipped, new decision" else ""
    whose = "stood" if outcome == "stood" else "flipped"
    return f"no map{after} could be compared where the decision {whose}"
