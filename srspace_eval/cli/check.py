"""``srspace-eval check``: everything that is wrong with a submission; nothing is measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from srspace_eval._utils.notices import notify
from srspace_eval._utils.untrusted_text import visible
from srspace_eval.cli._batch import show_batch
from srspace_eval.cli._common import print_json, progress, say, tell
from srspace_eval.cli._options import submission_options, track_from
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.names import example_names


@click.command()
@submission_options
@click.option("--strict", is_flag=True, help="Count identical samples as faults.")
def command(
    submissions: tuple[Path, ...],
    gt: Path | None,
    lr: Path | None,
    track: str | None,
    samples: int | None,
    workers: int | None,
    teams: Path | None,
    reports: Path | None,
    as_json: bool,
    strict: bool,
) -> None:
    """List everything that is wrong with a submission, before it is uploaded.

    Faults: missing and surplus files, wrong sizes, files that are not 8-bit RGB PNGs, damaged files. Notices: samples
    identical to each other or to the GT. Without --gt the LRs of --lr name the images; without both, missing images
    cannot be found. Exit code 1 if there are faults.

    Several submissions, or a folder that contains submissions, are checked one after the other. One table at the end
    shows what became of each.
    """
    from srspace_eval.submissions.batch import check_all, is_batch
    from srspace_eval.submissions.check import check

    rules = track_from(track)
    if gt is None and rules is None:
        raise click.UsageError("Missing option '--gt'; without a GT, --track is required.")
    if is_batch(submissions) or teams is not None or reports is not None:
        batch = check_all(
            submissions, gt, teams=teams, track=rules, lr=lr, samples=samples, strict=strict, workers=workers,
            progress=progress,
        )  # fmt: skip
        show_batch(batch, reports, as_json=as_json)
        _notify_missing_weights({found.check.track.name: found.check.track for found in batch.outcomes if found.check})
        return
    (submission,) = submissions
    report = check(
        submission, gt, track=rules, lr=lr, samples=samples, strict=strict, workers=workers, progress=progress
    )
    if as_json:
        print_json(report.to_document())
    else:
        for fault in report.faults:
            tell(f"fault: {visible(fault)}")
        for notice in report.notices:
            tell(f"notice: {visible(notice)}")
    count = len(report.faults)
    verdict = f"{count or 'no'} fault{'s' if count != 1 else ''}"
    say(
        f"{visible(str(submission))}: {verdict}; {report.samples} samples of {len(report.pairing.pairs)} images, "
        f"track {report.track.name}, names such as {example_names([report.pairing.template], report.track.first)}"
    )
    _notify_missing_weights({report.track.name: report.track})
    if report.faults:
        raise click.exceptions.Exit(1)


def _notify_missing_weights(tracks: Mapping[str, Track]) -> None:
    """Say which weights `score` will miss, so that nobody finds out at the deadline."""
    from srspace_eval.scoring.trunk_notices import missing_weights

    for notice in dict.fromkeys(notice for track in tracks.values() for notice in missing_weights(track)):
        notify(notice)
