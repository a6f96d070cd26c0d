"""From a submission to its result: pair, look, measure, record."""

from __future__ import annotations

import hashlib
import platform
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from srspace_eval._version import __version__
from srspace_eval.devices import device_name, resolve_device
from srspace_eval.errors import InputError, Notice, ResultsError, SubmissionError
from srspace_eval.inspection import FileInfo, Inspection, cropped, inspect
from srspace_eval.journal import open_journal
from srspace_eval.metrics.lpips import LPIPS
from srspace_eval.metrics.meter import MeterConfig, PatchPlan
from srspace_eval.pipeline import FileRef, ImageTask, Sources, default_workers, measure_images
from srspace_eval.results import ImageRecord, Kind, Result, Signature, read_result, result_path, write_result
from srspace_eval.sources import Source, open_source
from srspace_eval.submission import Pairing, guess_track, pair, read_provenance
from srspace_eval.summary import summarise
from srspace_eval.tracks import Track

MEASURABLE = ("lpips", "lr_psnr", "diversity", "diversity_mse", "diversity_patches", "psnr", "ssim")
"""Ids that ``metrics`` may name."""

NEED_LPIPS = frozenset({"lpips", "diversity", "diversity_patches"})
"""Those that need the trunk's weights."""

Net = Literal["alex", "vgg", "squeeze"]
Convention = Literal["ntire21", "matlab", "matlab-legacy"]
Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""``(description, total)`` -> context manager that yields the function to advance by n."""


@dataclass(frozen=True)
class ScoreOptions:
    """How to measure.

    Attributes
    ----------
    metrics:
        Ids out of :data:`MEASURABLE`; None: the track's.
    samples:
        M instead of the track's.
    net, lpips_weights, weights_dir:
        LPIPS trunk; a file with its weights; a folder with torchvision's files.
    convention:
        Of the downscaling for LR-PSNR.
    patches:
        K, N and seed of the sampled diversity score.
    device, precision:
        Where the trunk runs (``"auto"``, ``"cpu"``, ``"cuda"``) and in what precision.
    workers:
        Threads; None: as many as cores.
    incomplete:
        Measure what is there of a submission that lacks images or samples. Its summary stays empty.
    """

    metrics: tuple[str, ...] | None = None
    samples: int | None = None
    net: Net = "alex"
    lpips_weights: Path | None = None
    weights_dir: Path | None = None
    convention: Convention = "ntire21"
    patches: PatchPlan | None = None
    device: str = "auto"
    precision: str = "float32"
    workers: int | None = None
    incomplete: bool = False


@dataclass(frozen=True)
class Checked:
    """A submission that has been paired and looked at; :attr:`faults` is empty if it can be scored."""

    track: Track
    source: Source
    gt: Source
    lr: Source | None
    pairing: Pairing
    inspection: Inspection

    @property
    def faults(self) -> tuple[str, ...]:
        """Everything that is wrong, missing files included."""
        return (*self.pairing.faults, *self.pairing.missing, *self.inspection.faults)

    @property
    def notices(self) -> tuple[str, ...]:
        """What does not stop the work."""
        return (*self.pairing.notices, *self.inspection.notices, *self.inspection.suspicions)


@contextmanager
def _no_step(description: str, total: int) -> Iterator[Callable[[int], None]]:
    yield lambda n: None


def check_submission(
    submission: Path | str,
    gt: Path | str,
    *,
    track: Track | None = None,
    lr: Path | str | None = None,
    samples: int | None = None,
    whole: bool = True,
    workers: int | None = None,
    progress: Progress = _no_step,
) -> Checked:
    """Pair a submission with its GT and look at every file; measures nothing.

    Parameters
    ----------
    submission, gt, lr:
        Folder (or zip) of samples, of GT, and of LR files if LR-PSNR is to be measured against them.
    track:
        None: read off the names and sizes.
    whole:
        Decode every picture to its end.

    Raises
    ------
    SubmissionError
        If the submission cannot be paired at all. Other faults are in the result, all of them.
    TrackError
        If no track is given and it is ambiguous.
    """
    source, gt_source = open_source(submission), open_source(gt)
    lr_source = None if lr is None else open_source(lr)
    if track is None:
        track = guess_track(source, gt_source, lr_source)
    pairing = pair(source, gt_source, track, samples=samples, lr=lr_source)
    files = sum(1 + len(p.samples) + (p.lr is not None) for p in pairing.pairs)
    with progress("Checking", files) as advance:
        inspection = inspect(
            pairing,
            source,
            gt_source,
            track,
            lr=lr_source,
            whole=whole,
            workers=workers or default_workers(),
            advance=advance,
        )
    return Checked(track, source, gt_source, lr_source, pairing, inspection)


def score(
    submission: Path | str,
    gt: Path | str,
    *,
    options: ScoreOptions | None = None,
    track: Track | None = None,
    lr: Path | str | None = None,
    team: str | None = None,
    kind: Kind = "team",
    board: Path | str = "leaderboards",
    overwrite: bool = False,
    progress: Progress = _no_step,
) -> Result:
    """Score a submission and write its result to a board.

    A killed run goes on where it was when the same call is made again; its result has the same bytes as an
    undisturbed one's.

    Parameters
    ----------
    submission, gt, lr, track:
        As :func:`check_submission`.
    team, kind:
        The name in leaderboards (None: the submission's name, without ``.zip``), and whether it is ranked.
    board:
        The folder of results.
    overwrite:
        Replace a result, or drop an unfinished run, of another signature or other files.
    progress:
        Shows how far the work is; see :data:`Progress`.

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
        If the board holds another result of this team and ``overwrite`` is False, or another process is at it.
    """
    options = options or ScoreOptions()
    if team is None:
        name = Path(submission).resolve().name
        team = name.removesuffix(".zip") or name
    metrics = _checked_metrics(options.metrics or (track.metrics if track else None))
    # Missing weights should be said before minutes of looking at files, if they are surely wanted.
    network = _network(options, metrics) if metrics else None
    checked = check_submission(
        submission, gt, track=track, lr=lr, samples=options.samples, whole=False, workers=options.workers,
        progress=progress,
    )  # fmt: skip
    track = checked.track
    if not metrics:
        metrics = _checked_metrics(track.metrics)
        network = _network(options, metrics)
    _raise_faults(checked, options.incomplete)
    for notice in checked.notices:
        warnings.warn(notice, Notice, stacklevel=2)

    signature = _signature(checked, options, metrics, network)
    path = result_path(Path(board), track.name, team)
    tasks = _tasks(checked)
    with open_journal(path.with_suffix(".journal.jsonl"), signature, replace=overwrite) as journal:
        earlier = None if overwrite else _earlier(path, team)
        if earlier is not None:
            _same_or_refuse(path, earlier, signature, tasks)
            journal.discard()
            warnings.warn(f"{path}: already scored with the same signature from the same files", Notice, stacklevel=2)
            return earlier
        records = {t.image: r for t in tasks if (r := journal.records.get(t.image)) and _is_of(r, t)}
        todo = [t for t in tasks if t.image not in records]
        if records:
            warnings.warn(f"{journal.path}: {len(records)} images were measured before", Notice, stacklevel=2)
        config = MeterConfig(
            metrics=frozenset(metrics), scale=track.scale, convention=options.convention, patches=options.patches
        )
        sources = Sources(checked.source, checked.gt, checked.lr)
        with progress("Scoring", sum(len(t.samples) for t in todo)) as advance:
            workers = options.workers or default_workers()
            for record in measure_images(todo, sources, config, network, workers=workers, advance=advance):
                journal.append(record)
                records[record.image] = record
        result = _result(checked, team, kind, signature, [records[t.image] for t in tasks])
        write_result(path, result)
        journal.discard()
    for note in result.notes:
        warnings.warn(note, Notice, stacklevel=2)
    return result


def _checked_metrics(metrics: tuple[str, ...] | None) -> tuple[str, ...]:
    unknown = [m for m in metrics or () if m not in MEASURABLE]
    if unknown:
        raise InputError(f"unknown metric {', '.join(unknown)}: choose from {', '.join(MEASURABLE)}")
    return metrics or ()


def _network(options: ScoreOptions, metrics: tuple[str, ...]) -> LPIPS | None:
    if not NEED_LPIPS & set(metrics):
        return None
    return LPIPS(
        options.net,
        weights=options.lpips_weights,
        weights_dir=options.weights_dir,
        device=resolve_device(options.device),
        precision=options.precision,
    )


def _raise_faults(checked: Checked, incomplete: bool) -> None:
    pairing, inspection = checked.pairing, checked.inspection
    faults = [*pairing.faults, *inspection.faults]
    if not incomplete:
        faults += pairing.missing
    if not any(p.samples for p in pairing.pairs):
        faults.append(f"{checked.source.path}: holds no sample of any GT")
    if faults:
        hint = " (--incomplete measures what is there, unranked)" if set(faults) <= set(pairing.missing) else ""
        raise SubmissionError(
            f"{checked.source.path}: {len(faults)} faults, nothing was measured{hint}"
            if len(faults) > 1
            else f"{checked.source.path}: a fault, nothing was measured{hint}",
            faults,
        )


def _signature(checked: Checked, options: ScoreOptions, metrics: tuple[str, ...], network: LPIPS | None) -> Signature:
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
    if network is not None:
        settings["lpips"] = dict(network.signature)
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
    environment = {
        "srspace_eval": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "numpy", "scipy", "pillow", "lpips")},
        "device": "cpu" if network is None else device_name(network.device),
        "machine": platform.machine(),
    }
    return Signature(settings, environment)


def _joint_digest(infos: Iterator[tuple[str, FileInfo]]) -> str:
    text = "".join(f"{image}\0{info.sha256}\n" for image, info in infos)
    return hashlib.sha256(text.encode()).hexdigest()


def _tasks(checked: Checked) -> list[ImageTask]:
    track, inspection = checked.track, checked.inspection
    tasks = []
    for p in checked.pairing.pairs:
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


def _earlier(path: Path, team: str) -> Result | None:
    if path.exists():
        earlier = read_result(path)
        if earlier.team != team:
            raise ResultsError(f"{path}: holds the result of {earlier.team!r}; give {team!r} another name with --team")
        return earlier
    return None


def _same_or_refuse(path: Path, earlier: Result, signature: Signature, tasks: list[ImageTask]) -> None:
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
    if differences:
        raise ResultsError(
            f"{path}: there is a result of this team already, and it differs (now / then); "
            f"give --overwrite to replace it, or another --board or --team",
            differences,
        )


def _result(checked: Checked, team: str, kind: Kind, signature: Signature, records: list[ImageRecord]) -> Result:
    pairing = checked.pairing
    single = pairing.samples == 1 and "sample" not in pairing.template
    wanted = int(signature.settings["common"]["samples"])
    notes = []
    if single and wanted > 1:
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
        notes=(*notes, *checked.inspection.suspicions, *more),
        provenance=read_provenance(checked.source),
    )


def _deterministic(record: ImageRecord, samples: int) -> ImageRecord:
    """M equal samples gain nothing on one: the curves stay where they begin."""
    curves = {name: (*curve, *[curve[-1]] * (samples - 1)) for name, curve in record.curves.items()}
    return replace(record, curves=curves)
