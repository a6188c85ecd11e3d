"""An audit as a run of MLflow: parameters, every statistic, the verdict, and the files that people read."""

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from xaiaudit.audit_files import RECORD, read_record
from xaiaudit.errors import DataError, InstallationError, UsageError
from xaiaudit.gate_record import Verdict
from xaiaudit.records import AuditRecord
from xaiaudit.reports.reading_verdict import VERDICT, read_verdict
from xaiaudit.reports.tracking.statistics import ROOT, part, statistics

EXPERIMENT = "xaiaudit"
FILES = (RECORD, "report.pdf", "report.html", "card.md")
OF_VERDICT = (VERDICT, "junit.xml", "summary.md")  # not logged where gate.json speaks of another audit
ARTIFACTS = "xaiaudit"  # the folder of a run that they go to
AT_ONCE, AT_ONCE_PARAMETERS, LONGEST = 1000, 100, 6000  # MLflow's limits of a request, and of a value
Strings = dict[str, str]


def log_to_mlflow(
    audit_dir: Path | str,
    *,
    tracking_uri: str | None = None,
    experiment: str | None = None,
    run_name: str | None = None,
    run_id: str | None = None,
) -> str:
    """Log the audit in `audit_dir` and return the id of the run.

    Args:
        audit_dir: folder of a finished audit. Its tables and images stay where they are.
        tracking_uri: a server (http) or local store (sqlite:///mlflow.db). Default: MLflow's own.
        experiment: made if it is not there. Default: xaiaudit.
        run_name: of the run that is made. Default: the checkpoint's file name.
        run_id: an unfinished or finished run to add to, e.g. of the training, in place of a new one.

    Raises:
        AuditError: the folder is no finished audit.
        DataError: MLflow refuses, or cannot be reached; a run that was made for it is marked as failed.
        InstallationError: MLflow is not installed.
        UsageError: `run_id` with a name or an experiment.
    """
    if run_id is not None and (run_name is not None or experiment is not None):
        raise UsageError(
            "--run-id names a run that is there; leave --experiment and --run-name out, or --run-id"
        )
    folder = Path(audit_dir)
    record = read_record(folder)
    sha256 = hashlib.sha256((folder / RECORD).read_bytes()).hexdigest()
    verdict, fault = read_verdict(folder, sha256)
    files = [folder / name for name in (*FILES, *(() if fault else OF_VERDICT)) if (folder / name).is_file()]
    tags = _tags(record, verdict, fault, sha256)
    with _refusals(tracking_uri):
        client = _mlflow().MlflowClient(tracking_uri=tracking_uri)
        if run_id is not None:
            _log(client, run_id, record, tags, files)
            return run_id
        name = run_name or Path(record.checkpoint.path).name
        run: str = client.create_run(_experiment(client, experiment or EXPERIMENT), run_name=name).info.run_id
        status = "FAILED"
        try:
            _log(client, run, record, tags, files)
            status = "FINISHED"
        finally:
            client.set_terminated(run, status=status)
        return run


def _mlflow() -> Any:
    try:
        return import_module("mlflow")
    except ImportError as error:
        raise InstallationError(
            f"logging needs MLflow ({error}); install it with: pip install 'xaiaudit[mlflow]'"
        ) from error


@contextmanager
def _refusals(tracking_uri: str | None) -> Iterator[None]:
    """What MLflow, its database or its files refuse, in one line of ours."""
    kinds: list[type[Exception]] = [_mlflow().exceptions.MlflowException, OSError, ImportError]
    with suppress(ImportError):  # without it there is no database, and MLflow says so
        kinds.append(import_module("sqlalchemy.exc").SQLAlchemyError)
    try:
        yield
    except tuple(kinds) as error:
        where = f"at {tracking_uri}" if tracking_uri else "at its default store"
        said = next(iter(str(error).splitlines()), type(error).__name__)
        raise DataError(f"MLflow {where} refuses or cannot be reached: {said}") from error


def _experiment(client: Any, name: str) -> str:
    found = client.get_experiment_by_name(name)
    made: str = found.experiment_id if found is not None else client.create_experiment(name)
    return made


def _log(client: Any, run: str, record: AuditRecord, tags: Strings, files: Sequence[Path]) -> None:
    """Parameters first: MLflow refuses those that the run has with other values, as of another audit."""
    entities = import_module("mlflow.entities")
    parameters = [entities.Param(key, value) for key, value in _parameters(record).items()]
    for start in range(0, len(parameters), AT_ONCE_PARAMETERS):
        client.log_batch(run, params=parameters[start : start + AT_ONCE_PARAMETERS])
    moment = round(1000 * time.time())
    metrics = [entities.Metric(name, value, moment, 0) for name, value in statistics(record).items()]
    for start in range(0, len(metrics), AT_ONCE):
        client.log_batch(run, metrics=metrics[start : start + AT_ONCE])
    client.log_batch(run, tags=[entities.RunTag(key, value) for key, value in tags.items()])
    for file in files:
        client.log_artifact(run, str(file), ARTIFACTS)


def _parameters(record: AuditRecord) -> Strings:
    """What was audited, on what, and how; under a name of their own, beside those of a training."""
    checkpoint = record.checkpoint
    values: Mapping[str, object] = {
        "checkpoint": Path(checkpoint.path).name,
        "checkpoint_sha256": checkpoint.sha256,
        "architecture": checkpoint.architecture,
        "data": "; ".join(f"{dataset.name}, {dataset.selection}" for dataset in record.datasets),
        "seed": record.seed,
        "xaiaudit": record.xaiaudit,
        **{f"attacks/{part(attack.id)}": attack.summary for attack in record.attacks},
        "explainers": ", ".join(explainer.id for explainer in record.explainers),
    }
    return {f"{ROOT}/{key}": str(value)[:LONGEST] for key, value in values.items()}


def _tags(record: AuditRecord, verdict: Verdict | None, fault: str, sha256: str) -> Strings:
    leak = "not assessed" if not record.leak.assessed else "found" if record.leak.found else "none found"
    tags = {"verdict": fault or "no policy", "audit_sha256": sha256, "leak": leak}
    if verdict is not None:
        tags |= {"verdict": verdict.verdict, "policy": verdict.policy.path}
        tags |= {"policy_sha256": verdict.policy.sha256} if verdict.policy.sha256 else {}
        tags |= {"baseline_sha256": verdict.baseline.checkpoint_sha256} if verdict.baseline else {}
    return {f"xaiaudit.{key}": value for key, value in tags.items()}
