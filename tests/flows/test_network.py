"""The whole flow: layer order, latents, likelihood."""

from __future__ import annotations

import math

import pytest
import torch

from srspace_eval.flows import ConditionalFlow, FlowSpec, RRDBNet
from srspace_eval.flows.layers import gaussian_logp
from srspace_eval.flows.network import bits_per_pixel
from srspace_eval.models.checkpoints.configurations import CONFIGURATIONS
from tests.helpers.jacobians import jacobian_logdet, normal
from tests.helpers.model_goldens import manifests, weights

SMALL = {
    "srflow": FlowSpec(4, 2, (0, 1), 3, 1, "pointwise", "before_last_two", features=4, growth=2, hidden=4),
    "srflow_da": FlowSpec(4, 2, (0, 1), 2, 1, "deep", "before_last", features=4, growth=2, hidden=4),
    "srflow_da_s": FlowSpec(4, 2, (0, 1), 1, 2, "deep", "within", features=4, growth=2, hidden=4),
    "ncsr": FlowSpec(4, 2, (0, 1), 3, 1, "pointwise", "before_last_two", (0, 1, 1), features=4, growth=2, hidden=4),
}


def small_flow(spec: FlowSpec) -> ConditionalFlow:
    flow = ConditionalFlow(spec)
    flow.load_state_dict(weights({name: tuple(value.shape) for name, value in flow.state_dict().items()}))
    return flow.double()


@torch.no_grad()
@pytest.mark.parametrize("name", SMALL)
def test_likelihood_is_the_change_of_variables(name: str) -> None:
    flow = small_flow(SMALL[name])
    lr, hr = normal(1, 3, 2, 2).sigmoid(), normal(1, 3, 8, 8, seed=2).sigmoid()
    conditions = flow.condition(lr)
    latents, logdet = flow.encode(conditions, hr)
    assert [tuple(latent.shape[1:]) for latent in latents] == list(flow.spec.latent_shapes(2, 2))
    assert sum(latent.numel() for latent in latents) == hr.numel()

    def to_latents(x: torch.Tensor) -> torch.Tensor:
        return torch.cat([latent.flatten() for latent in flow.encode(conditions, x)[0]])

    # logdet contains the splits' densities; without them it is the plain log|det|.
    density = sum(gaussian_logp(latent) for latent in latents[:-1])
    torch.testing.assert_close(logdet - density, jacobian_logdet(to_latents, hr)[None])
    bits = -(logdet + gaussian_logp(latents[-1])) / (math.log(2) * 64)
    torch.testing.assert_close(bits_per_pixel(logdet, latents[-1], 64), bits)


@torch.no_grad()
@pytest.mark.parametrize("name", SMALL)
def test_decoding_inverts_encoding(name: str) -> None:
    flow = small_flow(SMALL[name])
    conditions = flow.condition(normal(1, 3, 4, 2).sigmoid())
    hr = normal(2, 3, 16, 8, seed=2).sigmoid()
    latents, logdet = flow.encode(conditions, hr)
    back, inverse_logdet = flow.decode(conditions, latents)
    torch.testing.assert_close(back, hr, atol=1e-9, rtol=0)
    torch.testing.assert_close(inverse_logdet, -logdet)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_parameters_are_named_and_shaped_as_published(name: str) -> None:
    with torch.device("meta"):
        flow = ConditionalFlow(CONFIGURATIONS[name][1])
    shapes = {key: tuple(value.shape) for key, value in flow.state_dict().items()}
    assert shapes == {key: shape for key, shape in manifests()[name].items() if "UpsamplerNet.f." not in key}


@torch.no_grad()
def test_rrdb_skips() -> None:
    """With a trunk of zeros the features are those of the first convolution, plus what the biases of the blocks add."""
    net = RRDBNet(2, 1, features=4, growth=2)
    for parameter in net.parameters():
        parameter.zero_()
    net.conv_first.bias.fill_(3.0)  # type: ignore[union-attr]
    net.get_submodule("RRDB_trunk.0.RDB3.conv5").bias.fill_(25.0)  # type: ignore[union-attr]
    lr = torch.zeros(1, 3, 2, 2)
    # x + 0.2·(x + 0.2·25)
    assert net.features(lr).last.unique().tolist() == pytest.approx([3 + 0.2 * (3 + 5)])
    net.skip = "first"
    assert net.features(lr).last.unique().tolist() == [3.0]
