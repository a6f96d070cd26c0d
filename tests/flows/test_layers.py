"""Each layer: it inverts, and its log|det| is that of autograd's Jacobian."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from srspace_eval.flows import (
    ActNorm,
    ConditionalCoupling,
    FlowSpec,
    FlowStep,
    InvertibleConv1x1,
    Split,
    Squeeze,
)
from srspace_eval.flows.layers import gaussian_logp
from srspace_eval.flows.spec import LayerSpec
from tests.helpers.jacobians import jacobian_logdet, normal


def randomised(module: nn.Module, seed: int = 0, scale: float = 0.3) -> nn.Module:
    """The module in float64 with random parameters; 1×1 convolutions stay near a rotation."""
    generator = torch.Generator().manual_seed(seed)
    module = module.double()
    for name, parameter in module.named_parameters():
        noise = scale * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        if name.endswith("invconv.weight") or isinstance(module, InvertibleConv1x1):
            gaussian = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            noise = torch.linalg.qr(gaussian)[0] + noise / 5
        parameter.data.copy_(noise)
    return module


def check_layer(forward: Callable[[Tensor], tuple[Tensor, Tensor]], inverse: Callable[[Tensor], tuple[Tensor, Tensor]],
                x: Tensor) -> None:  # fmt: skip
    y, logdet = forward(x)
    back, inverse_logdet = inverse(y)
    torch.testing.assert_close(back, x, atol=1e-9, rtol=0)
    assert logdet.shape == inverse_logdet.shape == (len(x),)
    torch.testing.assert_close(inverse_logdet, -logdet)
    for k in range(len(x)):
        torch.testing.assert_close(jacobian_logdet(lambda z: forward(z)[0], x[k : k + 1]), logdet[k])


@torch.no_grad()
@pytest.mark.parametrize("layer", [ActNorm(4), InvertibleConv1x1(4)], ids=lambda layer: type(layer).__name__)
def test_pointwise_layers(layer: nn.Module) -> None:
    layer = randomised(layer)
    check_layer(layer.forward, layer.inverse, normal(2, 4, 3, 2))  # type: ignore[operator]


def test_squeeze_orders_channels_as_pixel_unshuffle() -> None:
    layer, x = Squeeze(2), normal(2, 3, 4, 6)
    check_layer(layer.forward, layer.inverse, x)
    y, _ = layer(x)
    assert y.shape == (2, 12, 2, 3)
    torch.testing.assert_close(y[:, 4 + 2 * 1 + 1], x[:, 1, 1::2, 1::2])


@torch.no_grad()
@pytest.mark.parametrize("net", ["pointwise", "deep", "residual", "residual_stack"])
@pytest.mark.parametrize("noise", [None, False, True])
def test_coupling(net: str, noise: bool | None) -> None:
    layer = ConditionalCoupling(5, 6, net, noise=noise, hidden=4)  # type: ignore[arg-type]
    # The stack of 18 residual pairs grows fast.
    randomised(layer, scale=0.05 if net == "residual_stack" else 0.3)
    u = normal(1, 6, 3, 2, seed=2)
    check_layer(lambda z: layer(z, u), lambda z: layer.inverse(z, u), normal(2, 5, 3, 2))


@torch.no_grad()
def test_coupling_passes_the_first_half_through_the_injector_alone() -> None:
    layer, u = ConditionalCoupling(4, 6, "pointwise", noise=True, hidden=4), normal(1, 6, 3, 2, seed=2)
    randomised(layer)
    x = normal(1, 4, 3, 2)
    moved = x.clone()
    moved[:, 2:] += 1
    torch.testing.assert_close(layer(x, u)[0][:, :2], layer(moved, u)[0][:, :2])
    # ... and an inactive noise net changes nothing.
    layer.noise = False
    quiet = layer(x, u)[0]
    layer.noise = True
    assert not torch.allclose(quiet, layer(x, u)[0])


@torch.no_grad()
def test_zero_weights_give_the_known_scale() -> None:
    layer = ConditionalCoupling(4, 6, "deep", hidden=4).double()
    for parameter in layer.parameters():
        parameter.data.zero_()
    y, logdet = layer(torch.ones(1, 4, 3, 2, dtype=torch.float64), normal(1, 6, 3, 2))
    scale = torch.sigmoid(torch.tensor(2.0, dtype=torch.float64)) + 1e-4
    torch.testing.assert_close(y[0, :, 0, 0], torch.stack([scale, scale, scale**2, scale**2]))
    torch.testing.assert_close(logdet, (4 + 2) * 6 * torch.log(scale)[None])


@torch.no_grad()
def test_split_counts_the_density_of_the_latent() -> None:
    layer = Split(5)
    randomised(layer)
    x = normal(2, 5, 3, 2)
    z1, latent, logp = layer(x)
    assert z1.shape == (2, 2, 3, 2)
    assert latent.shape == (2, 3, 3, 2)
    back, inverse_logp = layer.inverse(z1, latent)
    torch.testing.assert_close(back, x)
    torch.testing.assert_close(inverse_logp, -logp)
    for k in range(2):
        # Change of variables from (z1, latent): the latent's density and the log|det| of the map to it.
        logdet = jacobian_logdet(lambda z: torch.cat(layer(z)[:2], 1), x[k : k + 1])
        torch.testing.assert_close(logp[k], gaussian_logp(latent[k : k + 1])[0] + logdet)


def test_gaussian_logp_is_torchs() -> None:
    x, mean, logs = normal(2, 3, 2, 2), normal(2, 3, 2, 2, seed=3), normal(2, 3, 2, 2, seed=4)
    expected = torch.distributions.Normal(mean, logs.exp()).log_prob(x).sum((1, 2, 3))
    torch.testing.assert_close(gaussian_logp(x, mean, logs), expected)
    torch.testing.assert_close(gaussian_logp(x), torch.distributions.Normal(0, 1).log_prob(x).sum((1, 2, 3)))


@torch.no_grad()
@pytest.mark.parametrize("kind", ["step", "coupling_step"])
def test_step(kind: str) -> None:
    spec = FlowSpec(4, 2, (0, 1), 1, 1, "pointwise", "before_last", features=2, growth=2, hidden=4)
    layer = FlowStep(spec, LayerSpec(kind, 1, 1, 4))  # type: ignore[arg-type]
    randomised(layer)
    u = normal(1, 6, 3, 2, seed=2)
    check_layer(lambda z: layer(z, u), lambda z: layer.inverse(z, u), normal(2, 4, 3, 2))
