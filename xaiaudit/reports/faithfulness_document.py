"""faithfulness.pdf: what was tested, the figures, the curves, what randomised weights do, and what none of it shows."""

import shlex
from pathlib import Path

from xaiaudit.faithfulness_record import ExplainerRecord, FaithfulnessRecord, StepRecord
from xaiaudit.reports import faithfulness_words as words
from xaiaudit.reports import format as f
from xaiaudit.reports.blocks import (
    Alarm,
    Block,
    Canvas,
    Column,
    Document,
    Facts,
    Picture,
    Points,
    Section,
    Table,
    Text,
)
from xaiaudit.reports.figures.faithfulness import WIDTH_MM, draw_pixel_curves, draw_randomisation

CURVES, RANDOMISED = "pixel-curves.svg", "randomised.svg"
MEANINGS = {  # of the measures shown, for who has not read their papers
    "deletion_area": "the most relevant pixels turn into the canvas named above first; area under the probability "
    "of the class explained, 0 to 1 (Petsiuk et al. 2018)",
    "insertion_area": "the same the other way, from the canvas to the image",
    "relevance_mass": "share of the map's positive sum that lies in the lesion (Arras et al. 2022)",
    "relevance_rank": "of as many of the highest pixels as the lesion has, the share that lies in it",
    "infidelity_unexplained": "squares become canvas, and the map foretells by how much the score falls; 0 where it "
    "foretells every fall, 1 where none (infidelity with the map at its best scale, over that of a map that foretells "
    "nothing; Yeh et al. 2019)",
    "max_sensitivity": "how far the map moves, in parts of its own length, under the worst of the draws of noise "
    "named above (Yeh et al. 2019)",
}
LIMITS = [
    "No measure here proves a map right. They rank explainers of one model on these images, each with its own bias, "
    "and need not agree with one another (Tomsett et al. 2020).",
    "Deletion and insertion show the model images that no scanner makes. An area is to be read against that of random "
    "maps on the same grid, and only where the canvas holds no evidence of its own.",
    "Relevance in the lesion is faithful only where the model decides by the lesion: its ring and the region "
    "behind it are evidence too.",
    "Max-sensitivity is the largest of a few draws, a lower bound; a map that never moves has the best value and "
    "explains nothing.",
    "A map that changes with the weights need not be right: noise changes more (Binder et al. 2023). Strong features "
    "shine through random layers above them, so that similarity falls late, and SSIM and ranks differ in what they "
    "call alike (Hedström et al. 2024). Only a map that does not change is a finding.",
    "Intervals are over cases; those of randomised weights hold for the weights drawn, whose spread stands beside.",
]


def document(record: FaithfulnessRecord, canvas: Canvas) -> Document:
    """All of the report apart from how it is set; its pictures are made in the canvas's folder."""
    model = f.printable(Path(record.checkpoint.path).name)
    return Document(
        title=f"Faithfulness of explanations of {model}",
        subtitle=f"Do maps of a breast-ultrasound model show what it decides by? {f.date(record.created)}",
        running=f"{model} · SHA-256 {record.checkpoint.sha256[:12]}",
        sections=[
            _tested(record),
            _figures(record),
            _curves(record, canvas),
            _randomised(record, canvas),
            Section(title="What this does not show", blocks=[Points(items=LIMITS)]),
        ],
    )


def _tested(record: FaithfulnessRecord) -> Section:
    explained = f.listing([f"{n} {f.printable(name)}" for name, n in record.explained.items()])
    tests = record.tests
    rows = [
        ("Checkpoint", f.breakable(record.checkpoint.path)),
        ("SHA-256", f.breakable(record.checkpoint.sha256)),
        ("Data", f"{f.printable(record.data)}; {f.count(record.cases, 'case')}, {record.with_lesion} with an outline"),
        ("Class explained", f"the model's decision on the image: {explained}"),
        ("Canvas", f.printable(words.canvas(record))),
        ("Pixel curves", f"{f.count(tests['steps'], 'step')}; probability of the class explained"),
        ("Infidelity", f"{f.count(tests['samples'], 'square')} an image; score of the class explained, in logits"),
        ("Max-sensitivity", f"{tests['sensitivity']['samples']} draws within "
         f"{f.grey_levels(tests['sensitivity']['radius'])} grey levels (L∞)"),
        ("Randomisation", f"{f.count(tests['draws'], 'draw')} of the weights, by {f.count(_blocks(record), 'block')} "
         "of layers"),
        ("Left out", f.count(len(record.left_out), "file")),
        ("Seed", str(record.seed)),
        ("Command", f.breakable(shlex.join(record.command)) if record.command else "called from Python"),
        ("Begun", f"{f.date(record.created)}; took {f.duration(record.seconds)}; xaiaudit {record.xaiaudit}"),
    ]  # fmt: skip
    warnings = (
        [Points(items=[f.printable(warning) for warning in record.warnings])] if record.warnings else []
    )
    return Section(title="What was tested", blocks=[Facts(rows=rows, mono=["SHA-256", "Command"]), *warnings])


def _blocks(record: FaithfulnessRecord) -> int:
    """Into how many the layers were cut: a network of few layers has fewer than were asked for."""
    return next(len(item.randomisation[0].steps) for item in record.explainers if item.randomisation)


def _figures(record: FaithfulnessRecord) -> Section:
    arrows = {name: "↑" if words.direction(name).startswith("larger") else "↓" for name in words.SHOWN}
    columns = [
        Column(title="Explainer", width=1.1),
        *(
            Column(title=f"{words.NAMES[name].capitalize()}{f.NBSP}{arrows[name]}", align="right")
            for name in words.SHOWN
        ),
    ]
    compared = [item for item in record.explainers if item.control]
    known = words.SHOWN[:-1]  # random maps are not asked for their sensitivity
    tables: list[Block] = [
        Points(items=[f"{words.NAMES[name].capitalize()}: {MEANINGS[name]}." for name in words.SHOWN]),
        Table(
            columns=columns,
            rows=[
                [f.printable(item.id), *(_cell(item, name) for name in words.SHOWN)]
                for item in record.explainers
            ],
            caption="Means over images (95 % intervals over cases)",
            note="↓ smaller is better, ↑ larger is better. Random: maps of noise on the same grid.",
            stacked=True,
        ),
        Table(
            columns=[columns[0], *columns[1:-1]],
            rows=[[f.printable(item.id), *(_better(item, name) for name in known)] for item in compared],
            caption="Images on which the explainer is better than a random map on the same grid",
            stacked=True,
        ),
        _counts(record),
    ]
    return Section(title="The figures", blocks=tables)


def _cell(item: ExplainerRecord, name: str) -> str:
    found = words.measure(item, name)
    return f.DASH if found is None else words.figure(found.mean)


def _better(item: ExplainerRecord, name: str) -> str:
    found = words.measure(item, name)
    return f.DASH if found is None else f.rate(found.better)


def _counts(record: FaithfulnessRecord) -> Table:
    rows = [
        [
            f.printable(item.id),
            f"{f.breakable(item.explained)}, {item.grid[0]} × {item.grid[1]}".removeprefix(", "),
            str(item.undefined),
            str(item.vanished) if item.control else f.DASH,
            str(item.wrong_sign),
            *(_undefined(item, name) for name in words.SHOWN),
        ]
        for item in record.explainers
    ]
    return Table(
        columns=[
            Column(title="Explainer", width=1.1),
            Column(title="Cells of", width=1.3),
            Column(title="Maps", width=0.6, align="right"),
            Column(title="Vanished", width=0.95, align="right"),
            Column(title="Wrong sign", width=0.7, align="right"),
            *(Column(title=words.NAMES[name].capitalize(), width=1.1, align="right") for name in words.SHOWN),
        ],
        rows=rows,
        caption="What is undefined, in images: maps, and measures of them",
        note=f"Of {f.count(record.images, 'image')}, relevance of {record.with_lesion} with an outline. Undefined: no "
        "positive value, of signed maps a constant, or a value that is not finite; such an image is in no mean. "
        "Vanished: undefined after a change within the radius of max-sensitivity. Wrong sign: the map's best scale "
        "for infidelity is negative.",
    )


def _undefined(item: ExplainerRecord, name: str) -> str:
    found = words.measure(item, name)
    return f.DASH if found is None else str(found.undefined)


def _curves(record: FaithfulnessRecord, canvas: Canvas) -> Section:
    draw_pixel_curves(record.explainers, canvas.path(CURVES))
    spoken = "; ".join(
        f"{f.printable(item.id)}: deletion area {_cell(item, 'deletion_area')}, insertion area "
        f"{_cell(item, 'insertion_area')}"
        for item in record.explainers
    )
    picture = Picture(
        file=CURVES,
        alt=f"Mean probability of the class explained against the share of pixels deleted and inserted. {spoken}.",
        caption="Mean probability of the class explained while pixels turn into the canvas (left) or out of it "
        "(right), the most relevant first. Grey: random maps on the same grid.",
        width_mm=WIDTH_MM,
    )
    return Section(title="Deletion and insertion", blocks=[picture])


def _randomised(record: FaithfulnessRecord, canvas: Canvas) -> Section:
    tested = [item for item in record.explainers if item.randomisation]
    draw_randomisation(tested, canvas.path(RANDOMISED))
    spoken = " ".join(f"{f.printable(item.id)}: {words.randomised(item)}." for item in tested)
    blocks: list[Block] = [
        Alarm(title=title, text=f"{text}.") for item in tested for title, text in words.findings(item)
    ]
    blocks += [
        Text(
            text="A map that explains a model must change when the model forgets what it learnt. The dotted lines show "
            "how alike maps of different images are: a map that falls to its line has lost what it said of the image."
        ),
        Picture(
            file=RANDOMISED,
            alt=f"Spearman's correlation with the trained model's maps, by blocks of layers drawn anew. {spoken}",
            caption="Correlation with the map of the trained model, while blocks of layers are drawn anew from the "
            "logits down (left), and each block alone (right); bands and bars are 95 % intervals over cases.",
            width_mm=WIDTH_MM,
        ),
        *(_steps(item) for item in tested),
    ]
    return Section(title="Randomised weights", blocks=blocks)


def _steps(item: ExplainerRecord) -> Table:
    between = item.between_images
    rows = [_step(number, step) for number, step in enumerate(item.randomisation[0].steps, start=1)]
    other = [
        "",
        "maps of different images",
        "",
        *(f.value(between[key]) for key in ("spearman", "spearman_abs", "ssim")),
    ]
    return Table(
        columns=[
            Column(title="Block", width=0.4, align="right"),
            Column(title="Block added, from layer", width=1.5),
            Column(title="Layers", width=0.5, align="right"),
            Column(title="Spearman", width=1.2, align="right"),
            Column(title="of absolute values", width=1.2, align="right"),
            Column(title="SSIM", width=1.2, align="right"),
            Column(title="Spread between draws", width=0.8, align="right"),
            Column(title="Undefined", width=0.8, align="right"),
            Column(title="Unchanged", width=0.8, align="right"),
        ],
        rows=[*rows, [*other, f.DASH, f.DASH, f.DASH]],
        caption=f"{f.printable(item.id)}, cascading: similarity with the map of the trained model",
        note=f"Undefined and unchanged are of {f.count(item.randomisation[0].steps[0].maps, 'map')} (images times "
        "draws). Independent blocks are in faithfulness.json.",
    )  # fmt: skip


def _step(number: int, step: StepRecord) -> list[str]:
    return [
        str(number),
        f.identifier(step.top.removeprefix("net.")),
        str(step.layers),
        f.value(step.spearman),
        f.value(step.spearman_abs),
        f.value(step.ssim),
        f.fixed(step.spread, 2),
        str(step.undefined),
        str(step.identical),
    ]
