from __future__ import annotations

import numpy as np
import pytest
import torch

from srspace_eval.kernels import banded_tiles
from srspace_eval.kernels.banded_net import BandedTail, FirstConv
from srspace_eval.kernels.banded_tiles import BandedMap, Task, multiply, run_stages
from srspace_eval.kernels.coupling import Conv, Net, Skip, run_net_reference
from srspace_eval.kernels.winograd_tiles import Array, Scratch


def conv(out: int, into: int, size: int, *, relu: bool = True) -> Conv:
    generator = torch.Generator().manual_seed(out * into * size)
    weight = torch.randn(out, into, size, size, generator=generator) / (into * size * size) ** 0.5
    return Conv(weight, torch.randn(out, generator=generator), relu)


def nets(channels: int) -> dict[str, Net]:
    first, last = conv(8, channels, 3, relu=False), conv(6, 8, 3, relu=False)
    pair = Skip((conv(8, 8, 3), conv(8, 8, 3)))
    four = Skip((conv(8, 8, 3), conv(8, 8, 3), conv(8, 8, 3), conv(8, 8, 3)))
    return {
        "pointwise": Net(first, (conv(8, 8, 1), last)),
        "deep": Net(first, (conv(8, 8, 3), conv(8, 8, 3), last)),
        "residual": Net(first, (four, last)),
        "residual_stack": Net(first, (pair, pair, pair, last)),
    }


@pytest.mark.parametrize("kind", nets(1))
@pytest.mark.parametrize(("channels", "size", "tiles"), [(3, (11, 7), 1), (3, (40, 62), 20), (20, (17, 9), 4)])
def test_equals_the_net_on_whole_maps(kind: str, channels: int, size: tuple[int, int], tiles: int) -> None:
    net, generator = nets(channels)[kind], torch.Generator().manual_seed(0)
    z, pre = torch.randn(1, channels + 2, *size, generator=generator), torch.randn(1, 8, *size, generator=generator)
    before, found = torch.get_num_threads(), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(banded_tiles, "_BAND_TILES", tiles)
        try:
            for threads in (1, 3):
                torch.set_num_threads(threads)
                found.append(run(net, z, pre))
        finally:
            torch.set_num_threads(before)
    expected = run_net_reference(
        Net(conv_of(net.first), tuple(map(double, net.tail))), z[:, :channels].double(), pre.double()
    )
    torch.testing.assert_close(found[0].double(), expected, rtol=0, atol=2e-5)
    assert torch.equal(found[0], found[1])


def run(net: Net, z: torch.Tensor, pre: torch.Tensor) -> torch.Tensor:
    banded, added, scratch = BandedMap.of(z), BandedMap.of(pre), Scratch()
    out = BandedMap(z.shape[2], z.shape[3], 6)
    first, tail = FirstConv(net.first), BandedTail(net.tail)
    tasks: list[Task] = []
    filters = first.filters(scratch, tasks)

    def head(band: int, place: Array, worker: int) -> None:
        first(filters, banded, band, place, scratch, worker)
        place += first.bias + added.pixels[band, 1:-1]

    def finish(band: int, result: Array, worker: int) -> None:
        out.pixels[band, 1:-1] = result

    # Memory that was used before holds anything.
    for name in ("map0", "map1", "map2"):
        BandedMap(z.shape[2], z.shape[3], 8, scratch, name).pixels[...] = float("nan")
    run_stages([tail.stages(banded, 8, head, finish, scratch, tasks)])
    assert torch.equal(banded.picture(torch.empty(z.shape)), z)
    return out.picture(torch.empty(1, 6, *z.shape[2:]))


def conv_of(conv: Conv) -> Conv:
    assert conv.bias is not None
    return Conv(conv.weight.double(), conv.bias.double(), conv.relu)


def double(op: Conv | Skip) -> Conv | Skip:
    return conv_of(op) if isinstance(op, Conv) else Skip(tuple(map(conv_of, op.body)))


@pytest.mark.parametrize("shape", [(128, 320, 64), (64, 64, 300), (7, 1000, 200), (24, 3, 1)])
def test_a_product_in_parts(shape: tuple[int, int, int]) -> None:
    rows, depth, columns = shape
    generator = np.random.default_rng(0)
    a, b = generator.standard_normal((2, 3, rows, depth)), generator.standard_normal((2, 3, depth, columns))
    out = np.full((2, 4, rows, columns), np.nan, np.float32)
    multiply(a.astype(np.float32), b.astype(np.float32), out[:, :3])
    np.testing.assert_allclose(out[:, :3], a @ b, atol=1e-3)
    assert np.isnan(out[:, 3]).all()
