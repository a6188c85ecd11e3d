"""One run: train on the other folds, test on one, audit it. It goes on where it was killed."""

import json
from pathlib import Path

import pyarrow as pa

from xaiaudit.auditing.api import audit
from xaiaudit.benchmark_record import PREDICTIONS, RunRecord, Status
from xaiaudit.benchmarking.images import Images
from xaiaudit.benchmarking.plan import Plan
from xaiaudit.benchmarking.run_record import attack_figures, prediction_rows, run_record
from xaiaudit.benchmarking.unit import AUDIT, MODEL, RUN, SETTINGS, TABLE, Unit, run_settings, training_seed
from xaiaudit.errors import NumericalError, TrainingError
from xaiaudit.models import AuditedModel, load
from xaiaudit.models.foreign import ForeignOptions
from xaiaudit.models.registry import is_factory, makes_diagnosis
from xaiaudit.parquet import write_table
from xaiaudit.records import LEAVE_DECISION, AuditRecord
from xaiaudit.training import Progress, evaluate, train
from xaiaudit.training.material import Material
from xaiaudit.writing import write_atomically


def run(
    unit: Unit,
    images: Images,
    plan: Plan,
    folder: Path,
    *,
    device: str,
    progress: Progress,
) -> RunRecord:
    """Do what is left of one run, of which `finished_record` found no record, and return what is written to run.json.

    A run whose training diverges, or ends in a model of one class, is recorded as such with its reason.
    """
    settings = run_settings(unit, images, plan)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / SETTINGS, json.dumps(settings, indent=1).encode())
    material = images.material(unit.configuration.preprocessing, unit.repeat, unit.fold)
    try:
        model = _trained(unit, material, plan, images, folder / MODEL, device, progress)
    except (NumericalError, TrainingError) as error:
        (folder / f"{MODEL}.training").unlink(missing_ok=True)
        status: Status = "diverged" if isinstance(error, NumericalError) else "refused"
        record = run_record(unit, images, plan, material, status=status, reason=str(error).split("; ")[0])
    else:
        if not makes_diagnosis(unit.configuration.architecture):
            material = material.by_lesion()
        predictions = evaluate(
            model, material.part(material.split.test), cases=material.cases(material.split.test)
        )
        rows = prediction_rows(unit, images, material, predictions)
        write_table(folder / TABLE, pa.Table.from_pylist(rows, schema=PREDICTIONS))
        record = run_record(unit, images, plan, material, model=model, predictions=predictions)
        if plan.audit is not None:
            record = record.model_copy(
                update={"attacks": attack_figures(_audited(model, material, plan, folder / AUDIT))}
            )
    write_atomically(folder / RUN, record.model_dump_json(indent=1).encode())
    return record


def _trained(
    unit: Unit,
    material: Material,
    plan: Plan,
    images: Images,
    path: Path,
    device: str,
    progress: Progress,
) -> AuditedModel:
    """The model of this run, trained unless its checkpoint is there."""
    configuration = unit.configuration
    if not path.exists():
        train(
            configuration.architecture,
            material,
            path,
            weights=configuration.weights,
            arguments=configuration.arguments,
            positive=images.table.positive,
            preprocessing=configuration.preprocessing,
            recipe=configuration.recipe,
            seed=training_seed(unit, plan),
            normals=images.table.normals,
            device=device,
            progress=progress,
        )
    # the file of the benchmark names a factory of the user's own, so that its code may run
    own = ForeignOptions(arch=configuration.architecture) if is_factory(configuration.architecture) else None
    return load(path, device=device, foreign=own)


def _audited(model: AuditedModel, material: Material, plan: Plan, out: Path) -> AuditRecord:
    assert plan.audit is not None
    if (out / "audit.json").exists():
        return AuditRecord.model_validate_json((out / "audit.json").read_bytes())
    return audit(
        model,
        material.dataset.subset(material.split.test, material.split.words.split(":")[0]),
        plan.audit.methods,
        plan.audit.explainers,
        criteria=(LEAVE_DECISION,),  # of every model alike, for flips are what is compared
        acquisition=(),
        out=out,
        resume=(out / "plan.json").exists(),
        seed=plan.seed,
        limit=plan.audit.limit,
        curve=plan.audit.curve,
        checks=plan.audit.checks,
        gallery=0,
    )
