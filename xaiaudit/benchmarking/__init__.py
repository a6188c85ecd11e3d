"""Benchmarks: models x datasets x folds x repeats x whatever else is varied, trained, tested, audited and compared."""

from xaiaudit.benchmarking.plan import Plan, read_plan
from xaiaudit.benchmarking.running import benchmark

__all__ = ["Plan", "benchmark", "read_plan"]
