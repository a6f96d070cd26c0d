"""The threads that measure images, on files that are slow or fail; what they measure is tested with scoring."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.inputs import pngs
from benchmarks.inputs.weights import write_alexnet
from srspace_eval._utils.hashing import sha256
from srspace_eval.errors import ImageError, InputError
from srspace_eval.metrics.lpips.nets import NETS
from srspace_eval.metrics.lpips.trunk_files import parameter_shapes
from srspace_eval.metrics.lpips.trunks import Trunk
from srspace_eval.results.record import ImageRecord
from srspace_eval.scoring.executors.base import NetworkPlan
from srspace_eval.scoring.executors.budget import MemoryBudget
from srspace_eval.scoring.executors.threads import LocalExecutor, measure_images
from srspace_eval.scoring.tasks import FileRef, ImageTask, TaskSources
from srspace_eval.submissions.sources import FolderSource
from tests.helpers.evaluation import evaluator_config

SIZES = (0, 3, 10, 25)
LIMIT_S = 20
PICTURES = {str(value): pngs.png(np.full((8, 8, 3), value, np.uint8)) for value in range(10)}
"""File name -> a PNG of one value; "0" is the GT, "n" the n-th sample."""
PSNR = [20 * np.log10(255 / value) for value in range(1, 10)]


class Files:
    """A source whose files are read after ``act`` was called with their name."""

    path = Path("files")

    def __init__(self, act: Callable[[str], object] = lambda name: None) -> None:
        self._act = act

    def names(self) -> list[str]:
        return list(PICTURES)

    def size(self, name: str) -> int:
        return 0

    def where(self, name: str) -> str:
        return name

    def read(self, name: str, most: int | None = None) -> bytes:
        self._act(name)
        return PICTURES[name]


class Mishaps:
    """Delays and errors at random."""

    def __init__(self, seed: int, failures: float, delays: float) -> None:
        self._random, self.failures, self._delays = random.Random(seed), failures, delays

    def __call__(self, at: object) -> None:
        if self._random.random() < self._delays:
            time.sleep(0.003 * self._random.random())
        if self._random.random() < self.failures:
            raise ImageError("a mishap")


def ref(value: int) -> FileRef:
    return FileRef(str(value), sha256(PICTURES[str(value)]))


def task(name: str, samples: int) -> ImageTask:
    return ImageTask(name, 8, 8, ref(0), None, tuple((n, ref(n + 1)) for n in range(samples)))


def measure(
    tasks: list[ImageTask],
    files: Files,
    workers: int,
    budget: MemoryBudget,
    sizes: dict[str, int],
    advance: Callable[[int], None] = lambda n: None,
) -> Iterator[ImageRecord]:
    return measure_images(
        tasks, TaskSources(files, files), evaluator_config(frozenset({"psnr"}), 4), None,
        workers=workers, advance=advance, budget=budget, image_bytes=lambda task: sizes[task.image],
    )  # fmt: skip


def test_the_error_raised_is_the_cause_and_not_a_consequence() -> None:
    waiting = threading.Event()

    class Budget(MemoryBudget):
        def acquire(self, size: int, timeout: float = 0) -> bool:
            if timeout and self.held:
                waiting.set()
            return super().acquire(size, timeout)

    def fail(name: str) -> None:
        if name == "1":
            assert waiting.wait(LIMIT_S)  # the other thread waits for memory, and will be cancelled
            raise ImageError("the cause")

    budget = Budget(10)
    records = measure([task("a", 1), task("b", 1)], Files(fail), 2, budget, {"a": 10, "b": 10})
    with pytest.raises(ImageError, match="the cause"):
        next(records)
    assert budget.held == 0


def test_an_error_in_a_gt_ends_the_threads_that_wait_for_it() -> None:
    def fail(name: str) -> None:
        if name == "0":
            time.sleep(0.05)
            raise ImageError("the GT")

    with pytest.raises(ImageError, match="the GT"):
        next(measure([task("a", 9)], Files(fail), 4, MemoryBudget(1), {"a": 1}))


def test_two_interrupts_release_all_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, release = threading.Event(), threading.Event()

    def wait(name: str) -> None:
        if name == "2":
            begun.set()
            assert release.wait(LIMIT_S)
            raise ImageError("too late")

    budget = MemoryBudget(10)
    records = measure([task("a", 1), task("b", 2)], Files(wait), 2, budget, {"a": 3, "b": 5})
    next(records)
    assert begun.wait(LIMIT_S)

    def interrupted(thread: threading.Thread, timeout: float | None = None) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
        patched.setattr(threading.Thread, "join", interrupted)
        records.close()  # type: ignore[attr-defined]
    held = budget.held
    release.set()
    for thread in threading.enumerate():
        if thread.name.startswith("measure-"):
            thread.join(LIMIT_S)
    assert (held, budget.held) == (5, 0)


def test_images_wait_for_memory() -> None:
    reading: list[str] = []

    class Budget(MemoryBudget):
        def acquire(self, size: int, timeout: float = 0) -> bool:
            acquired = super().acquire(size, timeout)
            assert self.held <= 5
            return acquired

    budget = Budget(1)  # smaller than any image
    names = [str(n) for n in range(4)]
    files = Files(lambda name: reading.append(name))
    records = list(measure([task(name, 3) for name in names], files, 3, budget, dict.fromkeys(names, 5)))
    assert [record.image for record in records] == names
    assert [reading.index("0", at) for at in (0, 4, 8, 12)] == [0, 4, 8, 12]  # no GT before the last image's samples


def test_an_image_without_samples_is_refused() -> None:
    with pytest.raises(InputError, match="image 0801: no samples to measure"):
        task("0801", 0)


@pytest.mark.parametrize("net", sorted(NETS))
def test_the_memory_of_a_gt(net: str) -> None:
    zeros = {name: torch.zeros(shape) for name, shape in parameter_shapes(net).items()}
    trunk = Trunk(net, zeros, torch.device("cpu"), torch.float32)
    with torch.no_grad():
        values = sum(part.values.numel() for part in trunk.activations(torch.zeros(1, 3, 256, 256)))
    assert 4 * values / 256**2 == pytest.approx(NETS[net].gt_bytes, rel=0.1)


def test_the_local_executor_holds_the_memory_of_each_gt(tmp_path: Path) -> None:
    acquired: list[int] = []

    class Budget(MemoryBudget):
        def acquire(self, size: int, timeout: float = 0) -> bool:
            acquired.append(size)
            return super().acquire(size, timeout)

    names = ("gt.png", "sr.png")
    for seed, name in enumerate(names):
        (tmp_path / name).write_bytes(pngs.png(pngs.pixels(64, 72, seed)))
    gt, sr = (FileRef(name, sha256((tmp_path / name).read_bytes())) for name in names)
    folder = FolderSource(tmp_path)
    budget = Budget(1)
    executor = LocalExecutor(1, budget=budget)
    executor.prepare(NetworkPlan(weights=write_alexnet(tmp_path / "alex.pth"), device="cpu"))
    tasks = [ImageTask(name, 64, 72, gt, None, ((0, sr),)) for name in "ab"]
    config = evaluator_config(frozenset({"lpips"}), 4)
    records = list(executor.measure(tasks, TaskSources(folder, folder), config, advance=lambda n: None))
    assert [record.image for record in records] == ["a", "b"]
    assert set(acquired) == {NETS["alex"].gt_bytes * 64 * 72}
    assert budget.held == 0


def run_at_random(seed: int, budget: MemoryBudget, wrong: list[str]) -> None:
    choose = random.Random(seed)
    mishaps = Mishaps(seed, choose.choice([0, 0, 0.01]), choose.choice([0, 0.3]))
    sizes = {str(i): choose.choice(SIZES) for i in range(choose.randrange(7))}
    tasks = [task(name, choose.choice([1, 2, 8])) for name in sizes]
    wanted = choose.choice([len(tasks), len(tasks), 1])  # the run is closed after this many records
    found: list[str] = []
    records = measure(tasks, Files(mishaps), choose.choice([1, 2, 6]), budget, sizes, mishaps)
    with closing(records):  # type: ignore[type-var]
        try:
            for record in records:
                values = [sample.values["psnr"] for sample in record.samples]
                if values != pytest.approx(PSNR[: len(values)]):
                    wrong.append(f"{seed}: samples out of order")
                if record.values["psnr"] != pytest.approx(np.mean(values)):
                    wrong.append(f"{seed}: {record.values} for {values}")
                found.append(record.image)
                if len(found) == wanted:
                    break
            if len(set(found)) != min(wanted, len(tasks)):
                wrong.append(f"{seed}: {found} of {wanted}")
        except ImageError:
            if not mishaps.failures:
                wrong.append(f"{seed}: failed without a mishap")
        except BaseException as error:  # noqa: BLE001 - reported by the test
            wrong.append(f"{seed}: {error!r}")


def test_runs_that_share_a_budget_end_in_order_and_release_it() -> None:
    wrong: list[str] = []
    budget = MemoryBudget(10)
    seeds = iter(range(150))

    def some() -> None:
        for seed in seeds:
            run_at_random(seed, budget, wrong)

    several = [threading.Thread(target=some, daemon=True) for _ in range(3)]
    for one in several:
        one.start()
    end = time.monotonic() + LIMIT_S
    for one in several:
        one.join(max(0.0, end - time.monotonic()))
    assert not any(one.is_alive() for one in several)
    assert wrong == []
    assert budget.held == 0
