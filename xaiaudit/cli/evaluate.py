"""xaiaudit evaluate: clean metrics of a checkpoint."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from xaiaudit.cli import options
from xaiaudit.cli.opening import open_data, open_model
from xaiaudit.cli.progress import Progress
from xaiaudit.cli.saying import say, say_json


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@options.test_data
@options.split
@options.batch_size(32)
@options.limit
@options.device
@options.threads
@options.strict
@options.foreign
@options.trust_pickle()
@options.as_json
@options.debug
def evaluate(model: Path, **given: Any) -> None:
    """Measure MODEL on clean images: AUC, sensitivity, specificity and more, with case-level intervals."""
    from xaiaudit.data import read_samples
    from xaiaudit.errors import DataError
    from xaiaudit.reports.clean_summary import clean_lines, threshold_words
    from xaiaudit.training import evaluate as measure
    from xaiaudit.training import swapped_classes

    audited = open_model(model, given)
    dataset = open_data(audited, given).drawn(given["limit"], seed=0)
    samples, left_out = read_samples(dataset, strict=given["strict"])
    if not samples:
        file, reason = left_out[0]
        raise DataError(
            f"none of the {len(dataset)} images of {dataset.path} can be read ({file}: {reason}); "
            "see xaiaudit data check"
        )
    with Progress() as progress:
        predictions = measure(
            audited,
            samples,
            batch_size=given["batch_size"],
            progress=partial(progress.update, phase="evaluating"),
        )
    record = predictions.record()
    as_json = given["as_json"]
    if as_json:
        say_json(record.model_dump_json(indent=1))
    else:
        say(f"Data: {dataset.describe()}{threshold_words(audited.classes, audited.threshold)}")
        given_outline = audited.preprocessing.takes_mask
        for line in clean_lines(record, diagnoses=audited.diagnoses, given_outline=given_outline):
            say(line)
    for file, reason in left_out:
        say(f"Left out: {file}: {reason}", err=as_json)
    for warning in (
        *(audited.info.notes if audited.info is not None else ()),
        _leak(audited, samples, dataset),
        _unknown(samples, audited.classes),
        swapped_classes(record, audited.classes, audited.positive),
    ):
        if warning:
            say(f"Warning: {warning}", err=as_json)


def _leak(model: Any, samples: Sequence[Any], dataset: Any) -> str:
    from xaiaudit.auditing.leak import Known, find_leak
    from xaiaudit.data.cases import own_case
    from xaiaudit.data.duplicates import fingerprints, thumbnails
    from xaiaudit.reports.format import terminal
    from xaiaudit.reports.words import leak_words

    prints = fingerprints(thumbnails([sample.image for sample in samples]))
    known = [
        Known(
            name=sample.name,
            dataset=sample.dataset,
            sha256=sample.sha256,
            fingerprint=fingerprint,
            case_id=None if sample.case is None else own_case(sample),
        )
        for sample, fingerprint in zip(samples, prints, strict=True)
    ]
    leak = find_leak(model, known, dataset)
    return terminal(f"LEAK: {leak_words(leak)}") if leak.found else ""


def _unknown(samples: Sequence[Any], classes: Sequence[str]) -> str:
    unknown = Counter(s.label for s in samples if s.label is not None and s.label not in classes)
    if not unknown:
        return ""
    counts = ", ".join(f"{number} {label}" for label, number in sorted(unknown.items()))
    return f"labels that the model has no class for ({counts}) count as unlabelled, in no metric"
