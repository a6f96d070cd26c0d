"""Real schedulers and workers: processes started here, killed here."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from benchmarks.inputs.submissions import small
from benchmarks.inputs.weights import write_alexnet
from srspace_eval.errors import ExecutorError, ImageError, Notice
from srspace_eval.metrics.evaluator import MeterConfig
from srspace_eval.results.board import result_path
from srspace_eval.results.record import Result
from srspace_eval.scoring.executors import dask as cluster
from srspace_eval.scoring.executors import dask_worker as cluster_worker
from srspace_eval.scoring.executors.base import NetworkPlan, RuntimeInfo, runtime_info
from srspace_eval.scoring.run import ScoreOptions, score
from srspace_eval.scoring.tasks import FileRef, ImageTask, TaskSources
from srspace_eval.submissions.sources import FolderSource
from srspace_eval.tracks.reader import load_track

pytest.importorskip("distributed")

METRICS = ("lpips", "lr_psnr", "diversity", "diversity_mse")
IMAGES = 6


class Processes:
    """A scheduler and workers of one thread each, as a user would start them."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "scheduler.json"
        self._log = (folder / "log").open("w")
        self.scheduler = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(self.file)
        )
        self.workers: list[subprocess.Popen[bytes]] = []
        wait_for(self.file.exists)

    def worker(self, *options: str) -> subprocess.Popen[bytes]:
        process = self._start(
            "worker", "--scheduler-file", str(self.file), "--nthreads", "1", "--no-nanny", "--no-dashboard",
            "--memory-limit", "0", *options,
        )  # fmt: skip
        self.workers.append(process)
        return process

    def wait_for_workers(self) -> None:
        """Wait until every worker that lives has joined."""
        from distributed import Client

        count = sum(process.poll() is None for process in self.workers)
        with Client(json.loads(self.file.read_text())["address"], set_as_default=False) as client:
            client.wait_for_workers(count, timeout=120)

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()
        self._log.close()

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "dask", *arguments], stdout=self._log, stderr=self._log)


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = small(tmp_path_factory.mktemp("cluster") / "a", images=IMAGES, size=(96, 96))
    write_alexnet(folder / "alex.pth")
    return folder


@pytest.fixture(scope="module")
def wanted(folder: Path) -> bytes:
    """What a local run writes."""
    run(folder, folder / "local", None)
    return written(folder / "local")


@pytest.fixture(scope="module")
def started() -> Iterator[list[Processes]]:
    """Every cluster of this module's tests; the last one serves until its scheduler is killed."""
    clusters: list[Processes] = []
    yield clusters
    for processes in clusters:
        processes.close()


@pytest.fixture
def processes(started: list[Processes], tmp_path_factory: pytest.TempPathFactory) -> Processes:
    """A scheduler with two workers at least, whatever the tests before have killed."""
    if not started or started[-1].scheduler.poll() is not None:
        started.append(Processes(tmp_path_factory.mktemp("processes")))
    found = started[-1]
    found.workers = [process for process in found.workers if process.poll() is None]
    while len(found.workers) < 2:
        found.worker()
    found.wait_for_workers()
    return found


def run(folder: Path, board: Path, scheduler: str | None, progress: Any = None, **changes: Any) -> Result:
    options = {"metrics": METRICS, "samples": 3, "device": "cpu", "lpips_weights": folder / "alex.pth", **changes}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Notice)
        return score(
            folder / "sub", folder / "gt", track=load_track("x4"), board=board, team="t",
            options=ScoreOptions(scheduler=scheduler, **options), **({"progress": progress} if progress else {}),
        )  # fmt: skip


def written(board: Path) -> bytes:
    return result_path(board, "x4", "t").read_bytes()


def at_first_image(act: Callable[[], object], *, before: bool = False) -> Any:
    """Progress that acts once: when the first image has been measured, or before any is."""
    acted = []

    @contextmanager
    def progress(description: str, total: int) -> Iterator[Callable[[int], None]]:
        def advance(n: int) -> None:
            if description == "Scoring" and not acted:
                acted.append(n)
                act()

        if before:
            advance(0)
        yield advance

    return progress


def test_bytes_are_those_of_a_local_run(folder: Path, wanted: bytes, processes: Processes, tmp_path: Path) -> None:
    run(folder, tmp_path, str(processes.file))
    assert written(tmp_path) == wanted
    assert [path.name for path in (tmp_path / "x4").iterdir()] == ["t.json"]


def test_relative_paths_and_the_address_do_as_well(
    folder: Path, wanted: bytes, processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    address = json.loads(processes.file.read_text())["address"]
    run(Path(), tmp_path, address)
    assert written(tmp_path) == wanted
    run(Path(), tmp_path / "b", address.removeprefix("tcp://"), metrics=("psnr",))  # no network wanted


def test_a_file_that_a_worker_does_not_see(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_absolute", lambda sources: sources)
    (tmp_path / "gt").mkdir()
    sources = TaskSources(FolderSource(tmp_path / "gone"), FolderSource(tmp_path / "gt"))
    task = ImageTask("0801", 8, 8, FileRef("0801.png", "0" * 64), None, ((0, FileRef("s.png", "0" * 64)),))
    with cluster.open_dask(str(processes.file)) as executor:
        executor.prepare(None)
        config = MeterConfig(frozenset({"psnr"}), 4)
        with pytest.raises(ImageError, match=r"0801\.png.*at worker tcp://.*does not see that file"):
            list(executor.measure([task], sources, config, advance=lambda n: None))


def test_errors_in_a_task_come_home(folder: Path, processes: Processes, tmp_path: Path) -> None:
    broken = folder / "sub/000003_sample00001.png"
    good = broken.read_bytes()

    def break_it() -> None:
        broken.write_bytes(good[:-1])

    try:
        with pytest.raises(ImageError, match=r"000003_sample00001\.png: has changed"):
            run(folder, tmp_path, str(processes.file), at_first_image(break_it, before=True))
    finally:
        broken.write_bytes(good)


def test_a_killed_worker_costs_its_tasks_alone(
    folder: Path, wanted: bytes, processes: Processes, tmp_path: Path
) -> None:
    victim = processes.workers.pop(0)
    run(folder, tmp_path, str(processes.file), at_first_image(lambda: (victim.kill(), victim.wait())))
    assert written(tmp_path) == wanted


def test_it_waits_for_workers_and_says_so(folder: Path, wanted: bytes, processes: Processes, tmp_path: Path) -> None:
    def lose_all() -> None:
        for process in processes.workers:
            process.kill()
            process.wait()

    with cluster.open_dask(str(processes.file)) as executor:
        lose_all()
        wait_for(lambda: not executor._client.nthreads())
        processes.worker()
        with pytest.warns(Notice, match="has no workers now"):
            executor.prepare(None)
    run(folder, tmp_path, str(processes.file))
    assert written(tmp_path) == wanted


def test_workers_that_dask_holds_back_are_named(
    folder: Path, wanted: bytes, processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import Status

    monkeypatch.setattr(cluster, "_LOOK_S", 0.2)

    def hold_back(status: str) -> None:
        client.run(lambda dask_worker: setattr(dask_worker, "status", Status[status]))

    with cluster.open_dask(str(processes.file)) as executor:
        client = executor._client
        workers = len(executor._workers())
        hold_back("paused")
        release = threading.Timer(1.5, hold_back, ["running"])
        with pytest.warns(Notice) as notices:
            score(
                folder / "sub", folder / "gt", track=load_track("x4"), board=tmp_path, team="t",
                options=ScoreOptions(METRICS, 3, device="cpu", lpips_weights=folder / "alex.pth",
                                     scheduler=str(processes.file)),
                progress=at_first_image(release.start, before=True),
            )  # fmt: skip
        release.join()
    assert sum("is paused by Dask" in str(notice.message) for notice in notices) == workers
    assert written(tmp_path) == wanted


def test_what_answers_is_no_scheduler_of_this_dask(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusal(address: str) -> str:
        with pytest.raises(ExecutorError, match="no Dask scheduler answers there") as caught:
            cluster.open_dask(address).__enter__()
        return str(caught.value)

    with cluster.open_dask(str(processes.file)) as executor:
        (worker, *_) = executor._workers()
    assert "(but a Worker does)" in refusal(worker)
    assert "unknown address scheme 'foo'" in refusal("foo://127.0.0.1:1")
    with monkeypatch.context() as patch:
        patch.setattr("distributed.__version__", "2001.1.0")
        assert "but one of distributed 20" in refusal(str(processes.file))
    monkeypatch.setattr(cluster, "_CONNECT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert "(within 0.5 s)" in refusal(f"tcp://127.0.0.1:{silent.getsockname()[1]}")


def test_a_cluster_that_adapts_starts_from_no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import LocalCluster

    async def slow(plan: NetworkPlan | None) -> RuntimeInfo:
        await asyncio.sleep(1)  # longer than an idle worker is kept
        return runtime_info(None)

    monkeypatch.setattr(cluster, "probe", slow)
    with LocalCluster(n_workers=0, processes=False, memory_limit=0, scheduler_kwargs=cluster.HIDDEN) as adapting:
        adapting.adapt(minimum=0, maximum=1, interval="50ms")
        with (
            cluster.open_dask(adapting.scheduler_address) as executor,
            pytest.warns(Notice, match="has no workers now"),
        ):
            found = executor.prepare(None)
    assert found == runtime_info(None)


def test_another_version_is_refused(folder: Path, processes: Processes, tmp_path: Path) -> None:
    preload = tmp_path / "preload.py"
    preload.write_text("import srspace_eval._version\nsrspace_eval._version.__version__ = '0.0.1'\n")
    other = processes.worker("--preload", str(preload))
    processes.wait_for_workers()
    try:
        with pytest.raises(ExecutorError, match=r"environment\.srspace_eval: 0\.0\.1 / .* here") as caught:
            run(folder, tmp_path / "b", str(processes.file))
        assert len(caught.value.problems) == 1
        assert not (tmp_path / "b").exists()
    finally:
        processes.workers.remove(other)
        other.kill()
        other.wait()


def test_a_lost_scheduler_is_said_and_the_run_goes_on(
    folder: Path, wanted: bytes, processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill() -> None:
        processes.scheduler.kill()
        processes.scheduler.wait()

    with pytest.raises(ExecutorError, match="the scheduler was lost"):
        run(folder, tmp_path, str(processes.file), at_first_image(kill))
    journal = tmp_path / "x4/t.journal.jsonl"
    assert journal.read_bytes().count(b"\n") >= 2
    run(folder, tmp_path, None)
    assert written(tmp_path) == wanted
    assert not journal.exists()
    monkeypatch.setattr(cluster, "_CONNECT_S", 0.5)
    with pytest.raises(ExecutorError, match="no Dask scheduler answers"):
        run(folder, tmp_path / "b", str(processes.file))


@pytest.mark.skipif(os.name == "nt", reason="no process groups")
def test_ctrl_c_ends_a_local_cluster_and_the_run_goes_on(folder: Path, wanted: bytes, tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "srspace_eval", "score", str(folder / "sub"), "--gt", str(folder / "gt"), "--track", "x4",
        "--samples", "3", "--team", "t", "--lpips-weights", str(folder / "alex.pth"), "--metrics", ",".join(METRICS),
        "--device", "cpu", "--board", str(tmp_path), "--scheduler", "local:2",
    ]  # fmt: skip
    journal = tmp_path / "x4/t.journal.jsonl"
    with socket.socket() as taken:
        with suppress(OSError):  # in use already: as good
            taken.bind(("127.0.0.1", 8787))  # where Dask would show its dashboard
            taken.listen()
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
        wait_for(lambda: journal.exists() or process.poll() is not None)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert errors.strip() == "interrupted"
    wait_for(lambda: not alive(process.pid))
    run(folder, tmp_path, "local:1")
    assert written(tmp_path) == wanted


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    # What has ended but is not yet waited for still counts as a member of its group.
    states = [path.read_text().rpartition(")")[2].split() for path in Path("/proc").glob("[0-9]*/stat")]
    return any(int(state[2]) == group and state[0] != "Z" for state in states) if states else True


def test_without_dask_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ExecutorError, match=r"pip install 'srspace-eval\[distributed\]'"):
        score("sub", "gt", options=ScoreOptions(scheduler="local"), board=tmp_path)


@pytest.mark.parametrize("scheduler", ["nowhere.json", "local:0", "local:x", "", "localhost"])
def test_what_is_no_scheduler(scheduler: str) -> None:
    with pytest.raises(ExecutorError, match="neither local"), cluster.open_dask(scheduler):
        pass


def test_workers_that_do_not_start() -> None:
    calls = []

    class Stuck:
        def scale(self, count: int) -> None:
            calls.append(count)

        def wait_for_workers(self, count: int, timeout: float) -> None:
            raise TimeoutError

        def close(self) -> None:
            calls.append("closed")

    with (
        pytest.raises(ExecutorError, match="3 worker processes did not start"),
        cluster._local_cluster(lambda **_: Stuck(), 3),
    ):
        pass
    assert calls == [3, "closed"]


def test_what_is_no_scheduler_file(tmp_path: Path) -> None:
    file = tmp_path / "s.json"
    for text in ("{}", "[]", "nothing"):
        file.write_text(text)
        with pytest.raises(ExecutorError, match="no scheduler file"), cluster.open_dask(str(file)):
            pass


def test_workers_must_agree(folder: Path) -> None:
    plan = NetworkPlan(weights=folder / "alex.pth", device="cpu")
    here = runtime_info(plan.load())
    assert here.lpips is not None
    cluster._raise_differences("s", plan, {"a": here, "b": here})
    gpu = RuntimeInfo(here.lpips, {**here.environment, "device": "GPU"})
    cluster._raise_differences("s", plan, {"a": gpu, "b": gpu})  # this process need not have one
    trunk = RuntimeInfo({**here.lpips, "trunk_sha256": "0" * 64}, here.environment)
    torch = RuntimeInfo(here.lpips, {**here.environment, "torch": "1.0"})
    for answers, problem in [
        ({"a": here, "b": gpu}, "worker b: environment.device: GPU / cpu at worker a"),
        ({"a": trunk, "b": trunk}, "worker a: lpips.trunk_sha256: 00000000 / "),
        ({"a": here, "b": torch}, "worker b: environment.torch: 1.0 / "),
        ({"a": ModuleNotFoundError("no srspace_eval")}, "worker a: ModuleNotFoundError: no srspace_eval; install"),
        ({}, "went away"),
    ]:
        with pytest.raises(ExecutorError) as caught:
            cluster._raise_differences("s", plan, answers)  # type: ignore[arg-type]
        assert problem in str(caught.value)


def test_workers_of_another_dask_are_refused() -> None:
    this, other = ({"packages": {"distributed": version}} for version in ("2026.8.0", "2024.1.0"))
    cluster._raise_other_dask("s", {"client": this, "scheduler": this, "workers": {"a": this}})
    with pytest.raises(ExecutorError, match=r"worker b: distributed 2024\.1\.0 / 2026\.8\.0 here") as caught:
        cluster._raise_other_dask("s", {"client": this, "scheduler": this, "workers": {"a": this, "b": other}})
    assert len(caught.value.problems) == 1


def test_an_image_that_kills_its_workers_is_named() -> None:
    from types import SimpleNamespace

    from distributed import KilledWorker

    executor = cluster.DaskExecutor(SimpleNamespace(status="running"), "s")
    task = ImageTask("0801", 8, 8, FileRef("0801.png", "0" * 64), None, ((0, FileRef("a.png", "0" * 64)),))
    for error, message in [
        (KilledWorker("key", SimpleNamespace(address="tcp://w:1"), 3), "image 0801: every worker .* tcp://w:1"),
        (MemoryError("too much"), "image 0801: a worker failed: MemoryError: too much"),
    ]:
        future = SimpleNamespace(status="error", exception=lambda error=error: error)
        with pytest.raises(ExecutorError, match=message):
            executor._record(future, task)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("device", "name", "slurm", "pinned"),
    [
        ("cuda", 3, None, "cuda:3"),
        ("auto", 5, None, "cuda:1"),
        ("cuda", "SLURMCluster-2-1", "0", "cuda:1"),
        ("cuda", "tcp://10.0.0.1:4003", "2", "cuda:2"),
        ("cuda", "tcp://10.0.0.1:4003", None, "cuda:0"),
        ("cuda:2", 3, None, "cuda:2"),
        ("cpu", 3, None, "cpu"),
    ],
)
def test_workers_that_see_several_gpus_take_one_each(
    device: str, name: object, slurm: str | None, pinned: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_worker.torch.cuda, "device_count", lambda: 4)
    monkeypatch.delenv("SLURM_LOCALID", raising=False)
    if slurm is not None:
        monkeypatch.setenv("SLURM_LOCALID", slurm)
    assert cluster_worker._pinned(device, name) == pinned
    monkeypatch.setattr(cluster_worker.torch.cuda, "device_count", lambda: 1)
    assert cluster_worker._pinned(device, name) == device
