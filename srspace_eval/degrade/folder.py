"""A folder of LRs made from a folder of HRs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from srspace_eval._utils.cores import threads_of
from srspace_eval._utils.hashing import sha256
from srspace_eval._utils.png import decode_png, find_pictures, is_folder_of, png_name, read_bytes, write_png
from srspace_eval._utils.progress import Progress, no_progress
from srspace_eval.degrade.options import DegradeOptions
from srspace_eval.degrade.picture import Degradation
from srspace_eval.degrade.record import (
    DegradedImage,
    check_same_settings,
    merged,
    new_record,
    read_degradation,
    write_degradation,
)
from srspace_eval.errors import ImageError, InputError, ProblemsError


@dataclass(frozen=True)
class DegradeReport:
    """The LRs that a run made.

    Attributes
    ----------
    out
        The folder.
    images
        What was applied to each picture of this run, in the order of their names.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from srspace_eval import DegradeOptions, degrade_folder, write_png
    >>> Path("hr").mkdir()
    >>> write_png("hr/0801.png", np.full((32, 48, 3), 128, np.uint8))
    >>> report = degrade_folder("hr", "lr", DegradeOptions(noises=("none",)))
    >>> report.out.as_posix(), [made.image for made in report.images]
    ('lr', ['0801'])
    """

    out: Path
    images: tuple[DegradedImage, ...]


def degrade_folder(
    source: Path | str,
    out: Path | str,
    options: DegradeOptions | None = None,
    *,
    overwrite: bool = False,
    workers: int | None = None,
    progress: Progress = no_progress,
) -> DegradeReport:
    """Make an LR of every HR, with a degradation that is recorded. The command ``srspace-eval degrade`` does the same.

    An LR keeps its HR's name, so that ``sample`` and ``score --lr`` take the folder. The record
    ``degradation.json`` lies beside the LRs. The seed and an image's name determine its LR, whatever the order and
    number of workers. Pictures that cannot be read do not stop the others.

    Parameters
    ----------
    source
        A folder of 8-bit RGB PNGs, or one PNG.
    out
        The folder for the LRs; it is created.
    options
        The degradation; None: the defaults.
    overwrite
        Replace existing LRs.
    workers
        Threads; None: one for each core.
    progress
        Progress callback, see :data:`srspace_eval._utils.progress.Progress`.

    Returns
    -------
    DegradeReport
        The LRs that were made, in the order of their names.

    Raises
    ------
    InputError
        If there are no pictures, a pool cannot be found, or ``out`` cannot be created, is the folder of the pictures,
        or holds LRs that were made with other settings and stay there.
    ProblemsError
        If two pictures' names differ only in case, LRs exist and ``overwrite`` is False, a pool holds files that cannot
        be used, or pictures could not be degraded; each is listed.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as name:
    ...     write_png(Path(name, "0801.png"), np.full((32, 48, 3), 128, np.uint8))
    ...     report = degrade_folder(name, Path(name, "lr"), DegradeOptions(noises=("none",)))
    ...     sorted(path.name for path in report.out.iterdir())
    ['0801.png', 'degradation.json']
    """
    source, out, options = Path(source), Path(out), options or DegradeOptions()
    pictures = find_pictures(source)
    if is_folder_of(out, source):
        raise InputError(f"{out}: the LRs would replace the pictures; give --out another folder")
    existing = [out / png_name(picture) for picture in pictures if (out / png_name(picture)).exists()]
    if existing and not overwrite:
        raise ProblemsError(f"{out}: existing LRs are replaced only with --overwrite", map(str, existing))
    degradation = Degradation(options)
    settings = options.to_dict()
    before = read_degradation(out)
    if before is not None:
        check_same_settings(before, settings, {picture.stem for picture in pictures}, out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out}: cannot be created ({error.strerror})") from error

    def make(picture: Path) -> DegradedImage | str:
        try:
            data = read_bytes(picture)
            lr, applied = degradation.degrade(decode_png(data, str(picture)), picture.stem)
            write_png(out / png_name(picture), lr)
        except (ImageError, InputError) as error:
            return str(error)
        finally:
            advance(1)
        return DegradedImage(picture.stem, picture.name, sha256(data), png_name(picture), sha256(lr.tobytes()), applied)

    with progress("Degrading", len(pictures)) as advance, ThreadPoolExecutor(threads_of(workers)) as threads:
        done = list(threads.map(make, pictures))
    record = new_record(settings, [made for made in done if isinstance(made, DegradedImage)])
    if record.images:
        write_degradation(out, record if before is None else merged(before, record))
    if faults := [found for found in done if isinstance(found, str)]:
        raise ProblemsError(f"{len(faults)} of {len(pictures)} pictures were not degraded", faults)
    return DegradeReport(out, record.images)
