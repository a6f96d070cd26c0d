"""The end of ``check`` and ``score`` of many submissions: the faults, one table, and a report for each team."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import click
from rich.console import Console
from rich.table import Table

from srspace_eval._utils.untrusted_text import visible
from srspace_eval.cli._common import print_json, say, tell
from srspace_eval.report.letters import Batch, contents, verdict, write_letters

_LISTED = 5


class _Printed(Batch, Protocol):
    def to_document(self) -> dict[str, object]:
        """The document of ``--json``."""


def show_batch(batch: _Printed, reports: Path | None, *, as_json: bool) -> None:
    """Print a batch, and write its reports. The exit code is 1 if a submission has faults.

    Parameters
    ----------
    reports
        The folder of the teams' reports; None: none are written.
    """
    if as_json:
        print_json(batch.to_document())
    else:
        for outcome in batch.outcomes:
            lines = [("fault", fault) for fault in outcome.faults] + [("notice", text) for text in outcome.notices]
            for kind, text in lines[:_LISTED]:
                tell(f"{visible(outcome.team.team)}: {kind}: {text}")
            if len(lines) > _LISTED:
                tell(f"{visible(outcome.team.team)}: and {len(lines) - _LISTED} more (--reports or --json has all)")
        _table(batch)
    if reports is not None:
        say(f"wrote {len(write_letters(batch, reports))} reports to {reports}")
    faulty = [outcome for outcome in batch.outcomes if outcome.faults]
    say(f"{len(batch.outcomes)} submissions, {len(faulty) or 'none'} with faults")
    if faulty:
        raise click.exceptions.Exit(1)


def _table(batch: Batch) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("team", overflow="fold")
    table.add_column("submission", overflow="fold")
    table.add_column("images", justify="right", no_wrap=True)
    table.add_column("samples", justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for outcome in batch.outcomes:
        images, samples = map(str, contents(outcome) or ("–", "–"))
        table.add_row(visible(outcome.team.team), visible(outcome.path.name), images, samples, verdict(outcome))
    console = Console(highlight=False, markup=False)
    console.print(table)
