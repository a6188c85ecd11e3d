"""Do the probabilities mean what they say? A part of clean performance."""

from xaiaudit.records import ReliabilityRecord
from xaiaudit.reports import format as f
from xaiaudit.reports.blocks import Block, Canvas, Column, Picture, Row, Table, Text
from xaiaudit.reports.calibration_words import NO_CURVE, error_words
from xaiaudit.reports.figures.reliability import SIDE_MM, draw_reliability

CURVE = "reliability.svg"


def calibration(reliability: ReliabilityRecord | None, positive: str, canvas: Canvas) -> list[Block]:
    """Nothing in audits made before this was measured, and without labels of two classes."""
    if reliability is None:
        return []
    title = Text(text="Calibration of probabilities", style="subheading")
    if not reliability.bins:
        return [
            title,
            _figures(reliability, positive),
            Text(
                text=f"Reliability curve and expected calibration error: not assessed, because {NO_CURVE}.",
                style="closing",
            ),
        ]
    draw_reliability(reliability, positive, canvas.path(CURVE))
    told = "; ".join(
        f"where {f.percent(group.mean_probability)} was given, {f.percent(group.positive_share.estimate)}"
        for group in reliability.bins
    )
    name = f.printable(positive)
    picture = Picture(
        file=CURVE,
        alt=f"Reliability curve: share of images labelled {name} against the probability of {name} that was given. "
        f"{told}.",
        caption=f"Reliability curve of {len(reliability.bins)} bins of about as many images, with 95 % intervals. "
        "Below the broken line, the probability given was too high.",
        width_mm=SIDE_MM,
    )
    error = Text(text=f"Expected calibration error: {error_words(reliability)}.", style="closing")
    return [title, Row(columns=[[_figures(reliability, positive), error], [picture]])]


def _figures(reliability: ReliabilityRecord, positive: str) -> Table:
    name = f.printable(positive)
    rows = [
        ["Brier score", f.value(reliability.brier, 3)],
        ["Brier score of the class shares", f.fixed(reliability.brier_of_shares, 3)],
        [f"Labelled {name}", f.percent(reliability.positive_share)],
        [f"Mean probability of {name}", f.percent(reliability.mean_probability)],
        ["Intercept of the log-odds", f.value(reliability.intercept)],
        ["Slope of the log-odds", f.value(reliability.slope)],
    ]
    why = (
        "not assessed, because the probabilities part the classes wholly or are 0 and 1, or cases are too few"
    )
    return Table(
        columns=[
            Column(title="Calibration", width=1.0),
            Column(title="Value (95 % interval)", align="right"),
        ],
        rows=rows,
        caption="Calibration of the probabilities on clean images",
        note="Brier score: 0 is best. Intercept above 0: the label is more frequent than told; slope under 1: "
        f"probabilities too extreme. Where the share of {name} differs from that of these images, so does all of "
        f"this.{f.dashes(rows, why)}",
    )
