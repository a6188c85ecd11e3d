"""EMT-Net: a light network for class and mask on MobileNet (Shi et al. 2022, arXiv:2201.04795).

What could be confirmed is its backbone, its two tasks and its loss, the numerically stable weighted cross-entropy.
The rest is that of the benchmark's multi-task networks: see docs/models.md.
"""

from torch import nn

from xaiaudit.models.bench import BACKBONES, bench_mtl


def emt_net(
    *, classes: int, channels: int, weights: str = "none", backbone: str = BACKBONES["MobileNet V1"]
) -> nn.Module:
    """The benchmark's multi-task network on `backbone`; arguments and errors as those of `bench.bench_mtl`."""
    return bench_mtl(classes=classes, channels=channels, weights=weights, backbone=backbone)
