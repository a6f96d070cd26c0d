"""The verification of results: random images are measured again, and every stored value and digest is compared.

The module is long because much of it is documentation.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

from srspace_eval._utils import strict_json
from srspace_eval._utils.cores import threads_of
from srspace_eval._utils.files import read_bounded
from srspace_eval._utils.hashing import sha256
from srspace_eval._utils.notices import notify
from srspace_eval._utils.progress import Progress, no_progress
from srspace_eval._utils.whole_numbers import is_whole
from srspace_eval.errors import InputError, ResultsError, SrspaceEvalError, TrackError
from srspace_eval.metrics.base import Metric
from srspace_eval.metrics.evaluator import EvaluatorConfig
from srspace_eval.results.documents import MAX_RESULT_BYTES, from_document
from srspace_eval.results.record import Result
from srspace_eval.results.seals import Seal, seal_result
from srspace_eval.results.verification import Difference, Verification
from srspace_eval.scoring.compare import Comparison
from srspace_eval.scoring.executors.base import NetworkPlan
from srspace_eval.scoring.executors.opening import open_executor
from srspace_eval.scoring.options import Net, Precision, require_references
from srspace_eval.scoring.remeasure import metrics_of_result
from srspace_eval.scoring.signature import make_signature
from srspace_eval.scoring.summary import completed_curves
from srspace_eval.scoring.tasks import TaskSources, make_tasks
from srspace_eval.submissions.check import check
from srspace_eval.tracks.model import MAX_SAMPLES, Track
from srspace_eval.tracks.reader import builtin_names, load_track


def verify(
    result: Path | str,
    submission: Path | str,
    gt: Path | str | None = None,
    *,
    images: int | Literal["all"] = "all",
    seed: int | None = None,
    track: Track | Path | str | None = None,
    lr: Path | str | None = None,
    lpips_weights: Path | str | None = None,
    weights_dir: Path | str | None = None,
    device: str = "auto",
    workers: int | None = None,
    progress: Progress = no_progress,
) -> Verification:
    """Measure images of a submission again under the signature of its result, and compare every stored entry.

    For all images: the digests of the GT, the LRs and the samples, the sizes, the samples' numbers and file names, the
    means over samples, and the summary that follows from the images. For the chosen images: every value and curve.

    A result that holds is sealed: from then on ``rank`` on this machine shows it as verified. If all images were
    measured, ``score`` takes it as if it had been measured here.

    Parameters
    ----------
    result
        The JSON file that ``score`` wrote.
    submission, gt, lr
        Folder or zip of the samples, of the GT if there is one, and of the LR files if the result was measured against
        some.
    images
        How many images to measure, chosen at random; ``"all"``: each of them.
    seed
        Of the choice; None: a new one. Draw it after the result was handed in. Otherwise a forger knows the choice.
    track
        The result's track; None: the built-in track of the name that the result gives.
    lpips_weights, weights_dir
        File of the LPIPS trunk; folder with torchvision's files.
    device, workers
        Where the trunk runs; threads.
    progress
        Context manager factory ``(description, total) -> advance(n)``.

    Returns
    -------
    Verification
        What was found. :attr:`Verification.ok` says whether the result holds.

    Raises
    ------
    ResultsError
        If the file is not a result.
    SubmissionError
        If the submission or the GT cannot be read or paired.
    WeightsError
        If the result needs LPIPS and the trunk's weights are not there.
    TrackError
        If there is no such track.
    InputError
        If ``images`` or ``seed`` is out of range, or a metric needs a GT or LR that is not given.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import srspace_eval as se
    >>> with tempfile.TemporaryDirectory() as name:
    ...     gt, submission, board = Path(name, "gt"), Path(name, "submission"), Path(name, "board")
    ...     gt.mkdir(), submission.mkdir()
    ...     se.write_png(gt / "0801.png", np.zeros((32, 32, 3), np.uint8))
    ...     se.write_png(submission / "000000_sample00000.png", np.ones((32, 32, 3), np.uint8))
    ...     result = se.score(submission, gt, track="x4", samples=1, metrics=["psnr"], board=board)
    ...     verify(board / "x4" / "submission.json", submission, gt).verdict
    (None, None)
    'equal'
    """
    threads_of(workers)  # refuses a wrong number
    if images != "all" and not is_whole(images, 1):
        raise InputError(f"images = {images!r}: must be at least 1, or 'all'")
    if seed is None:
        seed = secrets.randbelow(1 << 32)
    elif not is_whole(seed, 0):
        raise InputError(f"seed = {seed!r}: must be a whole number of at least 0")
    seed = int(seed)  # NumPy's whole numbers too
    record, found, digest = _read(Path(result))
    if track is None and record.track not in builtin_names():
        # A path in a stranger's file is not followed.
        raise TrackError(f"{result}: no built-in track is called {record.track!r}; give its track file with --track")
    rules = track if isinstance(track, Track) else load_track(record.track if track is None else track)
    settings = record.signature.settings
    samples, measured, more = _settings(record, rules)
    found += more
    if record.track != rules.name:
        found.append(Difference("signature", "track", record.track, rules.name))
    if not measured:
        raise ResultsError(f"{result}: no metric can be measured again", map(str, found))
    require_references(rules, measured, gt=gt is not None, lr=lr is not None)
    checked = check(submission, gt, track=rules, lr=lr, samples=samples, whole=False, workers=workers,
                    progress=progress)  # fmt: skip
    least = EvaluatorConfig(measured, rules.scale).least_sizes(str(settings.get("lpips", {}).get("net")))
    checked.raise_faults(*checked.too_small(least), incomplete=True)
    chosen = choose(tuple(p.image for p in checked.pairing.pairs), images, seed)
    plan = _network(settings, measured, lpips_weights, weights_dir, device)
    with open_executor(workers=workers, device=device) as executor:
        runtime = executor.prepare(plan)
        now = make_signature(checked, samples or rules.samples, measured, runtime)
        compare = Comparison(record, now, measured, checked)
        compare.signature()
        tasks = make_tasks(checked, checked.pairing.pairs)
        compare.files(tasks)
        again = {key: metric for key, metric in measured.items() if not (compare.other_trunk and metric.network)}
        tasks = [task for task in tasks if task.image in compare.comparable and task.image in chosen]
        if again and tasks:
            sources = TaskSources(checked.submission, checked.gt, checked.lr)
            with progress("Verifying", sum(len(task.samples) for task in tasks)) as advance:
                found_records = list(
                    executor.measure(tasks, sources, EvaluatorConfig(again, rules.scale), advance=advance)
                )
            done = {found.image: found for found in completed_curves(checked, samples or rules.samples, found_records)}
            for task in tasks:
                compare.measured(done[task.image])
    compare.summary()
    verification = Verification(
        result=str(result),
        submission=str(submission),
        team=record.team,
        track=record.track,
        images=chosen,
        total=len(checked.pairing.pairs),
        seed=seed,
        values=compare.values,
        deviations=dict(sorted(compare.deviations.items())),
        tolerances={key: str(compare.tolerance(key)) for key in sorted(compare.deviations)},
        differences=(*found, *compare.differences),
        environment=tuple(compare.environment),
    )
    if verification.ok:
        try:
            seal_result(digest, Seal("verified", len(chosen), len(checked.pairing.pairs)))
        except OSError as error:
            notify(f"{result}: `rank` will show it as a claim, because the state folder cannot be used ({error})")
    return verification


def verify_all(
    pairs: Iterable[tuple[Path | str, Path | str]],
    gt: Path | str | None = None,
    *,
    images: int | Literal["all"] = "all",
    seed: int | None = None,
    track: Track | Path | str | None = None,
    lr: Path | str | None = None,
    lpips_weights: Path | str | None = None,
    weights_dir: Path | str | None = None,
    device: str = "auto",
    workers: int | None = None,
    progress: Progress = no_progress,
) -> list[Verification]:
    """Verify several results with one seed. One that cannot be verified does not stop the others.

    Parameters
    ----------
    pairs
        (result, submission) each.
    gt, images, track, lr, lpips_weights, weights_dir, device, workers
        As for :func:`verify`.
    seed
        Of the choice of images, the same for all results; None: a new one.
    progress
        Context manager factory ``(description, total) -> advance(n)``.

    Returns
    -------
    list[Verification]
        In the order of ``pairs``. :attr:`Verification.error` says why one could not be verified.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from srspace_eval import score, verify_all, write_png
    >>> for name, file in (("gt", "0801.png"), ("team", "000000_sample00000.png")):
    ...     Path(name).mkdir()
    ...     write_png(Path(name, file), np.full((32, 32, 3), len(name), np.uint8))
    >>> result = score("team", "gt", track="x4", samples=1, metrics=["psnr"])
    >>> pairs = [("leaderboards/x4/team.json", "team"), ("leaderboards/x4/other.json", "other")]
    >>> [verification.verdict for verification in verify_all(pairs, "gt")]
    ['equal', 'failed']
    """
    if seed is None:
        seed = secrets.randbelow(1 << 32)
    found = []
    for result, submission in pairs:
        try:
            done = verify(
                result, submission, gt, images=images, seed=seed, track=track, lr=lr, lpips_weights=lpips_weights,
                weights_dir=weights_dir, device=device, workers=workers, progress=progress,
            )  # fmt: skip
        except SrspaceEvalError as error:
            done = Verification(str(result), str(submission), seed=seed, error=str(error))
        found.append(done)
    return found


def choose(images: Sequence[str], count: int | Literal["all"], seed: int) -> tuple[str, ...]:
    """A random choice of images without replacement, in their own order.

    Examples
    --------
    >>> choose(["0801", "0802", "0803", "0804"], 2, seed=0)
    ('0802', '0804')
    """
    if count == "all" or count >= len(images):
        return tuple(images)
    kept = set(random.Random(seed).sample(sorted(images), count))
    return tuple(image for image in images if image in kept)


def _read(path: Path) -> tuple[Result, list[Difference], str]:
    """A result, whether its signature's id and text belong to the settings, and the SHA-256 of the file."""
    try:
        content = read_bounded(path, MAX_RESULT_BYTES)
        data = strict_json.loads(strict_json.not_dense(content), unique_keys=True)
    except (OSError, ValueError, RecursionError) as error:
        raise ResultsError(f"{path}: cannot be read as JSON ({error}); give the file that score wrote") from error
    record = from_document(data, str(path), check_id=False)  # a wrong id is reported below
    stored = data["signature"]
    found = [
        Difference("file", f"signature.{key}", stored[key], wanted)
        for key, wanted in (("id", record.signature.id), ("text", record.signature.text))
        if stored[key] != wanted
    ]
    return record, found, sha256(content)


def _settings(record: Result, track: Track) -> tuple[int | None, dict[str, Metric], list[Difference]]:
    """M, the metrics with their options, and the settings that no measurement gives."""
    settings = record.signature.settings
    found = []
    samples = settings.get("common", {}).get("samples")
    if type(samples) is not int or not 1 <= samples <= MAX_SAMPLES:
        found.append(Difference("signature", "signature.settings.common.samples", samples, track.samples))
        samples = None
    measured, unknown = metrics_of_result(record)
    for name, reason in unknown.items():
        found.append(Difference("signature", f"signature.settings.{name}", str(settings.get(name)), reason))
    network = settings.get("lpips", {})
    for key, known in (("net", get_args(Net)), ("precision", get_args(Precision))):
        used = any(metric.network == "lpips" for metric in measured.values())
        if (network or used) and network.get(key) not in known:
            found.append(
                Difference("signature", f"signature.settings.lpips.{key}", network.get(key), " or ".join(known))
            )
            measured = {name: metric for name, metric in measured.items() if metric.network != "lpips"}
    return samples, measured, found


def _network(
    settings: Mapping[str, Mapping[str, object]],
    measured: Mapping[str, Metric],
    weights: Path | str | None,
    folder: Path | str | None,
    device: str,
) -> NetworkPlan | None:
    needed = tuple({metric.network: metric for metric in measured.values() if metric.network}.values())
    if not needed:
        return None
    groups = [settings.get("lpips", {}), *(group for group in settings.values() if "trunk_sha256" in group)]
    precisions = [str(group["precision"]) for group in groups if group.get("precision") in get_args(Precision)]
    own = next((metric.trunk for metric in needed if metric.trunk), "alex")  # if the run's network is not needed
    return NetworkPlan(
        str(settings.get("lpips", {}).get("net", own)),
        None if weights is None else Path(weights),
        None if folder is None else Path(folder),
        device,
        precisions[0] if precisions else "float32",
        needed,
    )
