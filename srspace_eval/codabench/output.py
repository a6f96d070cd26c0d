"""One scoring output of the platform, downloaded by the organisers: read, and checked without pictures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from srspace_eval._utils import strict_json
from srspace_eval.codabench.board import stored
from srspace_eval.errors import ResultsError
from srspace_eval.ranking.summary_checks import summary_faults
from srspace_eval.results.documents import MAX_RESULT_BYTES, from_document
from srspace_eval.results.record import Result
from srspace_eval.scoring.summary import summarise
from srspace_eval.submissions.sources import Source, open_source
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.teams import Team

_DATED = r"(?=\d{4}-\d\d-\d\d)"
_NAME, _UNDATED = (
    re.compile(
        rf"(?P<output>res_)?(?P<number>\d{{1,18}})_(?P<owner>.+?)_PhaseId(?P<phase>\d{{1,18}})_{date}.*", re.DOTALL
    )
    for date in (_DATED, "")
)
"""How the platform names the files of a bulk download (src/apps/api/views/submissions.py): owner, phase, date, name.
Only the names of scoring outputs begin with ``res_``. The others are submissions, and hold what their owners put in."""

_PHASE = re.compile(r"_PhaseId\d{1,18}_" + _DATED)
_NOT_A_TEAM = frozenset({"scoring_result", "scoring_output", "output", "bulk_submissions"})
_LARGEST_SCORES = 1 << 20


@dataclass(frozen=True)
class ScoringOutput:
    """One scoring output: its file, its team, its number on the platform, its scores, and its result if it has one.

    ``owner`` is the account in the name of a file of the platform; None if the organiser named the file.
    """

    file: str
    owner: str | None
    about: Team
    number: int | None
    scores: Mapping[str, float]
    result: Result | None

    @property
    def team(self) -> str:
        """The name in leaderboards."""
        return self.about.team


def team_of(name: str) -> tuple[str, int | None]:
    """The team and the submission's number in the name of a download.

    >>> team_of("res_4711_jane_doe_PhaseId12_2026-03-01:10-30_prediction.zip")
    ('jane_doe', 4711)
    >>> team_of("Team A.zip")
    ('Team A', None)
    """
    match = _matched(name)
    if match:
        return match["owner"], int(match["number"])
    return (name[: -len(".zip")] if name.lower().endswith(".zip") else name), None


def owner_of(name: str) -> str | None:
    """The account in the name of a download; None if the name has none, or does not say where it ends.

    >>> owner_of("res_4711_jane_doe_PhaseId12_2026-03-01:10-30_a.zip"), owner_of("Team A.zip")
    ('jane_doe', None)
    """
    match = _matched(name)
    return None if match is None or _is_ambiguous(name) else match["owner"]


def phase_of(name: str) -> int | None:
    """The number of the phase in the name of a download; None if the name has none.

    >>> phase_of("4711_jane_doe_PhaseId12_x"), phase_of("Team A.zip")
    (12, None)
    """
    match = _matched(name)
    return None if match is None else int(match["phase"])


def is_submission(name: str) -> bool:
    """Whether a name is that of a submission in the platform's bulk downloads, and not of a scoring output.

    >>> is_submission("4711_jane_PhaseId12_2026-03-01:10-30_a.zip"), is_submission("Team A.zip")
    (True, False)
    """
    match = _matched(name)
    return match is not None and match["output"] is None


def _is_ambiguous(name: str) -> bool:
    """Whether ``_PhaseId`` with a number and a date stands in the name twice. The account's end is unclear then."""
    return len(_PHASE.findall(name)) > 1


def _matched(name: str) -> re.Match[str] | None:
    """The parts of a download's name. An account's name may hold ``_PhaseId7_``, which no date follows."""
    return _NAME.fullmatch(name) or _UNDATED.fullmatch(name)


def read_output(path: Path, track: Track, named: Mapping[str, Team]) -> ScoringOutput | None:
    """A zip or folder as a scoring output; None if it has no ``scores.json``.

    Raises
    ------
    ResultsError, SubmissionError, ImageError
        If it cannot be read, or contradicts itself.
    """
    if not (path.is_dir() or path.suffix.lower() == ".zip"):
        return None
    source = open_source(path)
    files = source.names()
    if "scores.json" not in files:
        return None
    name, number = team_of(path.name)
    team = named.get(path.name) or Team(name)
    renamed = _matched(path.name) is None and _PHASE.search(path.name) is not None  # such as "copy of res_4711_…"
    if path.name not in named and (name in _NOT_A_TEAM or renamed):
        raise ResultsError(f"{path}: does not say whose it is; rename it to TEAM.zip, or name the team with --teams")
    if path.name not in named and _is_ambiguous(path.name):
        # An account or a file can have such a name, and would pass for another account's.
        raise ResultsError(f"{path}: its name does not say where the owner's name ends; name the team with --teams")
    if any(file.lower().endswith(".png") for file in files):
        raise ResultsError(f"{path}: holds PNGs, as a submission does, and no scoring output does; remove it")
    scores = _scores(source)
    result = None
    if "result.json" in files:
        where = source.where("result.json")
        result = from_document(_json(source, "result.json"), where)
        _require_consistent(result, scores, track, where)
    return ScoringOutput(path.name, owner_of(path.name), team, number, scores, result)


def _json(source: Source, name: str) -> Any:
    largest = _LARGEST_SCORES if name == "scores.json" else MAX_RESULT_BYTES
    data = source.read(name, largest + 1)
    if len(data) > largest:
        raise ResultsError(f"{source.where(name)}: larger than {largest} bytes")
    try:
        return strict_json.loads(strict_json.not_dense(data), unique_keys=True)
    except (ValueError, RecursionError) as error:
        raise ResultsError(f"{source.where(name)}: cannot be read as JSON ({error})") from error


def _scores(source: Source) -> dict[str, float]:
    """The numbers of ``scores.json`` as the leaderboard stores them."""
    data = _json(source, "scores.json")
    where = source.where("scores.json")
    if not isinstance(data, dict):
        raise ResultsError(f"{where}: not an object of column keys and numbers")
    scores = {}
    for key, value in data.items():
        try:
            number = strict_json.number(value)
            if number is None:
                raise ValueError("null is not a score")
            scores[key] = stored(number)
        except ValueError as error:
            raise ResultsError(f"{where}: {key[:100]!r}: {error}") from error
    return scores


def _require_consistent(result: Result, scores: Mapping[str, float], track: Track, where: str) -> None:
    if result.track != track.name:
        raise ResultsError(f"{where}: is a result of track {result.track!r}, not of {track.name!r}; give its --track")
    if result.incomplete:
        raise ResultsError(f"{where}: is incomplete; a scoring program scores complete submissions only")
    summary, _, _ = summarise(result.images, {})
    wrong = [key for key in sorted({*summary, *result.summary}) if summary.get(key) != result.summary.get(key)]
    if wrong:
        raise ResultsError(f"{where}: its summary does not follow from its images: {', '.join(wrong)}; score it again")
    shared = sorted(scores.keys() & result.summary.keys())
    if not shared:
        raise ResultsError(f"{where}: shares no score with scores.json; they are not of one submission")
    for key in shared:
        value = result.summary[key]
        try:
            expected = None if value is None else stored(value)
        except ValueError:
            expected = None
        if expected != scores[key]:
            raise ResultsError(f"{where}: {key} is {value}, but scores.json says {scores[key]}; score it again")
    if faults := summary_faults(result, track):
        raise ResultsError(f"{where}: contradicts itself, so rank would refuse it; score it again", faults)
