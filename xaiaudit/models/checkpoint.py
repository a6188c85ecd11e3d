"""Checkpoints: one file that holds a network's weights and all that is needed to audit it.

`model.pt` is a torch.save of {"xaiaudit": description, "weights": state dict}, plain values and tensors only;
`model.safetensors` holds the description as JSON in its header. Weights are read without running code.
"""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from xaiaudit.errors import CheckpointError, UsageError, XaiauditError
from xaiaudit.models.audited import AuditedModel
from xaiaudit.models.files import WeightFile, contents, read_file
from xaiaudit.models.foreign import ForeignOptions, load_foreign
from xaiaudit.models.info import CheckpointInfo
from xaiaudit.models.registry import build, is_factory
from xaiaudit.models.weights import check_finite, fit_into
from xaiaudit.types import Preprocessing, plain
from xaiaudit.writing import write_atomically

KEY = "xaiaudit"  # of the description
FORMAT = 1
REQUIRED = (
    "format_version",
    "architecture",
    "arguments",
    "classes",
    "positive",
    "preprocessing",
    "threshold",
)


def save(
    model: nn.Module,
    path: Path | str,
    *,
    architecture: str,
    arguments: Mapping[str, Any] | None = None,
    weights: str = "unknown",
    classes: Sequence[str] | None = None,
    positive: str | None = None,
    preprocessing: Preprocessing | None = None,
    threshold: float | None = None,
    outputs: Mapping[str, str | int] | None = None,
    cam_layer: str | None = None,
    training: Mapping[str, Any] | None = None,
) -> None:
    """Write a checkpoint in one step: it is whole, or not there.

    Args:
        model: a network, or an `AuditedModel`, which knows the values left out below.
        path: ends in .pt or .safetensors.
        architecture: the name that `build` takes.
        arguments: further keyword arguments of `build`, among them logits=1 for a sigmoid model.
        weights: what the training started from, in words.
        classes: in the order of the network's outputs.
        cam_layer: None: the one that is found is written down.
        training: provenance, plain values.

    Raises:
        CheckpointError: non-finite weights, or a place that cannot be written.
        UsageError: values that do not fit together.
    """
    path = Path(path)
    if path.suffix not in (".pt", ".pth", ".safetensors"):
        raise UsageError(f"a checkpoint ends in .pt or .safetensors, got {path.name}")
    said = {
        "classes": classes,
        "positive": positive,
        "preprocessing": preprocessing,
        "threshold": threshold,
        "outputs": outputs,
        "cam_layer": cam_layer,
    }
    audited = _audited(model, {name: value for name, value in said.items() if value is not None})
    description = {
        "format_version": FORMAT,
        "architecture": architecture,
        "arguments": plain(arguments or {}),
        "weights": weights,
        "classes": list(audited.network_classes),
        "positive": audited.classes[audited.positive],
        "preprocessing": plain(asdict(audited.preprocessing)),
        "threshold": audited.threshold,
        "outputs": audited.outputs,
        "cam_layer": audited.cam_layer,
        "training": plain(training or {}),
    }
    state = {key: value.detach().cpu().contiguous() for key, value in audited.net.state_dict().items()}
    check_finite(state, str(path))
    _write(path, _bytes(path, description, state))


def load(
    path: Path | str,
    *,
    device: str = "cpu",
    trust_pickle: bool = False,
    foreign: ForeignOptions | None = None,
) -> AuditedModel:
    """The model of a checkpoint, on `device`, with `info` filled in.

    `foreign` describes weights that are no checkpoint of ours; for one of ours, what it says comes before
    what the file says. An architecture of your own, "package.module:factory", is code: it is only imported
    if `foreign.arch` names it too, or with `trust_pickle`.

    Raises:
        CheckpointError: no file, truncated, unsafe, not ours, newer, damaged, of another architecture, or
            with non-finite weights.
    """
    file = read_file(Path(path), trust_pickle=trust_pickle)
    description = description_in(file)
    if description is None:
        if foreign is None and not isinstance(file.content, nn.Module):
            raise CheckpointError(
                f"{path} is no checkpoint of xaiaudit: it holds {contents(file.content)}; say what "
                "the weights are with `xaiaudit convert`, or with --arch and the options beside it"
            )
        model, info = load_foreign(file, foreign or ForeignOptions())
        model.info = info
        return model.to(device)
    check_description(description, file.path)
    return _rebuilt(file, description, foreign, trust_pickle=trust_pickle).to(device)


def description_in(file: WeightFile) -> dict[str, Any] | None:
    """What a checkpoint of ours says of itself; None where the file is another's."""
    if KEY in file.metadata:
        try:
            words: dict[str, Any] = json.loads(file.metadata[KEY])
        except ValueError as error:
            raise CheckpointError(
                f"{file.path} is damaged: its description is no JSON; copy it again"
            ) from error
        return words
    if isinstance(file.content, Mapping) and isinstance(file.content.get(KEY), Mapping):
        return dict(file.content[KEY])
    return None


def check_description(description: Mapping[str, Any], path: Path) -> None:
    """Raises CheckpointError for a newer format or entries that are missing."""
    version = description.get("format_version")
    if isinstance(version, int) and version > FORMAT:
        raise CheckpointError(
            f"{path} has checkpoint format {version}, this xaiaudit reads up to {FORMAT}: "
            "pip install --upgrade xaiaudit"
        )
    missing = [key for key in REQUIRED if description.get(key) is None]
    if missing:
        raise CheckpointError(f"{path} is damaged: its description lacks {', '.join(missing)}; save it again")


def _rebuilt(
    file: WeightFile, description: dict[str, Any], foreign: ForeignOptions | None, *, trust_pickle: bool
) -> AuditedModel:
    options = ForeignOptions.from_description(description)
    if foreign is not None:
        options = options.overridden_by(foreign)
    arch = str(options.arch)
    if is_factory(arch) and not trust_pickle and (foreign is None or foreign.arch != arch):
        raise CheckpointError(
            f"{file.path} asks for the code {arch}, which would be imported and run; if you trust it, "
            f"pass --arch {arch}"
        )
    weights = file.content if file.format == "safetensors" else file.content.get("weights")
    if not isinstance(weights, Mapping) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise CheckpointError(f"{file.path} is damaged: it holds no weights; save it again")
    try:
        classes, preprocessing = options.classes or (), options.preprocessing()
        arguments = {"classes": len(classes), "channels": preprocessing.channels, **options.arguments}
        net = build(arch, weights="none", **arguments)
        fit_into(net, weights, f"{file.path}, read as {arch},", any_head=False)
        model = options.wrap(net)
    except CheckpointError:
        raise
    except (XaiauditError, TypeError, ValueError) as error:
        raise CheckpointError(f"{file.path}: {error}") from error
    model.info = CheckpointInfo(
        path=file.path,
        sha256=file.sha256,
        format=file.format,
        loaded=file.loaded,
        architecture=arch,
        arguments=dict(options.arguments),
        weights=str(description.get("weights", "unknown")),
        training=dict(description.get("training") or {}),
        notes=_overridden(description, foreign),
    )
    return model


def _overridden(description: Mapping[str, Any], foreign: ForeignOptions | None) -> tuple[str, ...]:
    """A line for everything that was said in place of what the checkpoint says of itself."""
    if foreign is None:
        return ()
    own = ForeignOptions.from_description(description)
    return tuple(
        f"{field.name.replace('_', ' ')} {_short(getattr(foreign, field.name))} was given in place of the "
        f"checkpoint's {_short(getattr(own, field.name))}"
        for field in fields(foreign)
        if getattr(foreign, field.name) not in (None, {}, getattr(own, field.name))
    )


def _short(value: object) -> object:
    return f"{value:.4g}" if isinstance(value, float) else value


def _audited(model: nn.Module, said: dict[str, Any]) -> AuditedModel:
    """`model` wrapped as it was, but for what is said; checks that it all fits together."""
    if not isinstance(model, AuditedModel):
        if missing := {"classes", "positive", "preprocessing", "threshold"} - set(said):
            raise UsageError(f"to save a bare network, say its {', '.join(sorted(missing))} too")
        return AuditedModel(model, **said)
    if not said:
        return model
    known = model.network_classes
    if tuple(said.get("classes", known)) != known:
        raise UsageError(
            f"classes {', '.join(said['classes'])} are not in the order of the network's outputs, "
            f"{', '.join(known)}; leave them out: an AuditedModel knows its own"
        )
    own = {
        "classes": known,
        "positive": model.classes[model.positive],
        "preprocessing": model.preprocessing,
        "threshold": model.threshold,
        "outputs": model.outputs,
        "cam_layer": model.named_layer,
    }
    return AuditedModel(model.net, **{**own, **said})


def _bytes(path: Path, description: dict[str, Any], state: dict[str, Tensor]) -> bytes:
    if path.suffix == ".safetensors":
        from safetensors.torch import save as safetensors

        # clones: safetensors refuses tensors that share their memory
        state = {key: value.clone() for key, value in state.items()}
        return safetensors(state, metadata={KEY: json.dumps(description, sort_keys=True)})
    buffer = io.BytesIO()
    torch.save({KEY: description, "weights": state}, buffer)
    return buffer.getvalue()


def _write(path: Path, data: bytes) -> None:
    try:
        write_atomically(path, data)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be written: {error.strerror}; choose another place") from error
