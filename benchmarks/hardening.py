"""Hostile files, boards, names and clients of every kind: what the program does with each, and what that costs.

    python benchmarks/hardening.py --table      every kind, as a Markdown table
    python benchmarks/hardening.py --table --only server
    python benchmarks/hardening.py --long 2000  scores that many images in one process: memory and open files

Each case runs in a forked process of its own, in which more than 4 GB of new memory are an error. Its time and the
growth of its peak memory are measured; making the case is not. Each case states what must happen:

- "refused": an error of the package, or the server's reply, with the expected words;
- "told": the work was done with the right numbers, and a notice has the expected words;
- "accepted, rightly": harmless, or shown so that it does no harm.

Any other outcome is listed on stderr, and the exit code is 1. Unix only.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

import srspace_eval.report.files
import srspace_eval.scoring.run  # noqa: F401  # imported before the forks
from inputs import pngs
from inputs.hostile import cells, checkpoints, clients, contradictions, documents, forged, pictures, published, zips
from inputs.weights import write_alexnet, write_small_checkpoint
from srspace_eval._utils.machine_secret import ENVIRONMENT
from srspace_eval._utils.png import write_png
from srspace_eval.models import load_model
from srspace_eval.scoring.options import ScoreOptions
from srspace_eval.scoring.run import score
from srspace_eval.tracks.reader import load_track

MEGABYTE = 2**20
MEMORY = 4 << 30
"""New memory that a case may take."""
SECONDS = 300
"""Time that a case may take."""
Build = Callable[[Path], Path]
Attack = Callable[[Path], str]


@dataclass(frozen=True)
class Group:
    """Cases of one kind: what reads them, and for each what builds it and the words of its outcome."""

    name: str
    attack: Attack
    cases: Mapping[str, tuple[Build, str]]


@dataclass(frozen=True)
class Outcome:
    """Seconds, growth of the peak memory in MB, the error, and files that were created elsewhere."""

    seconds: float
    memory: float
    said: str
    touched: list[str]


def with_bytes(name: str, make: Callable[[], bytes]) -> Build:
    def build(folder: Path) -> Path:
        (folder / name).write_bytes(make())
        return folder / name

    return build


def with_text(name: str, text: str) -> Build:
    return lambda folder: documents.write(folder / name, text)


def with_writer(kind: str, write: Callable[[Path], object]) -> Build:
    def build(folder: Path) -> Path:
        path = folder / ("a.safetensors" if kind.startswith("safetensors") else "a.pth")
        write(path)
        return path

    return build


def groups() -> list[Group]:
    checkpoint_files = {k: (with_writer(k, write), words) for k, (write, words) in checkpoints.CASES.items()}
    return [
        Group("zips", zips.attack, {k: (with_bytes("s.zip", make), w) for k, (make, w) in zips.CASES.items()}),
        Group(
            "PNGs",
            lambda path: pictures.attack(path.read_bytes()),
            {
                **{k: (with_bytes("x.png", make), w) for k, (make, w) in pictures.CASES.items()},
                **{
                    f"truncated, cut {i}": (with_bytes("x.png", lambda data=data: data), ".png")
                    for i, data in enumerate(pictures.truncations())
                },
            },
        ),
        Group("checkpoints", checkpoints.attack, checkpoint_files),
        Group(
            "LPIPS trunks",
            checkpoints.attack_trunk,
            {k: (b, "a.") for k, (b, _) in checkpoint_files.items() if k != "keys of another model"},
        ),
        Group(
            "track files",
            documents.attack_track,
            {k: (with_text("t.toml", text), w) for k, (text, w) in documents.TRACKS.items()},
        ),
        Group(
            "results",
            documents.attack_result,
            {k: (with_text("t.json", text), w) for k, (text, w) in documents.RESULTS.items()},
        ),
        Group(
            "tables",
            documents.attack_table,
            {k: (with_text("t.csv", text), w) for k, (text, w) in documents.TABLES.items()},
        ),
        *boards_and_names(),
        Group(
            "server",
            lambda path: clients.attack(path.parent.name, path),
            {k: (served(k), words) for k, (_, words) in clients.CLIENTS.items()},
        ),
    ]


def boards_and_names() -> list[Group]:
    edited = contradictions.write_edited
    return [
        Group(
            "contradictory results",
            contradictions.attack,
            {k: (lambda f, k=k: edited(f / "board", k), words) for k, (_, words) in contradictions.EDITS.items()},
        ),
        Group(
            "forged boards and journals",
            forged.attack,
            {k: (lambda f, k=k: forged.write(f / "a", k), words) for k, (_, words) in forged.BOARDS.items()},
        ),
        Group(
            "track files of boards",
            forged.attack_track,
            {"other rules for x4": (lambda f: forged.write_replaced_track(f / "board"), "is not used")},
        ),
        Group(
            "names that spreadsheets compute",
            cells.attack_formula,
            {k: (lambda f, n=name: cells.write_team(f / RESULT, n), "") for k, name in cells.FORMULAS.items()},
        ),
        Group(
            "names that look the same",
            cells.attack_lookalike,
            {k: (lambda f, n=name: cells.write_lookalike(f / RESULT, n), w) for k, (name, w) in cells.NAMES.items()},
        ),
        Group(
            "names of files in two forms",
            published.attack_names,
            {k: (lambda f, write=write: (write(f), f)[1], words) for k, (write, words) in published.NAMES.items()},
        ),
        Group(
            "chunks of published pictures",
            lambda path: published.attack_chunk(path.read_bytes(), path.parent / "board"),
            {k: (with_bytes("chunk", lambda c=chunk: c), w) for k, (chunk, w) in published.CHUNKS.items()},
        ),
    ]


RESULT = Path("board", "x4", "t.json")


def served(name: str) -> Build:
    """The study that a client attacks, in a folder of the client's name."""

    def build(folder: Path) -> Path:
        (folder / "board" / name).mkdir(parents=True)
        return clients.write_study(folder / "board" / name)

    return build


def measured(attack: Attack, build: Build) -> Outcome:
    """Build a file, then read it in a forked process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "in"
        folder.mkdir()
        path = build(folder)
        (folder / "gt").mkdir(exist_ok=True)
        write_png(folder / "gt" / "0801.png", pngs.pixels(seed=99))
        before = {str(p) for p in Path(name).rglob("*")}
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            try:
                used = psutil.Process().memory_info()
                resource.setrlimit(resource.RLIMIT_AS, (used.vms + MEMORY, resource.RLIM_INFINITY))
                signal.alarm(SECONDS)
                start = time.perf_counter()
                said = attack(path)
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
                answer = json.dumps([time.perf_counter() - start, max(0, peak - used.rss) / MEGABYTE, said[:20_000]])
                os.write(writer, answer.encode())
            except Exception:  # noqa: BLE001  # the parent counts it
                traceback.print_exc()
            finally:
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as answered:
            answer = answered.read()
        os.waitpid(child, 0)
        touched = {str(p) for p in Path(name).rglob("*")} - before
    if not answer:
        return Outcome(0, 0, "the process died, or raised an error of another kind", [])
    seconds, memory, said = json.loads(answer)
    return Outcome(seconds, memory, said, sorted(t for t in touched if "/board" not in t))


def table(only: str | None = None) -> int:
    """Print the Markdown table."""
    # Loaded once in the parent: forked children share the pages.
    with tempfile.TemporaryDirectory() as name:
        load_model(write_small_checkpoint(Path(name) / "a.pth", "srflow"), device="cpu")
        checkpoints.attack_trunk(write_alexnet(Path(name) / "b.pth"))
    print("| given | kinds | refused | told | accepted, rightly | slowest | most memory |")
    print("|---|---:|---:|---:|---:|---|---|")
    failures = []
    total = 0
    for group in groups():
        if only not in (None, group.name):
            continue
        outcomes = {kind: measured(group.attack, build) for kind, (build, _) in group.cases.items()}
        refused = told = accepted = 0
        for kind, outcome in outcomes.items():
            words = group.cases[kind][1]
            if outcome.touched or words not in outcome.said or bool(words) != bool(outcome.said):
                failures.append(f"{group.name}: {kind}: {outcome.said[:500]} {outcome.touched}")
            elif not words:
                accepted += 1
            elif outcome.said.startswith(forged.TOLD):
                told += 1
            else:
                refused += 1
        total += len(outcomes)
        slow = max(outcomes, key=lambda kind: outcomes[kind].seconds)
        big = max(outcomes, key=lambda kind: outcomes[kind].memory)
        print(
            f"| {group.name} | {len(outcomes)} | {refused} | {told} | {accepted} | "
            f"{outcomes[slow].seconds:.2f} s ({slow}) | {outcomes[big].memory:.0f} MB ({big}) |",
            flush=True,
        )
    print(f"\n{total} cases, {len(failures)} fell")
    for failure in failures:
        print(failure, file=sys.stderr)
    return int(bool(failures))


def long_run(images: int) -> dict[str, float]:
    """Score ``images`` small images in one process; memory and handles after a twentieth of them and at the end."""
    process = psutil.Process()
    seen: list[tuple[int, float]] = []

    class Watched:
        """Records the open files and the memory of the process at each sample."""

        def __enter__(self) -> Callable[[int], None]:
            return lambda n: seen.append((process.num_fds(), process.memory_info().rss / MEGABYTE))

        def __exit__(self, *error: object) -> None:
            pass

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("gt", "sub"):
            (folder / part).mkdir()
        for i in range(images):
            write_png(folder / "gt" / f"{i:04d}.png", pngs.pixels(48, 64, seed=2 * i))
            write_png(folder / "sub" / f"{i:06d}_sample00000.png", pngs.pixels(48, 64, seed=2 * i + 1))
        track = documents.write(folder / "t.toml", 'name = "long"\ntitle = "Long"\nscale = 4\nsamples = 1\n')
        options = ScoreOptions(
            metrics=("lpips", "lr_psnr", "diversity", "diversity_mse", "psnr", "ssim"),
            lpips_weights=write_alexnet(folder / "alex.pth"), device="cpu",
        )  # fmt: skip
        began = time.perf_counter()
        score(folder / "sub", folder / "gt", options=options, track=load_track(track), board=folder / "board",
              progress=lambda *about: Watched())  # fmt: skip
        seconds = time.perf_counter() - began
    scored = seen[-images:]
    # The first images fill caches that stay (the trunk's workspaces, the allocator's arenas).
    early, late = scored[images // 10 : images // 5], scored[-images // 10 :]
    return {
        "images": images,
        "seconds": round(seconds, 1),
        "handles_first": max(handles for handles, _ in early),
        "handles_last": max(handles for handles, _ in late),
        "memory_first_mb": round(max(memory for _, memory in early), 1),
        "memory_last_mb": round(max(memory for _, memory in late), 1),
        "memory_growth_mb": round(max(memory for _, memory in late) - max(memory for _, memory in early), 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--only", metavar="KIND", help="one line of the table")
    parser.add_argument("--long", type=int, metavar="IMAGES")
    parser.add_argument("--json", action="store_true", help="the long run's figures as one line of JSON")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    if options.long:
        figures = long_run(options.long)
        print(json.dumps(figures) if options.json else "\n".join(f"{key}: {value}" for key, value in figures.items()))
    if options.table or not options.long:
        with tempfile.TemporaryDirectory() as state:
            os.environ[ENVIRONMENT] = state  # the user's own secret must not seal these runs
            return table(options.only)
    return 0


if __name__ == "__main__":
    sys.exit(main())
