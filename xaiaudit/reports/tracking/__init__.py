"""An audit as a run of MLflow."""
