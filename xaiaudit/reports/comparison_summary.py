"""A comparison in a terminal: what changed, a line each."""

from xaiaudit.comparison_record import ComparisonRecord
from xaiaudit.reports import comparison_words as words
from xaiaudit.reports import format as f


def lines(record: ComparisonRecord) -> list[str]:
    """Plain text; differences are the newer minus the older, with 95 % intervals over cases."""
    shown = [
        f"Older: {words.name(record.before)} ({record.before.path})",
        f"Newer: {words.name(record.after)} ({record.after.path})",
        f"Images: {f.count(record.images, 'image')} of {f.count(record.cases, 'case')}, the same in both",
        *(f"Warning: {text}." for text in words.leaks(record)),
        f"{words.drift_sentence(record)}.",
        f"{words.accuracy_sentence(record)}.",
        f"Decisions: {words.turned(record)}",
        *(f"{words.map_sentence(item)}." for item in record.drift),
        *(f"{words.attack_sentence(item)}." for item in record.attacks),
        *(f"Left out: {f.printable(text)}" for text in record.left_out),
        *(f"Note: {f.printable(text)}" for text in record.notes),
    ]
    return [f.terminal(line) for line in shown]
