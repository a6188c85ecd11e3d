"""Simulated images, a small network, an audit and its report: python examples/quickstart.py [FOLDER]."""

import sys
from pathlib import Path

import xaiaudit
from xaiaudit.data import write_phantoms
from xaiaudit.training import Recipe
from xaiaudit.types import Preprocessing

out = Path(sys.argv[1] if len(sys.argv) > 1 else "quickstart")
data = xaiaudit.open_dataset(write_phantoms(out / "phantoms", 60, size=64))
grey = Preprocessing(size=64, channels=1, mean=(0.3,), std=(0.2,))
xaiaudit.train(
    "small-cnn", data, out / "model.pt", preprocessing=grey, recipe=Recipe(epochs=8, learning_rate=3e-3)
)
model = xaiaudit.load(out / "model.pt")
record = xaiaudit.audit(model, attacks=["fgsm", "deepfool"], out=out / "audit")  # its recorded test split
for attack in record.attacks:
    print(attack.summary, "-> flip rate", attack.flips.estimate, "in", (attack.flips.low, attack.flips.high))
print(xaiaudit.write_report(out / "audit"))
