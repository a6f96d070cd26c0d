"""Scoring on a GPU: images a second from PNGs on disk, the decoding rate of the cores, and agreement with the CPU.

    python benchmarks/gpu.py --pictures DIR              # prints tables; --json FILE writes the numbers too

One run measures: ``score`` on ``--images`` images of ``--samples`` samples in each precision, with its peak GPU memory
(``--distinct`` images are written, the others are links to them); decoding of the same files by all cores; the plain
program of ``benchmarks/score.py`` on all cores; the time of each step on the GPU, and of the trunk with channels first;
the differences of LPIPS, S_M and LR-PSNR between GPU and CPU; the resize bit for bit. ``--device cpu`` runs it all
without a GPU.

Three commands check everything that needs a GPU. Neither ``../shared`` nor ``--pictures`` is needed: synthetic pictures
and random weights cost the same.

    python -m pytest -m gpu -n 0 tests/test_gpu.py tests/kernels tests/models
    python benchmarks/gpu.py --json gpu.json
    python benchmarks/models.py srflow_df2k_x4 --size 339x510 --device cuda --threads 16 --precision float32 bf16

They need the packages of ``setup.cfg``, pytest and hypothesis of its ``test`` extra, and a C compiler for Triton.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from inputs.weights import write_random_trunk
from score import METRICS, SCALE, PlainProgram, cropped, machine, made_up
from srspace_eval._utils.cores import default_workers
from srspace_eval._utils.devices import resolve_device
from srspace_eval._utils.png import Pixels, decode_png, read_rgb, write_png
from srspace_eval.errors import Notice
from srspace_eval.kernels import distance_maps
from srspace_eval.kernels.dispatch import forms_used
from srspace_eval.metrics.lpips.network import LPIPS
from srspace_eval.metrics.lpips.trunk_files import read_parameters
from srspace_eval.metrics.lpips.trunks import ARCHITECTURES, Conv, Pool, Tap
from srspace_eval.metrics.resize import CONVENTIONS, imresize
from srspace_eval.results.record import Result
from srspace_eval.scoring.options import ScoreOptions
from srspace_eval.scoring.run import score
from srspace_eval.tracks.reader import load_track

HEIGHT, WIDTH = 1356, 2040


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, help="folder of PNGs that serve as GT")
    parser.add_argument("--lpips-weights", type=Path)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument(
        "--distinct", type=int, default=20, help="images that are written; the others are links to them"
    )
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--nets", nargs="*", default=["squeeze", "vgg"], help="further trunks whose memory is measured")
    parser.add_argument("--size", default=f"{HEIGHT}x{WIDTH}", help="of made-up pictures")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore", Notice)
    with tempfile.TemporaryDirectory() as scratch:
        report = measure(options, Path(scratch))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1), encoding="utf-8")


def measure(options: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Run every part; each is printed when it is done."""
    device = resolve_device(options.device)
    weights = options.lpips_weights or write_random_trunk(scratch / "alex.pth")
    folder = write_images(scratch / "many", options)
    few = write_few(scratch / "few", folder, options.samples)
    report: dict[str, Any] = {}

    def part(name: str, found: Any) -> None:
        report[name] = found
        print(f"{name}: {json.dumps(found, indent=1)}", flush=True)

    part("machine", machine(LPIPS("alex", weights=weights, device=device)))
    part("resize, differing values", resize_differences(few, device))
    part("agreement with the CPU", agreement(few, weights, options, device))
    part("steps", steps(few, weights, device))
    part("decoding", decoding(folder, options.repeats))
    total = options.images * options.samples
    for precision in ("float32", "tf32", "bf16") if device.type == "cuda" else ("float32", "bf16"):
        part(f"score, {precision}", scoring(folder, weights, options, precision, total, report["decoding"]))
    part("plain program", plain(few, weights, report["score, float32"]["samples a second"]))
    for net in options.nets:
        trunk = write_random_trunk(scratch / f"{net}.pth", net)
        part(f"memory, {net}", memory(few, trunk, net, options, device))
    part("kernels", forms_used())
    return report


# --- inputs --------------------------------------------------------------------------------


def write_images(folder: Path, options: argparse.Namespace) -> Path:
    """Write ``gt/`` and ``submission/``: ``--distinct`` images, then links to them."""
    (folder / "gt").mkdir(parents=True)
    (folder / "submission").mkdir()
    height, width = map(int, options.size.split("x"))
    given = [read_rgb(path) for path in sorted(options.pictures.glob("*.png"))] if options.pictures else []
    distinct = min(options.distinct, options.images)
    jobs = []
    for index in range(distinct):
        source = given[index % len(given)] if given else made_up(height, width)
        gt = np.ascontiguousarray(np.roll(source, 97 * index, axis=(0, 1)))
        jobs += [(folder, index, number, gt) for number in (None, *range(options.samples))]
    with ProcessPoolExecutor(default_workers()) as pool:
        list(pool.map(_write, jobs, chunksize=4))
    for index in range(distinct, options.images):
        _path(folder, index, None).hardlink_to(_path(folder, index % distinct, None))
        for number in range(options.samples):
            _path(folder, index, number).hardlink_to(_path(folder, index % distinct, number))
    return folder


def write_few(folder: Path, many: Path, samples: int) -> Path:
    """Write a folder with the first image alone, for parts that are slow on a CPU."""
    (folder / "gt").mkdir(parents=True)
    (folder / "submission").mkdir()
    for number in (None, *range(samples)):
        _path(folder, 0, number).hardlink_to(_path(many, 0, number))
    return folder


def _path(folder: Path, index: int, number: int | None) -> Path:
    if number is None:
        return folder / "gt" / f"{801 + index:04d}.png"
    return folder / "submission" / f"{index:06d}_sample{number:05d}.png"


def _write(job: tuple[Path, int, int | None, Pixels]) -> None:
    folder, index, number, gt = job
    picture = gt
    if number is not None:
        generator = np.random.default_rng([index, number])
        rough = generator.normal(0, 4, (gt.shape[0] // 8 + 1, gt.shape[1] // 8 + 1, 3))
        fine = generator.normal(0, 1.5, gt.shape)  # a sample's PNG is as large as a photograph's
        noise = rough.repeat(8, axis=0).repeat(8, axis=1)[: gt.shape[0], : gt.shape[1]] + fine
        picture = np.clip(gt + noise.round(), 0, 255).astype(np.uint8)
    write_png(_path(folder, index, number), picture)


# --- score ---------------------------------------------------------------------------------


class Phases:
    """Seconds of each phase of ``score``, by its progress reports."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, description: str, total: int) -> Iterator[Callable[[int], None]]:
        start = time.perf_counter()
        yield lambda n: None
        self.seconds[description] = time.perf_counter() - start


def run(
    folder: Path, weights: Path, samples: int, device: str, precision: str = "float32", net: Any = "alex"
) -> tuple[Result, Phases]:
    """Call the function behind ``score``."""
    phases = Phases()
    chosen = ScoreOptions(
        metrics=METRICS, samples=samples, net=net, lpips_weights=weights, device=device, precision=precision
    )
    with tempfile.TemporaryDirectory() as board:
        result = score(
            folder / "submission", folder / "gt", track=load_track("x4"), options=chosen, board=board, progress=phases
        )
    return result, phases


def scoring(
    folder: Path, weights: Path, options: argparse.Namespace, precision: str, total: int, decode: dict[str, float]
) -> dict[str, Any]:
    """Samples and images a second; the best of the repeats."""
    _forget_peak(options.device)
    walls, measuring = [], []
    for _ in range(options.repeats):
        start, busy = time.perf_counter(), time.process_time()
        result, phases = run(folder, weights, options.samples, options.device, precision)
        walls.append((time.perf_counter() - start, time.process_time() - busy))
        measuring.append(phases.seconds["Scoring"])
    wall, processor = min(walls)
    return {
        "samples a second": total / wall,
        "images a second": options.images / wall,
        "share of the decode limit": decode["seconds, all samples"] / wall,
        "the same without the inspection of every file": decode["seconds, all samples"] / min(measuring),
        "seconds": [round(seconds, 2) for seconds, _ in walls],
        "cores busy": processor / wall,
        "deviation from float32": result.signature.settings["lpips"].get("deviation"),
        **_peak(options.device),
    }


def decoding(folder: Path, repeats: int) -> dict[str, float]:
    """Decode all samples with all cores: a lower bound for every program."""
    paths = sorted((folder / "submission").iterdir())

    def pillow(path: Path) -> None:
        with Image.open(path) as picture:
            np.array(picture)

    def strict(path: Path) -> None:
        decode_png(path.read_bytes(), path.name)

    best = {}
    for name, decode in (("seconds, all samples", pillow), ("seconds, with the reader's checks", strict)):
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            with ThreadPoolExecutor(default_workers()) as pool:
                list(pool.map(decode, paths))
            times.append(time.perf_counter() - start)
        best[name] = min(times)
    alone = min(_milliseconds(lambda: pillow(paths[0]), torch.device("cpu")) for _ in range(5))
    return {
        **best,
        "samples a second": len(paths) / best["seconds, all samples"],
        "milliseconds, one on one core": alone,
        "samples a second, if cores scaled perfectly": 1e3 * default_workers() / alone,
        "megabytes a sample": sum(path.stat().st_size for path in paths) / len(paths) / 1e6,
    }


def plain(folder: Path, weights: Path, ours: float) -> dict[str, float]:
    """The plain program on all cores of the CPU."""
    program = PlainProgram("alex", weights)
    program.run(folder, 1)
    start = time.perf_counter()
    program.run(folder, 2)
    rate = 2 / (time.perf_counter() - start)
    return {"samples a second": rate, "times faster": ours / rate}


def memory(folder: Path, trunk: Path, net: str, options: argparse.Namespace, device: torch.device) -> dict[str, float]:
    """Peak GPU memory with another trunk."""
    _forget_peak(device)
    start = time.perf_counter()
    run(folder, trunk, options.samples, str(device), net=net)
    return {"samples a second": options.samples / (time.perf_counter() - start), **_peak(device)}


def _forget_peak(device: torch.device | str) -> None:
    if torch.device(device).type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def _peak(device: torch.device | str) -> dict[str, float]:
    if torch.device(device).type != "cuda":
        return {}
    allocated, reserved = torch.cuda.max_memory_allocated(device), torch.cuda.max_memory_reserved(device)
    return {"peak GPU MB, allocated": allocated / 1e6, "peak GPU MB, reserved": reserved / 1e6}


# --- agreement -----------------------------------------------------------------------------


def agreement(folder: Path, weights: Path, options: argparse.Namespace, device: torch.device) -> dict[str, Any]:
    """Largest differences between the two devices' records, and whether a second GPU run gives the same bytes."""
    samples = min(3, options.samples)
    for number in range(samples, options.samples):
        _path(folder, 0, number).rename(_path(folder, 0, number).with_suffix(".later"))
    try:
        on_gpu, _ = run(folder, weights, samples, str(device))
        again, _ = run(folder, weights, samples, str(device))
        on_cpu, _ = run(folder, weights, samples, "cpu")
    finally:
        for number in range(samples, options.samples):
            _path(folder, 0, number).with_suffix(".later").rename(_path(folder, 0, number))
    found = {"equal again": again.images == on_gpu.images, "lpips, relative": 0.0, "lr_psnr, dB": 0.0}
    for a, b in zip(on_gpu.images[0].samples, on_cpu.images[0].samples, strict=True):
        relative = abs(a.values["lpips"] - b.values["lpips"]) / b.values["lpips"]
        found["lpips, relative"] = max(found["lpips, relative"], relative)
        found["lr_psnr, dB"] = max(found["lr_psnr, dB"], abs(a.values["lr_psnr"] - b.values["lr_psnr"]))
    a, b = (result.images[0].values["diversity"] for result in (on_gpu, on_cpu))
    found["S_M, points"] = abs((a or 0) - (b or 0))
    lpips = LPIPS("alex", weights=weights, device=device)
    gt = cropped(read_rgb(_path(folder, 0, None)))
    found["largest distance of a picture from itself"] = float(lpips.map(gt, gt).abs().max())
    return found


def resize_differences(folder: Path, device: torch.device) -> dict[str, int]:
    """How many values of the downscaled picture differ from the reference's; all must be 0."""
    gt = read_rgb(_path(folder, 0, None))
    found = {}
    for convention in CONVENTIONS:
        for scale in (1 / 2, 1 / 3, 1 / 4, 1 / 8, 0.37):
            ours = imresize(torch.from_numpy(gt).to(device), scale, convention=convention).cpu().numpy()
            found[f"{convention}, {scale:.3g}"] = int(
                (ours != imresize(gt, scale, convention=convention, form="reference")).sum()
            )
    return found


# --- steps ---------------------------------------------------------------------------------


def steps(folder: Path, weights: Path, device: torch.device) -> dict[str, Any]:
    """Milliseconds of each step of one sample on the device."""
    gt = cropped(read_rgb(_path(folder, 0, None)))
    sr = torch.from_numpy(cropped(read_rgb(_path(folder, 0, 0))))
    lpips = LPIPS("alex", weights=weights, device=device)
    reference = lpips.prepare(gt)
    there = sr.to(device)
    layers = lpips.distances(reference, there)
    _, _, running = distance_maps.reduce_into(layers, reference.size, None)
    pinned = sr.pin_memory() if device.type == "cuda" else sr
    calls: dict[str, Callable[[], object]] = {
        "upload, pinned": lambda: pinned.to(device, non_blocking=True),
        "upload, pageable": lambda: sr.to(device),
        "trunk and layer distances": lambda: lpips.distances(reference, there),
        "trunk alone, channels last": _trunk(weights, device, there, torch.channels_last),
        "trunk alone, channels first": _trunk(weights, device, there, torch.contiguous_format),
        "unit activations, first tap": lambda: distance_maps.unit(reference.units[0]),
        "upsample, minimum, means": lambda: distance_maps.reduce_into(layers, reference.size, running),
        "downscale": lambda: imresize(there, 1 / SCALE),
    }
    found: dict[str, Any] = {name: _milliseconds(call, device) for name, call in calls.items()}
    if device.type == "cuda":
        found["kernels"] = _slowest_kernels(calls["trunk and layer distances"])
    return found


def _trunk(
    weights: Path, device: torch.device, picture: torch.Tensor, layout: torch.memory_format
) -> Callable[[], object]:
    """The AlexNet trunk in plain torch, in a memory format."""
    parameters = {name: value.to(device) for name, value in read_parameters("alex", weights).items()}
    for name, value in parameters.items():
        if value.ndim == 4:
            parameters[name] = value.contiguous(memory_format=layout)
    x = (picture.permute(2, 0, 1)[None].float() / 127.5 - 1).contiguous(memory_format=layout)

    def call() -> object:
        y = x
        for layer in ARCHITECTURES["alex"].layers:
            match layer:
                case Conv(index, stride=stride, padding=padding):
                    weight, bias = parameters[f"features.{index}.weight"], parameters[f"features.{index}.bias"]
                    y = F.conv2d(y, weight, bias, stride, padding).relu_()
                case Pool(kernel):
                    y = F.max_pool2d(y, kernel, 2)
                case Tap() | _:
                    pass
        return y

    return call


def _milliseconds(call: Callable[[], object], device: torch.device, repeats: int = 20) -> float:
    """Median of a call, by the device's own clock where it has one."""
    times = []
    with torch.no_grad():
        for _ in range(3):
            call()
        for _ in range(repeats if device.type == "cuda" else 1):
            if device.type == "cuda":
                begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
                begin.record()
                call()
                end.record()
                end.synchronize()
                times.append(begin.elapsed_time(end))
            else:
                start = time.perf_counter()
                call()
                times.append(1e3 * (time.perf_counter() - start))
    return float(np.median(times))


def _slowest_kernels(call: Callable[[], object]) -> dict[str, float]:
    """Milliseconds of the kernels that take most time: which algorithms cuDNN chose."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CUDA]) as trace, torch.no_grad():
        call()
        torch.cuda.synchronize()
    events: Sequence[Any] = trace.key_averages()
    spent = {event.key: getattr(event, "self_device_time_total", 0.0) / 1e3 for event in events}
    return dict(sorted(spent.items(), key=lambda item: -item[1])[:12])


if __name__ == "__main__":  # processes are spawned
    main()
