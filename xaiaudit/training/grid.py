"""How a network that is to be trained sees images."""

from collections.abc import Mapping
from typing import Any

from xaiaudit.models.normalisation import of_weights
from xaiaudit.types import ONE_CHANNEL, Preprocessing


def preprocessing_of(
    architecture: str, weights: str, arguments: Mapping[str, Any], **said: Any
) -> Preprocessing:
    """The preprocessing that is said; what is left open of mean and deviation as the weights it starts from have it.

    A frozen backbone knows no other scale: its batch norms do not adapt. Weights of three channels that are summed for
    one get the means over the three.

    Raises:
        ValueError: see `Preprocessing`.
    """
    own: Mapping[str, Any] = {} if weights == "none" else of_weights(architecture, arguments)
    if said.get("channels") == 1:
        own = ONE_CHANNEL | {name: (sum(values) / len(values),) for name, values in own.items()}
    return Preprocessing(**{**own, **said})
