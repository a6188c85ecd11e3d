"""The verdict that lies beside an audit, or why there is none that speaks of it."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from xaiaudit.errors import AuditError
from xaiaudit.gate_record import GATE_SCHEMA, Verdict

GATE, AUDIT = "gate.json", "audit.json"


@dataclass(frozen=True, kw_only=True)
class Judged:
    verdict: Verdict | None
    why_not: str  # a clause, "no policy was asked"; empty where there is a verdict


def read_verdict(folder: Path) -> Judged:
    """What gate.json of an audit's folder says, if it is of the audit.json that lies there now.

    Raises:
        AuditError: gate.json is there and cannot be read, is of a newer schema, or audit.json cannot be read.
    """
    path = folder / GATE
    try:
        content = json.loads(path.read_bytes())
        digest = hashlib.sha256((folder / AUDIT).read_bytes()).hexdigest()
    except FileNotFoundError as error:
        if error.filename == str(path):
            return Judged(verdict=None, why_not=f"{folder} holds no {GATE}: no policy was asked")
        raise AuditError(f"{folder} holds no {AUDIT}; name the folder of a finished audit") from error
    except OSError as error:
        raise AuditError(f"{error.filename} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise AuditError(f"{path} is not JSON ({error}); judge the audit again with xaiaudit gate") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version is None:
        return Judged(verdict=None, why_not=f"{path} is of a version before policies")
    if isinstance(version, int) and version > GATE_SCHEMA:
        raise AuditError(
            f"{path} has schema version {version}, this xaiaudit reads up to {GATE_SCHEMA}; read it with a newer one"
        )
    try:
        verdict = Verdict.model_validate(content)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"])) or "the whole file"
        raise AuditError(
            f"{path} is no verdict of schema version {GATE_SCHEMA} ({where}: {error.errors()[0]['msg']}); judge the "
            "audit again with xaiaudit gate"
        ) from error
    if verdict.audit_sha256 != digest:
        return Judged(verdict=None, why_not=f"{path} speaks of another {AUDIT} than the one beside it")
    return Judged(verdict=verdict, why_not="")
