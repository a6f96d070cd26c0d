from __future__ import annotations

import pytest
import torch

from srspace_eval.kernels import coupling
from srspace_eval.kernels.coupling import Conv, Net, Skip, run_net, run_net_reference


def conv(out: int, into: int, size: int, *, relu: bool = True, bias: bool = True) -> Conv:
    generator = torch.Generator().manual_seed(out * into * size)
    weight = torch.randn(out, into, size, size, generator=generator) / (into * size * size) ** 0.5
    return Conv(weight, torch.randn(out, generator=generator) if bias else None, relu)


NETS = {
    "pointwise": Net(conv(8, 3, 3, relu=False, bias=False), (conv(8, 8, 1), conv(6, 8, 3, relu=False))),
    "deep": Net(conv(8, 3, 3, relu=False, bias=False), (conv(8, 8, 3), conv(8, 8, 3), conv(6, 8, 3, relu=False))),
    "residual": Net(
        conv(8, 3, 3, relu=False, bias=False), (Skip((conv(8, 8, 3), conv(8, 8, 3))), conv(6, 8, 3, relu=False))
    ),
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("rows", [1, 2, 5, 11, 100])
@pytest.mark.parametrize("with_pre", [True, False])
def test_blocks_of_rows_change_nothing(kind: str, rows: int, with_pre: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    net, z1 = NETS[kind], torch.randn(2, 3, 11, 7, generator=torch.Generator().manual_seed(0))
    pre = torch.randn(1, 8, 11, 7, generator=torch.Generator().manual_seed(1)) if with_pre else None
    monkeypatch.setattr(coupling, "_BLOCK_VALUES", rows * 8 * 7)
    given = z1.clone(), None if pre is None else pre.clone()
    torch.testing.assert_close(run_net(net, z1, pre), run_net_reference(net, z1, pre), atol=1e-5, rtol=1e-5)
    # Neither input is written to: pre is shared by all samples.
    assert torch.equal(z1, given[0])
    assert pre is None or torch.equal(pre, given[1])


@pytest.mark.parametrize("channels", [1, 12, 64])
@pytest.mark.parametrize("size", [(1, 1), (7, 33), (40, 64)])
def test_a_convolution_of_1x1_has_the_same_bytes_with_every_number_of_threads(channels, size):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 64, *size, generator=generator).contiguous(memory_format=torch.channels_last)
    weight = torch.randn(channels, 64, 1, 1, generator=generator).contiguous(memory_format=torch.channels_last)
    conv = Conv(weight, torch.randn(channels, generator=generator))
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(conv(x))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(found[0], other) for other in found[1:])
    expected = torch.einsum("nchw,kc->nkhw", x.double(), weight[:, :, 0, 0].double()) + conv.bias[:, None, None]
    torch.testing.assert_close(found[0].double(), expected, rtol=1e-5, atol=1e-5)


def test_a_convolution_of_1x1_is_computed_without_onednn(monkeypatch):
    x = torch.rand(1, 8, 5, 6).contiguous(memory_format=torch.channels_last)
    conv = Conv(torch.rand(4, 8, 1, 1), torch.rand(4), relu=True)
    expected = conv(x)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    monkeypatch.setattr(torch, "mkldnn_convolution", None)
    torch.testing.assert_close(conv(x), expected, rtol=1e-5, atol=1e-6)
