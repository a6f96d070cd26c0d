"""The scoring program of a bundle: scores one submission as Codabench's worker gives it.

The worker runs ``python3 score.py $input $output`` with the reference data in ``INPUT/ref`` and the unpacked submission
in ``INPUT/res``. ``scores.json`` is written last and atomically; it holds finite numbers only. A submission that cannot
be scored gives exit code 1, with plain text on stderr and in ``detailed_results.html``.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from srspace_eval._utils import strict_json
from srspace_eval._utils.files import write_atomic
from srspace_eval._utils.machine_secret import ENVIRONMENT as STATE
from srspace_eval._utils.untrusted_text import visible
from srspace_eval.codabench.ending import Clock, fail, say
from srspace_eval.codabench.settings import PROGRAM_COLUMN, README_COLUMNS, SETTINGS_FILE, Settings, read_settings
from srspace_eval.errors import InputError, Notice, ProblemsError, SrspaceEvalError
from srspace_eval.report.html.alone import result_file
from srspace_eval.results.documents import to_document
from srspace_eval.results.record import Result
from srspace_eval.submissions.folder_search import has_png, png_folders
from srspace_eval.submissions.provenance import PROVENANCE_FILE
from srspace_eval.submissions.readme import Readme, find_readme, parse_readme
from srspace_eval.submissions.sources import LINKED
from srspace_eval.tracks.reader import load_track

TEAM = "submission"
"""The team of ``result.json``: a scoring program does not learn who sent the submission."""

LARGEST_SCORE = 1e10
"""The platform refuses numbers from here on."""

_MAX_README_BYTES = 1 << 20
_DEPTH = 16
_JUNK = frozenset({"__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini"})


def main(program: Path, arguments: Sequence[str]) -> int:
    """Score a submission; returns the exit code.

    Parameters
    ----------
    program
        The folder of the scoring program, with ``settings.json``.
    arguments
        INPUT OUTPUT [DATA]: the worker's folders; DATA stands for ``/app/data``.
    """
    begin = time.monotonic()
    if len(arguments) not in (2, 3):
        say("use: score.py INPUT OUTPUT [DATA]")
        return 1
    source, output = Path(arguments[0]).absolute(), Path(arguments[1]).absolute()
    data = Path(arguments[2]).absolute() if len(arguments) == 3 else Path("/app/data")
    output.mkdir(parents=True, exist_ok=True)
    hidden = True
    try:
        settings = read_settings(program / SETTINGS_FILE)
        hidden = settings.hidden
        with Clock(output, settings, begin) as clock:
            _score(program, settings, source, output, data, clock)
    except SrspaceEvalError as error:
        problems = error.problems if isinstance(error, ProblemsError) and error.problems else (str(error),)
        count = f"{len(problems)} faults" if len(problems) > 1 else "a fault"
        fail(output, f"The submission has {count}. Nothing was scored.", problems, hidden)
        return 1
    except Exception as error:  # noqa: BLE001 - whatever happens, the participant and the organiser read a sentence
        traceback.print_exc()
        told = f"The scoring program stopped: {type(error).__name__}. Please tell the organisers."
        fail(output, "The scoring program failed. This is not the submission's fault.", [told], hidden)
        return 1
    return 0


def _score(program: Path, settings: Settings, source: Path, output: Path, data: Path, clock: Clock) -> None:
    track = load_track(program / settings.track if settings.track.endswith(".toml") else settings.track)
    folder = submission_folder(source / "res")
    _refuse_links(folder)
    readme = read_readme(folder, source / "res")
    reference = _reference(settings, source, data)
    # It imports torch, which takes seconds. What is wrong already is told before.
    from srspace_eval.scoring.run import score

    with (
        _workplace(folder, reference) as (submission, gt, board),
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always", Notice)
        result = score(
            submission,
            gt,
            track=track,
            team=TEAM,
            board=board,
            metrics=settings.metrics or None,
            samples=settings.samples,
            net=settings.net,
            progress=clock.progress,
        )
    notices = [str(warning.message) for warning in caught if issubclass(warning.category, Notice)]
    # The links are this program's own, see _workplace.
    notices = [notice for notice in notices if LINKED not in notice]
    scores, left_out = make_scores(result, settings, readme)
    notices += left_out
    for notice in notices:
        say(f"notice: {visible(notice)}")
    page = result_file(result, track, notices=[] if settings.hidden else notices, per_image=not settings.hidden)
    with clock.last_step():
        write_atomic(output / "detailed_results.html", page)
        if not settings.hidden:
            write_atomic(output / "result.json", strict_json.dumps(to_document(result)) + "\n")
        write_atomic(output / "scores.json", json.dumps(scores, allow_nan=False) + "\n")
    for key, value in scores.items():
        sys.stdout.write(f"{key}: {value}\n")


def make_scores(result: Result, settings: Settings, readme: Readme) -> tuple[dict[str, float], list[str]]:
    """The numbers for ``scores.json``, and why some columns have none.

    Raises
    ------
    InputError
        If the primary score has no finite value.
    """
    scores: dict[str, float] = {}
    left_out = []
    for key in settings.columns:
        value = result.summary.get(key)
        if value is not None and math.isfinite(value) and abs(value) < LARGEST_SCORE:
            scores[key] = value
            continue
        reason = "it is undefined for every image" if value is None else "it is infinite or too large"
        if key == settings.primary:
            more = "".join(f" {note}." for note in result.notes)
            raise InputError(f"{key}, the score that orders the leaderboard, has no value: {reason}.{more}")
        left_out.append(f"{key} is not on the leaderboard: {reason}")
    values = (readme.runtime, readme.platform, readme.extra_data)
    scores.update(zip(README_COLUMNS, values, strict=True))
    scores[PROGRAM_COLUMN] = settings.program
    return scores, left_out


def submission_folder(top: Path) -> Path:
    """The folder of the submission's files: the top, or the single folder that it holds, and so on.

    Where a folder holds no PNG and one of its inner folders does, it is that one, whatever lies beside it.

    Raises
    ------
    InputError
        If there is nothing.
    """
    folder = top
    for _ in range(_DEPTH):
        entries = _entries(folder, at_top=folder == top)
        if not entries:
            raise InputError("The submission is empty. Zip the PNGs and readme.txt, and submit the zip.")
        if len(entries) > 1 or not entries[0].is_dir():
            inner = [] if has_png(folder) else png_folders(folder)
            return folder / inner[0] if len(inner) == 1 else folder
        folder = entries[0]
    raise InputError(f"The submission has more than {_DEPTH} folders in each other. Zip the PNGs, not their folder.")


def _refuse_links(folder: Path) -> None:
    """Refuse links in a submission. The platform makes none, and one could lead to the reference data.

    Raises
    ------
    InputError
        If there is one.
    """
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            if Path(place, name).is_symlink():
                raise InputError(f"{name} is a link. Put the file itself into the zip.")


def read_readme(folder: Path, top: Path) -> Readme:
    """The submission's readme, from its folder or the nearest one outside it, as far as ``top``.

    Without one, or with one that cannot be read, all its fields are unknown.
    """
    try:
        name = find_readme([entry.name for entry in folder.iterdir() if entry.is_file()])
        if name is None:
            return Readme() if folder == top else read_readme(folder.parent, top)
        with (folder / name).open("rb") as file:
            return parse_readme(file.read(_MAX_README_BYTES).decode("utf-8", "replace"))
    except OSError:
        return Readme()


def _entries(folder: Path, *, at_top: bool) -> list[Path]:
    """What belongs to the submission: not the worker's ``metadata``, not what systems add, not the readme."""
    try:
        found = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"The submission cannot be read ({error.strerror or error}). Zip it again.") from error
    return [
        entry
        for entry in found
        if entry.name not in _JUNK
        and not entry.name.startswith("._")
        and not (at_top and entry.name == "metadata" and entry.is_file())
        and not (entry.name.casefold().startswith("readme") and entry.is_file())
    ]


def _reference(settings: Settings, source: Path, data: Path) -> Path:
    if settings.reference is None:
        folder = source / "ref"
        while folder.is_dir() and len(entries := _entries(folder, at_top=False)) == 1 and entries[0].is_dir():
            folder = entries[0]
        return folder
    place = data / settings.reference
    if not place.exists():
        raise InputError(
            f"The worker has no /app/data/{settings.reference}. "
            "This is not the submission's fault; tell the organisers."
        )
    return place


@contextmanager
def _workplace(folder: Path, reference: Path) -> Iterator[tuple[Path, Path, Path]]:
    """Short relative paths of submission, GT and board, so that messages name files and not the worker's folders."""
    before, state = Path.cwd(), os.environ.get(STATE)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / "submission").mkdir()
        for entry in _entries(folder, at_top=True):
            if entry.is_dir() or entry.name.lower().endswith(".png") or entry.name == PROVENANCE_FILE:
                (place / "submission" / entry.name).symlink_to(entry)
        (place / "GT").symlink_to(reference)
        os.chdir(place)
        os.environ[STATE] = str(place / "state")  # seals are for boards that stay
        try:
            yield Path("submission"), Path("GT"), Path("board")
        finally:
            os.chdir(before)
            os.environ.pop(STATE)
            if state is not None:
                os.environ[STATE] = state
            for made in ("board", "state"):
                shutil.rmtree(place / made, ignore_errors=True)
