"""What the measures of faithfulness are called, which way is better, and their figures in words."""

from xaiaudit.faithfulness_record import HIGHER_IS_BETTER, ExplainerRecord, FaithfulnessRecord, MeasureRecord
from xaiaudit.records import Interval
from xaiaudit.reports import format as f

NAMES = {
    "deletion_area": "deletion area",
    "insertion_area": "insertion area",
    "relevance_mass": "relevance mass",
    "relevance_rank": "relevance rank",
    "infidelity": "infidelity, raw",
    "infidelity_scaled": "infidelity, scaled",
    "infidelity_unexplained": "unexplained share",
    "max_sensitivity": "max-sensitivity",
}
SHOWN = (  # raw and scaled infidelity, in squared logits, are in the files
    "deletion_area",
    "insertion_area",
    "relevance_mass",
    "relevance_rank",
    "infidelity_unexplained",
    "max_sensitivity",
)


def direction(measure: str) -> str:
    return "larger is better" if measure in HIGHER_IS_BETTER else "smaller is better"


def figure(interval: Interval) -> str:
    """Mean with its interval, 0.587 (0.510 to 0.664)."""
    if interval.estimate is not None and abs(interval.estimate) >= 1000:
        return f.number(interval.estimate)
    return f.value(interval, 3)


def measure(record: ExplainerRecord, name: str) -> MeasureRecord | None:
    return next((item for item in record.measures if item.name == name), None)


def against_random(item: MeasureRecord) -> str:
    """How often, and by how much, an explainer beats random maps."""
    if item.better is None or item.gain is None or item.better.estimate is None:
        return ""
    return f"better than random maps by {f.value(item.gain, 3)} and in {f.rate(item.better)} of the images"


def undefined(item: MeasureRecord) -> str:
    return f"{item.undefined} of {f.count(item.images, 'image')} undefined"


def randomised(record: ExplainerRecord) -> str:
    """Where the cascade ends, what unrelated maps share, and what did not move at the top; "" for random maps."""
    if not record.randomisation:
        return ""
    cascade = record.randomisation[0].steps
    top, last = cascade[0], cascade[-1]
    gone = f"; {last.undefined} of {f.count(last.maps, 'map')} no longer defined" if last.undefined else ""
    return (
        f"Spearman {f.value(top.spearman)} after the layer of the logits alone "
        f"({top.identical} of {f.count(top.maps, 'map')} unchanged), {f.value(last.spearman)} after all layers{gone}; "
        f"maps of different images {f.value(record.between_images['spearman'])}"
    )


def findings(record: ExplainerRecord) -> list[tuple[str, str]]:
    """What randomised weights prove against an explainer: a title and a sentence each."""
    if not record.randomisation:
        return []
    top, last, found = record.randomisation[0].steps[0], record.randomisation[0].steps[-1], []
    if 0 < top.maps == top.identical:
        found.append(
            (
                f"{f.printable(record.id)} does not ask what the classes weigh",
                "None of its maps changed when the weights of the logits' layer were drawn anew, so they cannot tell "
                "what this decision rests on",
            )
        )
    low, high = last.spearman.low, record.between_images["spearman"].high
    if low is not None and high is not None and low > high:
        found.append(
            (
                f"{f.printable(record.id)} outlives what the model learnt",
                "With all weights drawn anew its maps are still more like the trained model's than maps of different "
                "images are like one another: the image shows through, learnt or not",
            )
        )
    return found


def canvas(record: FaithfulnessRecord) -> str:
    """What the canvas still says: whether it says the same of every image."""
    shown = record.canvas
    return (
        f"{shown.words}; on it the model's probability of {f.printable(record.checkpoint.positive)} is "
        f"{f.spread(shown.positive_canvas, decimals=2)} (median and quartiles; a spread is evidence that is left)"
    )
