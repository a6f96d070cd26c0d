"""Fault injection: `score`, `sample`, `rank` and `study serve` are killed, interrupted and starved.

    python benchmarks/faults.py --kills 100
    python benchmarks/faults.py --kills 3 --json        the short version that the tests run

Each command first runs undisturbed. Then it runs repeatedly into another folder, each time with one fault: SIGKILL or
SIGINT at a random moment, a full disk, files that vanish or change, a folder without write permission, no memory in a
worker, or a second process with the same work. Three things must hold after a fault: no file is torn, no record is
lost, and the same command without a fault then writes the bytes of the undisturbed run and leaves no temporary or lock
file.

`study serve` gets the answers of thirty raters, four of each, one after the other. A client sends an answer again until
the server has confirmed it, as the study's page does. After a kill, each confirmed answer is there with its bytes, and
no file is torn; when all are sent, the folder has the bytes of an undisturbed run. At last 500 clients send at once,
once to a folder that takes files and once to one that stops doing so: each answer is confirmed and kept, or its client
is told that it is not.

"injected" counts the faults that occurred before the command's end; "survived" counts those after which all of this
held. Unix only: processes are forked, so that random moments fall into the work and not into the start of Python.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from http.client import HTTPException
from pathlib import Path

import srspace_eval.models.folders.sample_folder
import srspace_eval.report.html
import srspace_eval.scoring.executors.threads
import srspace_eval.scoring.run  # noqa: F401  # imported before the forks
from inputs.answers import answer_document
from inputs.hostile import clients
from inputs.hostile.names import NAMES
from inputs.submissions import small
from inputs.synth import picture
from inputs.weights import write_alexnet, write_small_checkpoint
from srspace_eval._utils.png import write_png
from srspace_eval.cli import main
from srspace_eval.results.store import read_result, write_result
from srspace_eval.study.key import load_key

Disturb = Callable[[], None]


@dataclass(frozen=True)
class Command:
    """A command and the folder it writes."""

    name: str
    arguments: Callable[[Path], list[str]]


@dataclass
class Figures:
    """What happened to one command under one fault."""

    command: str
    fault: str
    injected: int = 0
    survived: int = 0
    records_lost: int = 0
    remarks: list[str] = field(default_factory=list)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def start(arguments: list[str], log: Path, disturb: Disturb = lambda: None) -> int:
    """Run the command in a forked process; returns its process id."""
    # Interrupts are blocked until the command has started.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    child = os.fork()
    if child:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        return child
    code = 99
    # A shell makes its background processes ignore interrupts, and a child inherits that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with log.open("w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            sys.stdout = sys.stderr = file
            disturb()
            try:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
                main(arguments)
            except SystemExit as left:
                code = int(left.code or 0)
            except KeyboardInterrupt:
                code = 130
            except BaseException:  # noqa: BLE001  # the log must show every error
                traceback.print_exc(file=file)
            file.flush()
    finally:
        os._exit(code)


def finish(child: int) -> int:
    """The exit code; negative if a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def records(folder: Path) -> set[str]:
    """What is stored: whole lines of a journal after its header, and files under their final names."""
    found = set()
    for name, data in contents(folder).items():
        if name.endswith(".journal.jsonl"):
            found |= {line.decode() for line in data.split(b"\n")[1:-1]}
        elif name.endswith(".png"):
            found.add(name)
    return found


class Trial:
    """One command under many faults, in one scratch folder."""

    def __init__(self, command: Command, scratch: Path, chance: random.Random) -> None:
        self.command, self.chance = command, chance
        self.out, self.log = scratch / f"{command.name} disturbed", scratch / f"{command.name}.log"
        whole = scratch / f"{command.name} whole"
        for _ in range(2):  # the first run imports what the others then have
            shutil.rmtree(whole, ignore_errors=True)
            began = time.perf_counter()
            code = finish(start(command.arguments(whole), self.log))
            self.seconds = time.perf_counter() - began
            assert code == 0, self.log.read_text()
        self.wanted = contents(whole)

    def clean(self) -> None:
        shutil.rmtree(self.out, ignore_errors=True)

    def torn(self) -> list[str]:
        """Files under their final names that differ from those of the undisturbed run."""
        return [
            name
            for name, data in contents(self.out).items()
            if name in self.wanted and data != self.wanted[name] and "srspace-eval-sample" not in name
        ]

    def completed(self) -> str:
        """Run the command to its end; returns what is wrong with the outcome, or an empty text."""
        if finish(start(self.command.arguments(self.out), self.log)) != 0:
            return self.log.read_text()[-300:]
        found = contents(self.out)
        different = {name for name in found.keys() | self.wanted.keys() if found.get(name) != self.wanted.get(name)}
        return f"differ from the undisturbed run: {sorted(different)[:4]}" if different else ""

    def signalled(self, number: signal.Signals, times: int) -> Figures:
        """Kill or interrupt the command ``times`` times; when it reaches its end it starts from an empty folder."""
        figures = Figures(self.command.name, number.name)
        self.clean()
        there: set[str] = set()
        attempts = 0
        while figures.injected < times and attempts < 10 * times:
            attempts += 1
            child = start(self.command.arguments(self.out), self.log)
            time.sleep(self.chance.uniform(0, 1.05 * self.seconds))
            os.kill(child, number)
            code = finish(child)
            if code == 0:
                self._judge(figures, self.completed(), count=False)
                self.clean()
                there = set()
                continue
            figures.injected += 1
            now = records(self.out)
            lost = there - now if not any(name.endswith("t.json") for name in contents(self.out)) else set()
            figures.records_lost += len(lost)
            problem = f"torn: {self.torn()}" if self.torn() else ""
            if number == signal.SIGINT and (code != 130 or "Traceback" in self.log.read_text()):
                problem = f"exit code {code}: {self.log.read_text()[-300:]}"
            self._judge(figures, problem or ("records lost" if lost else ""))
            there = now
        self._judge(figures, self.completed(), count=False)
        return figures

    def failing(self, fault: str, disturb: Callable[[], Disturb], times: int, said: str) -> Figures:
        """Make the command fail: it must name the fault, exit with 1, and complete when it is run again."""
        figures = Figures(self.command.name, fault)
        for _ in range(times):
            self.clean()
            code = finish(start(self.command.arguments(self.out), self.log, disturb()))
            log = self.log.read_text()
            if code == 0:
                continue
            figures.injected += 1
            if code != 1 or "Traceback" in log or said not in log:
                self._judge(figures, f"exit code {code}: {log[-300:]}")
            else:
                self._judge(figures, f"torn: {self.torn()}" if self.torn() else self.completed())
        return figures

    def twice(self, times: int) -> Figures:
        """Two processes with the same work: each succeeds or reports that another process holds the lock."""
        figures = Figures(self.command.name, "two processes at once")
        for _ in range(times):
            self.clean()
            logs = [self.log, self.log.with_suffix(".2")]
            children = [start(self.command.arguments(self.out), log) for log in logs]
            codes = [finish(child) for child in children]
            figures.injected += 1
            bad = [log.read_text() for log, code in zip(logs, codes, strict=True)
                   if code != 0 and not (code == 1 and "another" in log.read_text())]  # fmt: skip
            self._judge(figures, bad[0][-300:] if bad or 0 not in codes else self.completed())
        return figures

    def _judge(self, figures: Figures, problem: str, *, count: bool = True) -> None:
        if problem:
            figures.remarks.append(problem)
            figures.survived -= not count
        else:
            figures.survived += count


# --- faults ----------------------------------------------------------------------------------------------


def full_disk(limit: int) -> Disturb:
    """No file can grow beyond ``limit`` bytes, as on a full disk."""

    def disturb() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return disturb


def disk_full_for_some(trial: Trial, chance: random.Random) -> Disturb:
    """A limit that some of the files exceed."""
    return full_disk(chance.randrange(2000, max(len(data) for data in trial.wanted.values())))


def at_call(number: int, act: Callable[[Path], None]) -> Disturb:
    """``act`` is called with a file just before the ``number``-th file is measured."""

    def disturb() -> None:
        from srspace_eval.scoring.executors import threads as pipeline

        load, count = pipeline.load, [0]

        def loading(source, ref, height, width):  # type: ignore[no-untyped-def]
            count[0] += 1
            if count[0] == number:
                act(source.path / ref.name)
            return load(source, ref, height, width)

        pipeline.load = loading

    return disturb


def out_of_memory(number: int) -> Disturb:
    """A worker raises MemoryError at its ``number``-th file."""

    def act(path: Path) -> None:
        raise MemoryError

    return at_call(number, act)


def not_writable(folder: Path) -> Disturb:
    """The folder cannot be written."""

    def disturb() -> None:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o555)
        drop_privileges()

    return disturb


def drop_privileges() -> None:
    """Drop all capabilities, so that file permissions also hold for root (Linux)."""
    if os.geteuid() == 0:
        header = (ctypes.c_uint32 * 2)(0x20080522, 0)
        sets = (ctypes.c_uint32 * 6)()
        assert ctypes.CDLL(None, use_errno=True).capset(header, sets) == 0, os.strerror(ctypes.get_errno())


# --- commands --------------------------------------------------------------------------------------------


def commands(scratch: Path) -> dict[str, Command]:
    data = small(scratch / "data", images=6, samples=3, size=(96, 96))
    alexnet = write_alexnet(scratch / "alex.pth")
    checkpoint = write_small_checkpoint(scratch / "srflow.pth", "srflow")
    lr = scratch / "lr"
    lr.mkdir()
    for number in range(801, 805):
        write_png(lr / f"{number:04d}x4.png", picture(16, 20, number))
    score = [
        "score", str(data / "sub"), "--gt", str(data / "gt"), "--track", "x4", "--samples", "3", "--team", "t",
        "--lpips-weights", str(alexnet), "--metrics", "lpips,lr_psnr,diversity,diversity_mse,psnr,ssim",
        "--device", "cpu",
    ]  # fmt: skip
    sample = ["sample", "--checkpoint", str(checkpoint), "--lr", str(lr), "--samples", "4", "--device", "cpu"]
    board = scratch / "board"
    assert finish(start([*score, "--board", str(board)], scratch / "board.log")) == 0
    result = read_result(board / "x4" / "t.json")
    for number, name in enumerate(NAMES[:8]):
        write_result(board / "x4" / f"t{number}.json", replace(result, team=name))
    return {
        "score": Command("score", lambda out: [*score, "--board", str(out)]),
        "sample": Command("sample", lambda out: [*sample, "--out", str(out)]),
        "rank": Command("rank", lambda out: ["rank", "--track", "x4", "--board", str(board), "--out", str(out)]),
    }


def run(kills: int, seed: int, only: str | None, *, kills_alone: bool = False) -> Iterator[Figures]:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        scratch.chmod(0o755)
        if only in (None, "serve"):
            trial = ServeTrial(scratch, chance)
            yield trial.signalled(signal.SIGKILL, kills)
            if not kills_alone:
                yield trial.signalled(signal.SIGINT, kills)
                for closing in (False, True):
                    yield trial.burst(closing=closing)
        if only == "serve":
            return
        for command in commands(scratch).values():
            if only not in (None, command.name):
                continue
            trial = Trial(command, scratch, chance)
            few = max(1, kills // 10)
            yield trial.signalled(signal.SIGKILL, kills)
            if kills_alone:
                continue
            yield trial.signalled(signal.SIGINT, kills)
            yield trial.failing("disk full", partial(disk_full_for_some, trial, chance), few, "")
            yield trial.failing("folder not writable", partial(not_writable, trial.out), 1, "cannot be")
            yield trial.twice(few)
            if command.name == "score":
                yield from _while_scoring(trial, scratch, chance, few)


def _while_scoring(trial: Trial, scratch: Path, chance: random.Random, times: int) -> list[Figures]:
    data = scratch / "data"
    kept = contents(data)

    def changing(act: Callable[[Path], None], said: str, name: str) -> Figures:
        completed = trial.completed

        def restored() -> str:
            for file, bytes_ in kept.items():
                (data / file).write_bytes(bytes_)
            return completed()

        trial.completed = restored  # type: ignore[method-assign]
        figures = trial.failing(name, lambda: at_call(chance.randrange(2, 20), act), times, said)
        trial.completed = completed  # type: ignore[method-assign]
        return figures

    return [
        changing(lambda path: path.unlink(), "cannot be read", "file vanishes"),
        changing(lambda path: write_png(path, picture(96, 96, 1)), "has changed since the run began", "file changes"),
        trial.failing("no memory in a worker", lambda: out_of_memory(chance.randrange(2, 20)), times, "memory"),
    ]


# --- the study's server ------------------------------------------------------------------------------------

REVISIONS = 4
BURST = 500


class ServeTrial:
    """A study's server under faults, in a process of its own."""

    def __init__(self, scratch: Path, chance: random.Random) -> None:
        self.chance = chance
        self.study = clients.write_study(scratch)
        self.key = load_key(self.study.with_name("study-key.json"))
        self.log = scratch / "serve.log"
        whole = scratch / "serve whole"
        child, links = self.serve(whole)
        began = time.perf_counter()
        self.send(links, {})
        self.seconds = time.perf_counter() - began
        self.end(child)
        self.wanted = answers_of(whole)
        assert len(self.wanted) == REVISIONS * len(self.key.raters), self.log.read_text()
        self.out = scratch / "serve disturbed"

    def serve(self, answers: Path, disturb: Disturb = lambda: None) -> tuple[int, dict[str, str]]:
        """Start the command; returns its process and rater -> link."""
        arguments = ["study", "serve", str(self.study), "--answers", str(answers), "--port", "0"]
        self.log.write_text("")
        child = start(arguments, self.log, disturb)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            lines = [line.split() for line in self.log.read_text().splitlines(keepends=True) if line.endswith("\n")]
            links = {words[0]: words[1] for words in lines if len(words) == 2 and words[1].startswith("http://")}
            if len(links) == len(self.key.raters):
                return child, links
            time.sleep(0.01)
        raise AssertionError(self.log.read_text())

    def end(self, child: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        finish(child)

    def answer(self, rater: str, revision: int) -> bytes:
        return json.dumps({**answer_document(self.key, rater), "id": f"{revision:032x}", "revision": revision}).encode()

    def send(self, links: dict[str, str], confirmed: dict[str, int], stop: threading.Event | None = None) -> None:
        """Each rater sends his or her answers in order, from the first one that is not confirmed."""

        def one(rater: str) -> None:
            for revision in range(confirmed.get(rater, 0) + 1, REVISIONS + 1):
                while not post(links[rater], self.answer(rater, revision)):
                    if stop is not None:
                        return  # the server is gone
                    time.sleep(0.02)
                confirmed[rater] = revision

        with ThreadPoolExecutor(len(links)) as pool:
            list(pool.map(one, links))

    def signalled(self, number: signal.Signals, times: int) -> Figures:
        figures = Figures("serve", number.name)
        attempts = 0
        while figures.injected < times and attempts < 10 * times:
            attempts += 1
            shutil.rmtree(self.out, ignore_errors=True)
            child, links = self.serve(self.out)
            confirmed: dict[str, int] = {}
            sending = threading.Thread(target=self.send, args=(links, confirmed, threading.Event()))
            sending.start()
            time.sleep(self.chance.uniform(0, 1.05 * self.seconds))
            before = sum(confirmed.values())
            os.kill(child, number)
            code = finish(child)
            log = self.log.read_text()
            sending.join()
            if before == len(self.wanted):
                continue
            figures.injected += 1
            stored = answers_of(self.out)
            wanted = {self.answer(rater, n) for rater, last in confirmed.items() for n in range(1, last + 1)}
            lost = wanted - set(stored.values())
            torn = set(stored.values()) - set(self.wanted.values())
            figures.records_lost += len(lost)
            problem = f"{len(lost)} lost, {len(torn)} torn" if lost or torn else ""
            if number == signal.SIGINT and (code != 0 or "Traceback" in log):
                problem = f"exit code {code}: {log[-300:]}"
            child, links = self.serve(self.out)
            self.send(links, confirmed)
            self.end(child)
            if not problem and answers_of(self.out) != self.wanted:
                problem = "differs from the undisturbed run"
            if problem:
                figures.remarks.append(problem)
            figures.survived += not problem
        return figures

    def burst(self, *, closing: bool) -> Figures:
        """500 clients at once. ``closing``: the folder stops taking files in their midst."""
        figures = Figures("serve", "500 at once, folder closes" if closing else "500 clients at once")
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir(mode=0o777)
        self.out.chmod(0o777)
        child, links = self.serve(self.out, drop_privileges)
        raters = sorted(links)
        ready = threading.Barrier(BURST + 1)
        kept: list[bytes] = []
        told: list[int] = []
        silent: list[int] = []

        def one(number: int) -> None:
            rater = raters[number % len(raters)]
            data = self.answer(rater, 1 + number)
            ready.wait()
            status = status_of(links[rater], data)
            if status == 201:
                kept.append(data)
            else:
                (told if status else silent).append(status)

        with ThreadPoolExecutor(BURST) as pool:
            sent = [pool.submit(one, number) for number in range(BURST)]
            ready.wait()
            if closing:
                while len(kept) < BURST // 4 and not all(future.done() for future in sent):
                    time.sleep(0.001)
                self.out.chmod(0o555)
            for future in sent:
                future.result()
        self.out.chmod(0o777)
        self.end(child)
        lost = set(kept) - set(answers_of(self.out).values())
        figures.injected, figures.survived = BURST, len(kept) - len(lost) + len(told)
        figures.records_lost = len(lost)
        figures.remarks = [f"{len(kept)} kept, {len(told)} told as not kept {sorted(set(told))}, {len(silent)} silent"]
        return figures


def answers_of(folder: Path) -> dict[str, bytes]:
    """The answers that `study collect` would read."""
    return {path.name: path.read_bytes() for path in folder.glob("*.json")}


def status_of(link: str, data: bytes) -> int:
    """The status of the reply to an answer; 201 only if the reply says that this answer is kept; 0: no reply."""
    request = urllib.request.Request(link + "answer", data=data, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            said = json.loads(reply.read())
            return 201 if said.get("kept") is True and said.get("id") == json.loads(data)["id"] else 0
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except (OSError, HTTPException, ValueError):
        return 0


def post(link: str, data: bytes) -> bool:
    return status_of(link, data) == 201


def main_() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="random moments for each command")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=["score", "sample", "rank", "serve"])
    parser.add_argument("--kills-alone", action="store_true", help="SIGKILL, and no other fault")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = run(options.kills, options.seed, options.only, kills_alone=options.kills_alone)
    found = []
    if options.json:
        found = list(rows)
        print(json.dumps([vars(figures) for figures in found]))
    else:
        print(f"{'command':8} {'fault':26} {'injected':>8} {'survived':>8} {'records lost':>12}")
        for f in rows:
            found.append(f)
            print(f"{f.command:8} {f.fault:26} {f.injected:8} {f.survived:8} {f.records_lost:12}", flush=True)
            for remark in f.remarks[:3]:
                print(f"    {remark}")
    return int(any(f.survived != f.injected or f.records_lost for f in found))


if __name__ == "__main__":
    sys.exit(main_())
