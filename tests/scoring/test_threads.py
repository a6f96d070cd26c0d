"""The threads that measure images, with meters that fail and dawdle; what they measure is tested with scoring."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from srspace_eval.errors import ImageError, InputError
from srspace_eval.metrics.lpips.trunks import Trunk, parameter_shapes
from srspace_eval.results.record import ImageRecord
from srspace_eval.scoring.executors import threads as pipeline
from srspace_eval.scoring.executors.threads import measure_images
from srspace_eval.scoring.tasks import FileRef, ImageTask

SIZES = (0, 3, 10, 25)
LIMIT_S = 20


class Mishaps:
    """The files, the configuration and the meters' mood of a run."""

    scale = 4

    def __init__(self, seed: int = 0, failures: float = 0, delays: float = 0) -> None:
        self.random, self.failures, self.delays = random.Random(seed), failures, delays

    def point(self) -> None:
        if self.random.random() < self.delays:
            time.sleep(0.003 * self.random.random())
        if self.random.random() < self.failures:
            raise ImageError("a mishap")


class Meter:
    def __init__(self, gt: object, config: Mishaps, lpips: object, lr: object, image: str) -> None:
        self.config, self.added = config, list[float]()
        config.point()

    def measure(self, sr: Any) -> float:
        self.config.point()
        return float(sr[0, 0, 0])

    def add(self, measured: float) -> dict[str, float]:
        self.config.point()
        self.added.append(measured)
        return {"psnr": measured}

    def finish(self) -> Any:
        return SimpleNamespace(values={"psnr": sum(self.added)}, curves={})


@pytest.fixture(autouse=True)
def room(monkeypatch: pytest.MonkeyPatch) -> pipeline._Room:
    def load(source: Mishaps, ref: FileRef) -> Any:
        source.point()
        return np.full((8, 8, 3), int(ref.name), np.uint8)

    room = pipeline._Room(10)
    monkeypatch.setattr(pipeline, "_room", room)
    monkeypatch.setattr(pipeline, "ImageMeter", Meter)
    monkeypatch.setattr(pipeline, "load", load)
    monkeypatch.setattr(pipeline._Run, "_size", lambda run, task: int(task.gt.sha256))
    return room


def task(name: str, size: int, samples: int) -> ImageTask:
    return ImageTask(name, 8, 8, FileRef("0", str(size)), None, tuple((n, FileRef(str(n), "")) for n in range(samples)))


def measure(tasks: list[ImageTask], mishaps: Any, workers: int) -> Iterator[ImageRecord]:
    return measure_images(tasks, pipeline.TaskSources(mishaps, mishaps), mishaps, None, workers=workers)


def test_an_error_is_told_and_not_what_it_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = threading.Event()

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.set()  # one thread waits for room
            return super().wait(timeout)

        def set(self) -> None:
            first = not self.is_set()
            super().set()
            if first:  # whoever stops the others is slow to go on
                time.sleep(0.3)

    def fail(meter: Meter, sr: Any) -> float:
        assert waits.wait(LIMIT_S)
        raise ImageError("the cause")

    monkeypatch.setattr(Meter, "measure", fail)

    def make(run: pipeline._Run, *arguments: Any) -> None:
        made(run, *arguments)
        run.stop = Stop()

    made = pipeline._Run.__init__
    monkeypatch.setattr(pipeline._Run, "__init__", make)
    records = measure([task("a", 10, 1), task("b", 10, 1)], Mishaps(), workers=2)
    with pytest.raises(ImageError, match="the cause"):
        next(records)


def test_who_interrupts_twice_leaves_the_room_empty(room: pipeline._Room, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, release = threading.Event(), threading.Event()

    def dawdle(meter: Meter, sr: Any) -> float:
        if sr[0, 0, 0] == 1:
            begun.set()
            assert release.wait(LIMIT_S)
            raise ImageError("too late")
        return 0.0

    monkeypatch.setattr(Meter, "measure", dawdle)
    records = measure([task("a", 3, 1), task("b", 5, 2)], Mishaps(), workers=2)
    next(records)
    assert begun.wait(LIMIT_S)

    def interrupted(thread: threading.Thread, timeout: float | None = None) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
        patched.setattr(threading.Thread, "join", interrupted)
        records.close()  # type: ignore[attr-defined]
    held = room._taken
    release.set()
    for thread in threading.enumerate():
        if thread.name.startswith("measure-"):
            thread.join(LIMIT_S)
    assert (held, room._taken) == (5, 0)


def test_an_image_without_samples_is_no_task() -> None:
    with pytest.raises(InputError, match="image 0801: no samples to measure"):
        task("0801", 0, 0)


@pytest.mark.parametrize("net", sorted(pipeline._GT_BYTES))
def test_the_room_that_a_gt_takes(net: str) -> None:
    zeros = {name: torch.zeros(shape) for name, shape in parameter_shapes(net).items()}
    trunk = Trunk(net, zeros, torch.device("cpu"), torch.float32)
    with torch.no_grad():
        values = sum(part.values.numel() for part in trunk.activations(torch.zeros(1, 3, 256, 256)))
    assert 4 * values / 256**2 == pytest.approx(pipeline._GT_BYTES[net], rel=0.1)


def run_at_random(seed: int, wrong: list[str]) -> None:
    choose = random.Random(seed)
    mishaps = Mishaps(seed, choose.choice([0, 0, 0.01]), choose.choice([0, 0.3]))
    tasks = [task(f"{i}", choose.choice(SIZES), choose.choice([1, 2, 8])) for i in range(choose.randrange(7))]
    wanted = choose.choice([len(tasks), len(tasks), 1])  # after so many records it is closed
    found: list[str] = []
    with closing(measure(tasks, mishaps, choose.choice([1, 2, 6]))) as records:  # type: ignore[type-var]
        try:
            for record in records:
                total = sum(range(len(record.samples)))
                if [s.values["psnr"] for s in record.samples] != list(range(len(record.samples))):
                    wrong.append(f"{seed}: samples out of order")
                if record.values["psnr"] != total:
                    wrong.append(f"{seed}: {record.values} for {total}")
                found.append(record.image)
                if len(found) == wanted:
                    break
            if len(set(found)) != min(wanted, len(tasks)):
                wrong.append(f"{seed}: {found} of {wanted}")
        except ImageError:
            if not mishaps.failures:
                wrong.append(f"{seed}: failed without a mishap")
        except BaseException as error:  # noqa: BLE001 - told by the test
            wrong.append(f"{seed}: {error!r}")


def test_runs_end_in_order_and_with_an_empty_room(room: pipeline._Room) -> None:
    wrong: list[str] = []
    seeds = iter(range(150))

    def some() -> None:
        for seed in seeds:
            run_at_random(seed, wrong)

    several = [threading.Thread(target=some, daemon=True) for _ in range(3)]  # they share the room
    for one in several:
        one.start()
    end = time.monotonic() + LIMIT_S
    for one in several:
        one.join(max(0.0, end - time.monotonic()))
    assert not any(one.is_alive() for one in several)
    assert wrong == []
    assert room._taken == 0
