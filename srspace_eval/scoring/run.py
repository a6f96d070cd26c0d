"""From a submission to its result: pair, look, measure, record."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from srspace_eval._utils.hashing import sha256_of_text
from srspace_eval._utils.notices import notify
from srspace_eval._utils.progress import Progress, no_progress
from srspace_eval.errors import InputError, ResultsError
from srspace_eval.metrics.evaluator import LPIPS_METRICS, MeterConfig
from srspace_eval.metrics.least_sizes import least_sizes
from srspace_eval.metrics.registry import metrics as known_metrics
from srspace_eval.results.board_tracks import keep_track
from srspace_eval.results.record import ImageRecord, Kind, Result
from srspace_eval.results.signature import Signature
from srspace_eval.results.store import read_result, result_path, write_result
from srspace_eval.scoring.executors.base import Executor, NetworkPlan, RuntimeInfo
from srspace_eval.scoring.executors.opening import open_executor
from srspace_eval.scoring.journal import Journal, open_journal
from srspace_eval.scoring.options import ScoreOptions, ScoreSettings, with_settings
from srspace_eval.scoring.shards import Shard, absent_shards, open_shards
from srspace_eval.scoring.summary import summarise
from srspace_eval.scoring.tasks import FileRef, ImageTask, TaskSources
from srspace_eval.submissions.check import SubmissionCheck, check
from srspace_eval.submissions.inspection import FileInfo, cropped
from srspace_eval.submissions.pairing import Pair
from srspace_eval.submissions.provenance import read_provenance
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.reader import load_track

if TYPE_CHECKING:
    if sys.version_info >= (3, 11):
        from typing import Unpack
    else:
        from typing_extensions import Unpack


def score(
    submission: Path | str,
    gt: Path | str,
    *,
    options: ScoreOptions | None = None,
    track: Track | Path | str | None = None,
    lr: Path | str | None = None,
    team: str | None = None,
    kind: Kind = "team",
    board: Path | str = "leaderboards",
    overwrite: bool = False,
    progress: Progress = no_progress,
    **settings: Unpack[ScoreSettings],
) -> Result:
    """Score a submission and write its result to a board: what ``srspace-eval score`` does, with the same files.

    A stopped run is resumed when the same call is made again. Its result has the same bytes as that of a run that was
    not stopped. If the track was read from a user's file, the file is copied to the board.

    Parameters
    ----------
    submission, gt, lr:
        Folder or zip of the samples, of the GT, and of LR files if LR-PSNR is to be measured against them.
    options:
        How to measure.
    track:
        A track, a built-in track's name, or a track file; None: the built-in track that fits the names and sizes.
    team:
        The name in leaderboards; None: the submission's name, without ``.zip``.
    kind:
        ``"team"``, or ``"baseline"``: shown in leaderboards, not ranked.
    board:
        The folder of results.
    overwrite:
        Replace a result, or drop an unfinished run, of another signature or other files.
    progress:
        Context manager factory ``(description, total) -> advance(n)``.
    settings:
        Fields of :class:`ScoreOptions` as keywords, such as ``metrics=["lpips"]``; they replace those of ``options``.

    Returns
    -------
    The result, as written to ``result_path(board, track.name, team)``.

    Raises
    ------
    SubmissionError
        All faults of the submission at once.
    WeightsError
        If LPIPS is wanted and its weights are not there.
    ResultsError
        If the board holds another result of this team and ``overwrite`` is False, or another process writes it.
    TrackError
        If there is no such track, or none is given and none or several fit.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import srspace_eval as se
    >>> with tempfile.TemporaryDirectory() as name:
    ...     gt, submission = Path(name, "gt"), Path(name, "submission")
    ...     gt.mkdir(), submission.mkdir()
    ...     se.write_png(gt / "0801.png", np.zeros((32, 32, 3), np.uint8))
    ...     se.write_png(submission / "000000_sample00000.png", np.ones((32, 32, 3), np.uint8))
    ...     result = se.score(submission, gt, track="x4", samples=1, metrics=["psnr"], board=Path(name, "board"))
    (None, None)
    >>> round(result.summary["psnr"], 2)
    48.13
    """
    options = with_settings(options, settings)
    with open_executor(options.scheduler, workers=options.workers, device=options.device) as executor:
        run = _prepare(submission, gt, options, track, lr, team, Path(board), None, executor, progress)
        checked, path = run.checked, run.path
        with (
            open_journal(path.with_suffix(".journal.jsonl"), run.signature, replace=overwrite) as journal,
            open_shards(path, run.signature, replace=overwrite) as shards,
        ):
            earlier = None if overwrite else _earlier(run, kind)
            result = earlier
            if result is None:
                absent = absent_shards(list(shards))
                if absent:
                    names = ", ".join(str(shard) for shard in absent)
                    notify(f"{path.parent}: no journal of shard {names}: measured here")
                records = _measure(run, executor, journal, [*shards.values(), journal], progress)
                result = _result(checked, run.team, kind, run.signature, records)
                write_result(path, result)
            for done in (journal, *shards.values()):
                done.discard()
    if earlier is None:
        for note in result.notes:
            if note not in checked.notices:  # those were reported before the measuring
                notify(note)
    if checked.track.file is not None:
        keep_track(Path(board), checked.track.file)
    return result


def score_shard(
    submission: Path | str,
    gt: Path | str,
    shard: Shard,
    *,
    options: ScoreOptions | None = None,
    track: Track | Path | str | None = None,
    lr: Path | str | None = None,
    team: str | None = None,
    board: Path | str = "leaderboards",
    overwrite: bool = False,
    progress: Progress = no_progress,
    **settings: Unpack[ScoreSettings],
) -> ShardRun:
    """Measure one shard of a submission's images into its own journal. :func:`score` makes the result of all shards.

    Parameters
    ----------
    shard:
        The shard.
    overwrite:
        Measure even if the board has a result of this team; drop this shard's unfinished run if its signature differs.

    The other parameters are those of :func:`score`, and must be the same for all shards. Only the shard's own samples
    are inspected. Faults of other samples are found by their shards.

    Raises
    ------
    As :func:`score`.
    """
    options = with_settings(options, settings)
    with open_executor(options.scheduler, workers=options.workers, device=options.device) as executor:
        run = _prepare(submission, gt, options, track, lr, team, Path(board), shard, executor, progress)
        images = tuple(task.image for task in run.tasks)
        path = shard.journal(run.path)
        if overwrite or _earlier(run) is None:
            with open_journal(path, run.signature, replace=overwrite) as journal:
                _measure(run, executor, journal, [journal], progress)
    return ShardRun(run.team, run.checked.track.name, shard, path, images)


@dataclass(frozen=True)
class ShardRun:
    """What :func:`score_shard` measured: the team and track, the shard, its journal and its images."""

    team: str
    track: str
    shard: Shard
    journal: Path
    images: tuple[str, ...]


@dataclass(frozen=True)
class _Run:
    """A run that is about to measure."""

    checked: SubmissionCheck
    team: str
    path: Path  # of the result
    signature: Signature
    config: MeterConfig
    tasks: list[ImageTask]


def _prepare(
    submission: Path | str,
    gt: Path | str,
    options: ScoreOptions,
    track: Track | Path | str | None,
    lr: Path | str | None,
    team: str | None,
    board: Path,
    shard: Shard | None,
    executor: Executor,
    progress: Progress,
) -> _Run:
    if team is None:
        name = Path(submission).resolve().name
        team = name.removesuffix(".zip") or name
    if not team.strip() or any("\ud800" <= char <= "\udfff" for char in team):
        raise InputError(f"{team!r}: leaderboards cannot show this name; give another one with --team")
    track = load_track(track) if isinstance(track, (Path, str)) else track
    metrics = _wanted_metrics(options, track)
    # If the metrics are known already, missing weights are reported before the files are inspected for minutes.
    runtime = executor.prepare(_network_plan(options, metrics)) if metrics else None
    checked = check(
        submission, gt, track=track, lr=lr, samples=options.samples, whole=False,
        only=None if shard is None else shard.of, workers=options.workers, progress=progress,
    )  # fmt: skip
    track = checked.track
    if runtime is None:
        metrics = _wanted_metrics(options, track)
        runtime = executor.prepare(_network_plan(options, metrics))
    least = least_sizes(metrics, options.net, options.patches)
    checked.raise_faults(*checked.too_small(least), incomplete=options.incomplete)
    for notice in checked.notices:
        notify(notice)
    pairs = checked.pairing.pairs if shard is None else shard.of(checked.pairing.pairs)
    return _Run(
        checked=checked,
        team=team,
        path=result_path(board, track.name, team),
        signature=_signature(checked, options, metrics, runtime),
        config=MeterConfig(frozenset(metrics), track.scale, options.convention, options.patches),
        tasks=_tasks(checked, pairs),
    )


def _measure(
    run: _Run, executor: Executor, journal: Journal, before: Iterable[Journal], progress: Progress
) -> list[ImageRecord]:
    """The records of a run's tasks: those of earlier journals, and the others, which are measured into ``journal``."""
    records: dict[str, ImageRecord] = {}
    for earlier in before:
        old = {t.image: r for t in run.tasks if (r := earlier.records.get(t.image)) and _is_of(r, t)}
        if old:
            notify(f"{earlier.path}: {len(old)} images were measured before")
        records |= old
    todo = [t for t in run.tasks if t.image not in records]
    sources = TaskSources(run.checked.submission, run.checked.gt, run.checked.lr)
    with progress("Scoring", sum(len(t.samples) for t in todo)) as advance:
        for record in executor.measure(todo, sources, run.config, advance=advance):
            journal.append(record)
            records[record.image] = record
    return [records[t.image] for t in run.tasks]


def _wanted_metrics(options: ScoreOptions, track: Track | None) -> tuple[str, ...]:
    """The metrics to measure; none if they follow from a track that is not known yet."""
    metrics = options.metrics or (track.metrics if track else ())
    if metrics and options.patches is not None:
        metrics = tuple(dict.fromkeys([*metrics, "diversity_patches"]))
    unknown = [metric for metric in metrics if metric not in known_metrics()]
    if unknown:
        raise InputError(f"unknown metric {', '.join(unknown)}: choose from {', '.join(known_metrics())}")
    if "diversity_patches" in metrics and options.patches is None:
        raise InputError("diversity_patches needs the number of patches (--patches K)")
    return metrics


def _network_plan(options: ScoreOptions, metrics: tuple[str, ...]) -> NetworkPlan | None:
    if not LPIPS_METRICS & set(metrics):
        return None
    return NetworkPlan(options.net, options.lpips_weights, options.weights_dir, options.device, options.precision)


def _signature(
    checked: SubmissionCheck, options: ScoreOptions, metrics: tuple[str, ...], runtime: RuntimeInfo
) -> Signature:
    track, inspection = checked.track, checked.inspection
    samples = track.samples if options.samples is None else options.samples
    settings: dict[str, dict[str, object]] = {
        "common": {
            "track": track.name,
            "scale": track.scale,
            "samples": samples,
            "crop": track.crop,
            "images": len(checked.pairing.pairs),
            "gt": _joint_digest((p.image, inspection.gt[p.gt]) for p in checked.pairing.pairs),
        }
    }
    if runtime.lpips is not None:
        settings["lpips"] = dict(runtime.lpips)
    if "lr_psnr" in metrics:
        settings["lr_psnr"] = {"convention": options.convention, "reference": "downscaled GT"}
        if checked.lr is not None:
            lrs = ((p.image, inspection.lr[p.lr]) for p in checked.pairing.pairs if p.lr is not None)
            settings["lr_psnr"] |= {"reference": "LR files", "lr": _joint_digest(lrs)}
    if "diversity_mse" in metrics:
        settings["diversity_mse"] = {"box": 16}
    if "diversity_patches" in metrics and options.patches is not None:
        plan = options.patches
        settings["diversity_patches"] = {"patches": plan.patches, "size": plan.size, "seed": plan.seed}
    if "psnr" in metrics:
        settings["psnr"] = {"channels": "RGB", "border": 0}
    if "ssim" in metrics:
        settings["ssim"] = {"channels": "RGB mean", "border": 0, "window": "gaussian 11, 1.5"}
    return Signature(settings, runtime.environment)


def _joint_digest(infos: Iterator[tuple[str, FileInfo]]) -> str:
    text = "".join(f"{image}\0{info.sha256}\n" for image, info in infos)
    return sha256_of_text(text)


def _tasks(checked: SubmissionCheck, pairs: Sequence[Pair]) -> list[ImageTask]:
    track, inspection = checked.track, checked.inspection
    tasks = []
    for p in pairs:
        if not p.samples:
            continue
        gt = inspection.gt[p.gt]
        tasks.append(
            ImageTask(
                image=p.image,
                height=cropped(gt.height, track.crop),
                width=cropped(gt.width, track.crop),
                gt=FileRef(p.gt, gt.sha256),
                lr=None if p.lr is None else FileRef(p.lr, inspection.lr[p.lr].sha256),
                samples=tuple((n, FileRef(name, inspection.samples[name].sha256)) for n, name in p.numbered),
            )
        )
    return tasks


def _is_of(record: ImageRecord, task: ImageTask) -> bool:
    """Whether a record was measured from just these files."""
    return record.gt_sha256 == task.gt.sha256 and [(s.sample, s.file, s.sha256) for s in record.samples] == [
        (number, ref.name, ref.sha256) for number, ref in task.samples
    ]


def _earlier(run: _Run, kind: Kind | None = None) -> Result | None:
    """The result on the board, or None. An error if it is not the result of this run (of any kind if None)."""
    path = run.path
    if not path.exists():
        return None
    earlier = read_result(path)
    if earlier.team != run.team:
        raise ResultsError(f"{path}: holds the result of {earlier.team!r}; give {run.team!r} another name with --team")
    _same_or_refuse(path, earlier, run.signature, run.tasks, kind or earlier.kind)
    notify(f"{path}: already scored with the same signature from the same files")
    return earlier


def _same_or_refuse(path: Path, earlier: Result, signature: Signature, tasks: list[ImageTask], kind: Kind) -> None:
    same = {**signature.settings, "environment": signature.environment}
    differences = Signature(same).conflicts(
        Signature({**earlier.signature.settings, "environment": earlier.signature.environment})
    )
    then = earlier.signature.settings
    differences += [f"{group}: not measured then" for group in signature.settings if group not in then]
    by_name = {record.image: record for record in earlier.images}
    changed = [t.image for t in tasks if t.image not in by_name or not _is_of(by_name[t.image], t)]
    if changed:
        differences.append(f"the files of {', '.join(changed[:10])}{' …' if len(changed) > 10 else ''}")
    if kind != earlier.kind:
        differences.append(f"kind: {kind} / {earlier.kind}")
    if differences:
        raise ResultsError(
            f"{path}: there is a result of this team already, and it differs (now / then); "
            f"give --overwrite to replace it, or another --board or --team",
            differences,
        )


def _result(
    checked: SubmissionCheck, team: str, kind: Kind, signature: Signature, records: list[ImageRecord]
) -> Result:
    pairing = checked.pairing
    single = pairing.samples == 1 and "sample" not in pairing.template
    wanted = int(signature.settings["common"]["samples"])
    notes = []
    if single and wanted > 1 and any(record.curves for record in records):
        notes.append("one sample an image, named without a sample number: a deterministic method, S_M = 0")
        records = [_deterministic(record, wanted) for record in records]
    summary, curves, more = summarise(records)
    if pairing.missing:
        summary, curves, more = dict.fromkeys(summary), {}, []
    return Result(
        team=team,
        track=checked.track.name,
        kind=kind,
        signature=signature,
        images=tuple(records),
        summary=summary,
        curves=curves,
        incomplete=pairing.missing,
        notes=(*notes, *checked.inspection.warnings, *more),
        provenance=read_provenance(checked.submission),
    )


def _deterministic(record: ImageRecord, samples: int) -> ImageRecord:
    """M equal samples gain nothing on one: the curves stay where they begin."""
    curves = {name: (*curve, *[curve[-1]] * (samples - 1)) for name, curve in record.curves.items()}
    return replace(record, curves=curves)
