"""Boards with forged or foreign numbers, and journals that are links, pipes or folders.

name -> (what makes the board, words of what must be told). :func:`attack` scores the submission beside the board, with
and without ``overwrite``. The numbers must be the measured ones, whatever the board holds.
"""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from srspace_eval._utils.machine_secret import ENVIRONMENT
from srspace_eval.errors import SrspaceEvalError
from srspace_eval.ranking import rank
from srspace_eval.results.board_tracks import board_tracks
from srspace_eval.results.record import Result
from srspace_eval.results.store import result_path
from srspace_eval.scoring.run import score, score_shard
from srspace_eval.scoring.shards import Shard

from ..submissions import small

_OPTIONS: dict[str, Any] = {"track": "x4", "samples": 2, "metrics": ["lr_psnr", "diversity_mse"], "team": "t"}
_PRECIOUS = "precious"
TOLD = "told: "
"""How :func:`attack` begins if the numbers are the measured ones, and something was told."""


def better(image: dict[str, Any]) -> None:
    """The image's LR-PSNR, 10 dB better, consistently."""
    for values in (image, *image["samples"]):
        for key in ("lr_psnr", "lr_psnr_worst"):
            if key in values:
                values[key] += 10


def forge_result(path: Path) -> None:
    """All LR-PSNR of a result 10 dB better, consistently."""
    document = json.loads(path.read_text(encoding="utf-8"))
    for image in document["images"]:
        better(image)
    for key in ("lr_psnr", "lr_psnr_worst"):
        document["summary"][key] = sum(image[key] for image in document["images"]) / len(document["images"])
    path.write_text(json.dumps(document), encoding="utf-8")


def forge_journal(path: Path) -> None:
    """All LR-PSNR of a journal 10 dB better. The seals stay."""
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    images = [json.loads(line) for line in lines]
    for image in images:
        better(image)
    path.write_text("\n".join([header, *map(json.dumps, images)]) + "\n", encoding="utf-8")


@contextmanager
def another_machine(folder: Path) -> Iterator[None]:
    """Another state folder, so another secret."""
    mine = os.environ.get(ENVIRONMENT)
    os.environ[ENVIRONMENT] = str(folder / "theirs")
    try:
        yield
    finally:
        shutil.rmtree(folder / "theirs", ignore_errors=True)
        if mine is None:
            del os.environ[ENVIRONMENT]
        else:
            os.environ[ENVIRONMENT] = mine


def _score(folder: Path, board: Path, **more: Any) -> tuple[Result, str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = score(folder / "sub", folder / "gt", board=board, **_OPTIONS, **more)
    return result, "\n".join(str(warning.message) for warning in caught)


def _shard(folder: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return score_shard(folder / "sub", folder / "gt", Shard(1, 2), board=folder / "board", **_OPTIONS).journal


def _result(folder: Path, *, theirs: bool) -> None:
    if theirs:
        with another_machine(folder):
            _score(folder, folder / "board")
    else:
        _score(folder, folder / "board")
    forge_result(result_path(folder / "board", "x4", "t"))


def _journal(folder: Path, *, theirs: bool, whole: bool, forged: bool = True) -> None:
    if theirs:
        with another_machine(folder):
            path = _shard(folder)
    else:
        path = _shard(folder)
    if forged:
        forge_journal(path)
    if whole:
        path.rename(path.with_name("t.journal.jsonl"))


def _exchanged(folder: Path) -> None:
    """Two images of a sealed journal exchange their numbers."""
    path = _shard(folder)
    header, line = path.read_text(encoding="utf-8").splitlines()
    image = json.loads(line)
    image["image"] = "0802" if image["image"] == "0801" else "0801"
    path.write_text(f"{header}\n{json.dumps(image)}\n", encoding="utf-8")


def _special(make: Callable[[Path, Path], None]) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        journal = folder / "board" / "x4" / "t.journal.jsonl"
        journal.parent.mkdir(parents=True)
        make(journal, folder / _PRECIOUS)

    return build


def _link(journal: Path, precious: Path) -> None:
    precious.write_text("precious")
    journal.symlink_to(precious)


BOARDS: dict[str, tuple[Callable[[Path], None], str]] = {
    "forged result of another machine": (lambda f: _result(f, theirs=True), "is a claim"),
    "own result, forged": (lambda f: _result(f, theirs=False), "is a claim"),
    "forged journal of another machine": (lambda f: _journal(f, theirs=True, whole=True), "did not write it"),
    "forged shard of another machine": (lambda f: _journal(f, theirs=True, whole=False), "did not write it"),
    "true shard of another machine": (
        lambda f: _journal(f, theirs=True, whole=False, forged=False), "did not write it",
    ),
    "own journal, forged": (lambda f: _journal(f, theirs=False, whole=True), "not as this machine wrote it"),
    "own shard, forged": (lambda f: _journal(f, theirs=False, whole=False), "not as this machine wrote it"),
    "own shard, images exchanged": (_exchanged, "not as this machine wrote it"),
    "journal is a link": (_special(_link), "symbolic link"),
    "journal is a dangling link": (_special(lambda journal, precious: journal.symlink_to(precious)), "symbolic link"),
    "journal is a link to /dev/zero": (_special(lambda journal, _: journal.symlink_to("/dev/zero")), "symbolic link"),
    "journal is a pipe": (_special(lambda journal, _: os.mkfifo(journal)), "regular file"),
    "journal is a folder": (_special(lambda journal, _: journal.mkdir()), "regular file"),
}  # fmt: skip


def write(folder: Path, name: str) -> Path:
    """Write a submission and a hostile board. Returns the folder of both."""
    small(folder, samples=2)
    BOARDS[name][0](folder)
    return folder


def attack(folder: Path) -> str:
    """Score with the board, without and with ``overwrite``; returns the error, or what was told."""
    honest, _ = _score(folder, folder / "board of its own")
    precious = folder / _PRECIOUS
    before = precious.read_bytes() if precious.exists() else None
    said = []
    board = folder / "board"
    for overwrite in (False, True):
        copy = folder / f"board copy {overwrite}"
        shutil.copytree(board, copy, symlinks=True, copy_function=_copy, ignore=_pipes)
        for pipe in (path for path in board.rglob("*") if path.is_fifo()):
            os.mkfifo(copy / pipe.relative_to(board))
        try:
            result, told = _score(folder, copy, overwrite=overwrite)
            said.append(TOLD + told if result == honest else "numbers that were not measured here were taken")
        except SrspaceEvalError as error:
            said.append(str(error))
        if (precious.read_bytes() if precious.exists() else None) != before:
            return "a file outside the board was written"
    with suppress(SrspaceEvalError):
        if result_path(copy, "x4", "t").exists() and rank(copy, "x4").rows[0].entry.evidence != "measured here":
            return "a measured result is not shown as measured"
    same = said[0].startswith(TOLD) == said[1].startswith(TOLD)
    return said[0] if same and "not measured here" not in said[1] else f"with overwrite it differs: {said}"


def _copy(source: str, target: str) -> None:
    shutil.copy2(source, target, follow_symlinks=False)


def _pipes(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if (Path(folder) / name).is_fifo()]


def write_replaced_track(board: Path) -> Path:
    """A board whose ``x4/track.toml`` has other rules than the built-in track."""
    from srspace_eval.tracks.reader import load_track

    from ..boards import make_results, write_board

    write_board(board, make_results(load_track("x4"), 1, 2, 2, 0))
    (board / "x4" / "track.toml").write_text('name = "x4"\ntitle = "Other rules"\nscale = 4\nsamples = 2\n')
    return board


def attack_track(board: Path) -> str:
    """Find a board's tracks; returns what is told if the built-in track is taken."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        (track,) = board_tracks(board)
    if track.title == "Other rules":
        return "the built-in track was replaced"
    return TOLD + "\n".join(str(warning.message) for warning in caught)
