"""What architectures share: encoders of any backbone, decoder blocks, heads."""

import pytest
import torch
from torch import nn

from xaiaudit.errors import UsageError
from xaiaudit.models.parts.convolutions import Up
from xaiaudit.models.parts.decoder import Decoder
from xaiaudit.models.parts.encoder import Level, encoder
from xaiaudit.models.parts.heads import pooled_head

# names and channels of the stages, from the papers of the networks
STAGES = {
    "resnet18": (("relu", 64), ("layer1", 64), ("layer2", 128), ("layer3", 256), ("layer4", 512)),
    "mobilenet_v2": (
        ("features.1", 16),
        ("features.3", 24),
        ("features.6", 32),
        ("features.13", 96),
        ("features", 1280),
    ),
    "timm:regnetx_002": (("stem", 32), ("s1", 24), ("s2", 56), ("s3", 152), ("s4", 368)),
    "squeezenet1_1": (("features.1", 64), ("features.4", 128), ("features.7", 256), ("features", 512)),
}


@pytest.mark.parametrize("backbone", STAGES)
def test_an_encoder_gives_the_last_map_of_every_stage(backbone: str) -> None:
    found = encoder(backbone, 3).eval()
    assert tuple((level.name, level.width) for level in found.levels) == STAGES[backbone]
    with torch.no_grad():
        maps = found(torch.rand(2, 3, 96, 96))
    assert [len(m) for m in maps] == [2] * len(maps)
    assert tuple(m.shape[1] for m in maps) == found.widths
    halves = [96 / m.shape[2] for m in maps]
    assert [round(h).bit_length() - 1 for h in halves] == [level.octave for level in found.levels]


def test_an_encoder_carries_no_head() -> None:
    found = encoder("resnet18", 3)
    assert not any(isinstance(module, nn.Linear) for module in found.modules())
    assert (
        sum(p.numel() for p in found.parameters()) == 11_689_512 - 512 * 1000 - 1000
    )  # of torchvision, less fc


def test_an_encoder_takes_gradients_and_no_code_of_the_users() -> None:
    found = encoder("small-cnn", 1)
    maps = found(torch.rand(1, 1, 64, 64))
    for level in maps:
        found.zero_grad()
        level.sum().backward(retain_graph=True)
        assert all(p.grad is not None for p in found.net.features[0].parameters())
    with pytest.raises(UsageError, match="must be a name of torchvision"):
        encoder("os:getcwd", 3)
    with pytest.raises(UsageError, match="'la-net' outlines lesions itself; name a classifier"):
        encoder("la-net", 3)
    with pytest.raises(UsageError, match="no feature maps"):
        encoder("timm:vit_tiny_patch16_224", 3)


@pytest.mark.parametrize("transposed", [False, True])
def test_a_decoder_block_doubles_the_size_and_joins_its_skips(transposed: bool) -> None:
    block = Up(8, 4, skips=5, convolutions=3, transposed=transposed)
    assert sum(isinstance(module, nn.Conv2d) for module in block.modules()) == 3
    skips = (torch.rand(2, 2, 10, 10), torch.rand(2, 3, 10, 10))
    assert block(torch.rand(2, 8, 5, 5), *skips).shape == (2, 4, 10, 10)
    odd = tuple(skip[..., :9, :9] for skip in skips)
    assert block(torch.rand(2, 8, 5, 5), *odd).shape == (2, 4, 9, 9)
    assert Up(8, 4, transposed=transposed)(torch.rand(2, 8, 5, 5)).shape == (2, 4, 10, 10)


def test_a_decoder_of_an_encoder_that_ends_early_leaves_out_its_first_blocks() -> None:
    decoder = Decoder([Level("a", 6, 1), Level("b", 12, 2)], channels=1)
    assert [block.convolve[0][0].out_channels for block in decoder.blocks] == [32, 16]
    maps = [torch.rand(1, 6, 8, 8), torch.rand(1, 12, 4, 4)]
    assert decoder(torch.rand(1, 1, 16, 16), maps).shape == (1, 1, 16, 16)


def test_the_dense_head_of_the_benchmark() -> None:
    head = pooled_head(100, 2, (512, 64), dropout=(0.5,))
    assert [type(layer).__name__ for layer in head] == [
        "AdaptiveAvgPool2d", "Flatten", "Linear", "ReLU", "Dropout", "Linear", "ReLU", "Linear",
    ]  # fmt: skip
    assert head(torch.rand(3, 100, 4, 4)).shape == (3, 2)
    assert [type(layer).__name__ for layer in pooled_head(100, 1)][2:] == ["Linear"]
