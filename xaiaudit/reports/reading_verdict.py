"""gate.json of an audit folder, taken only where it speaks of the audit.json beside it."""

import json
from pathlib import Path

from pydantic import ValidationError

from xaiaudit.gate_record import GATE_SCHEMA, Verdict

VERDICT = "gate.json"


def read_verdict(folder: Path, audit_sha256: str) -> tuple[Verdict | None, str]:
    """The verdict on the audit whose audit.json has this hash, and why there is none where a gate.json is not used.

    A folder without gate.json gives no verdict and no reason: nothing was judged.
    """
    try:
        content = json.loads((folder / VERDICT).read_bytes())
    except FileNotFoundError:
        return None, ""
    except (OSError, ValueError) as error:
        return None, f"{VERDICT} cannot be read ({error}); judge the audit again"
    version = content.get("schema_version") if isinstance(content, dict) else None
    if isinstance(version, int) and version > GATE_SCHEMA:
        return None, f"{VERDICT} has schema version {version}, this xaiaudit reads up to {GATE_SCHEMA}"
    try:
        verdict = Verdict.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole file"
        return None, f"{VERDICT} is no verdict ({where}: {first['msg']}); judge the audit again"
    if verdict.audit_sha256 != audit_sha256:
        return None, (
            f"verdict of another audit: {VERDICT} speaks of an audit.json with SHA-256 {verdict.audit_sha256[:12]}…, "
            f"the one here has {audit_sha256[:12]}…; judge the audit again"
        )
    return verdict, ""
