"""Audit a network of your own, in memory, with no checkpoint: python examples/own_model.py [FOLDER].

Wrap it in AuditedModel: grey images in [0, 1] go in, and normalisation, channels, classes and threshold are said
once. Attacks, explainers and metrics can also be used alone, as below.
"""

import sys
from pathlib import Path

import torch
from torch import nn

import xaiaudit
from xaiaudit.attacks.criteria import LeaveDecision
from xaiaudit.attacks.registry import attack
from xaiaudit.data import phantom_dataset, prepare, stack
from xaiaudit.explainers.grad_cam import GradCAM
from xaiaudit.metrics.map_shift import map_shift
from xaiaudit.types import Preprocessing


class OwnNetwork(nn.Module):
    """One sigmoid logit, and an outline: whatever a network returns, say where its outputs stand."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(1, 16, 5, stride=2, padding=2), nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(inplace=True),
        )  # fmt: skip
        self.outline = nn.Conv2d(32, 1, 1)
        self.score = nn.Linear(32, 1)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        features = self.trunk(x)
        return {"malignancy": self.score(features.mean((2, 3))), "lesion": self.outline(features)}


torch.manual_seed(0)
grey = Preprocessing(size=64, channels=1, mean=(0.3,), std=(0.2,))
model = xaiaudit.AuditedModel(
    OwnNetwork(),  # load your own weights here
    classes=("benign", "malignant"),
    positive="malignant",
    preprocessing=grey,
    outputs={"logits": "malignancy", "mask": "lesion"},
)
data = phantom_dataset(12, size=64)

# Piece by piece: one attack, its maps before and after, one metric.
batch = stack([prepare(data[index], grey) for index in range(4)])
images = torch.from_numpy(batch.images)
clean = model(images).logits.detach()
result = attack("pgd", epsilon=2 / 255)(
    model, images, LeaveDecision(clean), valid=torch.from_numpy(batch.valid)
)
print(
    "reached:",
    result.reached.tolist(),
    "L-infinity distance in grey levels:",
    (255 * result.distance).tolist(),
)
target = clean.argmax(1)
before, after = (GradCAM()(model, x, target).numpy() for x in (images, result.images))
codes = (~batch.masks).astype("uint8") * 3  # lesion or elsewhere
known = batch.masks.any((1, 2))
shift = map_shift(before, after, codes, known, batch.spacing, signed=False)
print("peak moved by (mm):", shift["peak_mm"].tolist())

# Or all of it.
out = Path(sys.argv[1] if len(sys.argv) > 1 else "own-model")
record = xaiaudit.audit(model, data, ["fgsm", "deepfool"], out=out / "audit")
print(record.attacks[0].summary, "-> flip rate", record.attacks[0].flips.estimate)
print(xaiaudit.write_report(out / "audit"))
