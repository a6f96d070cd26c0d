"""``srspace-eval doctor``: versions, devices, weights, plug-ins, cores, the board's state."""

from __future__ import annotations

from pathlib import Path

import click

from srspace_eval.cli._common import print_json, print_text, shown


@click.command()
@click.option("--board", type=click.Path(path_type=Path), help="A board whose results are read and checked.")
@click.option("--weights-dir", type=click.Path(path_type=Path), help="Folder to search first for weights.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document to stdout.")
def command(board: Path | None, weights_dir: Path | None, as_json: bool) -> None:
    """Show what an issue report needs: versions, devices, weights, plug-ins, cores, the board's state.

    Nothing is written or downloaded. The exit code is 0 even if something is missing.
    """
    from srspace_eval.doctor import diagnose

    diagnosis = diagnose(board, weights_dir)
    if as_json:
        print_json(diagnosis.to_document())
        return
    lines = [
        f"srspace-eval {diagnosis.version}, Python {diagnosis.python}",
        f"platform  {diagnosis.platform}",
        f"cores     {diagnosis.cores}",
        f"memory    {diagnosis.memory / 2**30:.1f} GiB",
        "devices   " + ", ".join(diagnosis.devices),
        "packages  " + ", ".join(f"{name} {version or 'missing'}" for name, version in diagnosis.packages.items()),
    ]
    lines += [f"weights   {s.file.net}: {s.state}{f', {s.path}' if s.path else ''}" for s in diagnosis.weights]
    lines += [f"searched  {folder}" for folder in diagnosis.weights_folders]
    lines += [f"plug-in   {plug_in}{', cannot be used' if plug_in.problem else ''}" for plug_in in diagnosis.plug_ins]
    if diagnosis.board is not None:
        counts = ", ".join(f"{name}: {count} results" for name, count in diagnosis.tracks.items())
        lines.append(f"board     {diagnosis.board}: {counts or 'nothing that can be ranked'}")
    lines += [f"problem   {problem}" for problem in diagnosis.problems]
    print_text(shown("\n".join(lines)) + "\n")
