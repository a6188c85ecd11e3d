"""The tests of faithfulness in a terminal: a table explainer by measure, measure after measure."""

from xaiaudit.faithfulness_record import ExplainerRecord, FaithfulnessRecord
from xaiaudit.reports import faithfulness_words as words
from xaiaudit.reports import format as f


def lines(record: FaithfulnessRecord) -> list[str]:
    """Plain text, means with 95 % intervals over cases."""
    width = max(len(item.id) for item in record.explainers)
    shown = [
        f"Data: {record.data}",
        f"Maps of the model's decision: {f.count(record.images, 'image')} of {f.count(record.cases, 'case')}",
        f"Canvas: {words.canvas(record)}",
        "Maps:",
        *(f"  {item.id:<{width}}  {_maps(record, item)}" for item in record.explainers),
    ]
    for name in words.SHOWN:
        shown.append(f"{words.NAMES[name].capitalize()} ({words.direction(name)}):")
        for item in record.explainers:
            found = words.measure(item, name)
            if found is not None:
                parts = [words.figure(found.mean), words.against_random(found), words.undefined(found)]
                shown.append(f"  {item.id:<{width}}  {'; '.join(filter(None, parts))}")
    shown.append("Randomised weights (a map that asks what was learnt must change):")
    shown += [
        f"  {item.id:<{width}}  {words.randomised(item)}" for item in record.explainers if item.randomisation
    ]
    shown += [
        f"Warning: {title}. {text}." for item in record.explainers for title, text in words.findings(item)
    ]
    shown += [f"Warning: {f.printable(warning)}" for warning in record.warnings]
    shown += [f"Left out: {f.printable(item.file)}: {f.printable(item.reason)}" for item in record.left_out]
    return [f.terminal(line) for line in shown]


def _maps(record: FaithfulnessRecord, item: ExplainerRecord) -> str:
    place = f"{item.explained}, " if item.explained else ""
    text = f"{place}{item.grid[0]} x {item.grid[1]}; {item.undefined} of {f.count(record.images, 'map')} undefined"
    if item.vanished:
        text += f", {item.vanished} vanished under max-sensitivity's noise"
    if item.wrong_sign:
        text += f", {item.wrong_sign} of the wrong sign for infidelity"
    return text
