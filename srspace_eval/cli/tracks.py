"""``srspace-eval tracks``: which tracks there are, a track's rule in words, and a file to begin with."""

from __future__ import annotations

from pathlib import Path

import click

from srspace_eval.cli._common import folded, print_json, print_text, say
from srspace_eval.tracks.reader import list_tracks, load_track
from srspace_eval.tracks.template import write_track_template
from srspace_eval.tracks.words import describe_track


@click.group(invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Tracks: which there are, what a track measures and how it ranks, and a file to begin with."""
    if context.invoked_subcommand is None:
        context.invoke(list_all)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def list_all(as_json: bool = False) -> None:
    """List the built-in tracks."""
    tracks = list_tracks()
    if as_json:
        print_json([{"name": t.name, "title": t.title, "scale": t.scale, "samples": t.samples} for t in tracks])
        return
    for track in tracks:
        print_text(f"{track.name}: {track.title}\n")


@command.command("show")
@click.argument("name", metavar="NAME|FILE.toml")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def show(name: str, as_json: bool) -> None:
    """Say in words what a track measures and how it ranks: one sentence for each element."""
    track = load_track(name)
    sentences = describe_track(track)
    if as_json:
        about = {"source": track.source, "uncertain": list(track.uncertain)}
        print_json({"name": track.name, "title": track.title, "sentences": sentences, **about})
        return
    print_text(folded("\n".join([f"{track.name}: {track.title}", *(f"  {sentence}" for sentence in sentences)])) + "\n")


@command.command("new")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--like", metavar="NAME|FILE.toml", help="Copy this track instead, with its comments.")
@click.option("--title", default="", help="The track's title, which leaderboards show.")
def new(path: Path, like: str | None, title: str) -> None:
    """Write a track file to begin with: a commented example, or a copy of a track.

    The name of a copy is FILE's name without suffix.
    """
    write_track_template(path, like, title)
    say(f"wrote {path}; see what it says with: srspace-eval tracks show {path}")
