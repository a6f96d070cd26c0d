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
    monkeypatch.setattr(coupling, "_BLOCK_VALUES", rows * 8 * 7 * 2)
    given = z1.clone(), None if pre is None else pre.clone()
    torch.testing.assert_close(run_net(net, z1, pre), run_net_reference(net, z1, pre), atol=1e-5, rtol=1e-5)
    # Neither input is written to: pre is shared by all samples.
    assert torch.equal(z1, given[0])
    assert pre is None or torch.equal(pre, given[1])
