"""Fuzzing of everything that reads untrusted bytes and texts.

    python benchmarks/fuzz.py --executions 1000000 --seed 0     all targets, by their shares; no further package
    python benchmarks/fuzz.py --executions 20000 --only png
    python benchmarks/fuzz.py --guided 120                      guided by coverage (atheris), two minutes a reader

A target returns or raises an error of the package. Anything else is a crash, and its input is kept: another exception,
a broken promise (an escaped cell that a spreadsheet computes, a name that is not read back), more than 20 seconds, more
than 4 GB of new memory, a killed process. For each target the number of executions and of crashes are printed, with the
slowest execution and the growth of memory; the exit code is 1 after a crash.

The seeded mode changes inputs at random (``inputs/mutations.py``). The input of execution i of a target follows from
the seed and i alone, so each one can be repeated: ``--only png --from 4711 --executions 1``. With ``--guided``, atheris
instruments Python code: the C code of Pillow, zlib and PyTorch runs, but does not guide it. It needs ``pip install
atheris`` (Linux, macOS). Unix only.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

MEMORY = 4 << 30
SECONDS = 20
PIECE = 20_000
"""Executions in one process."""


def seeded(name: str, seed: int, first: int, count: int, crashes: Path) -> dict[str, float]:
    """Executions ``first`` to ``first + count - 1`` of a target, in this process."""
    import psutil

    from inputs.fuzz_targets import TARGETS
    from srspace_eval.errors import SrspaceEvalError

    warnings.simplefilter("ignore")
    os.environ["SRSPACE_EVAL_STATE"] = tempfile.mkdtemp()
    scratch = Path(tempfile.mkdtemp())
    target = TARGETS[name][0](scratch)
    before = psutil.Process().memory_info()
    resource.setrlimit(resource.RLIMIT_AS, (before.vms + MEMORY, resource.RLIM_INFINITY))

    def late(number: int, frame: object) -> None:
        raise TimeoutError(f"more than {SECONDS} seconds")

    signal.signal(signal.SIGALRM, late)
    slowest, fell, refused = 0.0, 0, 0
    (crashes / f"{name}-now").write_bytes(b" " * 20)
    with (crashes / f"{name}-now").open("r+b") as file:
        at = mmap.mmap(file.fileno(), 20)
    for index in range(first, first + count):
        at[:20] = b"%20d" % index  # in shared memory: it survives a killed process
        began = time.perf_counter()
        data = target.draw(random.Random(f"{name} {seed} {index}"))
        signal.alarm(SECONDS)
        try:
            target.read(data)
        except SrspaceEvalError:
            refused += 1
        except BaseException:  # noqa: BLE001  # every other exception is what is looked for
            signal.alarm(0)
            fell += 1
            shown = data if isinstance(data, bytes) else repr(data).encode("utf-8", "backslashreplace")
            (crashes / f"{name}-{seed}-{index}").write_bytes(shown)
            (crashes / f"{name}-{seed}-{index}.txt").write_text(traceback.format_exc())
            if fell >= 20:
                break
        signal.alarm(0)
        slowest = max(slowest, time.perf_counter() - began)
    (crashes / f"{name}-now").unlink()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "executions": index - first + 1, "refused": refused, "crashes": fell, "slowest": slowest,
        "memory": max(0, peak - before.rss) / 2**20,
    }  # fmt: skip


def campaign(executions: int, seed: int, first: int, only: list[str], crashes: Path, until: float) -> int:
    """Fuzz the targets in pieces, each in a process of its own. Returns the exit code."""
    from inputs.fuzz_targets import TARGETS

    shares = {name: TARGETS[name][1] for name in only or TARGETS}
    print(f"{'target':12} {'executions':>11} {'refused':>9} {'crashes':>8} {'slowest':>9} {'memory':>9} {'seconds':>8}")
    fell = total = 0
    for name, share in shares.items():
        wanted = -(-executions * share // sum(shares.values()))
        done = {"executions": 0.0, "refused": 0.0, "crashes": 0.0, "slowest": 0.0, "memory": 0.0}
        began = time.perf_counter()
        while done["executions"] < wanted and not done["crashes"] and time.monotonic() < until:
            count = min(PIECE, wanted - int(done["executions"]))
            ran = subprocess.run(
                [sys.executable, __file__, "--piece", name, "--seed", str(seed), "--crashes", str(crashes),
                 "--from", str(first + int(done["executions"])), "--executions", str(count)],
                capture_output=True, text=True, errors="replace", check=False,
            )  # fmt: skip
            if ran.returncode:  # killed, or it could not start
                at = crashes / f"{name}-now"
                print(f"{name}: exit code {ran.returncode} at {at.read_text().strip() if at.exists() else 'the start'}")
                print(ran.stderr[-2000:], file=sys.stderr)
                done["crashes"] += 1
                break
            found = json.loads(ran.stdout.splitlines()[-1])
            for key in ("executions", "refused", "crashes"):
                done[key] += found[key]
            for key in ("slowest", "memory"):
                done[key] = max(done[key], found[key])
        fell += int(done["crashes"])
        total += int(done["executions"])
        print(
            f"{name:12} {int(done['executions']):11} {int(done['refused']):9} {int(done['crashes']):8} "
            f"{done['slowest']:7.2f} s {done['memory']:6.0f} MB {time.perf_counter() - began:8.0f}",
            flush=True,
        )
    print(f"{total} executions, {fell} crashes")
    return int(bool(fell))


READERS = ("png", "zips", "tracks", "results", "tables", "checkpoints", "safetensors")
"""The targets that atheris runs."""


def corpus_of(name: str, folder: Path) -> tuple[Callable[[bytes], object], list[bytes]]:
    """The function that reads the bytes, and the initial corpus."""
    import contextlib

    from inputs import fuzz_targets
    from srspace_eval.errors import SrspaceEvalError

    target = fuzz_targets.TARGETS[name][0](folder)

    def run(data: bytes) -> None:
        with contextlib.suppress(SrspaceEvalError):
            target.read(data)

    return run, list(target.corpus)


def fuzz(name: str, seconds: int, crashes: Path) -> None:
    """Fuzz one reader, guided by coverage; never returns."""
    import atheris

    with atheris.instrument_imports(include=["srspace_eval", "zipfile", "tomllib", "csv", "safetensors", "PIL"]):
        import inputs.hostile.checkpoints
        import inputs.hostile.documents
        import inputs.hostile.zips  # noqa: F401
        import srspace_eval.models.loading  # noqa: F401
    scratch = Path(tempfile.mkdtemp())
    (scratch / "corpus").mkdir()
    (scratch / "in").mkdir()
    call, seeds = corpus_of(name, scratch / "in")
    for number, seed in enumerate(seeds):
        (scratch / "corpus" / f"seed{number}").write_bytes(seed)
    arguments = [
        sys.argv[0], str(scratch / "corpus"), f"-max_total_time={seconds}", "-rss_limit_mb=4096", "-timeout=20",
        "-max_len=20000", f"-artifact_prefix={crashes}/{name}-", "-print_final_stats=1", "-seed=1",
    ]  # fmt: skip
    atheris.Setup(arguments, call)
    atheris.Fuzz()


def guided(seconds: int, only: list[str], crashes: Path) -> int:
    """Fuzz readers with atheris, each in a process of its own. Returns the exit code."""
    print(f"{'reader':12} {'seconds':>8} {'executions':>11} {'corpus':>7} {'crashes':>8}")
    failed = False
    for name in only or READERS:
        done = subprocess.run(
            [sys.executable, __file__, "--reader", name, "--guided", str(seconds), "--crashes", str(crashes)],
            capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
        executions = re.findall(r"number_of_executed_units:\s*(\d+)", done.stderr) or re.findall(
            r"^#(\d+)", done.stderr, re.M
        )
        corpus = re.findall(r"corp: (\d+)", done.stderr)
        crashed = len(list(crashes.glob(f"{name}-*")))
        failed |= bool(crashed or done.returncode)
        print(
            f"{name:12} {seconds:8} {executions[-1] if executions else 0:>11} "
            f"{corpus[-1] if corpus else 0:>7} {crashed:8}",
            flush=True,
        )
        if crashed or done.returncode:
            print(done.stderr[-1500:], file=sys.stderr)
    return int(failed)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--executions", type=int, default=100_000, help="of all targets together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--from", type=int, default=0, dest="first", help="number of the first execution")
    parser.add_argument("--minutes", type=float, default=1e6, help="start no further piece after this time")
    parser.add_argument("--guided", type=int, metavar="SECONDS", help="with atheris, so long for each reader")
    parser.add_argument("--only", action="append", default=[], help="a target; may be given several times")
    parser.add_argument("--crashes", type=Path, default=Path("fuzz-crashes"), help="folder for inputs that crash")
    parser.add_argument("--piece", help=argparse.SUPPRESS)
    parser.add_argument("--reader", choices=READERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.crashes.mkdir(parents=True, exist_ok=True)
    if options.reader:
        fuzz(options.reader, options.guided, options.crashes)
        return 1
    if options.piece:
        found = seeded(options.piece, options.seed, options.first, options.executions, options.crashes)
        print(json.dumps(found))
        return 0
    if options.guided:
        return guided(options.guided, options.only, options.crashes)
    until = time.monotonic() + 60 * options.minutes
    return campaign(options.executions, options.seed, options.first, options.only, options.crashes, until)


if __name__ == "__main__":
    sys.exit(main())
