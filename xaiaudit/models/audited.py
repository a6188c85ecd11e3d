"""The wrapper that every audited model gets: grey images in [0, 1] in, `Outputs` out."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from difflib import get_close_matches
from types import TracebackType
from typing import Self

import torch
from torch import Tensor, nn

from xaiaudit.errors import UsageError
from xaiaudit.functional import logit
from xaiaudit.models.equalised import equalised
from xaiaudit.models.features import caught, module_at
from xaiaudit.models.frozen import frozen
from xaiaudit.models.info import CheckpointInfo
from xaiaudit.models.outputs import drawn_boxes, mask_logits, pick, two_or_more_logits
from xaiaudit.models.probing import Probe, probe
from xaiaudit.models.registry import makes_diagnosis
from xaiaudit.tensors import Images, Outputs
from xaiaudit.types import Preprocessing


class AuditedModel(nn.Module):
    """Any network as the audit sees it.

    `classes` are named in the order of the network's outputs. Of two classes the positive one is put second,
    so `model.classes` may be the other way round; more classes keep their order, and `positive` is an index.
    A single output logit speaks for the second class as named, and is read as two logits [0, z].

    Every forward runs in eval mode with frozen parameters, so that no batch-norm statistic can move and no
    weight gradient is computed; inside `with model:` the network stays so, and leaving it restores what was
    there. What the network is (one logit, a mask head, its CAM layer and linear head) is found by one
    forward on a fixed random image when it is first asked for.

    Args:
        net: any module from (n, channels, h, w) to a tensor, tuple, dict or object.
        classes: names, in the order of the network's outputs.
        positive: the class that the threshold and sensitivity speak of.
        preprocessing: size, channels, mean and std; the last three act here.
        threshold: operating threshold, a probability of the positive class.
        outputs: where class and mask logits stand in what the network returns, e.g. {"logits": 0, "mask": 1};
            None where it returns one tensor, or names `logits` and `mask`.
        cam_layer: dotted name of the layer to explain; None: the last feature map before pooling.
        head: dotted name of the linear layer after global average pooling; None: found, if there is one.

    Raises:
        UsageError: classes, threshold or layers that do not fit.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        net: nn.Module,
        *,
        classes: Sequence[str] = ("benign", "malignant"),
        positive: str = "malignant",
        preprocessing: Preprocessing | None = None,
        threshold: float = 0.5,
        outputs: Mapping[str, str | int] | None = None,
        cam_layer: str | None = None,
        head: str | None = None,
    ) -> None:
        super().__init__()
        _check_classes(classes, positive, threshold)
        for name in (cam_layer, head):
            if name is not None:
                module_at(net, name)
        self.net = net
        self.network_classes = tuple(classes)  # in the order of the network's outputs
        # of two classes, the network gives the positive one first
        self.flip = len(classes) == 2 and classes[0] == positive
        self.classes = self.network_classes[::-1] if self.flip else self.network_classes
        self.positive = self.classes.index(positive)
        self.threshold = threshold
        self.preprocessing = preprocessing or Preprocessing()
        self.outputs = dict(outputs) if outputs is not None else None
        self.info: CheckpointInfo | None = None
        self.named_layer, self._named_head = cam_layer, head  # as the user named them, or None
        self._probe: Probe | None = None
        self._held: list[AbstractContextManager[None]] = []  # one for each `with` that is open
        self._modules_held: tuple[nn.Module, ...] = ()
        device = next((tensor.device for tensor in net.parameters()), torch.device("cpu"))
        for name in ("mean", "std"):
            values = torch.tensor(getattr(self.preprocessing, name), device=device)
            self.register_buffer(name, values.view(1, -1, 1, 1), persistent=False)
        self.training = False

    def forward(self, images: Images, layers: tuple[str, ...] = ()) -> Outputs:
        """Outputs of images (n, 1, h, w), or (n, 3, h, w) for a network of three channels, in [0, 1].

        A network that takes the outlined lesion gets (n, 2, h, w), the second channel being 1 inside it.

        `layers` names the feature maps wanted; they require a gradient whenever gradients are enabled.
        Non-finite numbers are passed on as they are.

        Raises:
            UsageError: channels, logits, mask or layers that do not fit.
        """
        with self._still(), caught(self.net, layers) as features:
            returned = self.net(self.normalise(images))
        return replace(self.read(returned, images), features=features)

    def read(self, returned: object, images: Images) -> Outputs:
        """What `net` returned for these images, as `Outputs` without features; training reads with it too."""
        raw_logits, raw_mask = pick(returned, self.outputs)
        n, size = images.shape[0], (images.shape[2], images.shape[3])
        logits, one_logit = two_or_more_logits(raw_logits, n, len(self.classes), flip=self.flip)
        mask = None if raw_mask is None else mask_logits(raw_mask, n, size)
        boxes = drawn_boxes(returned, flip=self.flip)
        return Outputs(logits=logits, mask_logits=mask, boxes=boxes, one_logit=one_logit)

    def normalise(self, images: Images) -> Tensor:
        """What the network itself gets: (n, channels, h, w), (x - mean) / std."""
        channels = self.preprocessing.channels
        if self.preprocessing.inputs:
            return self._standardised(torch.cat(self._channels(images), 1))
        if images.ndim != 4 or images.shape[1] not in (1, channels):
            raise UsageError(
                f"images must be (n, 1, h, w) or (n, {channels}, h, w), got {tuple(images.shape)}; "
                "grey images are repeated to the network's channels inside the model"
            )
        return self._standardised(images.expand(-1, channels, -1, -1))

    def _channels(self, images: Images) -> list[Tensor]:
        """What each channel shows, (n, 1, h, w) each, of a network that says so."""
        inputs, given = self.preprocessing.inputs, self.preprocessing.given
        if images.ndim != 4 or images.shape[1] != given:
            beside = ", the second channel the outlined lesion" if given == 2 else ""
            raise UsageError(
                f"images must be (n, {given}, h, w){beside}, got {tuple(images.shape)}; the network's channels "
                f"({', '.join(inputs)}) are made inside the model"
            )
        grey = images[:, :1]
        spread = equalised(grey) if "equalised" in inputs else grey
        shown = {"grey": grey, "equalised": spread, "mask": images[:, 1:]}
        return [shown[name] for name in inputs]

    def _standardised(self, shown: Tensor) -> Tensor:
        return (shown - self.mean.to(shown.dtype)) / self.std.to(shown.dtype)

    def head_weights(self) -> Tensor:
        """(k, c) rows of the linear head in the order of `classes`; with one logit, -w and +w for z's class.

        The class activation map of class j is the sum of row j times the features of `cam_layer`.

        Raises:
            UsageError: the network does not end in global average pooling and one linear layer.
        """
        found = self._probed()
        if found.head is None:
            raise UsageError(f"CAM needs global average pooling and one linear layer: {found.why_no_head}")
        weight = found.head.weight.detach()
        if self.one_logit:
            weight = torch.cat((-weight, weight))
        return weight.flip(0) if self.flip else weight

    @property
    def one_logit(self) -> bool:
        """The network gives a single logit, read as [0, z]."""
        return self._probed().one_logit

    @property
    def has_mask(self) -> bool:
        return self._probed().has_mask

    @property
    def draws_boxes(self) -> bool:
        return self._probed().draws_boxes

    @property
    def diagnoses(self) -> bool:
        """False of a built-in network that outlines alone, as its checkpoint tells; True of one without."""
        return self.info is None or makes_diagnosis(self.info.architecture)

    @property
    def cam_layer(self) -> str | None:
        """The layer to explain: the one named, else the last feature map before pooling; None: none found."""
        return self._probed().cam_layer

    @property
    def head(self) -> nn.Linear | None:
        """The linear layer for which logits = weight @ mean(features of cam_layer) + bias, else None."""
        return self._probed().head

    @property
    def device(self) -> torch.device:
        return self.mean.device

    def train(self, mode: bool = True) -> Self:
        """Nothing: an audited model never trains. Train `net`."""
        return self

    def __enter__(self) -> Self:
        self._held.append(frozen(self.net))
        self._held[-1].__enter__()
        self._modules_held = tuple(self.net.modules())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.pop().__exit__(kind, error, trace)

    def _still(self) -> AbstractContextManager[None]:
        """The network in eval mode with frozen parameters; a glance is enough where it is held already."""
        if not self._held:
            return frozen(self.net)
        for module in self._modules_held:
            if module.training:  # someone reached in
                module.training = False
        return nullcontext()

    def _probed(self) -> Probe:
        if self._probe is None:
            self._probe = probe(self, self.named_layer, self._named_head)
        return self._probe


def _check_classes(classes: Sequence[str], positive: str, threshold: float) -> None:
    if isinstance(classes, str) or len(classes) < 2 or len(set(classes)) != len(classes):
        raise UsageError(f"classes must be two or more different names, got {classes!r}")
    if positive not in classes:
        near = get_close_matches(positive, classes, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UsageError(f"positive class {positive!r} is none of {', '.join(classes)}{hint}")
    try:
        logit(threshold)
    except ValueError as error:
        raise UsageError(str(error)) from error
