"""Speed and memory of ``score`` on 2K pictures, against a plain program in the same run.

The plain program works like the challenge's. For every sample it calls the package ``lpips`` with ``spatial=True``,
which runs the trunk on both pictures, and downscales both with gathered NumPy taps; it keeps all maps for S_M. It runs
on ``--plain-samples`` samples of each repeat and uses all cores.

    python benchmarks/score.py --pictures DIR            # prints the README's table
    python benchmarks/score.py --pictures DIR --json     # the same numbers as JSON

Without ``--pictures`` the pictures are synthetic; without ``--lpips-weights`` the trunk's weights are random. Neither
changes the cost. Each time is the minimum over ``--repeats``. Processor time is given beside wall time, because other
work on the machine disturbs it less.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from inputs.boards import make_results, write_board
from inputs.weights import write_random_trunk
from srspace_eval._utils.cores import default_workers
from srspace_eval._utils.png import Pixels, read_rgb, write_png
from srspace_eval.errors import Notice
from srspace_eval.kernels import distance_maps, error_boxes
from srspace_eval.kernels.cubic import taps
from srspace_eval.kernels.dispatch import forms_used
from srspace_eval.metrics.lpips.network import LPIPS
from srspace_eval.metrics.psnr.function import psnr
from srspace_eval.metrics.resize import imresize
from srspace_eval.scoring.options import ScoreOptions
from srspace_eval.scoring.run import score
from srspace_eval.tracks.reader import load_track

SCALE = 4
METRICS = ("lpips", "lr_psnr", "diversity")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, help="folder of PNGs that serve as GT; the first two are used")
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--net", choices=["alex", "vgg", "squeeze"], default="alex")
    parser.add_argument("--lpips-weights", type=Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--plain-samples", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--growth", action="store_true", help="also measure how time and memory grow with samples, size and teams"
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--peak-memory", nargs=2, metavar=("FOLDER", "WEIGHTS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    warnings.simplefilter("ignore", Notice)
    if options.peak_memory:
        print(_scored_peak(Path(options.peak_memory[0]), Path(options.peak_memory[1]), options))
        return
    with tempfile.TemporaryDirectory() as scratch:
        report = measure(options, Path(scratch))
    print(json.dumps(report, indent=1) if options.json else table(report))


def measure(options: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Measure everything that the table shows."""
    weights = options.lpips_weights or write_random_trunk(scratch / "trunk.pth", options.net)
    gts = [read_rgb(path) for path in sorted(options.pictures.glob("*.png"))[:2]] if options.pictures else [made_up()]
    folder = write_submission(scratch / "all", gts, options.samples)
    lpips = LPIPS(options.net, weights=weights, device=options.device, precision=options.precision)
    plain = PlainProgram(options.net, weights)
    ours_runs, plain_runs = [], []
    for _ in range(options.repeats):  # in turn, so that a busy machine slows both
        ours_runs.append(timed(lambda: run_score(folder, weights, options), len(gts) * options.samples))
        plain_runs.append(timed(lambda: plain.run(folder, options.plain_samples), len(gts) * options.plain_samples))
    ours, theirs = least(ours_runs), least(plain_runs)
    ratios = [b["wall"] / a["wall"] for a, b in zip(ours_runs, plain_runs, strict=True)]
    stages = measure_stages(folder, lpips, gts[0])
    peak = peak_rate()
    flops = count_flops(lambda: plain.trunk(gts[0]))
    done = count_flops(lambda: lpips.prepare(cropped(gts[0])))
    share = (options.samples + 1) / options.samples
    limit = share * (flops / peak + stages["decode"]) / default_workers()
    report: dict[str, Any] = {
        "machine": machine(lpips),
        "pictures": f"{len(gts)} of {'×'.join(map(str, gts[0].shape[1::-1]))}, {options.samples} samples each",
        "seconds a sample": {"score": ours, "plain program": theirs},
        "times faster": {"wall": theirs["wall"] / ours["wall"], "median of pairs": statistics.median(ratios),
                         "processor": theirs["processor"] / ours["processor"]},
        "stages, seconds on one core": stages,
        "limit": {"trunk GFLOP": flops / 1e9, "trunk GFLOP done": done / 1e9, "peak GFLOP/s a core": peak / 1e9,
                  "seconds a sample": limit,
                  "share of it reached, wall": limit / ours["wall"],
                  "share of it reached, processor": limit * default_workers() / ours["processor"]},
        "kernels": forms_used(),
    }  # fmt: skip
    if options.growth:
        report["growth"] = growth(options, scratch, gts[0], weights)
    return report


def growth(options: argparse.Namespace, scratch: Path, gt: Pixels, weights: Path) -> dict[str, Any]:
    """Seconds a sample and peak memory over the number of samples, the picture's size and the teams on the board."""
    found: dict[str, Any] = {"samples": {}, "size": {}, "teams": {}}
    for samples in (1, 10, 100):
        folder = write_submission(scratch / f"samples{samples}", [gt], samples, distinct=10)
        run = timed(lambda folder=folder: run_score(folder, weights, options), samples)
        found["samples"][samples] = run | {"peak MB": peak_memory(folder, weights, options)}
    for divisor in (4, 2, 1):
        part = np.ascontiguousarray(gt[: gt.shape[0] // divisor, : gt.shape[1] // divisor])
        folder = write_submission(scratch / f"size{divisor}", [part], 10)
        run = timed(lambda folder=folder: run_score(folder, weights, options), 10)
        found["size"]["×".join(map(str, part.shape[1::-1]))] = run
    for teams in (1, 20, 200):
        board = scratch / f"teams{teams}"
        write_board(board, make_results(load_track("x4"), teams, images=100, samples=10, seed=0))
        folder = scratch / "samples10"
        run = timed(lambda folder=folder, board=board: run_score(folder, weights, options, board), 10)
        shutil.rmtree(board)
        write_board(board, make_results(load_track("x4"), teams, images=100, samples=10, seed=0))
        command = [sys.executable, "-m", "srspace_eval", "rank", "--board", str(board), "--track", "x4"]
        ranking = timed(lambda command=command: subprocess.run(command, check=True, capture_output=True), 1)
        found["teams"][teams] = {"score": run, "rank": ranking["wall"]}
    return found


def run_score(folder: Path, weights: Path, options: argparse.Namespace, board: Path | None = None) -> None:
    """Call the function behind ``score``, from PNGs on disk to a board; None is a temporary board."""
    samples = len(list((folder / "submission").glob("000000_*.png")))
    with tempfile.TemporaryDirectory() as scratch:
        score(
            folder / "submission",
            folder / "gt",
            track=load_track("x4"),
            options=ScoreOptions(
                metrics=METRICS, samples=samples, net=options.net, lpips_weights=weights, device=options.device,
                precision=options.precision,
            ),
            board=board or scratch,
        )  # fmt: skip


class PlainProgram:
    """For each sample: trunk passes on both pictures and gathered downscaling of both; all maps are kept."""

    def __init__(self, net: str, weights: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import lpips

            self._lpips = lpips.LPIPS(net=net, spatial=True, pnet_rand=True, verbose=False)
        state = torch.load(weights, map_location="cpu", weights_only=True)
        slices = {name.split(".", 1)[1]: name for name in self._lpips.net.state_dict()}
        own = {slices[key.removeprefix("features.")]: value for key, value in state.items() if key.startswith("f")}
        self._lpips.net.load_state_dict(own)

    def trunk(self, gt: Pixels) -> None:
        """One trunk pass by direct convolution."""
        self._lpips.net(signed(cropped(gt)))

    def run(self, folder: Path, samples: int) -> list[float]:
        """The diversity score of each image over its first samples."""
        torch.set_num_threads(default_workers())
        scores = []
        for index, path in enumerate(sorted((folder / "gt").iterdir())):
            gt = cropped(read_rgb(path))
            maps = []
            for number in range(samples):
                sr = cropped(read_rgb(folder / "submission" / f"{index:06d}_sample{number:05d}.png"))
                with torch.no_grad():
                    maps.append(self._lpips(signed(sr), signed(gt))[0, 0].numpy())
                psnr(gathered_downscale(sr), gathered_downscale(gt))
            best = min(one.mean() for one in maps)
            scores.append(float((best - np.min(maps, axis=0).mean()) / best))
        return scores


def gathered_downscale(picture: Pixels) -> Pixels:
    """The challenge's downscaling as it is defined: all taps of all pixels are gathered at once, axis by axis."""
    work = picture
    for axis in (0, 1):
        length = picture.shape[axis]
        weights, index = taps(length, -(-length // SCALE), 1 / SCALE, "mirror")
        gathered = np.moveaxis(work, axis, 0)[index].astype(np.float64)
        total = (weights[:, :, None, None] * gathered).sum(axis=1)
        work = np.moveaxis(np.clip(np.rint(total), 0, 255).astype(np.uint8), 0, axis)
    return np.ascontiguousarray(work)


def measure_stages(folder: Path, lpips: LPIPS, gt: Pixels) -> dict[str, float]:
    """Processor time of each step of one sample, on one core."""
    torch.set_num_threads(1)
    path = folder / "submission" / "000000_sample00000.png"
    gt, sr = cropped(gt), cropped(read_rgb(path))
    np.testing.assert_array_equal(gathered_downscale(sr), imresize(sr, 1 / SCALE))
    reference = lpips.prepare(gt)
    layers = lpips.distances(reference, sr)
    _, _, running = distance_maps.reduce_into(layers, reference.size, None)
    _, _, boxes = error_boxes.reduce_into(torch.from_numpy(sr), torch.from_numpy(gt), None)
    stages: dict[str, Callable[[], object]] = {
        "decode": lambda: read_rgb(path),
        "trunk and layer distances": lambda: lpips.distances(reference, sr),
        "upsample, minimum, means": lambda: distance_maps.reduce_into(layers, reference.size, running),
        "downscale": lambda: imresize(sr, 1 / SCALE),
        "downscale, gathered (the plain program's)": lambda: gathered_downscale(sr),
        "squared-error boxes (2022, not in the total)": lambda: error_boxes.reduce_into(
            torch.from_numpy(sr), torch.from_numpy(gt), boxes
        ),
    }
    found = {name: min(_processor(call) for _ in range(5)) for name, call in stages.items()}
    torch.set_num_threads(default_workers())
    return found


def count_flops(call: Callable[[], object]) -> float:
    """Floating-point operations of a call's convolutions."""
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        call()
    return float(counter.get_total_flops())


def peak_rate() -> float:
    """The best rate of a large float32 matrix product on one core: torch's own, and as a 3×3 convolution."""
    torch.set_num_threads(1)
    a, b = torch.randn(2, 1536, 1536)
    x = torch.randn(1, 512, 64, 64).contiguous(memory_format=torch.channels_last)
    w = torch.randn(512, 512, 3, 3).contiguous(memory_format=torch.channels_last)
    product = 2 * 1536**3 / min(_processor(lambda: a @ b) for _ in range(10))
    with torch.no_grad():
        convolution = 2 * 9 * 512 * 512 * 62 * 62 / min(_processor(lambda: torch.conv2d(x, w)) for _ in range(10))
    torch.set_num_threads(default_workers())
    return max(product, convolution)


def peak_memory(folder: Path, weights: Path, options: argparse.Namespace) -> float:
    """Peak resident memory of a fresh process that scores ``folder``, in MB."""
    command = [sys.executable, __file__, "--net", options.net, "--device", options.device]
    command += ["--precision", options.precision, "--peak-memory", str(folder), str(weights)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _scored_peak(folder: Path, weights: Path, options: argparse.Namespace) -> float:
    run_score(folder, weights, options)
    if sys.platform == "win32":
        import psutil

        return float(psutil.Process().memory_info().peak_wset) / 1e6
    status = Path("/proc/self/status")
    if status.exists():  # getrusage reports the parent's peak if that was higher, because it survives exec
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # macOS counts in bytes


def timed(call: Callable[[], object], samples: int) -> dict[str, float]:
    """Wall and processor seconds a sample."""
    wall, processor = time.perf_counter(), time.process_time()
    call()
    return {
        "wall": (time.perf_counter() - wall) / samples,
        "processor": (time.process_time() - processor) / samples,
    }


def least(runs: list[dict[str, float]]) -> dict[str, float]:
    """The minimum of each number."""
    return {name: min(run[name] for run in runs) for name in runs[0]}


def _processor(call: Callable[[], object]) -> float:
    start = time.thread_time()
    call()
    return time.thread_time() - start


def write_submission(folder: Path, gts: list[Pixels], samples: int, distinct: int | None = None) -> Path:
    """Write ``gt/`` and ``submission/`` under ``folder``; after ``distinct`` samples the files repeat."""
    (folder / "gt").mkdir(parents=True)
    (folder / "submission").mkdir()
    for index, gt in enumerate(gts):
        write_png(folder / "gt" / f"{801 + index:04d}.png", gt)
        for number in range(samples):
            path = folder / "submission" / f"{index:06d}_sample{number:05d}.png"
            if distinct is not None and number >= distinct:
                twin = path.with_name(f"{index:06d}_sample{number % distinct:05d}.png")
                path.write_bytes(twin.read_bytes())
                continue
            generator = np.random.default_rng([index, number])
            rough = generator.normal(0, 4, (gt.shape[0] // 8 + 1, gt.shape[1] // 8 + 1, 3))
            noise = rough.repeat(8, axis=0).repeat(8, axis=1)[: gt.shape[0], : gt.shape[1]]
            write_png(path, np.clip(gt + noise.round(), 0, 255).astype(np.uint8))
    return folder


def made_up(height: int = 1356, width: int = 2040) -> Pixels:
    """Soft shapes with a little noise; the PNG is about as large as that of a photograph."""
    y, x = np.mgrid[0:height, 0:width]
    waves = np.stack([np.sin(y / a + np.cos(x / b)) for a, b in ((57, 91), (83, 47), (35, 63))], axis=-1)
    noise = np.random.default_rng(0).normal(0, 2, waves.shape)
    return np.clip(128 + 90 * waves + noise, 0, 255).astype(np.uint8)


def cropped(picture: Pixels) -> Pixels:
    """Cropped to a multiple of 8."""
    return np.ascontiguousarray(picture[: picture.shape[0] // 8 * 8, : picture.shape[1] // 8 * 8])


def signed(picture: Pixels) -> torch.Tensor:
    """(1, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(picture).permute(2, 0, 1)[None] / 127.5 - 1


def machine(lpips: LPIPS) -> dict[str, str]:
    """Processor, device, precision, system and versions of this run."""
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    versions = ", ".join(f"{name} {version(name)}" for name in ("srspace-eval", "torch", "numpy", "pillow", "lpips"))
    return {
        "processor": f"{model}, {default_workers()} cores",
        "device": lpips.device_name,
        "precision": str(lpips.signature["precision"]) + (
            f", {lpips.signature['deviation']} from float32" if "deviation" in lpips.signature else ""
        ),
        "system": platform.platform(terse=True),
        "versions": f"python {platform.python_version()}, {versions}",
    }  # fmt: skip


def table(report: dict[str, Any]) -> str:
    """The report as Markdown."""
    lines = [f"{name}: {text}" for name, text in report["machine"].items()]
    lines += [f"pictures: {report['pictures']}", "", "| | wall | processor |", "|---|---:|---:|"]
    for name, run in report["seconds a sample"].items():
        lines.append(f"| {name}, s a sample | {run['wall']:.3f} | {run['processor']:.3f} |")
    faster, limit = report["times faster"], report["limit"]
    lines.append(f"| times faster | {faster['wall']:.2f} | {faster['processor']:.2f} |")
    lines.append(
        f"| share of direct convolution's limit | {limit['share of it reached, wall']:.0%} "
        f"| {limit['share of it reached, processor']:.0%} |"
    )
    lines.append("")
    lines.append(
        f"limit: {limit['trunk GFLOP']:.1f} GFLOP a trunk pass by direct convolution (score's way: "
        f"{limit['trunk GFLOP done']:.1f}) at {limit['peak GFLOP/s a core']:.0f} GFLOP/s a core, "
        f"plus decoding, on all cores: {limit['seconds a sample']:.3f} s a sample"
    )
    lines += ["", "| stage, one core | ms |", "|---|---:|"]
    lines += [f"| {name} | {1e3 * value:.1f} |" for name, value in report["stages, seconds on one core"].items()]
    if "growth" in report:
        lines += ["", "| samples | s a sample, processor | peak MB |", "|---:|---:|---:|"]
        for samples, run in report["growth"]["samples"].items():
            lines.append(f"| {samples} | {run['processor']:.3f} | {run['peak MB']:.0f} |")
        lines += ["", "| picture | s a sample, processor |", "|---:|---:|"]
        lines += [f"| {size} | {run['processor']:.3f} |" for size, run in report["growth"]["size"].items()]
        lines += ["", "| teams on the board | score, s a sample, processor | rank, s |", "|---:|---:|---:|"]
        for teams, run in report["growth"]["teams"].items():
            lines.append(f"| {teams} | {run['score']['processor']:.3f} | {run['rank']:.1f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
