"""The loop that joins model, data, attacks and explainers: plan, run shards, merge."""

from xaiaudit.auditing.api import audit
from xaiaudit.auditing.merge import merge
from xaiaudit.auditing.plan import AuditFolder, AuditPlan, adopt_plan, create_folder, read_plan
from xaiaudit.auditing.planning import make_plan
from xaiaudit.auditing.shard import run_shard

__all__ = [
    "AuditFolder",
    "AuditPlan",
    "adopt_plan",
    "audit",
    "create_folder",
    "make_plan",
    "merge",
    "read_plan",
    "run_shard",
]
