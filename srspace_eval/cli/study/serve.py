"""``srspace-eval study serve``: options and output of :func:`srspace_eval.study.serve_study`."""

from __future__ import annotations

from pathlib import Path

import click

from srspace_eval.cli._common import say, shown
from srspace_eval.cli._options import EXISTING_FILE, EXISTING_FOLDER


@click.command(short_help="Serve a study and store the answers.")
@click.argument("folder", type=EXISTING_FOLDER)
@click.option("--key", "key_path", type=EXISTING_FILE, help="Key of the study.  [default: FOLDER-key.json]")
@click.option(
    "--answers",
    type=click.Path(path_type=Path),
    default=Path("answers"),
    show_default=True,
    help="Folder for the answers.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port to listen on; 0: a free one."
)
@click.option("--base-url", help="Address under which raters reach this server, for the links.")
def command(folder: Path, key_path: Path | None, answers: Path, host: str, port: int, base_url: str | None) -> None:
    """Serve a study and store the answers, one file each, until interrupted.

    Each rater has a link with a token; other addresses show nothing. The server speaks plain HTTP and listens on this
    machine alone. For raters on other machines, put a reverse proxy with HTTPS in front of it and give its address with
    --base-url.
    """
    from srspace_eval.study.serve import serve_study

    try:
        with serve_study(folder, key_path, answers, host=host, port=port, base_url=base_url) as server:
            click.echo("One link for each rater:")
            for rater, link in server.links.items():
                click.echo(shown(f"  {rater}  {link}"))
            say(f"answers go to {answers}; Ctrl-C ends")
            server.wait()
    except KeyboardInterrupt:
        say("ended")
