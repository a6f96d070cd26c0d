"""Tracks read from TOML files: the built-in ones and users' own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from msgspec import UNSET, UnsetType

from srspace_eval._utils import documents, toml
from srspace_eval._utils.files import read_bounded
from srspace_eval._utils.untrusted_text import visible
from srspace_eval.errors import InputError, TrackError
from srspace_eval.metrics.base import Metric, MetricInfo, Setting
from srspace_eval.metrics.measures import Measure
from srspace_eval.metrics.registry import OR_INSTALL, bind, columns, columns_of, default_metric, metrics
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.names import Template
from srspace_eval.tracks.opinion_scale import OpinionScale
from srspace_eval.tracks.rules import read_rules
from srspace_eval.tracks.tables import ScaleTable, TrackTable
from srspace_eval.tracks.values import read_derived, read_given

_LONGEST_LABEL = 60

MAX_FILE_BYTES = 1 << 20
"""Largest track file that is read."""

_MOST_ENTRIES = 100  # of one table: every ranking is a leaderboard, and every id is compared with all others


def builtin_tracks() -> dict[str, Track]:
    """The tracks that come with the package, by name.

    Examples
    --------
    >>> builtin_tracks()["x8"].scale
    8
    """
    return {name: load_track(name) for name in builtin_names()}


def list_tracks() -> list[Track]:
    """The built-in tracks, by name.

    Returns
    -------
    list[Track]
        The tracks, sorted by name.

    Examples
    --------
    >>> [track.name for track in list_tracks() if track.samples > 1]
    ['x4', 'x4-2022', 'x8', 'x8-2022']
    """
    return sorted(builtin_tracks().values(), key=lambda track: track.name)


def guessed_tracks() -> list[Track]:
    """The built-in tracks that files are guessed to belong to: those of several samples for each image.

    Challenges of one picture for each image share their file names and differ in what they measure. Their files do not
    say which one they are for, so such a track is always named.

    Examples
    --------
    >>> [track.name for track in guessed_tracks()]
    ['x4-2022', 'x4', 'x8-2022', 'x8']
    """
    return [track for track in builtin_tracks().values() if track.samples > 1]


def load_track(name_or_path: str | Path) -> Track:
    """A built-in track by name, or a user's track file.

    Parameters
    ----------
    name_or_path
        The name of a built-in track, or the path of a file that ends in ``.toml``.

    Returns
    -------
    Track
        The track.

    Raises
    ------
    TrackError
        If the track does not exist or the file is malformed. The message names the file and the key.

    Examples
    --------
    >>> load_track("x4").first
    801
    """
    text = str(name_or_path)
    track = parse_track(track_text(name_or_path), text if text.endswith(".toml") else f"{text}.toml")
    return replace(track, file=Path(name_or_path)) if text.endswith(".toml") else track


def track_text(name_or_path: str | Path) -> str:
    """The text of a track's file.

    Parameters
    ----------
    name_or_path
        As :func:`load_track` takes it.

    Raises
    ------
    TrackError
        If there is no such track, or its file cannot be read.

    Examples
    --------
    >>> track_text("x8").splitlines()[0]
    'name = "x8"'
    """
    text = str(name_or_path)
    if not text.endswith(".toml"):
        names = builtin_names()
        if text not in names:
            raise TrackError(
                f"there is no track {text!r}: choose one of {', '.join(names)}, or name a track file ending in .toml"
            )
        return files("srspace_eval.tracks").joinpath("builtin").joinpath(f"{text}.toml").read_text(encoding="utf-8")
    path = Path(name_or_path)
    if path.is_dir():
        raise TrackError(f"{path}: is a folder; name a track file")
    try:
        return read_bounded(path, MAX_FILE_BYTES).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TrackError(f"{path}: the track file cannot be read ({error})") from error


def builtin_names() -> list[str]:
    """The names of the built-in tracks. Each file has its track's name, so that one track is read from one file."""
    entries = files("srspace_eval.tracks").joinpath("builtin").iterdir()
    names = sorted(entry.name for entry in entries if entry.name.endswith(".toml"))
    return [name.removesuffix(".toml") for name in names]


def parse_track(source: str, where: str) -> Track:
    """The track of a file's text.

    Parameters
    ----------
    where
        The file's name, for messages.

    Raises
    ------
    TrackError
        If the text is malformed. The message names the file and the key.

    Examples
    --------
    >>> parse_track('name = "mine"\\ntitle = "Mine"\\nscale = 4', "mine.toml").samples
    10
    """
    try:
        data = toml.loads(source)
    except (ValueError, RecursionError) as error:
        raise TrackError(f"{where}: not valid TOML ({error})") from error
    try:
        table = documents.convert(data, TrackTable)
    except documents.DocumentError as error:
        raise TrackError(f"{where}: {error}") from error
    lists: Sequence[tuple[str, Sized]] = (
        ("rankings", table.rankings), ("measure", table.measure), ("columns", table.columns),
        ("derived", table.derived), ("gt_names", table.gt_names), ("sample_names", table.sample_names),
        ("metrics", () if table.metrics is UNSET else table.metrics), ("uncertain", table.uncertain),
        *_lists_of_rankings(table),
    )  # fmt: skip
    for key, entries in lists:
        if len(entries) > _MOST_ENTRIES:
            raise TrackError(f"{where}: {key} has {len(entries)} entries; at most {_MOST_ENTRIES} are allowed")
    _check_templates(f"{where}: gt_names", table.gt_names, {"number", "stem"})
    _check_templates(f"{where}: sample_names", table.sample_names, {"number", "index", "stem", "sample"})
    measures = _measures(table.measure, where)
    # A file that says where its values come from measures just that; one that says nothing measures as NTIRE 2021.
    own = measures or table.columns or table.reference == "none"
    metrics_ = table.metrics if table.metrics is not UNSET else () if own else Track.metrics
    _check_known(f"{where}: metrics", metrics_, [*metrics(), *(m.id for m in measures)])
    if table.reference == "none":
        _refuse_gt_metrics(bind([*metrics_, *measures]), where)
    crop = table.crop if table.crop is not UNSET else Track.crop if Track.crop % table.scale == 0 else table.scale
    if crop % table.scale:
        raise TrackError(f"{where}: crop = {crop} must be a multiple of scale = {table.scale}")
    measured = [*metrics_, *(m.id for m in measures)]
    filled = {info.id for name in metrics_ if name in metrics() for info in metrics()[name].columns}
    filled |= {column for measure in measures for column in columns_of(measure)}
    given = read_given(table.columns, where, filled, [*columns(measures), *table.derived])
    scale = _opinion_scale(table.study.scale, where)
    if scale is not None:
        _check_opinion_column(given, scale, where)
    known = {**columns(measures), **{info.id: info for info in given}}
    derived = read_derived(table.derived, where, known, table.baseline)
    known |= {column.info.id: column.info for column in derived}
    own_ids = [*dict.fromkeys(measured), *(info.id for info in given), *(column.info.id for column in derived)]
    first, *more = read_rules(table, where, known, own_ids)
    return Track(
        name=table.name,
        title=table.title,
        scale=table.scale,
        samples=table.samples,
        gt_names=table.gt_names,
        sample_names=table.sample_names,
        first=table.first,
        crop=crop,
        metrics=metrics_,
        ranking=first,
        measures=measures,
        more_rankings=tuple(more),
        given=given,
        derived=derived,
        baseline=table.baseline,
        reference=table.reference,
        mismatch=table.mismatch,
        opinion_scale=scale,
        source="" if table.source is UNSET else visible(table.source),
        uncertain=tuple(visible(sentence) for sentence in table.uncertain),
    )


def _measures(tables: Mapping[str, Mapping[str, Setting]], where: str) -> tuple[Measure, ...]:
    """``[measure.ID]`` tables: ``metric`` (default: the ID; of a well-known one, pyiqa's), ``label``, and options."""
    found = []
    for key, table in tables.items():
        metric = table.get("metric", default_metric(key))
        if not isinstance(metric, str):
            raise TrackError(f"{where}: measure.{visible(key)}.metric: {metric!r} is not a metric's name")
        label = table.get("label", "")
        if not isinstance(label, str) or len(label) > _LONGEST_LABEL:
            raise TrackError(
                f"{where}: measure.{visible(key)}.label: a text of at most {_LONGEST_LABEL} letters is required"
            )
        try:
            options = {option: value for option, value in table.items() if option not in ("metric", "label")}
            found.append(Measure(key, metric, options, label))
            bind(found)
        except InputError as error:
            raise TrackError(f"{where}: {visible(str(error))}") from error
    return tuple(found)


def _opinion_scale(table: ScaleTable | UnsetType, where: str) -> OpinionScale | None:
    if table is UNSET:
        return None
    scale = OpinionScale(float(table.low), float(table.high), better=table.better, words=table.words)
    if problems := scale.page_problems():
        raise TrackError(f"{where}: study.scale: {'; '.join(problems)}")
    return scale


def _check_opinion_column(given: Iterable[MetricInfo], scale: OpinionScale, where: str) -> None:
    """Mean opinion scores have the direction of the scale on which people rate."""
    for info in given:
        if info.id == "mos" and info.direction != scale.better:
            raise TrackError(
                f'{where}: columns.mos.better is "{info.direction}" and study.scale.better is "{scale.better}"; mos is '
                "the mean of these ratings, so write the same in both"
            )


def _refuse_gt_metrics(measured: Mapping[str, Metric], where: str) -> None:
    if needing := [measure_id for measure_id, metric in measured.items() if metric.needs.gt]:
        free = ", ".join(name for name, metric in metrics().items() if not metric.needs.gt)
        raise TrackError(
            f'{where}: reference = "none" says that there is no GT, but these metrics need one: {", ".join(needing)}; '
            f"without a GT there are {free}; values from elsewhere belong in [columns]"
        )


def _check_known(where: str, ids: Iterable[str], known: Iterable[str]) -> None:
    if unknown := [metric for metric in ids if metric not in known]:
        raise TrackError(
            f"{where}: unknown metric {', '.join(map(visible, unknown))}; choose from {', '.join(known)}, {OR_INSTALL}"
        )


def _lists_of_rankings(table: TrackTable) -> Iterator[tuple[str, Sized]]:
    """The lists of all rules, with their names."""
    rules = {f"rankings.{visible(key)}": rule for key, rule in table.rankings.items()}
    if table.ranking is not UNSET:
        rules["ranking"] = table.ranking
    for key, rule in rules.items():
        for name in ("criteria", "final", "show", "eligible", "order_by"):
            yield f"{key}.{name}", getattr(rule, name)


def _check_templates(where: str, templates: Iterable[str], known: set[str]) -> None:
    for text in templates:
        try:
            fields = Template(text).fields
        except TrackError as error:
            raise TrackError(f"{where}: {error}") from error
        if not text.lower().endswith(".png"):
            raise TrackError(f"{where}: {text!r} must end in .png; pictures are read from PNG files only")
        if unfit := sorted(set(fields) - known):
            raise TrackError(f"{where}: {text!r} cannot hold {{{unfit[0]}}}, only {', '.join(sorted(known))}")
