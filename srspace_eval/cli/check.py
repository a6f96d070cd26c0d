"""``srspace-eval check``: everything that is wrong with a submission, measuring nothing."""

from __future__ import annotations

from pathlib import Path

import click

from srspace_eval.cli._common import print_json, progress, say, shown
from srspace_eval.cli._options import submission_options, track_from


@click.command()
@submission_options
@click.option("--strict", is_flag=True, help="Identical samples, too, are faults.")
def command(
    submission: Path,
    gt: Path,
    lr: Path | None,
    track: str | None,
    samples: int | None,
    workers: int | None,
    as_json: bool,
    strict: bool,
) -> None:
    """List everything that is wrong with a submission, before it is uploaded.

    Missing and surplus files, wrong sizes, 16-bit, grey, palette, alpha, not a PNG, damaged; and, as notices, samples
    identical to each other or to the GT. Exit code 1 if there are faults.
    """
    from srspace_eval.submissions.check import check_submission

    checked = check_submission(
        submission, gt, track=track_from(track), lr=lr, samples=samples, workers=workers, progress=progress
    )
    suspicions = checked.inspection.suspicions
    faults = [*checked.faults, *(suspicions if strict else ())]
    notices = [n for n in checked.notices if not strict or n not in suspicions]
    pictures = sum(len(p.samples) for p in checked.pairing.pairs)
    if as_json:
        print_json(
            {
                "submission": str(submission),
                "track": checked.track.name,
                "names": checked.pairing.template,
                "images": len(checked.pairing.pairs),
                "samples": pictures,
                "faults": faults,
                "notices": notices,
            }
        )
    else:
        for fault in faults:
            click.echo(shown(f"fault: {fault}"))
        for notice in notices:
            click.echo(shown(f"notice: {notice}"))
    verdict = f"{len(faults)} faults" if len(faults) != 1 else "1 fault"
    say(
        f"{submission}: {'no faults' if not faults else verdict}; {pictures} samples of "
        f"{len(checked.pairing.pairs)} images, track {checked.track.name}, named {checked.pairing.template}"
    )
    if faults:
        raise click.exceptions.Exit(1)
