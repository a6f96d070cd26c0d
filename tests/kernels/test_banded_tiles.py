from __future__ import annotations

import random
import time
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from srspace_eval.kernels import banded_tiles
from srspace_eval.kernels.banded_tiles import BandedConv, Stages, run_stages
from srspace_eval.kernels.winograd_tiles import Scratch, can_tile


def operands(channels: int, outputs: int, size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(channels * outputs)
    x = torch.randn(1, channels, *size, generator=generator)
    weight = torch.randn(outputs, channels, 3, 3, generator=generator) / (channels * 9) ** 0.5
    return x, weight, torch.randn(outputs, generator=generator)


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (8, 4), (5, 33), (40, 62)])
def test_equals_the_convolution(size: tuple[int, int]) -> None:
    x, weight, bias = operands(9, 5, size)
    exact = F.conv2d(x.double(), weight.double(), bias.double(), padding=1)
    found = BandedConv(weight, bias)(x, Scratch())
    torch.testing.assert_close(found.double(), exact, rtol=0, atol=2e-5)
    assert float((found - exact).norm() / exact.norm()) < 2e-6


@pytest.mark.parametrize(("channels", "outputs"), [(64, 32), (192, 64), (320, 128)])
def test_the_points_keep_the_error_small(channels: int, outputs: int) -> None:
    x, weight, bias = operands(channels, outputs, (20, 33))
    exact = F.conv2d(x.double(), weight.double(), bias.double(), padding=1)
    # The points 0, ±1, ±2 and infinity give about 2.6e-6.
    assert float((BandedConv(weight, bias)(x, Scratch()) - exact).norm() / exact.norm()) < 1.6e-6


@pytest.mark.parametrize("tiles", [1, 20, 1000])
def test_bands_and_threads_change_nothing(tiles: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x, weight, bias = operands(8, 8, (23, 40))
    whole = BandedConv(weight, bias)(x, Scratch())
    monkeypatch.setattr(banded_tiles, "_BAND_TILES", tiles)
    found = BandedConv(weight, bias)(x, Scratch())
    torch.testing.assert_close(found, whole, rtol=0, atol=2e-6)
    before = torch.get_num_threads()
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            assert torch.equal(BandedConv(weight, bias)(x, Scratch()), found)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("slope", [0.0, 0.2])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_an_activation_follows(slope: float, layout: torch.memory_format) -> None:
    x, weight, bias = operands(6, 5, (9, 10))
    found = BandedConv(weight, bias)(x.contiguous(memory_format=layout), Scratch(), slope)
    expected = F.leaky_relu(F.conv2d(x, weight, bias, padding=1), slope)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_it_is_for_float32_on_the_cpu() -> None:
    assert can_tile(torch.zeros(1))
    assert not can_tile(torch.zeros(1, dtype=torch.float64))
    assert not can_tile(torch.zeros(1, device="meta"))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not can_tile(torch.zeros(1))


def test_programs_may_compute_in_another_precision() -> None:
    x, weight, bias = operands(8, 8, (5, 9))
    expected = BandedConv(weight, bias)(x, Scratch())
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        found = BandedConv(weight, bias)(x, Scratch())
    finally:
        torch.set_default_dtype(before)
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("bands", [1, 2, 7])
def test_a_part_of_a_chain_runs_after_what_it_reads_and_before_that_is_overwritten(threads: int, bands: int) -> None:
    counts, tasks, order = [3, 1, 2, 4, 1], [2, 0, 3, 1, 2], list[tuple[str, int, int, int]]()
    pauses = random.Random(0)

    def note(member: int, stage: int, band: int, worker: int) -> None:
        time.sleep(pauses.random() / 5000)
        order.append(("end", member, stage, band))

    def run(member: int, stage: int, band: int, worker: int = 0) -> None:
        order.append(("start", member, stage, band))
        note(member, stage, band, worker)

    chain = [
        Stages(count, bands, partial(run, k), [partial(run, k, -1, task) for task in range(number)])
        for k, (count, number) in enumerate(zip(counts, tasks, strict=True))
    ]
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        run_stages(chain)
    finally:
        torch.set_num_threads(before)
    at = {event: index for index, event in enumerate(order)}
    assert len(at) == len(order) == 2 * sum(count * bands + number for count, number in zip(counts, tasks, strict=True))

    def after(later: tuple[int, int, int], earlier: tuple[int, int, int]) -> bool:
        return at[("start", *later)] > at[("end", *earlier)]

    for member, count in enumerate(counts):
        last = member - 1, counts[member - 1] - 1
        for band in range(bands):
            near = range(max(band - 1, 0), min(band + 2, bands))
            assert all(after((member, 0, band), (member, -1, task)) for task in range(tasks[member]))
            assert all(after((member, k, band), (member, k - 1, other)) for k in range(1, count) for other in near)
            assert member == 0 or all(after((member, 0, band), (*last, other)) for other in near)
        if member >= 2:
            earlier = member - 2, counts[member - 2] - 1
            finished = [
                after((member, -1, task), (*earlier, band)) for task in range(tasks[member]) for band in range(bands)
            ]
            assert all(finished)


def test_a_failure_in_a_chain_ends_it() -> None:
    ran = []

    def fail(stage: int, band: int, worker: int) -> None:
        raise ValueError(f"band {band}")

    first = Stages(2, 3, lambda stage, band, worker: ran.append((stage, band)))
    with pytest.raises(ValueError, match="band"):
        run_stages([first, Stages(1, 3, fail), Stages(1, 3, lambda stage, band, worker: ran.append(("late", band)))])
    assert not [entry for entry in ran if entry[0] == "late" and entry[1] > 1]
