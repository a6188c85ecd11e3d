"""Foreign weights into a full checkpoint."""

from pathlib import Path

from xaiaudit.errors import UsageError
from xaiaudit.models.checkpoint import description_in, save
from xaiaudit.models.files import read_file
from xaiaudit.models.foreign import ForeignOptions, load_foreign
from xaiaudit.models.info import CheckpointInfo


def convert(
    weights: Path | str, options: ForeignOptions, out: Path | str, *, trust_pickle: bool = False
) -> CheckpointInfo:
    """Write a full checkpoint of foreign weights to `out`; what was read, with notes on what was changed.

    Raises:
        UsageError: something is left unsaid, or does not fit.
        CheckpointError: weights that cannot be read, do not fit, or cannot be written.
    """
    file = read_file(Path(weights), trust_pickle=trust_pickle)
    if description_in(file) is not None:
        raise UsageError(f"{weights} is a checkpoint of xaiaudit already; use it as it is")
    model, info = load_foreign(file, options)
    save(
        model,
        out,
        architecture=info.architecture,
        arguments=info.arguments,
        weights=f"{info.weights} (sha256 {info.sha256})",
    )
    return info
