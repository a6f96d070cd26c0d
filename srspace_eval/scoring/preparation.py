"""What must be known before a run measures: the checked files, the signature, and the tasks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from srspace_eval._utils.files import given_name
from srspace_eval._utils.notices import notify
from srspace_eval._utils.progress import Progress
from srspace_eval._utils.untrusted_text import unusable_name
from srspace_eval.errors import InputError
from srspace_eval.metrics.evaluator import EvaluatorConfig
from srspace_eval.results.signature import Signature
from srspace_eval.results.store import require_new_name, require_own_file, require_own_folder, result_path
from srspace_eval.scoring.executors.base import Executor
from srspace_eval.scoring.options import ScoreOptions, require_references
from srspace_eval.scoring.patch_seed import with_patch_seed
from srspace_eval.scoring.shards import Shard
from srspace_eval.scoring.signature import gt_digest, make_signature
from srspace_eval.scoring.tasks import ImageTask, make_tasks
from srspace_eval.scoring.trunk_notices import custom_trunks
from srspace_eval.submissions.check import SubmissionCheck, check
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.reader import load_track


@dataclass(frozen=True)
class Run:
    """A run that is about to measure."""

    checked: SubmissionCheck
    team: str
    path: Path  # of the result
    signature: Signature
    config: EvaluatorConfig
    tasks: list[ImageTask]


def prepare(
    submission: Path | str,
    gt: Path | str | None,
    options: ScoreOptions,
    track: Track | Path | str | None,
    lr: Path | str | None,
    team: str | None,
    board: Path,
    shard: Shard | None,
    executor: Executor,
    progress: Progress,
) -> Run:
    """Check the files, prepare the executor, and make the tasks. See :func:`srspace_eval.score` for the parameters."""
    if team is None:
        name = given_name(submission)
        team = name.removesuffix(".zip") or name
    if told := unusable_name(team):
        raise InputError(f"{submission}: {told} with --team")
    track = load_track(track) if isinstance(track, (Path, str)) else track
    metrics = options.bound(track)
    require_references(track, metrics, gt=gt is not None, lr=lr is not None)
    # If the metrics are known already, missing weights are reported before the files are inspected for minutes.
    runtime = executor.prepare(options.network(metrics)) if metrics else None
    checked = check(
        submission, gt, track=track, lr=lr, samples=options.samples, whole=False,
        only=None if shard is None else shard.of, workers=options.workers, progress=progress,
    )  # fmt: skip
    track = checked.track
    path = result_path(board, track.name, team)
    require_own_folder(board, track.name)
    require_new_name(board, track.name, team)
    require_own_file(path, team)
    if runtime is None:
        metrics = options.bound(track)
        runtime = executor.prepare(options.network(metrics))
    config = EvaluatorConfig(metrics, track.scale)
    checked.raise_faults(*checked.too_small(config.least_sizes(options.net)), incomplete=options.incomplete)
    for notice in (*checked.notices, *custom_trunks(runtime, metrics)):
        notify(notice)
    seeded = with_patch_seed(options, gt_digest(checked))
    if seeded is not options:
        metrics = seeded.bound(track)
        config = EvaluatorConfig(metrics, track.scale)
    pairs = checked.pairing.pairs if shard is None else shard.of(checked.pairing.pairs)
    return Run(
        checked=checked,
        team=team,
        path=path,
        signature=make_signature(checked, options.samples or track.samples, metrics, runtime),
        config=config,
        tasks=make_tasks(checked, pairs),
    )
