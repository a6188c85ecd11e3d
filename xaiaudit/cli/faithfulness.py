"""xaiaudit faithfulness: are the maps of explainers faithful to the model?"""

import sys
from pathlib import Path
from typing import Any

import click

from xaiaudit.cli import options
from xaiaudit.cli.opening import open_data, open_model, tell_costs
from xaiaudit.cli.progress import Progress
from xaiaudit.cli.saying import say, say_record


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@options.test_data
@options.explainers
@click.option(
    "--canvas",
    type=click.Choice(["blur", "mean", "zero"]),
    default="blur",
    show_default=True,
    help="What deleted pixels become, and what insertion starts from: the local mean, the image's mean, or black, "
    "which in B-mode is a cyst and no absence.",
)
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    default=28,
    show_default=True,
    help="Of deletion and insertion; 28 are 1792 of 224 x 224 pixels each, 224 are the paper's finest.",
)
@click.option(
    "--draws",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Of the weights, in the randomisation test.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="New folder for faithfulness.json, faithfulness.parquet (a row an image) and faithfulness.pdf.",
)
@options.batch_size(32)
@options.limit
@options.seed
@options.device
@options.threads
@options.strict
@options.foreign
@options.trust_pickle()
@options.as_json
@options.debug
def faithfulness(model: Path, **given: Any) -> None:
    """Test whether explainers are faithful to MODEL: deletion, insertion, relevance, infidelity, sensitivity,
    and what their maps do when its weights are drawn anew; each beside random maps, with case-level intervals.

    Costs about 60 forward passes and 60 maps an image and explainer, and 120 passes an image beside, for random maps
    and infidelity: 40 images of a MobileNetV2 and two explainers take some minutes on one core, and --limit shortens
    it in proportion. An explainer that makes many passes for a map, such as integrated-gradients, makes them sixty
    times.
    """
    from xaiaudit.auditing.faithfulness import Settings
    from xaiaudit.auditing.faithfulness import faithfulness as run
    from xaiaudit.explainers.spec import parse
    from xaiaudit.faithfulness import Canvas
    from xaiaudit.reports.faithfulness_summary import lines
    from xaiaudit.reports.faithfulness_writing import FILES, write
    from xaiaudit.reports.targets import check_new

    if given["out"] is not None:
        check_new(given["out"], FILES)
    audited = open_model(model, given)
    dataset = open_data(audited, given)
    tell_costs(audited, [parse(text) for text in given["explainers"]] or None)
    with Progress() as progress:
        record, table = run(
            audited,
            dataset,
            given["explainers"],
            tests=Settings(canvas=Canvas(kind=given["canvas"]), steps=given["steps"], draws=given["draws"]),
            seed=given["seed"],
            batch_size=given["batch_size"],
            limit=given["limit"],
            strict=given["strict"],
            command=["xaiaudit", *sys.argv[1:]],
            progress=lambda done, total, words: progress.update(
                done, total, "faithfulness", "tests of images", words
            ),
        )
    written = write(record, table, given["out"]) if given["out"] is not None else []
    say_record(record, lines, as_json=given["as_json"])
    for path in written:
        say(f"Written: {path}", err=given["as_json"])
