"""What a killed training run needs to go on as if nothing had happened, in one file beside its output."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from xaiaudit.errors import UsageError


@dataclass(frozen=True)
class StateFile:
    """Tensors and plain values, replaced whole after every epoch; `settings` says which run it belongs to."""

    path: Path
    settings: Mapping[str, Any]

    def write(self, state: Mapping[str, Any]) -> None:
        """Replace the file in one step, so that a kill leaves either the old epoch or the new one."""
        half = self.path.with_name(f"{self.path.name}.half")
        with half.open("wb") as file:
            torch.save({"settings": dict(self.settings), **state}, file)
            file.flush()
            os.fsync(file.fileno())
        half.replace(self.path)

    def read(self) -> dict[str, Any] | None:
        """The state to go on from; None where there is none.

        Raises:
            UsageError: the file is another run's, or cannot be read.
        """
        if not self.path.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(self.path, map_location="cpu", weights_only=True)
        except (RuntimeError, EOFError, ValueError, OSError) as error:
            raise UsageError(
                f"{self.path} cannot be read to go on from ({str(error).splitlines()[0]}); "
                "delete it to start afresh (xaiaudit train --restart does)"
            ) from error
        other = [key for key in self.settings if state["settings"].get(key) != self.settings[key]]
        if other:
            key = other[0]
            raise UsageError(
                f"{self.path} holds an unfinished run with other settings ({key.replace('_', ' ')} "
                f"{state['settings'].get(key)}, now {self.settings[key]}); repeat those settings to go on, "
                "or delete it to start afresh (xaiaudit train --restart does)"
            )
        return state

    def delete(self) -> None:
        self.path.unlink(missing_ok=True)


def random_states(generator: torch.Generator) -> dict[str, Any]:
    """Of the augmentation's generator and of torch's own, which dropout draws from."""
    states: dict[str, Any] = {"augment": generator.get_state(), "torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state_all()
    return states


def restore_random(states: Mapping[str, Any], generator: torch.Generator) -> None:
    generator.set_state(states["augment"])
    torch.set_rng_state(states["torch"])
    if "cuda" in states:
        torch.cuda.set_rng_state_all(states["cuda"])
