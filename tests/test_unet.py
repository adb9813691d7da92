"""The network: DDPM's function, to the parameter, and clear answers to bad input."""

import math
import re

import pytest
import torch
from refusals import refused
from torch import nn
from torch.nn import functional as F

from ddpm_course.checks import BadInput, BadType, BadValue
from ddpm_course.unet import Attention, Downsample, UNet, num_groups, timestep_embedding

SMALL = dict(
    in_channels=1,
    model_channels=16,
    channel_multipliers=(1, 2),
    num_blocks=1,
    attention_levels=(1,),
    dropout=0.0,
)


def small(**options) -> UNet:
    return UNet(**{**SMALL, **options}, generator=torch.Generator().manual_seed(0))


def with_all_weights(model: nn.Module) -> nn.Module:
    """The first weights hold zeros; give every weight a value, so that every path counts."""
    generator = torch.Generator().manual_seed(1)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.1, generator=generator)
    return model


def test_cifar10_network_has_the_published_number_of_parameters():
    with torch.device("meta"):
        model = UNet()
    assert sum(p.numel() for p in model.parameters()) == 35_746_307
    assert not list(model.buffers())


def test_cifar10_network_has_attention_at_16_and_in_the_middle_only():
    model, sides = UNet(model_channels=8), []
    for module in model.modules():
        if isinstance(module, Attention):
            module.register_forward_hook(lambda m, inputs, out: sides.append(out.shape[-1]))
    model(torch.zeros(2, 3, 32, 32), torch.tensor([1, 2]))
    assert sides == [16, 16, 4, 16, 16, 16]


@pytest.mark.parametrize(
    "channels, groups",
    [(4, 1), (8, 2), (12, 1), (16, 4), (48, 4), (64, 16), (96, 8), (128, 32), (256, 32)],
)
def test_groups_divide_the_channels_and_hold_at_least_four(channels, groups):
    assert num_groups(channels) == groups and channels % groups == 0 and channels // groups >= 4


def test_no_group_holds_fewer_than_four_channels():
    with refused(BadValue, where="num_groups", what="model_channels", got="3"):
        num_groups(3)


@pytest.mark.parametrize("channels, groups", [(16, 4), (128, 32)])
def test_one_number_of_groups_stands_at_every_width(channels, groups):
    model = UNet(model_channels=channels, channel_multipliers=(1, 2), num_blocks=1)
    norms = [part for part in model.modules() if isinstance(part, nn.GroupNorm)]
    assert {norm.num_channels // channels for norm in norms} == {1, 2, 3, 4}
    assert {(norm.num_groups, norm.eps) for norm in norms} == {(groups, 1e-6)}


def test_time_embedding_is_sines_then_cosines_of_t_minus_1():
    t, half = torch.tensor([1, 2, 1000]), 64
    frequencies = [math.exp(-math.log(10000) * k / (half - 1)) for k in range(half)]
    expected = torch.tensor(
        [
            [math.sin((s - 1) * f) for f in frequencies]
            + [math.cos((s - 1) * f) for f in frequencies]
            for s in t.tolist()
        ]
    )
    assert torch.allclose(timestep_embedding(t, 2 * half), expected, atol=2e-4)


@pytest.mark.parametrize("dim, kind", [(2, BadValue), (5, BadValue), (8.0, BadType)])
def test_time_embedding_has_pairs_of_columns(dim, kind):
    with refused(kind, where="timestep_embedding", what="dim"):
        timestep_embedding(torch.tensor([1]), dim)


def test_time_embedding_is_float32_and_distinct_under_autocast():
    with torch.autocast("cpu", torch.bfloat16):
        rows = timestep_embedding(torch.arange(1, 1001), 32)
    assert rows.dtype == torch.float32 and len(rows.unique(dim=0)) == 1000


def test_downsample_pads_right_and_bottom_only():
    down = Downsample(4)
    x = torch.randn(2, 4, 6, 6)
    padded = torch.zeros(2, 4, 7, 7)
    padded[:, :, :6, :6] = x
    expected = F.conv2d(padded, down.weight, down.bias, stride=2)
    assert down(x).shape == (2, 4, 3, 3) and torch.equal(down(x), expected)


def test_attention_is_one_softmax_head():
    attention = with_all_weights(Attention(16, groups=4)).double()
    x = torch.randn(2, 16, 3, 5, dtype=torch.float64)
    query, key, value = attention.qkv(attention.norm(x)).flatten(2).chunk(3, dim=1)
    weights = torch.einsum("bci,bcj->bij", query, key).div(4).softmax(dim=-1)
    mixed = torch.einsum("bij,bcj->bci", weights, value).view_as(x)
    assert torch.allclose(attention(x), x + attention.out(mixed), atol=1e-12)


def test_untrained_network_predicts_zero_and_one_seed_gives_one_network():
    first, second, other = small(), small(), UNet(**SMALL)
    x, t = torch.randn(3, 1, 8, 12), torch.tensor([1, 5, 9])
    assert not first(x, t).any()
    pairs = list(zip(first.parameters(), second.parameters(), other.parameters()))
    assert all(torch.equal(a, b) for a, b, _ in pairs)
    assert any(not torch.equal(a, c) for a, _, c in pairs)


@pytest.mark.parametrize(
    "options",
    [
        dict(channel_multipliers=(1,), attention_levels=(0,)),
        dict(channel_multipliers=(2, 1, 3), num_blocks=2, attention_levels=(0, 2)),
        dict(in_channels=3, channel_multipliers=(1, 2, 2, 2), attention_levels=()),
    ],
)
def test_shape_is_kept_and_every_parameter_gets_a_gradient(options):
    model = with_all_weights(small(**options))
    x = torch.randn(2, model.in_channels, 8, 16)
    out = model(x, torch.tensor([1, 7]))
    out.square().mean().backward()
    assert out.shape == x.shape
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())


def test_examples_do_not_mix_and_t_matters():
    model = with_all_weights(small())
    x, t = torch.randn(4, 1, 8, 8), torch.tensor([1, 2, 50, 1000])
    alone = torch.cat([model(x[i : i + 1], t[i : i + 1]) for i in range(4)])
    assert torch.allclose(model(x, t), alone, atol=1e-4)
    assert ((model(x, t) - model(x, t.flip(0))).flatten(1).norm(dim=1) > 1e-3).all()


def test_classes_start_silent_then_matter():
    model, x, t = small(num_classes=3), torch.randn(3, 1, 8, 8), torch.tensor([1, 5, 9])
    labels = torch.tensor([2, 0, 1])
    assert not model.classes.weight.any()
    nn.init.normal_(with_all_weights(model).classes.weight)
    told = model(x, t, labels)
    assert ((told - model(x, t, labels.roll(1))).flatten(1).norm(dim=1) > 1e-3).all()
    alone = torch.cat([model(x[i : i + 1], t[i : i + 1], labels[i : i + 1]) for i in range(3)])
    assert torch.allclose(told, alone, atol=1e-4)


def test_silent_classes_change_nothing():
    x, t = torch.randn(2, 1, 8, 8), torch.tensor([3, 4])
    with_classes, without = small(num_classes=5), small()
    for part in (with_classes, without):
        torch.manual_seed(0)
        for name, parameter in part.named_parameters():
            if not name.startswith("classes"):
                nn.init.normal_(parameter, std=0.1)
    assert torch.equal(with_classes(x, t, torch.tensor([0, 4])), without(x, t))


@pytest.mark.parametrize(
    "num_classes, labels, kind, fields",
    [
        (3, None, BadType, dict(got="None")),
        (3, torch.tensor([0, 3]), BadValue, dict(got="values 0..3")),
        (3, torch.tensor([-2, 0]), BadValue, dict(got="values -2..0")),
        (3, torch.tensor([1]), BadValue, dict(expected="[2]")),
        (3, torch.tensor([0.0, 1.0]), BadType, dict(expected="whole numbers -1..2")),
        (3, 1, BadType, dict(expected="whole numbers")),
        (3, torch.tensor([True, False]), BadType, dict(expected="whole numbers")),
        (0, torch.tensor([0, 1]), BadType, dict(expected="None")),
    ],
)
def test_labels_that_do_not_fit_are_refused(num_classes, labels, kind, fields):
    with refused(kind, where="UNet", what="labels", **fields):
        small(num_classes=num_classes)(torch.zeros(2, 1, 8, 8), torch.tensor([1, 2]), labels)


def test_dropout_acts_in_training_only():
    model = with_all_weights(small(dropout=0.5))
    x, t = torch.randn(2, 1, 8, 8), torch.tensor([3, 4])
    assert not torch.equal(model(x, t), model(x, t))
    model.eval()
    assert torch.equal(model(x, t), model(x, t))


def test_no_class_is_the_network_without_its_class_embedding():
    model = with_all_weights(small(num_classes=3)).eval()
    x, t = torch.randn(2, 1, 8, 8), torch.tensor([3, 4])
    none = model(x, t, torch.tensor([-1, -1]))
    assert torch.equal(model(x, t, torch.tensor([-1, 2]))[:1], none[:1])
    assert not torch.allclose(model(x, t, torch.tensor([0, 2])), none, atol=1e-3)
    model.classes.weight.data.zero_()
    assert torch.equal(model(x, t, torch.tensor([0, 2])), none)


def test_autocast_agrees_with_float32():
    model, x, t = with_all_weights(small()), torch.randn(4, 1, 8, 8), torch.tensor([1, 9, 500, 998])
    exact = model(x, t)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = model(x, t)
    assert (rounded.float() - exact).std() < 0.05 * exact.std()


IMAGES, STEPS = torch.zeros(2, 1, 8, 8), torch.tensor([1, 2])
BAD_INPUT = [
    (torch.zeros(2, 1, 7, 8), STEPS, BadValue, dict(expected="divisible by 2")),
    (torch.zeros(2, 1, 8, 7), STEPS, BadValue, dict(expected="divisible by 2")),
    (torch.zeros(1, 8, 8), STEPS[:1], BadValue, dict(expected="[B, 1, H, W]")),
    (torch.zeros(2, 8, 8, 1), STEPS, BadValue, dict(expected="[B, 1, H, W]")),
    (torch.zeros(0, 1, 8, 8), STEPS[:0], BadValue, dict(expected="at least 1")),
    (IMAGES.to(torch.uint8), STEPS, BadType, dict(got="uint8")),
    (IMAGES.numpy(), STEPS, BadType, dict(expected="tensor")),
    (IMAGES, STEPS.float(), BadType, dict(expected="integer")),
    (IMAGES, STEPS > 1, BadType, dict(expected="integer")),
    (IMAGES, STEPS[:1], BadValue, dict(expected="shape [2]")),
    (IMAGES, STEPS[:, None], BadValue, dict(expected="shape [2]")),
    (IMAGES, 3, BadType, dict(expected="integer tensor")),
    (
        IMAGES,
        STEPS - 1,
        BadValue,
        dict(got="values 0..1", expected="an integer tensor of shape [2], values of 1 or more"),
    ),
]


@pytest.mark.parametrize("x, t, kind, fields", BAD_INPUT)
def test_bad_input(x, t, kind, fields):
    with refused(kind, **fields):
        small()(x, t)


@pytest.mark.parametrize(
    "options",
    [
        dict(model_channels=18),
        dict(model_channels=0),
        dict(model_channels=16.0),
        dict(channel_multipliers=()),
        dict(channel_multipliers=(1, 0)),
        dict(num_blocks=0),
        dict(attention_levels=(2,)),
        dict(attention_levels=(-1,)),
        dict(dropout=1.0),
        dict(num_classes=-1),
        dict(num_classes=2.0),
        dict(dropout=math.nan),
        dict(in_channels=0),
    ],
)
def test_bad_architecture(options):
    with refused(BadInput, where="UNet", what=re.compile(next(iter(options)))):
        small(**options)


@pytest.mark.parametrize("weights", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("images", [torch.float32, torch.float64])
def test_the_answer_has_the_precision_of_the_images(weights, images):
    network = UNet(1, 8, (1,), 1, (), generator=torch.Generator().manual_seed(0))
    x = torch.randn(2, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.normal_(layer.weight, std=0.1, generator=torch.Generator().manual_seed(2))
    wanted = network.eval()(x, torch.tensor([1, 1000]))
    found = network.to(weights)(x.to(images), torch.tensor([1, 1000]))
    assert found.dtype == images and wanted.abs().max() > 0.1
    torch.testing.assert_close(found.float(), wanted, rtol=0, atol=0.1)
