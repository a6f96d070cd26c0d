"""Images a minute on N Dask workers of one thread each, and in this process with N threads.

    python benchmarks/cluster.py --gt DIR --workers 1 2 --images 4 --samples 3

The samples are the pictures in DIR with noise. The trunk's weights are random; the cost is the same. The start of the
processes is not timed. Each time is the minimum over ``--repeats``. Prints JSON.
"""

from __future__ import annotations

import argparse
import itertools
import json
import platform
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from distributed import LocalCluster

from inputs.weights import write_random_trunk
from srspace_eval._utils.cores import default_workers
from srspace_eval._utils.hashing import sha256
from srspace_eval._utils.png import read_rgb, write_png
from srspace_eval.metrics.evaluator import EvaluatorConfig
from srspace_eval.metrics.registry import bind
from srspace_eval.scoring.executors.base import Executor, NetworkPlan
from srspace_eval.scoring.executors.connection import open_dask
from srspace_eval.scoring.executors.threads import LocalExecutor
from srspace_eval.scoring.tasks import FileRef, ImageTask, TaskSources
from srspace_eval.submissions.sources import FolderSource

METRICS = ("lpips", "lr_psnr", "diversity")


def make_tasks(gt: Path, folder: Path, images: int, samples: int) -> tuple[list[ImageTask], TaskSources]:
    """``images`` tasks that use the pictures of ``gt`` in turn; the samples are written to ``folder``."""
    tasks = []
    for path, image in zip(itertools.cycle(sorted(gt.glob("*.png"))), range(images)):
        picture = read_rgb(path)
        height, width = (size // 8 * 8 for size in picture.shape[:2])
        refs = []
        for number in range(samples):
            noise = np.random.default_rng([image, number]).integers(-9, 10, picture.shape)
            name = f"{image:06d}_sample{number:05d}.png"
            write_png(folder / name, np.clip(picture + noise, 0, 255).astype(np.uint8))
            refs.append((number, FileRef(name, sha256((folder / name).read_bytes()))))
        ref = FileRef(path.name, sha256(path.read_bytes()))
        tasks.append(ImageTask(str(image), height, width, ref, None, tuple(refs)))
    return tasks, TaskSources(FolderSource(folder), FolderSource(gt))


def seconds(executor: Executor, tasks: list[ImageTask], sources: TaskSources, plan: NetworkPlan, repeats: int) -> float:
    """The minimum time to measure all tasks."""
    executor.prepare(plan)
    config = EvaluatorConfig(bind(METRICS), 4)
    list(executor.measure(tasks[:1], sources, config, advance=lambda n: None))
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        list(executor.measure(tasks, sources, config, advance=lambda n: None))
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gt", type=Path, required=True)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--samples", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as name:
        tasks, sources = make_tasks(arguments.gt, Path(name), arguments.images, arguments.samples)
        plan = NetworkPlan(weights=write_random_trunk(Path(name) / "trunk.pth"), device="cpu")
        for workers in arguments.workers:
            with (
                LocalCluster(
                    n_workers=workers, threads_per_worker=1, memory_limit=0, dashboard_address=None
                ) as started,
                open_dask(started.scheduler_address) as cluster,
            ):
                found[f"{workers} workers"] = seconds(cluster, tasks, sources, plan, arguments.repeats)
            threads = LocalExecutor(workers)
            found[f"{workers} threads"] = seconds(threads, tasks, sources, plan, arguments.repeats)
    document = {
        "machine": f"{platform.machine()}, {default_workers()} cores",
        "torch": torch.__version__,
        "images": len(tasks),
        "samples": arguments.samples,
        "images_a_minute": {name: round(60 * len(tasks) / value, 2) for name, value in found.items()},
    }
    sys.stdout.write(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":  # workers are spawned
    main()
