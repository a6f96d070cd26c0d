"""``srspace-eval rank``: parses options, calls ``rank`` and ``write_leaderboards``, prints."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from srspace_eval.cli._common import print_json, print_text, progress, say
from srspace_eval.cli._options import EXISTING_FILE, EXISTING_FOLDER, SOURCE, ExistingPath, LateHelp, byte_count
from srspace_eval.cli._rank_options import (
    columns_of,
    counts_of,
    digits_of,
    forms_of,
    ids_of,
    misplaced,
    print_published,
    published_of,
    require_few_rows,
    require_inputs_kept,
    require_known_digits,
    require_one,
    tracks_of,
    wants_board,
)
from srspace_eval.metrics.registry import columns as metric_columns
from srspace_eval.ranking.bootstrap import BootstrapPlan
from srspace_eval.ranking.compatibility import signatures_of_tracks
from srspace_eval.ranking.leaderboard import rank
from srspace_eval.ranking.measured_columns import including_columns, tell_hidden
from srspace_eval.ranking.model import Ranking
from srspace_eval.report.files import (
    ALL_FORMATS,
    FORMATS,
    TableOptions,
    reader_table,
    render_leaderboard,
    write_leaderboards,
)
from srspace_eval.report.history import update_history
from srspace_eval.report.json_file import to_document
from srspace_eval.report.names import stems_of
from srspace_eval.report.table import make_table
from srspace_eval.tracks.teams import FIELDS, read_teams

if TYPE_CHECKING:
    from srspace_eval.report.html import Pictures

_DEFAULT_BOARD = Path("leaderboards")


@click.command()
@click.option(
    "--track",
    "track_names",
    multiple=True,
    metavar="NAME|FILE.toml",
    help="Track to rank; may be given several times. Without it: every track of the board.",
)
@click.option(
    "--board",
    type=EXISTING_FOLDER,
    help=(
        f"Folder of scored submissions (default: {_DEFAULT_BOARD}/ if it exists; with --published or --table, only if "
        "--own names a method that is not among their rows)."
    ),
)
@click.option(
    "--table",
    "tables",
    type=EXISTING_FILE,
    multiple=True,
    help=(
        "CSV of numbers that you have: columns team, optionally kind (team or baseline), and ids of the track; an "
        "empty cell is not measured. May be given several times."
    ),
)
@click.option(
    "--values",
    type=EXISTING_FILE,
    multiple=True,
    help=(
        "CSV of values to join to measured results: columns team and ids of the track, such as runtimes. May be given "
        "several times."
    ),
)
@click.option(
    "--mor",
    type=ExistingPath(),
    metavar="FOLDER|FILE.csv",
    help="A study's mean opinion ranks: the folder that 'study collect' wrote, or a CSV: team,mor.",
)
@click.option(
    "--study-report",
    metavar="FILE|ADDRESS",
    help="The study's report.html, or the address where you publish it: the HTML links to it.",
)
@click.option(
    "--allow-unknown", is_flag=True, help="Show names of --mor that are not on the board as baselines; else an error."
)
@click.option(
    "--published",
    "published_names",
    multiple=True,
    metavar="NAME",
    help=(
        "Rank a published table's own teams, as its challenge did; may be given once for each track. Rows of other "
        "sources are shown without ranks."
    ),
)
@click.option(
    "--rank-together",
    is_flag=True,
    help="Rank the teams of --published and all other rows together, although their numbers do not compare.",
)
@click.option(
    "--with",
    "beside",
    multiple=True,
    metavar="NAME|all",
    help="Show a published table's rows as baselines; may be given several times.",
)
@click.option("--list-published", is_flag=True, help="List the published tables and exit.")
@click.option(
    "--signature",
    "signatures",
    multiple=True,
    metavar="ID",
    help="Rank only the results measured with these settings; list the others. May be given once for each track.",
)
@click.option(
    "--columns",
    metavar="LIST",
    cls=LateHelp,
    late_help=lambda: f"Metrics to show, of: {', '.join(metric_columns())}, or measures of the board's results.",
)
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
    "--history",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.json",
    help="History of the rankings, which gets an entry if one changed. Pages keep theirs in OUT/history.json.",
)
@click.option(
    "--format",
    "formats",
    metavar="LIST",
    help=f"Of {','.join(ALL_FORMATS)}; with --out the files (default: {','.join(FORMATS)}), without it one, printed.",
)
@click.option(
    "--digits",
    metavar="N|ID=N,...",
    callback=lambda _, __, text: digits_of(text),
    help="Decimals in printed tables, Markdown and LaTeX: of all metrics, or of those named.",
)
@click.option("--own", metavar="TEAM", help="Your method: the last row in printed tables, Markdown and LaTeX.")
@click.option("--notes/--no-notes", default=True, show_default=True, help="LaTeX: print the notes below the table.")
@click.option("--tex-signature", is_flag=True, help="LaTeX: print what the results were measured with.")
@click.option("--gt", type=SOURCE, help="GT folder, for the HTML's picture viewer.")
@click.option("--lr", type=SOURCE, help="LR folder, for the HTML's picture viewer (default: the downscaled GT).")
@click.option(
    "--submission",
    "submissions",
    multiple=True,
    metavar="[TEAM=]PATH",
    help=(
        "A submission's folder or zip, or a folder that contains submissions, for the HTML's picture viewer; may be "
        "given several times."
    ),
)
@click.option(
    "--viewer-images", type=click.IntRange(min=1), default=12, show_default=True, help="Most images in the viewer."
)
@click.option(
    "--viewer-size",
    callback=byte_count,
    metavar="SIZE",
    default="2G",
    show_default=True,
    help="Largest estimated size of the viewer's pictures.",
)
@click.option(
    "--teams",
    type=EXISTING_FILE,
    metavar="FILE.csv",
    help=f"What to show about teams: file,team,kind,{','.join(FIELDS)}.",
)
@click.option(
    "--date",
    default="",
    metavar="DAY",
    help="Day of the newest result, for pages and the history (default: the newest of --teams, else of the files).",
)
@click.argument("more_submissions", metavar="[SUBMISSION...]", nargs=-1, type=SOURCE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    track_names: tuple[str, ...],
    board: Path | None,
    tables: tuple[Path, ...],
    values: tuple[Path, ...],
    mor: Path | None,
    study_report: str | None,
    allow_unknown: bool,
    published_names: tuple[str, ...],
    beside: tuple[str, ...],
    list_published: bool,
    signatures: tuple[str, ...],
    columns: str | None,
    intervals: bool,
    seed: int,
    replicates: int,
    out: Path | None,
    history: Path | None,
    formats: str | None,
    digits: int | dict[str, int] | None,
    own: str | None,
    rank_together: bool,
    notes: bool,
    tex_signature: bool,
    gt: Path | None,
    lr: Path | None,
    submissions: tuple[str, ...],
    viewer_images: int,
    viewer_size: int,
    teams: Path | None,
    date: str,
    more_submissions: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Rank the scored submissions of a board into leaderboards.

    Results that were measured with different settings are refused, unless --signature chooses one group. S_M, S_10,
    `diversity` and `diversity_mse` are diversity scores. The page "The diversity score S_M" of the documentation
    explains them.
    """
    if list_published:
        print_published()
        return
    forms = forms_of(formats, out, as_json)
    if more_submissions:
        # A shell makes several words of `--submission inbox/*.zip`.
        if not submissions:
            raise click.UsageError(misplaced(more_submissions[0]))
        submissions = (*submissions, *map(str, more_submissions))
    if board is None and _DEFAULT_BOARD.is_dir() and wants_board(tables, published_names, own):
        board = _DEFAULT_BOARD
    tracks = tracks_of(track_names, board, published_names)
    published = published_of(published_names, tracks)
    asked = [*ids_of(columns), *(digits if isinstance(digits, dict) else ())]
    chosen = signatures_of_tracks(board, [track.name for track in tracks], signatures)
    if board is not None:
        tracks = [including_columns(track, asked, board, chosen.get(track.name)) for track in tracks]
    require_known_digits(digits, tracks)
    shown = columns_of(columns, tracks)
    require_one(
        tracks,
        table=tables or None,
        values=values or None,
        mor=mor,
        gt=gt,
        json=as_json or None,
        study_report=study_report,
        format=None if out else formats,
    )
    if bool(submissions) != (gt is not None) or (lr is not None and gt is None) or (gt is not None and out is None):
        raise click.UsageError("the picture viewer needs --out, --gt and --submission together")
    plan = BootstrapPlan(replicates=replicates, seed=seed) if replicates else None
    rankings: list[Ranking] = []
    counts: list[tuple[int, int]] = []
    for track in tracks:
        ranking = rank(
            board,
            track,
            table=tables,
            published=published.get(track.name),
            with_published=beside,
            mor=mor,
            values=values,
            columns=shown,
            bootstrap=plan,
            signature=chosen.get(track.name),
            allow_unknown=allow_unknown,
            teams=teams,
            date=date,
            rank_together=rank_together,
        )
        rankings.append(ranking)
        if board is not None and not track_names:
            counts.append(counts_of(ranking))
            require_few_rows(board, counts)
    for ranking in rankings if columns is None else ():
        tell_hidden(ranking)
    looks: TableOptions = {
        "intervals": intervals, "digits": digits, "own": own, "notes": notes, "signature": tex_signature,
    }  # fmt: skip
    if out is not None:
        inputs = [*tables, *values, *([mor] if mor is not None else [])]
        require_inputs_kept(inputs, out, forms, stems_of(rankings))
        pictures = {}
        if gt is not None:
            limits = {"images": viewer_images, "most_bytes": viewer_size}
            names = {row.entry.team for row in rankings[0].rows}
            pictures = {tracks[0].name: _pictures(gt, lr, submissions, teams, names, **limits)}
        for path in write_leaderboards(
            rankings,
            out,
            formats=forms,
            pictures=pictures,
            study_report=study_report,
            history=history,
            progress=progress,
            **looks,
        ):
            say(f"wrote {path}")
        if pictures:
            say(f"{out} shows pictures of the GT; do not publish it while the GT is secret")
    elif history is not None and update_history(rankings, history):
        say(f"wrote {history}")
    _print(rankings, forms, looks, as_json, printed_form=out is None and formats is not None)


def _print(
    rankings: Sequence[Ranking], forms: Sequence[str], looks: TableOptions, as_json: bool, *, printed_form: bool
) -> None:
    if as_json:
        print_json(to_document(make_table(rankings[0], complete=True)))
        return
    if printed_form:
        print_text(render_leaderboard(rankings[0], forms[0], **looks))
        return
    from srspace_eval.report.terminal import to_text

    for number, one in enumerate(one for ranking in rankings for one in ranking.all):
        if number:
            click.echo()
        print_text(to_text(reader_table(one, looks), intervals=looks["intervals"]))


def _pictures(
    gt: Path, lr: Path | None, submissions: Sequence[str], teams: Path | None, ranked: Collection[str], **limits: int
) -> Pictures:
    from srspace_eval.report.html import Pictures
    from srspace_eval.study.entries import named_source
    from srspace_eval.submissions.batch import is_inbox, is_pattern, make_members

    inbox = len(submissions) == 1 and is_inbox(submissions[0])
    many = [text for text in submissions if inbox or is_pattern(text) or (teams is not None and Path(text).exists())]
    found = [(member.team.team, member.path) for member in (make_members(many, teams) if many else ())]
    found += [(team, source.path) for team, source in (named_source(text) for text in submissions if text not in many)]
    sources = dict(found)
    if len(sources) < len(found):
        raise click.UsageError("--submission: two are of one team; write TEAM=PATH with the team's own name")
    if teams is not None:  # the ranking named the teams of the table that have no result
        refused = {team.team for team in read_teams(teams)} - set(ranked)
        sources = {team: path for team, path in sources.items() if team not in refused} or sources
    return Pictures(gt=gt, submissions=sources, lr=lr, **limits)
