"""What is said of the calibration of probabilities, in a terminal and in a report."""

from xaiaudit.records import ReliabilityRecord
from xaiaudit.reports import format as f

NO_CURVE = "fewer than 20 images with a label, or probabilities that hardly differ, make no two bins of 10"


def error_words(reliability: ReliabilityRecord) -> str:
    """The expected calibration error beside what chance alone gives; why there is none."""
    found, usual, high = reliability.ece, reliability.ece_by_chance, reliability.ece_by_chance_high
    if found is None or usual is None or high is None:
        return f"not assessed: {NO_CURVE}"
    beyond = "more than chance explains" if found > high else "which chance alone may give"
    return (
        f"{f.fixed(found, 3)} over {len(reliability.bins)} bins, {beyond}: were these probabilities right, it would be "
        f"{f.fixed(usual, 3)} on the mean, and at most {f.fixed(high, 3)} in 95{f.NBSP}% of samples"
    )
