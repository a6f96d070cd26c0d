"""Tracks read from TOML files: the built-in ones and users' own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from srspace_eval._utils import toml
from srspace_eval._utils.files import read_bounded
from srspace_eval.errors import TrackError
from srspace_eval.metrics.base import MEASURABLE, METRICS
from srspace_eval.tracks.model import DEFAULT_RULE, MAX_SAMPLES, RankedMetric, RankingRule, Track
from srspace_eval.tracks.names import Template

MAX_FILE_BYTES = 1 << 20
"""Largest track file that is read."""


def builtin_tracks() -> dict[str, Track]:
    """The tracks that come with the package, by name.

    >>> builtin_tracks()["x8"].scale
    8
    """
    folder = files("srspace_eval.tracks").joinpath("builtin")
    found = {}
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".toml"):
            track = _parse(entry.read_text(encoding="utf-8"), entry.name)
            found[track.name] = track
    return found


def load_track(name_or_path: str | Path) -> Track:
    """A built-in track by name, or a track file (``.toml``).

    Raises
    ------
    TrackError
        If there is no such track, or the file is malformed; the message names the file and the key.
    """
    text = str(name_or_path)
    if not text.endswith(".toml"):
        tracks = builtin_tracks()
        if text not in tracks:
            raise TrackError(
                f"there is no track {text!r}: choose one of {', '.join(tracks)}, or name a track file ending in .toml"
            )
        return tracks[text]
    path = Path(name_or_path)
    try:
        source = read_bounded(path, MAX_FILE_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TrackError(f"{path}: the track file cannot be read ({error})") from error
    return replace(_parse(source, str(path)), file=path)


def _parse(source: str, where: str) -> Track:
    try:
        data = toml.loads(source)
    except (ValueError, RecursionError) as error:
        raise TrackError(f"{where}: not valid TOML ({error})") from error
    reader = _Reader(where, data, {f.name for f in fields(Track)} - {"file"})
    ranking = data.get("ranking")
    track = Track(
        name=reader.text("name"),
        title=reader.text("title"),
        scale=reader.integer("scale", low=1, high=64),
        samples=reader.integer("samples", low=1, high=MAX_SAMPLES, default=10),
        gt_names=reader.some("gt_names", Track.gt_names),
        sample_names=reader.some("sample_names", Track.sample_names),
        first=reader.integer("first", low=0, high=10**18, default=0),
        crop=reader.integer("crop", low=1, high=4096, default=8),
        metrics=reader.some("metrics", Track.metrics),
        ranking=DEFAULT_RULE if ranking is None else _parse_rule(where, ranking),
    )
    _check_templates(where, "gt_names", track.gt_names, {"number", "stem"})
    _check_templates(where, "sample_names", track.sample_names, {"number", "index", "stem", "sample"})
    unmeasured = [metric for metric in track.metrics if metric not in MEASURABLE]
    if unmeasured:
        raise TrackError(
            f"{where}: metrics: {', '.join(unmeasured)} cannot be asked for; choose from {', '.join(MEASURABLE)}"
        )
    if track.crop % track.scale:
        raise TrackError(f"{where}: crop = {track.crop} must be a multiple of scale = {track.scale}")
    return track


def _check_templates(where: str, key: str, templates: tuple[str, ...], known: set[str]) -> None:
    for text in templates:
        try:
            fields = Template(text).fields
        except TrackError as error:
            raise TrackError(f"{where}: {key}: {error}") from error
        if not text.lower().endswith(".png"):
            raise TrackError(f"{where}: {key}: {text!r} must end in .png, the only pictures that are read")
        if unfit := sorted(set(fields) - known):
            raise TrackError(f"{where}: {key}: {text!r} cannot hold {{{unfit[0]}}}, only {', '.join(sorted(known))}")


def _parse_rule(where: str, data: Any) -> RankingRule:
    where = f"{where}: [ranking]"
    if not isinstance(data, dict):
        raise TrackError(f"{where}: must be a table")
    reader = _Reader(where, data, {"criteria", "final", "show"})
    criteria = []
    for row in reader.tables("criteria"):
        inner = _Reader(f"{where} criteria", row, {"metric", "among", "plateau"})
        (metric,) = inner.metrics_of([inner.text("metric")])
        among = inner.text("among", "teams")
        if among not in ("teams", "study"):
            raise TrackError(f"{where}: among = {among!r} must be 'teams' or 'study'")
        criteria.append(RankedMetric(metric, "study" if among == "study" else "teams", inner.number("plateau")))
    rule = RankingRule(tuple(criteria), reader.metrics("final", ()), reader.metrics("show", ()))
    lost = [metric for metric in rule.final if metric not in {c.metric for c in rule.criteria}]
    if lost:
        raise TrackError(f"{where}: final names {', '.join(lost)}, which criteria does not rank")
    return rule


class _Reader:
    """Typed access to a TOML table; a typo is an error, never a default."""

    def __init__(self, where: str, data: Mapping[str, Any], known: set[str]) -> None:
        self.where, self.data = where, data
        unknown = sorted(set(data) - known)
        if unknown:
            raise TrackError(f"{where}: unknown key {', '.join(unknown)}; known are {', '.join(sorted(known))}")

    def text(self, key: str, default: str | None = None) -> str:
        value = self.data.get(key, default)
        if not isinstance(value, str) or not value:
            raise TrackError(f"{self.where}: {key} must be a text")
        return value

    def integer(self, key: str, *, low: int, high: int, default: int | None = None) -> int:
        value = self.data.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise TrackError(f"{self.where}: {key} must be a whole number, {low} to {high}")
        return value

    def number(self, key: str) -> float | None:
        value = self.data.get(key)
        if value is None:
            return None
        # Compared, not converted: a whole number of 400 digits fits no float. NaN compares as false.
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e300:
            raise TrackError(f"{self.where}: {key} must be a number")
        return float(value)

    def texts(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        value = self.data.get(key, list(default))
        if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
            raise TrackError(f"{self.where}: {key} must be a list of texts")
        return tuple(value)

    def some(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """As :meth:`texts`, and not empty."""
        values = self.texts(key, default)
        if not values:
            raise TrackError(f"{self.where}: {key} is empty; leave it out for {', '.join(default)}")
        return values

    def tables(self, key: str) -> list[dict[str, Any]]:
        value = self.data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            raise TrackError(f"{self.where}: {key} must be a list of tables")
        return value

    def metrics(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        return self.metrics_of(self.texts(key, default))

    def metrics_of(self, ids: tuple[str, ...] | list[str]) -> tuple[str, ...]:
        unknown = [i for i in ids if i not in METRICS]
        if unknown:
            raise TrackError(f"{self.where}: unknown metric {', '.join(unknown)}; known are {', '.join(METRICS)}")
        return tuple(ids)
