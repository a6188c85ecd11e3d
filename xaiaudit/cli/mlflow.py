"""xaiaudit mlflow: an audit as a run of MLflow."""

import os
from pathlib import Path

import click

from xaiaudit.cli import options
from xaiaudit.cli.saying import say

# MLflow would send usage data to its makers, try a server that is not there for minutes, and print before we do.
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",  # seconds; 120 of its own, three times, for a server that never answers
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


@click.command()
@click.argument("audit", type=click.Path(path_type=Path))
@click.option(
    "--tracking-uri",
    metavar="URI",
    help="Server or store, e.g. http://host:5000 or sqlite:///mlflow.db.  "
    "[default: $MLFLOW_TRACKING_URI, else as MLflow has it]",
)
@click.option("--experiment", metavar="NAME", help="Made if it is not there.  [default: xaiaudit]")
@click.option("--run-name", metavar="NAME", help="Of the new run.  [default: the checkpoint's file name]")
@click.option("--run-id", metavar="ID", help="Add to this run, e.g. of the training, in place of a new one.")
@options.debug
def mlflow(
    audit: Path,
    tracking_uri: str | None,
    experiment: str | None,
    run_name: str | None,
    run_id: str | None,
    debug: bool,
) -> None:
    """Log the audit in folder AUDIT: parameters, every statistic, the verdict and the reports that lie there.

    Needs pip install 'xaiaudit[mlflow]'. MLflow's own usage data is not sent unless MLFLOW_DISABLE_TELEMETRY=false.
    """
    from xaiaudit.reports import log_to_mlflow

    for key, value in QUIET.items():
        os.environ.setdefault(key, value)
    run = log_to_mlflow(
        audit, tracking_uri=tracking_uri, experiment=experiment, run_name=run_name, run_id=run_id
    )
    say(f"Run: {run}")
