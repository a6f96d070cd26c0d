"""The rounding error of the LPIPS trunks: with Winograd's method along the rows, and with direct convolution.

    python benchmarks/winograd.py
    python benchmarks/winograd.py --net alex

First single convolutions of 64 channels: the norm of the error against that of direct sums, and the largest error of
both as a share of the largest output. Then a trunk with random parameters: for each picture the activations of every
tap are compared with those in float64. Two numbers are printed for each method: the largest difference as a share of
the tap's largest value, and the norm of the differences as a share of the norm; each is the largest one of all taps.
"""

from __future__ import annotations

import argparse
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from inputs.synth import picture
from inputs.weights import random_trunk
from srspace_eval.kernels.winograd import WinogradConv
from srspace_eval.metrics.lpips.trunks import Trunk

HEIGHT, WIDTH = 160, 512


def pictures() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    shape = HEIGHT, WIDTH, 3
    return {
        "edges and texture": picture(HEIGHT, WIDTH, 801),
        "noise": rng.integers(0, 256, shape),
        "grey": np.full(shape, 128),
        "grey, one level of noise": 128 + rng.integers(0, 2, shape),
        "the mean colour, one level of noise": np.full(shape, [124, 116, 103]) + rng.integers(0, 2, shape),
    }


def activations(net: str, parameters: dict[str, Tensor], x: Tensor, dtype: torch.dtype) -> list[Tensor]:
    """The activations of each tap, in float64."""
    found: dict[int, list[Tensor]] = {}
    for part in Trunk(net, parameters, torch.device("cpu"), dtype).activations(x.to(dtype)):
        found.setdefault(part.tap, []).append(part.values.double())
    return [torch.cat(parts, dim=2) for parts in found.values()]


def errors(found: list[Tensor], exact: list[Tensor]) -> str:
    pairs = list(zip(found, exact, strict=True))
    largest = max(float((f - e).abs().max() / e.abs().max()) for f, e in pairs)
    norm = max(float((f - e).norm() / e.norm()) for f, e in pairs)
    return f"{largest:.1e}, {norm:.1e}"


def maps(generator: torch.Generator) -> dict[str, Tensor]:
    """Maps of 64 channels, such as pictures of different kinds give."""
    size = 1, 64, 24, 96
    levels = torch.rand(1, 64, 1, 1, generator=generator)
    coarse = torch.rand(1, 64, 3, 12, generator=generator)
    return {
        "random": torch.randn(size, generator=generator).relu(),
        "constant": levels.expand(size),
        "nearly constant": levels * (1 + 0.01 * torch.randn(size, generator=generator)),
        "smooth": functional.interpolate(coarse, size=size[2:], mode="bicubic").relu(),
        "stripes": (levels * (torch.arange(96) % 2)).expand(size),
    }


def single(taps: int, x: Tensor, generator: torch.Generator, *, balanced: bool) -> str:
    weight = torch.randn(128, 64, taps, taps, generator=generator) / (64 * taps * taps) ** 0.5
    if balanced:
        weight -= weight.mean((2, 3), keepdim=True)
    bias = 0.01 * torch.randn(128, generator=generator)
    x = x.contiguous(memory_format=torch.channels_last)
    exact = functional.conv2d(x.double(), weight.double(), bias.double(), padding=taps // 2)
    direct = functional.conv2d(x, weight, bias, padding=taps // 2) - exact
    found = WinogradConv(weight, bias)(x) - exact
    inner = (..., slice(3, -3), slice(6, -6))  # at the borders, the zero padding makes edges
    shares = [float(error[inner].abs().max() / exact[inner].abs().max()) for error in (found, direct)]
    return f"{float(found.norm() / direct.norm()):.1f}, {shares[0]:.0e}, {shares[1]:.0e}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--net", choices=["alex", "vgg", "squeeze"], default="vgg")
    options = parser.parse_args()
    torch.set_grad_enabled(False)
    generator = torch.Generator().manual_seed(0)
    print("| maps | taps | any filters: ratio, Winograd, direct | filters that sum to 0 |\n|---|---|---|---|")
    for taps in (3, 5):
        for name, x in maps(generator).items():
            print(
                f"| {name} | {taps} | "
                + " | ".join(single(taps, x, generator, balanced=b) for b in (False, True))
                + " |"
            )
    parameters = random_trunk(options.net)
    print("\n| picture | Winograd: largest, norm | direct: largest, norm |\n|---|---|---|")
    for name, pixels in pictures().items():
        x = torch.from_numpy(pixels.astype(np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
        x = (x - torch.tensor([-0.030, -0.088, -0.188])[:, None, None]) / torch.tensor([0.458, 0.448, 0.450])[
            :, None, None
        ]
        x = x.contiguous(memory_format=torch.channels_last)
        exact = activations(options.net, parameters, x, torch.float64)
        with_winograd = errors(activations(options.net, parameters, x, torch.float32), exact)
        with patch("srspace_eval.metrics.lpips.trunks.saves_time", lambda *_: False):
            direct = errors(activations(options.net, parameters, x, torch.float32), exact)
        print(f"| {name} | {with_winograd} | {direct} |", flush=True)


if __name__ == "__main__":
    main()
