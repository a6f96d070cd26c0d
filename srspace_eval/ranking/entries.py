"""Entries of a leaderboard: from a board's results, from a user's table, from a study. Imports no torch."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from srspace_eval._utils.files import read_bounded
from srspace_eval._utils.text import slug, unescape_cell
from srspace_eval.errors import RankingError
from srspace_eval.metrics.base import METRICS
from srspace_eval.ranking.draws import DRAWS_FILE, MOR_FILE, read_draws
from srspace_eval.ranking.model import Entry, Origin, name_key
from srspace_eval.results.record import Kind, Result
from srspace_eval.results.store import read_result, read_results, result_path
from srspace_eval.tracks.model import Track

_MAX_TABLE_BYTES = 1 << 24

# Columns that ``rank`` writes beside the numbers; a table that was written by it can be ranked again.
_WRITTEN_SUFFIXES = ("_rank", "_low", "_high", "_rank_low", "_rank_high", "_tied_with_next")
_WRITTEN = {"place", "final_rank", "why_unranked", "source", "note"}


def board_entries(board: Path, track: Track) -> list[Entry]:
    """The scored submissions of a board.

    Raises
    ------
    ResultsError
        If files are damaged.
    RankingError
        If a team is there twice, or a summary is not the mean of just the images that were to be measured: a file
        that was edited.
    """
    results = read_results(board, track.name)
    _require_distinct(results, board, track)
    problems = [
        f"{result_path(board, track.name, result.team)}: {fault}"
        for result in results
        if not result.incomplete
        for fault in (*_image_faults(result), *_summary_faults(result))
    ]
    if problems:
        raise RankingError(f"{board}: summaries that are not the means of their images; score these again", problems)
    return [
        Entry(r.team, r.kind, {m: v for m, v in r.summary.items() if m in METRICS}, "measured", r, r.incomplete)
        for r in results
    ]


def table_entries(path: Path) -> list[Entry]:
    """The entries of a CSV table with the columns ``team,kind`` and metric ids; an empty cell is "not measured".

    ``kind`` is ``team`` or ``baseline`` (left out or empty: ``team``). A CSV that ``rank`` wrote can be ranked again:
    its published rows stay published, with their source in ``note``; ranks and intervals are skipped.

    Raises
    ------
    RankingError
        Every fault at once, with line numbers.
    """
    table = _read_table(path, "team")
    metrics = [column for column in table.columns if column in METRICS]
    for column in table.columns:
        if column not in METRICS and column not in ("team", "kind") and not _written(column):
            table.fault(1, f"unknown column {column!r}; known are team, kind, {', '.join(METRICS)}")
    if not metrics:
        table.fault(1, f"no column of numbers; known are {', '.join(METRICS)}")
    entries: list[Entry] = []
    for line in table.lines():
        kind: Kind = "baseline" if line.cell("kind") == "baseline" else "team"
        if line.cell("kind") not in ("", "team", "baseline"):
            line.fault(f"kind is {line.cell('kind')!r}; write team or baseline")
        origin: Origin = "published" if line.cell("source") == "published" else "given"
        values = {metric: line.number(metric) for metric in metrics}
        entries.append(Entry(line.name(), kind, values, origin, note=unescape_cell(line.cell("note"))))
    table.done()
    return entries


def add_mor(entries: Sequence[Entry], path: Path) -> tuple[list[Entry], list[str]]:
    """Entries with the mean opinion ranks of a study's CSV, or of the folder that ``study collect`` wrote.

    Columns ``team,mor`` and, if there are any, ``mor_low,mor_high``; others are skipped. A folder holds the
    resampled studies too.

    Published entries keep their own study's. A name in the study that is no entry (the GT, a reference method that
    was not scored) becomes a baseline of which only the MOR is known.

    Returns
    -------
    entries, strangers:
        The strangers are the names that became baselines: say them, one may be a misspelled team.

    Raises
    ------
    RankingError
        Every fault at once, with line numbers; also a MOR that differs from the one an entry already has, and draws
        that are not of these MORs.
    """
    folder, path = (path, path / MOR_FILE) if path.is_dir() else (None, path)
    table = _read_table(path, "team", "mor")
    opinions: dict[str, Entry] = {}
    known = {entry.team: entry for entry in entries if entry.origin != "published"}
    for line in table.lines():
        name, value = line.name(), line.number("mor")
        if value is None:
            continue
        if not 1 <= value < math.inf:
            line.fault(f"mor is {value:g}; a mean rank is 1 or more")
        earlier = known[name].values.get("mor") if name in known else None
        if earlier is not None and earlier != value:
            line.fault(f"{name!r} already has the MOR {earlier:g}; leave one of the two out")
        low, high = line.number("mor_low"), line.number("mor_high")
        ends = {} if low is None or high is None else {"mor": (low, high)}
        opinions[name] = Entry(name, "baseline", {"mor": value}, "given", note="only in the study", intervals=ends)
    table.done()
    if folder is not None:
        draws = read_draws(folder / DRAWS_FILE, {name: float(e.values["mor"] or 0) for name, e in opinions.items()})
        opinions = {name: replace(opinion, draws={"mor": draws[name]}) for name, opinion in opinions.items()}
    merged = [
        _with_opinion(entry, opinions[entry.team]) if entry.origin != "published" and entry.team in opinions else entry
        for entry in entries
    ]
    strangers = [name for name in opinions if name not in known]
    return merged + [opinions[name] for name in strangers], strangers


def _with_opinion(entry: Entry, opinion: Entry) -> Entry:
    values, intervals = {**entry.values, **opinion.values}, {**entry.intervals, **opinion.intervals}
    return replace(entry, values=values, intervals=intervals, draws={**entry.draws, **opinion.draws})


def _require_distinct(results: Sequence[Result], board: Path, track: Track) -> None:
    counts = Counter(name_key(result.team) for result in results)
    twice = [key for key, count in counts.items() if count > 1]
    if not twice:
        return
    holders: dict[str, list[str]] = {key: [] for key in twice}
    for path in sorted((board / slug(track.name)).glob("*.json")):
        team = read_result(path).team
        if name_key(team) in holders:
            holders[name_key(team)].append(f"{path} ({team!r})")
    raise RankingError(
        f"{board}: some teams are there twice (upper and lower case count as the same); keep one file of each",
        [" and ".join(paths) for paths in holders.values()],
    )


def _image_faults(result: Result) -> Iterator[str]:
    counts = Counter(image.image for image in result.images)
    yield from (f"image {name} is there {count} times" for name, count in counts.items() if count > 1)
    wanted = result.signature.settings.get("common", {}).get("images", len(result.images))
    if not result.images or wanted != len(result.images):
        yield f"{len(result.images)} images are there, {wanted or 'some'} were to be measured"
    for image in result.images:
        for metric in ("lpips", "lr_psnr", "psnr", "ssim"):
            values = [sample.values.get(metric) for sample in image.samples]
            given = [v for v in values if v is not None]
            value = image.values.get(metric)
            if value is not None and given and not math.isclose(value, sum(given) / len(given), rel_tol=1e-6):
                yield f"image {image.image}: {metric} is {value}, the mean of its samples {sum(given) / len(given):.9g}"
        for curve, metric in (("diversity_curve", "diversity"), ("diversity_mse_curve", "diversity_mse")):
            if image.curves.get(curve) and image.curves[curve][-1] != image.values.get(metric):
                yield f"image {image.image}: {metric} is {image.values.get(metric)}, its curve ends in another value"


def _summary_faults(result: Result) -> Iterator[str]:
    for metric, value in result.summary.items():
        found = [image.values.get(metric) for image in result.images]
        finite = [v for v in found if v is not None and math.isfinite(v)]
        mean = sum(finite) / len(finite) if finite else None
        if mean is None:
            # All infinite or undefined, as the summary must be.
            agrees = value is None or value in found
        else:
            agrees = value is not None and math.isclose(value, mean, rel_tol=1e-6, abs_tol=1e-9)
        if not agrees:
            shown = "undefined" if mean is None else f"{mean:.9g}"
            yield f"summary.{metric} is {value}, the mean of its images {shown}"


def _written(column: str) -> bool:
    return column in _WRITTEN or any(
        column.endswith(suffix) and column[: -len(suffix)] in {*METRICS, "final_rank"} for suffix in _WRITTEN_SUFFIXES
    )


class _Table:
    """A CSV file whose faults are gathered, to be reported together."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns: list[str] = []
        self.rows: list[tuple[int, list[str]]] = []
        self.faults: list[tuple[int, str]] = []

    def fault(self, line: int, text: str) -> None:
        self.faults.append((line, text))

    def lines(self) -> Iterator[_Line]:
        seen: dict[tuple[str, str], int] = {}
        for number, cells in self.rows:
            line = _Line(dict(zip(self.columns, cells, strict=False)), partial(self.fault, number))
            if len(cells) != len(self.columns):
                self.fault(number, f"{len(cells)} cells under {len(self.columns)} columns")
            # A method may stand in two publications.
            key = (line.name(), line.cell("note") if line.cell("source") == "published" else "")
            if not key[0]:
                self.fault(number, "no team name")
            elif key in seen:
                self.fault(number, f"{key[0]!r} is also in line {seen[key]}")
            seen.setdefault(key, number)
            yield line

    def done(self) -> None:
        if self.faults:
            listed = [f"line {line}: {text}" for line, text in sorted(self.faults, key=lambda f: f[0])]
            raise RankingError(f"{self.path}: the table cannot be used", listed)


@dataclass(frozen=True)
class _Line:
    cells: dict[str, str]
    fault: Callable[[str], None]

    def cell(self, column: str) -> str:
        return self.cells.get(column, "").strip()

    def name(self) -> str:
        return unescape_cell(self.cell("team"))

    def number(self, column: str) -> float | None:
        text = self.cell(column)
        if not text:
            return None
        try:
            value = float(text.replace("∞", "inf").replace("−", "-"))
        except ValueError:
            value = math.nan
        # What Python takes for a number and nobody means as one: 1_0, and 1e400, which overflows.
        if "_" in text or (math.isinf(value) and any(char.isdigit() for char in text)):
            value = math.nan
        if math.isnan(value):
            self.fault(f"{column} is {text!r}: write a number with a decimal point and no unit, inf, or nothing")
            return None
        return value


def _read_table(path: Path, *needed: str) -> _Table:
    try:
        text = read_bounded(path, _MAX_TABLE_BYTES).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RankingError(f"{path}: cannot be read as UTF-8 text ({error})") from error
    table = _Table(path)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            if not table.columns:
                table.columns = [cell.strip().lower() for cell in cells]
            elif any(cell.strip() for cell in cells):
                table.rows.append((reader.line_num, cells))
    except csv.Error as error:
        raise RankingError(f"{path}: line {reader.line_num}: not valid CSV ({error})") from error
    for column in needed:
        if column not in table.columns:
            there = ", ".join(map(repr, table.columns[:9])) or "nothing"
            marks = " (write commas between columns)" if len(table.columns) == 1 else ""
            table.fault(1, f"the column {column!r} is missing: the first line names columns, and holds {there}{marks}")
    for column in dict.fromkeys(c for c in table.columns if table.columns.count(c) > 1):
        table.fault(1, f"the column {column!r} is there twice")
    table.done()
    return table
