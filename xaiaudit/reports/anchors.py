"""Where in a repository the file of a policy lies, for what points at a line of it."""

import os
from collections.abc import Mapping
from pathlib import Path

from xaiaudit.gate_record import PolicyUsed


def root(environment: Mapping[str, str]) -> Path:
    """The checkout that paths are told from: of GitHub's job, else the working directory."""
    return Path(environment.get("GITHUB_WORKSPACE") or Path.cwd())


def inside(policy: PolicyUsed, root: Path) -> str | None:
    """The policy's path below `root`, with forward slashes; None where no file was used, or it lies elsewhere."""
    if policy.sha256 is None:
        return None
    # abspath, not resolve: a checkout whose policy is a link is annotated where the link stands
    there, base = Path(os.path.abspath(policy.path)), Path(os.path.abspath(root))
    return there.relative_to(base).as_posix() if there.is_relative_to(base) else None
