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
from srspace_eval._utils.hashing import sha256
from srspace_eval.errors import ExecutorError, ImageError, Notice
from srspace_eval.results.record import Result
from srspace_eval.results.store import result_path
from srspace_eval.scoring.executors import dask, worker
from srspace_eval.scoring.executors.base import NetworkPlan, RuntimeInfo, runtime_info
from srspace_eval.scoring.executors.connection import NO_DASHBOARD, local_cluster, open_dask
from srspace_eval.scoring.executors.dask import require_same_dask, require_same_runtime, task_error
from srspace_eval.scoring.executors.threads import LocalExecutor
from srspace_eval.scoring.options import ScoreOptions
from srspace_eval.scoring.run import score
from srspace_eval.scoring.tasks import FileRef, ImageTask, TaskSources
from srspace_eval.submissions.sources import FolderSource
from srspace_eval.tracks.reader import load_track
from tests.helpers.evaluation import evaluator_config

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
        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=120)

    @property
    def address(self) -> str:
        address: str = json.loads(self.file.read_text())["address"]
        return address

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


def test_the_bytes_are_those_of_a_local_run(folder: Path, wanted: bytes, processes: Processes, tmp_path: Path) -> None:
    run(folder, tmp_path, str(processes.file))
    assert written(tmp_path) == wanted
    assert [path.name for path in (tmp_path / "x4").iterdir()] == ["t.json"]


def test_relative_paths_and_addresses_work(
    folder: Path, wanted: bytes, processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    address = processes.address
    run(Path(), tmp_path, address)
    assert written(tmp_path) == wanted
    run(Path(), tmp_path / "b", address.removeprefix("tcp://"), metrics=("psnr",))  # no network wanted


def test_a_file_that_workers_do_not_see_is_named(processes: Processes, tmp_path: Path) -> None:
    sources = TaskSources(FolderSource(tmp_path), FolderSource(tmp_path))
    task = ImageTask("0801", 8, 8, FileRef("0801.png", "0" * 64), None, ((0, FileRef("s.png", "0" * 64)),))
    with open_dask(str(processes.file)) as executor:
        executor.prepare(None)
        config = evaluator_config(frozenset({"psnr"}), 4)
        with pytest.raises(ImageError, match=r"0801\.png.*at worker tcp://.*does not see that file"):
            list(executor.measure([task], sources, config, advance=lambda n: None))


def test_errors_of_a_task_are_raised_here(folder: Path, processes: Processes, tmp_path: Path) -> None:
    broken = folder / "sub/000003_sample00001.png"
    good = broken.read_bytes()

    def break_it() -> None:
        broken.write_bytes(good[:-1])

    try:
        with pytest.raises(ImageError, match=r"000003_sample00001\.png: has changed"):
            run(folder, tmp_path, str(processes.file), at_first_image(break_it, before=True))
    finally:
        broken.write_bytes(good)


def test_a_killed_workers_tasks_are_measured_again(
    folder: Path, wanted: bytes, processes: Processes, tmp_path: Path
) -> None:
    victim = processes.workers.pop(0)
    run(folder, tmp_path, str(processes.file), at_first_image(lambda: (victim.kill(), victim.wait())))
    assert written(tmp_path) == wanted


def test_it_waits_for_workers_with_a_notice(folder: Path, wanted: bytes, processes: Processes, tmp_path: Path) -> None:
    with open_dask(str(processes.file)) as executor:
        for process in processes.workers:
            process.kill()
            process.wait()
        wait_for(lambda: not executor.workers())
        processes.worker()
        with pytest.warns(Notice, match="has no workers now"):
            executor.prepare(None)
    run(folder, tmp_path, str(processes.file))
    assert written(tmp_path) == wanted


def test_paused_workers_are_named(folder: Path, processes: Processes) -> None:
    from distributed import Client, Status

    sources = TaskSources(FolderSource(folder / "sub"), FolderSource(folder / "gt"))
    gt, sr = (
        FileRef(path.name, sha256(path.read_bytes()))
        for path in (folder / "gt/0801.png", folder / "sub/000000_sample00000.png")
    )
    tasks = [ImageTask("0801", 96, 96, gt, None, ((0, sr),))]
    config = evaluator_config(frozenset({"psnr"}), 4)
    local = LocalExecutor(1)
    local.prepare(None)

    def set_status(status: str) -> None:
        client.run(lambda dask_worker: setattr(dask_worker, "status", Status[status]))

    with (
        Client(processes.address, set_as_default=False) as client,
        open_dask(str(processes.file), poll_interval=0.2) as executor,
    ):
        executor.prepare(None)
        workers = executor.workers()
        set_status("paused")
        resume = threading.Timer(1.5, set_status, ["running"])
        resume.start()
        with pytest.warns(Notice) as notices:
            records = list(executor.measure(tasks, sources, config, advance=lambda n: None))
        resume.join()
    assert records == list(local.measure(tasks, sources, config, advance=lambda n: None))
    assert sum("is paused by Dask" in str(notice.message) for notice in notices) == len(workers)


def test_what_answers_must_be_a_scheduler_of_this_dask(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusal(address: str, **options: float) -> str:
        with pytest.raises(ExecutorError, match="no Dask scheduler can be used there") as caught:
            open_dask(address, **options).__enter__()
        return str(caught.value)

    with open_dask(str(processes.file)) as executor:
        (worker, *_) = executor.workers()
    assert "this is the address of a Worker" in refusal(worker)
    assert "unknown address scheme 'foo'" in refusal("foo://127.0.0.1:1")
    with monkeypatch.context() as patch:
        patch.setattr("distributed.__version__", "2001.1.0")
        assert "the scheduler runs distributed 20" in refusal(str(processes.file))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert "no answer within 0.5 s" in refusal(f"tcp://127.0.0.1:{silent.getsockname()[1]}", connect_timeout=0.5)


def test_an_adaptive_cluster_may_have_no_workers_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import LocalCluster

    async def slow(plan: NetworkPlan | None) -> RuntimeInfo:
        await asyncio.sleep(1)  # longer than an idle worker is kept
        return runtime_info(None)

    monkeypatch.setattr(dask, "probe", slow)
    with LocalCluster(n_workers=0, processes=False, memory_limit=0, scheduler_kwargs=NO_DASHBOARD) as adapting:
        adapting.adapt(minimum=0, maximum=1, interval="50ms")
        with (
            open_dask(adapting.scheduler_address) as executor,
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


def test_a_run_resumes_after_a_lost_scheduler(
    folder: Path, wanted: bytes, processes: Processes, tmp_path: Path
) -> None:
    def kill() -> None:
        processes.scheduler.kill()
        processes.scheduler.wait()

    with pytest.raises(ExecutorError, match="connection to the scheduler was lost"):
        run(folder, tmp_path, str(processes.file), at_first_image(kill))
    journal = tmp_path / "x4/t.journal.jsonl"
    assert journal.read_bytes().count(b"\n") >= 2
    run(folder, tmp_path, None)
    assert written(tmp_path) == wanted
    assert not journal.exists()
    with (
        pytest.raises(ExecutorError, match="no Dask scheduler can be used"),
        open_dask(str(processes.file), connect_timeout=0.5),
    ):
        pass


@pytest.mark.skipif(os.name == "nt", reason="no process groups")
def test_a_run_resumes_after_ctrl_c_ended_its_local_cluster(folder: Path, wanted: bytes, tmp_path: Path) -> None:
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
    assert errors.strip().splitlines()[-1].startswith("interrupted: the images that were measured are kept"), errors
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


def test_missing_dask_is_reported_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ExecutorError, match=r"pip install 'srspace-eval\[distributed\]'"):
        score("sub", "gt", options=ScoreOptions(scheduler="local"), board=tmp_path)


@pytest.mark.parametrize("scheduler", ["nowhere.json", "local:0", "local:x", "", "localhost"])
def test_wrong_schedulers_are_refused(scheduler: str) -> None:
    with pytest.raises(ExecutorError, match="neither local"), open_dask(scheduler):
        pass


def test_workers_that_do_not_start_are_an_error() -> None:
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
        local_cluster(lambda **_: Stuck(), 3),
    ):
        pass
    assert calls == [3, "closed"]


def test_wrong_scheduler_files_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "s.json"
    for text in ("{}", "[]", "nothing"):
        file.write_text(text)
        with pytest.raises(ExecutorError, match="not a scheduler file"), open_dask(str(file)):
            pass


def test_workers_must_agree_with_each_other_and_with_this_process(folder: Path) -> None:
    plan = NetworkPlan(weights=folder / "alex.pth", device="cpu")
    here = runtime_info(plan.load())
    assert here.lpips is not None
    require_same_runtime("s", plan, {"a": here, "b": here})
    gpu = RuntimeInfo(here.lpips, {**here.environment, "device": "GPU"})
    require_same_runtime("s", plan, {"a": gpu, "b": gpu})  # this process need not have one
    trunk = RuntimeInfo({**here.lpips, "trunk_sha256": "0" * 64}, here.environment)
    torch = RuntimeInfo(here.lpips, {**here.environment, "torch": "1.0"})
    for answers, problem in [
        ({"a": here, "b": gpu}, "worker b: environment.device: GPU / cpu at worker a"),
        ({"a": trunk, "b": trunk}, "worker a: lpips.trunk_sha256: 00000000 / "),
        ({"a": here, "b": torch}, "worker b: environment.torch: 1.0 / "),
        ({"a": ModuleNotFoundError("no srspace_eval")}, "worker a: ModuleNotFoundError: no srspace_eval; install"),
        ({}, "have gone"),
    ]:
        with pytest.raises(ExecutorError) as caught:
            require_same_runtime("s", plan, answers)  # type: ignore[arg-type]
        assert problem in str(caught.value)


def test_workers_of_another_dask_are_refused() -> None:
    this, other = ({"packages": {"distributed": version}} for version in ("2026.8.0", "2024.1.0"))
    require_same_dask("s", {"client": this, "scheduler": this, "workers": {"a": this}})
    with pytest.raises(ExecutorError, match=r"worker b: distributed 2024\.1\.0 / 2026\.8\.0 here") as caught:
        require_same_dask("s", {"client": this, "scheduler": this, "workers": {"a": this, "b": other}})
    assert len(caught.value.problems) == 1


def test_an_image_that_kills_its_workers_is_named() -> None:
    from types import SimpleNamespace

    from distributed import KilledWorker

    task = ImageTask("0801", 8, 8, FileRef("0801.png", "0" * 64), None, ((0, FileRef("a.png", "0" * 64)),))
    for error, message in [
        (KilledWorker("key", SimpleNamespace(address="tcp://w:1"), 3), "image 0801: every worker .* tcp://w:1"),
        (MemoryError("too much"), "image 0801: a worker failed: MemoryError: too much"),
    ]:
        with pytest.raises(ExecutorError, match=message):
            raise task_error(task, error)


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
def test_workers_on_one_machine_use_different_gpus(
    device: str, name: object, slurm: str | None, pinned: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.torch.cuda, "device_count", lambda: 4)
    monkeypatch.delenv("SLURM_LOCALID", raising=False)
    if slurm is not None:
        monkeypatch.setenv("SLURM_LOCALID", slurm)
    assert worker._pinned(device, name) == pinned
    monkeypatch.setattr(worker.torch.cuda, "device_count", lambda: 1)
    assert worker._pinned(device, name) == device
