"""``srspace-eval rank``: leaderboards from a board, a table, or published numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from srspace_eval._utils.notices import notify
from srspace_eval._utils.text import slug
from srspace_eval.cli._common import print_json, print_text, say
from srspace_eval.cli._options import EXISTING_FILE, EXISTING_FOLDER, SOURCE, ExistingPath
from srspace_eval.errors import RankingError
from srspace_eval.metrics.base import METRICS
from srspace_eval.ranking import Entry, Ranking, default_columns, rank
from srspace_eval.ranking.bootstrap import BootstrapPlan
from srspace_eval.ranking.draws import DRAWS_FILE, MOR_FILE
from srspace_eval.ranking.entries import add_mor, board_entries, table_entries
from srspace_eval.ranking.published_tables import PublishedTable, load_published, published_tables
from srspace_eval.report.files import TEXT_FORMATS, render, text_files, write_files
from srspace_eval.report.json_file import to_document
from srspace_eval.results.board_tracks import board_tracks
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.reader import load_track

_DEFAULT_BOARD = Path("leaderboards")
_FORMATS = ("html", *TEXT_FORMATS)


@dataclass(frozen=True)
class _Sources:
    """Where entries come from."""

    board: Path | None
    table: Path | None
    published: str | None
    beside: tuple[str, ...]
    mor: Path | None

    def entries(self, track: Track, columns: Sequence[str]) -> list[Entry]:
        entries: list[Entry] = []
        if self.board is not None:
            _say_unfinished(self.board, track)
            entries += board_entries(self.board, track)
        if self.table is not None:
            entries += table_entries(self.table)
        if self.published is not None:
            entries += _competing(self.published, track)
        for table in _tables_beside(self.beside, self.published, track):
            entries += _beside(table, track, columns)
        if self.mor is not None:
            if self.mor.is_file() and self.mor.name == MOR_FILE and self.mor.with_name(DRAWS_FILE).is_file():
                text = f"{self.mor}: --mor {self.mor.parent} lets the final rank's intervals move with the study, too"
                notify(text)
            entries, strangers = add_mor(entries, self.mor)
            if strangers:
                notify(
                    f"{self.mor}: {', '.join(map(repr, strangers))}: no entry has this name; shown as a baseline with "
                    "its MOR alone"
                )
        if not entries:
            given = " and ".join(str(path) for path in (self.board, self.table) if path is not None)
            where = f"in {given}" if given else f"no --board, no --table, and no {_DEFAULT_BOARD}/ here"
            raise RankingError(f"there is nothing to rank for track {track.name} ({where}): score a submission first")
        return entries


@click.command()
@click.option(
    "--track",
    "track_names",
    multiple=True,
    metavar="NAME|FILE.toml",
    help="Track to rank; may be given several times. Without it: every track of the board.",
)
@click.option(
    "--board", type=EXISTING_FOLDER, help=f"Folder of scored submissions (default: {_DEFAULT_BOARD}/ if it exists)."
)
@click.option(
    "--table",
    type=EXISTING_FILE,
    help="CSV of numbers that you have: team,kind,lpips,lr_psnr,diversity,mor; empty = not measured.",
)
@click.option(
    "--mor",
    type=ExistingPath(),
    metavar="FOLDER|FILE.csv",
    help="A study's mean opinion ranks: the folder that 'study collect' wrote, or a CSV: team,mor.",
)
@click.option("--published", metavar="NAME", help="Rank a published table's own teams, as its challenge did.")
@click.option(
    "--with",
    "beside",
    multiple=True,
    metavar="NAME|all",
    help="Show a published table's rows as baselines; may be given several times.",
)
@click.option("--list-published", is_flag=True, help="List the published tables and exit.")
@click.option("--signature", metavar="ID", help="Rank only the results measured with these settings; list the others.")
@click.option("--columns", metavar="LIST", help=f"Metrics to show, of: {', '.join(METRICS)}.")
@click.option("--intervals", is_flag=True, help="Print the bootstrap intervals too (CSV, JSON and HTML have them).")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the bootstrap.")
@click.option(
    "--replicates",
    type=click.IntRange(min=0),
    default=2000,
    show_default=True,
    help="Bootstrap replicates; 0: no intervals.",
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder to write leaderboards into.")
@click.option(
    "--format",
    "formats",
    metavar="LIST",
    help=f"Of {','.join(_FORMATS)}; with --out the files (default: all), without it one, printed.",
)
@click.option("--gt", type=SOURCE, help="GT folder, for the HTML's picture viewer.")
@click.option("--lr", type=SOURCE, help="LR folder, for the HTML's picture viewer (default: the downscaled GT).")
@click.option(
    "--submission",
    "submissions",
    multiple=True,
    metavar="[TEAM=]PATH",
    help="A submission's folder or zip, for the HTML's picture viewer; may be given several times.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    track_names: tuple[str, ...],
    board: Path | None,
    table: Path | None,
    mor: Path | None,
    published: str | None,
    beside: tuple[str, ...],
    list_published: bool,
    signature: str | None,
    columns: str | None,
    intervals: bool,
    seed: int,
    replicates: int,
    out: Path | None,
    formats: str | None,
    gt: Path | None,
    lr: Path | None,
    submissions: tuple[str, ...],
    as_json: bool,
) -> None:
    """Rank the scored submissions of a board into leaderboards.

    Results that were measured with different settings are refused, unless --signature chooses one group.
    """  # fmt: skip
    if list_published:
        _list_published()
        return
    forms = _forms(formats, out, as_json)
    if board is None and table is None and published is None and _DEFAULT_BOARD.is_dir():
        board = _DEFAULT_BOARD
    tracks = _tracks(track_names, board, published)
    _require_one(tracks, table=table, mor=mor, gt=gt, json=as_json or None, format=None if out else formats)
    if bool(submissions) != (gt is not None) or (lr is not None and gt is None) or (gt is not None and out is None):
        raise click.UsageError("the picture viewer needs --out, --gt and --submission together")
    plan = BootstrapPlan(replicates=replicates, seed=seed) if replicates else None
    sources = _Sources(board, table, published, beside, mor)
    rankings = []
    for track in tracks:
        shown = _columns(columns) or default_columns(track)
        entries = sources.entries(track, shown)
        if columns is not None:
            _say_empty(shown, entries)
        rankings.append(rank(entries, track, bootstrap=plan, signature=signature, columns=shown))

    if out is not None:
        for path in _write(out, rankings, forms, intervals, gt, lr, submissions):
            say(f"wrote {path}")
    _print(rankings, forms, intervals, as_json, printed_form=out is None and formats is not None)


def _print(
    rankings: Sequence[Ranking], forms: Sequence[str], intervals: bool, as_json: bool, *, printed_form: bool
) -> None:
    if as_json:
        print_json(to_document(rankings[0]))
        return
    if printed_form:
        print_text(render(rankings[0], forms[0], intervals=intervals))
        return
    from srspace_eval.report.table import make_table
    from srspace_eval.report.terminal import to_text

    for number, ranking in enumerate(rankings):
        if number:
            click.echo()
        print_text(to_text(make_table(ranking), intervals=intervals))


def _forms(formats: str | None, out: Path | None, as_json: bool) -> list[str]:
    if formats is None:
        return list(_FORMATS)
    forms = [form.strip().lower() for form in formats.split(",") if form.strip()]
    unknown = [form for form in forms if form not in _FORMATS]
    if unknown or not forms:
        raise click.BadParameter(f"{formats!r}: choose of {', '.join(_FORMATS)}", param_hint="--format")
    if out is None and as_json:
        raise click.UsageError("--json and --format both print; give one of them, or --out too")
    if out is None and (len(forms) > 1 or forms == ["html"]):
        raise click.UsageError(
            f"without --out, --format prints one of {', '.join(TEXT_FORMATS)}; give --out for more, or for html"
        )
    return list(dict.fromkeys(forms))


def _columns(text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    named = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    unknown = [metric for metric in named if metric not in METRICS]
    if unknown or not named:
        raise click.BadParameter(f"{text!r}: choose of {', '.join(METRICS)}", param_hint="--columns")
    return named


def _say_unfinished(board: Path, track: Track) -> None:
    """Submissions that would be missed in the table: their scoring was stopped, or goes on."""
    journals = sorted((board / slug(track.name)).glob("*.journal.jsonl"))
    if journals:
        named = ", ".join(path.name for path in journals[:5]) + (" …" if len(journals) > 5 else "")
        text = f"{journals[0].parent}: not scored to the end, and left out: {named}; give `score` again to go on"
        notify(text)


def _say_empty(columns: Sequence[str], entries: Sequence[Entry]) -> None:
    """A column that was asked for and that tables leave out, because nobody has a value in it."""
    empty = [metric for metric in columns if all(entry.values.get(metric) is None for entry in entries)]
    if empty:
        notify(f"--columns: nobody has a value of {', '.join(empty)}")


def _tracks(names: Sequence[str], board: Path | None, published: str | None) -> list[Track]:
    if names:
        return [load_track(name) for name in dict.fromkeys(names)]
    if published is not None:
        own = load_published(published).tracks
        if own:
            return [load_track(own[0])]
    if board is None:
        raise click.UsageError("name the track with --track, or a board with --board")
    return board_tracks(board)


def _require_one(tracks: Sequence[Track], **options: object) -> None:
    given = [f"--{name}" for name, value in options.items() if value is not None]
    if len(tracks) > 1 and given:
        names = ", ".join(track.name for track in tracks)
        raise click.UsageError(f"{', '.join(given)} is about one track: name it with --track (there are {names})")


def _competing(name: str, track: Track) -> list[Entry]:
    table = load_published(name, track.name)
    entries = table.entries("as published")
    if track.name not in table.tracks or all(entry.kind == "baseline" for entry in entries):
        raise RankingError(
            f"{table.id} is not a competition of track {track.name} ({table.title}); show it beside one with "
            f"--with {table.id}"
        )
    return entries


def _tables_beside(names: Sequence[str], published: str | None, track: Track) -> list[PublishedTable]:
    """The tables that ``--with`` names, each once."""
    tables = [load_published(name, track.name) for name in names if name != "all"]
    if "all" in names:
        tables += [table for table in published_tables().values() if track.name in table.tracks]
    ranked = load_published(published, track.name).id if published is not None else None
    return list({table.id: table for table in tables if table.id != ranked}.values())


def _beside(table: PublishedTable, track: Track, columns: Sequence[str]) -> list[Entry]:
    if track.name not in table.tracks:
        text = f"{table.id} is about another task ({table.title}): for orientation only"
        notify(text)
    fitting = [e for e in table.entries() if any(e.values.get(metric) is not None for metric in columns)]
    if not fitting:
        notify(f"{table.id} has none of the columns {', '.join(columns)}")
    return fitting


def _list_published() -> None:
    for table in published_tables().values():
        click.echo(f"{table.id}: {table.title} ({len(table.rows)} rows; tracks: {', '.join(table.tracks) or 'none'})")
        click.echo(f"    {table.paper}, {table.table}; {table.data}")


def _write(
    out: Path,
    rankings: Sequence[Ranking],
    forms: Sequence[str],
    intervals: bool,
    gt: Path | None,
    lr: Path | None,
    submissions: Sequence[str],
) -> list[Path]:
    """Write all forms, or none; returns the paths to look at."""
    texts = text_files(rankings, [form for form in forms if form != "html"], intervals=intervals)
    if "html" not in forms:
        write_files(out, texts)
        return [out / name for name in texts]
    from srspace_eval.report.html import Pictures, write_site
    from srspace_eval.study.entries import named_source

    pictures = {}
    if gt is not None:
        named = [named_source(text) for text in submissions]
        sources = {team: source.path for team, source in named}
        if len(sources) < len(named):
            raise click.UsageError("--submission: two are of one team; write TEAM=PATH with the team's own name")
        pictures = {rankings[0].track.name: Pictures(gt=gt, submissions=sources, lr=lr)}
    index = write_site(out, rankings, pictures=pictures, texts=texts)
    return [*(out / name for name in texts), index]
