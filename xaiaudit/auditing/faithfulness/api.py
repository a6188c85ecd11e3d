"""`faithfulness`: explainers of a model tested on a dataset in one call."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import torch

from xaiaudit.auditing.chosen_explainers import made_explainers, planned_explainers
from xaiaudit.auditing.environment import environment
from xaiaudit.auditing.faithfulness.running import Progress, Results, run_tests
from xaiaudit.auditing.faithfulness.settings import Settings
from xaiaudit.auditing.faithfulness.statistics import canvas_record, explainer_record
from xaiaudit.auditing.faithfulness.table import image_table
from xaiaudit.auditing.plan import PlannedExplainer
from xaiaudit.auditing.planning import case_salt, checkpoint_record
from xaiaudit.auditing.selection import opened
from xaiaudit.auditing.specs import Spec, parsed
from xaiaudit.data import read_samples
from xaiaudit.data.cases import cases_of
from xaiaudit.data.datasets import Dataset
from xaiaudit.errors import DataError, UsageError
from xaiaudit.explainers.base import Explainer
from xaiaudit.explainers.spec import parse
from xaiaudit.faithfulness_record import SCHEMA, ExplainerRecord, FaithfulnessRecord
from xaiaudit.models import AuditedModel
from xaiaudit.models.execution import deterministic
from xaiaudit.models.prepared import prepared
from xaiaudit.records import LeftOutRecord
from xaiaudit.types import plain
from xaiaudit.version import __version__


def faithfulness(
    model: AuditedModel,
    dataset: Dataset | Path | str | None = None,
    explainers: Sequence[str | Spec] = (),
    *,
    tests: Settings | None = None,
    seed: int = 0,
    batch_size: int = 32,
    limit: int | None = None,
    strict: bool = False,
    command: Sequence[str] = (),
    progress: Progress | None = None,
) -> tuple[FaithfulnessRecord, pa.Table]:
    """Test whether the maps of explainers are faithful to a model: every figure, and a row an image and explainer.

    Args:
        model: what `xaiaudit.load` gives; it is left as it was.
        dataset: or the path of one; None: the test split that the checkpoint recorded.
        explainers: names, with parameters "grad-cam:layer=layer4"; none: Grad-CAM, and CAM where the model allows it.
        tests: settings; None: the defaults of `Settings`.
        seed: of the images drawn by `limit`, of every random draw, which each image makes by itself, and of weights.
        batch_size: images computed together; changes no figure but by rounding.
        limit: only so many images.
        strict: an image that cannot be read ends the run; otherwise it is counted and named.
        progress: told tests of images done, in all, and what runs now.

    Raises:
        UsageError, DataError: see their messages.
    """
    begun, created = time.monotonic(), datetime.now(UTC)
    tests = tests or Settings()
    specs = parsed(explainers, parse)
    _check_explain_decisions(specs)
    planned = planned_explainers(model, specs or None)
    chosen = made_explainers(planned)
    data = opened(model, dataset).drawn(limit, seed)
    samples, left_out = read_samples(data, strict=strict)
    if not samples:
        raise DataError(f"none of the {len(data)} images of {data.path} can be read; see xaiaudit data check")
    cases = cases_of(samples)
    with deterministic(), prepared(model) as ready:
        results = run_tests(
            ready, model, samples, chosen, tests, seed=seed, batch_size=batch_size, progress=progress
        )
    checkpoint = checkpoint_record(model)
    target = results.facts.target.tolist()
    record = FaithfulnessRecord(
        schema_version=SCHEMA,
        xaiaudit=__version__,
        created=created.isoformat(timespec="seconds"),
        seconds=time.monotonic() - begun,
        command=list(command),
        seed=seed,
        batch_size=batch_size,
        environment=environment(str(model.device), torch.get_num_threads(), "float32"),
        checkpoint=checkpoint,
        data=data.describe(),
        images=len(samples),
        cases=len(set(cases)),
        with_lesion=int(results.facts.has_lesion.sum()),
        explained={model.classes[index]: n for index, n in sorted(Counter(target).items())},
        left_out=[LeftOutRecord(**item._asdict()) for item in left_out],
        warnings=list(model.info.notes) if model.info is not None else [],
        tests=plain(tests.as_dict()),
        canvas=canvas_record(results, model.positive, cases, tests.canvas.describe()),
        explainers=_records(model, planned, chosen, results, cases),
    )
    return record, image_table(results, list(chosen), cases, case_salt(model, checkpoint), model.classes)


def _check_explain_decisions(specs: Sequence[Spec]) -> None:
    """Raises UsageError for an explainer of the mask."""
    if any(name == "seg-grad-cam" for name, _ in specs):
        raise UsageError(
            "seg-grad-cam explains the outlined mask, and these tests ask what the decision rests on; "
            "leave it out, or name grad-cam"
        )


def _records(
    model: AuditedModel,
    planned: Sequence[PlannedExplainer],
    chosen: Mapping[str, Explainer],
    results: Results,
    cases: Sequence[str],
) -> list[ExplainerRecord]:
    """Of the explainers in their order, then of the random maps."""
    size = (model.preprocessing.size, model.preprocessing.size)
    records = []
    for item in planned:
        said = {"name": item.name, "parameters": item.parameters, "explained": item.layer}
        signed = chosen[item.id].signed
        records.append(explainer_record(item.id, results, cases, signed=signed, size=size, said=said))
    nothing = {"name": "random", "parameters": {}, "explained": ""}
    return records + [
        explainer_record(key, results, cases, signed=False, size=size, said=nothing)
        for key in results.outcomes
        if key not in chosen
    ]
