"""The built-in track that a submission belongs to, found by its names and sizes."""

from __future__ import annotations

from srspace_eval._utils.png_structure import inspect_png
from srspace_eval.errors import ImageError, SubmissionError, TrackError
from srspace_eval.submissions.pairing import Pairing, pair
from srspace_eval.submissions.provenance import read_provenance
from srspace_eval.submissions.sources import Source
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.reader import guessed_tracks


def guess_track(submission: Source, gt: Source, lr: Source | None = None) -> Track:
    """The built-in track that a submission belongs to, found by its names and sizes.

    Only tracks of several samples for each image are considered
    (:func:`srspace_eval.tracks.reader.guessed_tracks`). The scale is the one that ``srspace-eval sample`` recorded
    beside the samples, or the ratio of the GT's size to the LR's. Without either, a track fits if the sides of the
    samples are multiples of its scale.

    Parameters
    ----------
    submission, gt, lr
        The samples, the GT, and the LR files if there are any.

    Raises
    ------
    TrackError
        If no track fits, or tracks of different scales do.
    """
    fitting: list[tuple[int, Track]] = []
    sizes = _Sizes()
    scale = _recorded_scale(submission)
    for track in guessed_tracks():
        if scale not in (None, track.scale):
            continue
        try:
            pairing = pair(submission, gt, track, lr=lr)
        except SubmissionError:
            continue
        if _scale_fits(pairing, submission, gt, track, lr, sizes):
            fitting.append((pairing.resolved, track))
    if not fitting:
        raise TrackError(f"{submission.path}: its names and sizes fit no built-in track; give --track")
    most = max(count for count, _ in fitting)
    tracks = [track for count, track in fitting if count == most]
    if len({track.scale for track in tracks}) > 1:
        raise TrackError(
            f"{submission.path}: its sizes fit the tracks {' and '.join(t.name for t in tracks)}; "
            f"choose one with --track"
        )
    return tracks[0]


def _recorded_scale(submission: Source) -> object:
    model = (read_provenance(submission) or {}).get("model")
    return model.get("scale") if isinstance(model, dict) else None


class _Sizes:
    """The (height, width) of pictures, each read once. None for a damaged picture; the inspection reports it later."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, int] | None] = {}

    def of(self, source: Source, name: str) -> tuple[int, int] | None:
        where = source.where(name)
        if where not in self._known:
            try:
                info = inspect_png(source.read(name), where)
                self._known[where] = (info.height, info.width)
            except ImageError:
                self._known[where] = None
        return self._known[where]


def _scale_fits(
    pairing: Pairing, submission: Source, gt: Source, track: Track, lr: Source | None, sizes: _Sizes
) -> bool:
    for p in pairing.pairs:
        if lr is not None and p.lr is not None:
            large, small = sizes.of(gt, str(p.gt)), sizes.of(lr, p.lr)
            if large and small:
                return abs(large[1] / small[1] / track.scale - 1) < 0.1
        elif p.samples:
            size = sizes.of(submission, p.samples[0])
            if size and (size[0] % track.scale or size[1] % track.scale):
                return False
    return True
