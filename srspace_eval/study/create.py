"""``create_study``: the raters' folder and the key.

The key stays with the organiser. Nothing in the folder tells which method a crop is from. The module is
long because most of it is documentation, and because folder and key are written in one step.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from srspace_eval._utils.hashing import sha256
from srspace_eval._utils.notices import notify
from srspace_eval._utils.progress import Advance, Progress, no_progress
from srspace_eval._version import __version__
from srspace_eval.errors import StudyError
from srspace_eval.study.cropping import picture_sizes, read_pictures
from srspace_eval.study.design import choose_images, expected_minutes, make_lists, make_tasks, place_crops
from srspace_eval.study.entries import StudyEntries, gather_entries, open_submissions
from srspace_eval.study.key import Key
from srspace_eval.study.likeness import notify_unlike
from srspace_eval.study.obvious import visible_checks
from srspace_eval.study.options import StudyOptions
from srspace_eval.study.page import page_data, page_files, study_digest
from srspace_eval.study.pictures import stored_png
from srspace_eval.study.places import check_places, default_key_path, put_in_place, unify_times
from srspace_eval.study.rating_design import make_rating_lists, make_rating_tasks
from srspace_eval.submissions.sources import open_source
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.opinion_scale import ACR, DCR, OpinionScale
from srspace_eval.tracks.reader import load_track

SECRET_BYTES = 32

_LONG_MINUTES = 60


@dataclass(frozen=True)
class StudyFolder:
    """A study that was created.

    Attributes
    ----------
    folder
        The raters' folder.
    key_path
        The key's file. Keep it secret until the answers are collected.
    key
        Methods, tasks and raters of the study.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from srspace_eval import StudyOptions, create_study, write_png
    >>> picture = np.random.default_rng(0).integers(0, 100, (64, 64, 3), dtype=np.uint8)
    >>> for name, step in (("gt2", 0), ("teamA2", 50), ("teamB2", 100)):
    ...     Path(name).mkdir()
    ...     write_png(Path(name, "0801.png" if name == "gt2" else "000000_sample00000.png"), picture + np.uint8(step))
    >>> options = StudyOptions(size=16, crops=2, raters=2)
    >>> study = create_study(["teamA2", "teamB2"], "gt2", "study2", track="x4", options=options, secret=bytes(32))
    >>> study.folder.name, study.key_path.name, study.key.entries
    ('study2', 'study2-key.json', ('teamA2', 'teamB2'))
    """

    folder: Path
    key_path: Path
    key: Key

    @property
    def tasks(self) -> int:
        """Number of tasks that count for the MOR or MOS, each for ``raters`` people."""
        return sum(task.kind in ("rank", "rate") for task in self.key.tasks.values())

    @property
    def minutes_per_rater(self) -> float:
        """Estimated time of the rater with the most tasks, in minutes."""
        shown = self.key.settings["pictures_at_once"]
        return max(expected_minutes(len(rater.tasks), shown) for rater in self.key.raters.values())

    @property
    def codes(self) -> dict[str, str]:
        """Rater -> code. The rater opens ``index.html#CODE`` in the folder, on any static host."""
        return {rater.id: rater.code for rater in self.key.raters.values()}

    def to_dict(self) -> dict[str, object]:
        """What ``study create --json`` prints.

        Returns
        -------
        dict[str, object]
            Values that JSON can hold: ``study``, ``folder``, ``key``, ``task``, ``methods``, ``tasks``,
            ``minutes_per_rater``, ``codes``.
        """
        return {
            "study": self.key.study,
            "folder": str(self.folder),
            "key": str(self.key_path),
            "task": self.key.task,
            "methods": list(self.key.entries),
            "tasks": self.tasks,
            "minutes_per_rater": self.minutes_per_rater,
            "codes": self.codes,
        }


def create_study(
    submissions: Sequence[str | os.PathLike[str]] | Mapping[str, str | os.PathLike[str]],
    gt: str | os.PathLike[str] | None,
    out: str | os.PathLike[str],
    *,
    track: Track | str | Path | None = None,
    lr: str | os.PathLike[str] | None = None,
    include_gt: bool = False,
    sample: int | None = None,
    options: StudyOptions = StudyOptions(),  # noqa: B008
    secret: bytes | None = None,
    key_path: str | os.PathLike[str] | None = None,
    workers: int = 2,
    progress: Progress = no_progress,
) -> StudyFolder:
    """Create a study: what ``srspace-eval study create`` does, with the same files.

    With ``options.task`` ``"rank"``, people put the methods' crops in order. With ``"rate"``, they rate single crops,
    or crops beside the GT (``options.pairs``), on the scale of the track.

    Parameters
    ----------
    submissions
        Folders or zips of PNGs with the track's file names, or a mapping from the methods' names to them. A text may
        be ``NAME=PATH``. Published baselines are given in the same way.
    gt
        Folder or zip of the GT images. None: the track has no GT (``reference = "none"``). Then the LRs name the
        images, or the submissions themselves, and an obvious check shows the methods' median.
    out
        Folder for the raters. It must not exist, or be empty.
    track
        A track, its name or its file. None: guessed from names and sizes.
    lr
        Folder or zip of the LR images to show. None: made from the GT. Without a GT, rankings need it, and ratings do
        not show it.
    include_gt
        Whether the GT takes part as a method.
    sample
        Show this sample of every image. None: drawn by seed.
    options
        Task, crops, raters, attention checks, seed.
    secret
        32 bytes that decide names, positions and tokens. The same secret gives the same bytes. None: random.
    key_path
        File of the key. It must not exist. None: ``OUT-key.json`` beside the folder.
    workers
        Number of threads that decode pictures.
    progress
        Progress callback.

    Returns
    -------
    StudyFolder
        The raters' folder, and the key.

    Raises
    ------
    StudyError
        If the options do not fit the images, methods lack images, or the places are taken.
    SubmissionError, TrackError
        If a submission cannot be opened, or fits no track.
    InputError
        If a GT is given for a track without one.

    Warns
    -----
    Notice
        If a rater needs more than an hour, or a method's pictures are larger than the GT or do not look like it.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from srspace_eval import StudyOptions, create_study, write_png
    >>> picture = np.random.default_rng(0).integers(0, 100, (64, 64, 3), dtype=np.uint8)
    >>> for name, step in (("gt", 0), ("teamA", 50), ("teamB", 100)):
    ...     Path(name).mkdir()
    ...     write_png(Path(name, "0801.png" if name == "gt" else "000000_sample00000.png"), picture + np.uint8(step))
    >>> options = StudyOptions(size=16, crops=2, raters=2)
    >>> study = create_study(["teamA", "teamB"], "gt", "study", track="x4", options=options, secret=bytes(32))
    >>> study.tasks, sorted(study.codes)
    (2, ['r01', 'r02'])
    """
    folder = Path(out)
    key_file = default_key_path(folder) if key_path is None else Path(key_path)
    secret = secrets.token_bytes(SECRET_BYTES) if secret is None else secret
    if type(secret) is not bytes or len(secret) != SECRET_BYTES:
        raise StudyError(f"the secret must be {SECRET_BYTES} bytes")
    check_places(folder, key_file)
    if gt is not None and lr is not None and options.task == "rate":
        raise StudyError("--lr is for rankings; ratings show no LR")
    options = options.with_seed(secret)
    entries = gather_entries(
        open_submissions(submissions),
        None if gt is None else open_source(Path(gt)),
        seed=options.fixed_seed,
        track=track if track is None or isinstance(track, Track) else load_track(track),
        lr=None if lr is None else open_source(Path(lr)),
        include_gt=include_gt,
        sample=sample,
    )
    images = len(entries.images) if options.images is None else options.images
    with progress("reading pictures", images * (len(entries.entries) + 1)) as advance:
        key = build_study(entries, folder, key_file, options, secret=secret, workers=workers, advance=advance)
    notify_unlike(entries, options, workers)
    study = StudyFolder(folder, key_file, key)
    if study.minutes_per_rater > _LONG_MINUTES:
        notify(
            f"each rater needs about {study.minutes_per_rater / 60:.1f} hours; --tasks-per-rater shares the tasks "
            "among more people"
        )
    return study


def build_study(
    entries: StudyEntries,
    out: Path,
    key_path: Path,
    options: StudyOptions,
    *,
    secret: bytes,
    workers: int = 2,
    advance: Advance = lambda n: None,
) -> Key:
    """Write a study's folder and its key: both, or after an error none of them.

    Parameters
    ----------
    entries
        The methods.
    out, key_path, options, secret, workers
        As in :func:`create_study`.
    advance
        Called with the number of pictures read, out of ``images × (methods + 1)``.

    Raises
    ------
    StudyError
        If the options do not fit the images, the places are taken, or pictures cannot be used: a file that is not an
        8-bit RGB PNG, a damaged or a small one. It lists all of these pictures.
    """
    options = options.with_seed(secret)
    options.check(entries.track.scale)
    entries.check(options)
    check_places(out, key_path)
    # A path may go through the empty folder that the study replaces (`e/../e`).
    place, key_place = (Path(os.path.realpath(path)) for path in (out, key_path))
    scale = _scale(entries.track, options)
    images = choose_images(entries.images, options)
    sizes = picture_sizes(entries, images)
    crops, obvious = place_crops(sizes, entries.track.scale, options)
    obvious = visible_checks(entries, crops, obvious, sizes, options, secret)
    names = [entry.name for entry in entries.entries]
    if scale is None:
        tasks = make_tasks(crops, obvious, names, secret)
        repeats, raters = make_lists(tasks, len(names), secret, options)
    else:
        tasks = make_rating_tasks(crops, obvious, len(names), secret, pairs=options.pairs)
        repeats, raters = make_rating_lists(tasks, len(names), secret, options)
    shown = len(names) if scale is None else options.pictures_at_once
    try:
        work = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    except OSError as error:
        raise StudyError(
            f"{out}: the study cannot be written ({error.strerror or error}); choose another --out"
        ) from error
    try:
        with tempfile.TemporaryDirectory(prefix="srspace-eval-study-") as scratch:
            items, contexts = read_pictures(entries, tasks, sizes, options, Path(scratch), workers, advance, secret)
            folder = work / "images"
            folder.mkdir()
            digests = {}
            # In the order of the random ids, because many file systems keep the order in which files were made.
            for name in sorted([*items, *contexts]):
                png = stored_png(items[name] if name in items else contexts[name].pixels)
                digests[name] = sha256(png)
                (folder / f"{name}.png").write_bytes(png)
            del items
        all_tasks = [*tasks, *repeats]
        data = page_data(all_tasks, raters, contexts, options, shown, scale)
        study = study_digest(data, digests)
        for name, text in page_files(study, data, options, scale).items():
            target = work / name
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(text.encode("utf-8"))
        settings = {
            "created_with": f"srspace-eval {__version__}",
            "track": entries.track.name,
            "scale": entries.track.scale,
            "lr": _lr_shown(entries, options),
            **({"gt": "none"} if entries.gt is None else {}),
            **asdict(options),
            "title": options.heading,
            "zoom": options.shown_zoom,
            "pictures_at_once": shown,
            "shown": {entry.name: {image: entry.files[image] for image in images} for entry in entries.entries},
        }
        key = Key(
            study=study,
            secret=secret.hex(),
            title=options.heading,
            ties=options.ties,
            entries=tuple(names),
            tasks={task.id: task for task in all_tasks},
            raters={rater.id: rater for rater in raters},
            settings=settings,
            task=options.task,
            scale=scale,
        )
        unify_times(work)
        key.write(key_path)
        try:
            put_in_place(work, place)
        except BaseException:
            key_place.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StudyError(f"{out}: the study cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return key


def _scale(track: Track, options: StudyOptions) -> OpinionScale | None:
    """The scale of a rating study: the track's, or ITU-T P.910's for single pictures or for pairs.

    Raises
    ------
    StudyError
        If the track ranks opinion scores in the other direction.
    """
    if options.task == "rank":
        return None
    scale = track.opinion_scale or (DCR if options.pairs else ACR)
    column = track.unmeasured.get("mos")
    if column is not None and column.direction != scale.better:
        raise StudyError(
            f'track {track.name}: columns.mos.better is "{column.direction}", and on the study\'s scale, from '
            f"{scale.low:g} to {scale.high:g}, {scale.better} is better, so `rank` would put the worst method first; "
            f'write better = "{scale.better}" there, or give the track a [study.scale] of its own'
        )
    return scale


def _lr_shown(entries: StudyEntries, options: StudyOptions) -> str:
    if options.task == "rate":
        return "not shown"
    return "downscaled from the GT, for display only" if entries.lr is None else "given"
