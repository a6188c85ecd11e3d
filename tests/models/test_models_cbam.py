"""Channel and spatial attention by hand, and their size against the paper's."""

import pytest
import torch
import torchvision

from xaiaudit.models.parts.cbam import ChannelAttention, SpatialAttention, cbam


def test_channel_attention_by_hand() -> None:
    attention = ChannelAttention(16)  # one hidden unit
    with torch.no_grad():
        for parameter in attention.parameters():
            parameter.zero_()
        attention.mlp[0].weight[0, 0] = 1.0  # it reads channel 0
        attention.mlp[2].weight[:, 0] = torch.arange(16) / 4
    features = torch.ones(1, 16, 1, 2)
    features[0, 0] = torch.tensor([[1.0, 3.0]])  # average 2, maximum 3
    expected = torch.sigmoid(torch.arange(16) / 4 * (2 + 3))[None, :, None, None] * features
    torch.testing.assert_close(attention(features), expected)


def test_channel_attention_reads_average_and_maximum_through_one_mlp_each() -> None:
    attention = ChannelAttention(16)
    with torch.no_grad():
        for parameter in attention.parameters():
            parameter.zero_()
        attention.mlp[0].weight[0, 0] = 1.0
        attention.mlp[2].weight[:, 0] = 1.0
    features = torch.zeros(1, 16, 1, 2)
    features[0, 0] = torch.tensor([[-5.0, 1.0]])  # average -2, cut off by the ReLU before the sum; maximum 1
    torch.testing.assert_close(attention(features), features * torch.sigmoid(torch.tensor(1.0)))


def test_spatial_attention_by_hand() -> None:
    attention = SpatialAttention()
    with torch.no_grad():
        attention.convolve.weight.zero_()
        attention.convolve.bias.zero_()
        attention.convolve.weight[0, :, 3, 3] = torch.tensor([1.0, -1.0])  # maximum less average, in place
    features = torch.tensor([[0.0, 2.0], [4.0, 2.0]]).view(1, 2, 1, 2)  # maxima 4 and 2, averages 2 and 2
    expected = features * torch.sigmoid(torch.tensor([2.0, 0.0]))
    torch.testing.assert_close(attention(features), expected)


@pytest.mark.parametrize(("channel", "spatial", "kinds"), [
    (True, True, [ChannelAttention, SpatialAttention]),
    (False, True, [SpatialAttention]),
    (True, False, [ChannelAttention]),
    (False, False, []),
])  # fmt: skip
def test_either_can_be_left_out(channel: bool, spatial: bool, kinds: list[type]) -> None:
    module = cbam(32, channel=channel, spatial=spatial)
    assert [type(part) for part in module] == kinds
    features = torch.rand(2, 32, 5, 5)
    assert module(features).shape == features.shape
    assert kinds or torch.equal(module(features), features)


def test_the_parameters_of_a_resnet50_with_it_are_those_of_the_paper() -> None:
    """One behind every block: 28.09 M, Woo et al. 2018, table 4."""
    with torch.device("meta"):
        plain = torchvision.models.resnet50()
        added = [
            cbam(width) for width, blocks in ((256, 3), (512, 4), (1024, 6), (2048, 3)) for _ in range(blocks)
        ]
    total = sum(p.numel() for module in (plain, *added) for p in module.parameters())
    assert round(total / 1e6, 2) == 28.09
