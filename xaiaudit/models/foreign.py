"""Weights that others saved: nothing of what they leave unsaid is guessed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from torch import Tensor, nn

from xaiaudit.errors import UsageError
from xaiaudit.models.audited import AuditedModel
from xaiaudit.models.files import WeightFile, state_dict_in
from xaiaudit.models.info import CheckpointInfo
from xaiaudit.models.registry import build
from xaiaudit.models.weights import fit_into, head_name
from xaiaudit.types import Preprocessing

REQUIRED = ("arch", "classes", "positive", "size", "mean", "std", "threshold")


@dataclass(frozen=True, kw_only=True)
class ForeignOptions:
    """What a user says of weights. None: not said. `classes` in the order of the network's outputs."""

    arch: str | None = None  # a name that `build` takes
    classes: tuple[str, ...] | None = None
    positive: str | None = None
    size: int | None = None  # pixels
    mode: Literal["pad", "stretch"] | None = None  # not said: padded to a square
    channels: int | None = None  # not said: one for each value of mean
    mean: tuple[float, ...] | None = None  # of intensities in [0, 1]
    std: tuple[float, ...] | None = None
    inputs: tuple[str, ...] | None = None  # what each channel shows; not said: the grey image
    threshold: float | None = None
    outputs: Mapping[str, str | int] | None = None  # see `outputs.parse_outputs`
    cam_layer: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)  # of `build`, e.g. backbone

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> "ForeignOptions":
        """What a checkpoint of ours says, in the same words."""
        grid = dict(description["preprocessing"])
        return cls(
            arch=description["architecture"],
            classes=tuple(description["classes"]),
            positive=description["positive"],
            size=grid.get("size"),
            mode=grid.get("mode"),
            channels=grid.get("channels"),
            mean=tuple(grid.get("mean", ())),
            std=tuple(grid.get("std", ())),
            inputs=tuple(grid.get("inputs", ())),
            threshold=description["threshold"],
            outputs=description.get("outputs"),
            cam_layer=description.get("cam_layer"),
            arguments=dict(description["arguments"]),
        )

    def overridden_by(self, other: "ForeignOptions") -> "ForeignOptions":
        """These, with everything that `other` says in its place; arguments belong to one architecture."""
        said = {f.name: getattr(other, f.name) for f in fields(other) if getattr(other, f.name) is not None}
        if other.arch in (None, self.arch):
            said["arguments"] = {**self.arguments, **other.arguments}
        return replace(self, **said)

    def check(self, path: Path, *, without: tuple[str, ...] = ()) -> None:
        """Raises UsageError that lists together everything still to be said, or for values in grey levels."""
        missing = [name for name in REQUIRED if getattr(self, name) is None and name not in without]
        if missing:
            raise UsageError(
                f"{path} holds weights that do not say how to use them, and guessing would give silently "
                f"wrong numbers: add {', '.join(f'--{name}' for name in missing)}"
            )
        mean, std = self.mean or (), self.std or ()
        if any(not 0 <= value <= 1 for value in mean) or any(value > 1 for value in std):
            raise UsageError(
                f"mean {', '.join(map(str, mean))} and std {', '.join(map(str, std))} must be those of "
                "intensities in [0, 1]; divide grey levels by 255"
            )

    def preprocessing(self) -> Preprocessing:
        """Raises ValueError for values that do not fit together."""
        mean, std = self.mean or (), self.std or ()
        return Preprocessing(
            size=self.size or 0,
            mode=self.mode or "pad",
            channels=len(mean) if self.channels is None else self.channels,
            mean=mean,
            std=std,
            inputs=self.inputs or (),
        )

    def wrap(self, net: nn.Module) -> AuditedModel:
        """`net` as these options say it is."""
        return AuditedModel(
            net,
            classes=self.classes or (),
            positive=self.positive or "",
            preprocessing=self.preprocessing(),
            threshold=0.5 if self.threshold is None else self.threshold,
            outputs=self.outputs,
            cam_layer=self.cam_layer,
        )


def load_foreign(file: WeightFile, options: ForeignOptions) -> tuple[AuditedModel, CheckpointInfo]:
    """The model of a foreign file, and where it came from.

    A trusted pickle of a whole module needs no architecture.

    Raises:
        UsageError: something is left unsaid, or does not fit.
        CheckpointError: weights that do not fit the architecture.
    """
    whole = isinstance(file.content, nn.Module) and options.arch is None
    options.check(file.path, without=("arch",) if whole else ())
    try:
        options.preprocessing()
    except ValueError as error:
        raise UsageError(str(error)) from error
    net, notes = (file.content, ["the pickled module itself"]) if whole else _built(file, options)
    model = options.wrap(net)
    if options.mode is None:
        notes.append("mode not said: padded to a square")
    arguments = dict(options.arguments)
    if model.one_logit:  # this also tries a forward, so that a wrong description is told now
        arguments["logits"] = 1
    info = CheckpointInfo(
        path=file.path,
        sha256=file.sha256,
        format=file.format,
        loaded=file.loaded,
        architecture=options.arch or f"pickled {type(net).__name__}",
        arguments=arguments,
        weights=file.path.name,
        notes=tuple(notes),
    )
    return model, info


def _built(file: WeightFile, options: ForeignOptions) -> tuple[nn.Module, list[str]]:
    state, notes = state_dict_in(file)
    arch, grid = str(options.arch), options.preprocessing()
    shape: dict[str, Any] = {"classes": len(options.classes or ()), "channels": grid.channels}
    net = build(arch, **{**shape, **options.arguments})
    if shape["classes"] == 2 and "logits" not in options.arguments and _one_row(net, state):
        net = build(arch, **{**shape, **options.arguments, "logits": 1})
    return net, notes + fit_into(net, state, f"{file.path}, read as {arch},", any_head=False)


def _one_row(net: nn.Module, state: Mapping[str, Tensor]) -> bool:
    """The file's last layer has a single output: a sigmoid model."""
    head = head_name(net)
    own = net.state_dict()
    key = f"{head}.weight"
    found = [value for name, value in state.items() if name == key or name.endswith(f".{key}")]
    return bool(found) and key in own and own[key].shape[0] == 2 and found[0].shape[0] == 1
