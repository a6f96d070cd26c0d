"""What goes into a ranking and what comes out. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from srspace_eval._utils.frames import Kind as ColumnKind
from srspace_eval._utils.frames import data_frame
from srspace_eval._utils.untrusted_text import name_key
from srspace_eval.ranking.bootstrap import BootstrapPlan
from srspace_eval.ranking.told_columns import interval_ends, told_columns
from srspace_eval.results.record import Kind, Result
from srspace_eval.tracks.model import Track

if TYPE_CHECKING:
    import pandas as pd

Origin = Literal["measured", "given", "published"]
"""Where an entry's numbers come from. Files call it ``source``."""

MEASURED = "measured here"
"""The evidence of a result that this machine measured (:mod:`srspace_eval.results.seals`)."""

CLAIM = "claim"
"""The evidence of a result that this machine neither measured nor verified."""

FINAL = "final_rank"
"""The final rank's id, where columns are named by metric ids."""


@dataclass(frozen=True)
class Entry:
    """One line of a leaderboard before ranking.

    Attributes
    ----------
    team
        Name, as its owner writes it: untrusted text.
    kind
        ``"team"``: competes; ``"baseline"``: shown, not ranked (published rows, the GT, reference methods).
    values
        Metric id -> value; ``math.inf`` is allowed, None is "not measured" (never 0).
    origin
        ``"measured"`` here (then :attr:`result` holds the record), ``"given"`` in a user's table, or ``"published"``.
    result
        The scored submission; None if only numbers are known.
    incomplete
        What is missing from the submission; if not empty it is listed and not ranked.
    note
        Shown with the row. The first line of a published row's note is its citation: paper, table, images.
    intervals
        Metric id -> interval that came with the value (a study's of its MOR).
    draws
        Metric id -> the value in resampled studies; draw k of all entries is from the same resampled study.
    competes
        False: shown for orientation, and never ranked, also where the track ranks baselines.
    about
        What the organiser's table of teams says: field of :data:`srspace_eval.tracks.teams.FIELDS` -> untrusted text.
    evidence
        Of a result on a board: :data:`MEASURED`, ``"verified here"`` with the number of images,
        ``"taken on trust ..."``, or :data:`CLAIM`. Empty: nothing is known.
    late
        Whether a publication says that it was submitted after the deadline. Pages show it as a late entry.
    joined
        Of an entry with a :attr:`result`: metric id -> where a value comes from that the result does not hold, such as
        ``"the table of values runtimes.csv"``. No measurement gave such a value, and tables mark it.

    Examples
    --------
    >>> from srspace_eval import Entry
    >>> entry = Entry("Ours", "team", {"lr_psnr": 50.1, "diversity": 20.5, "mor": None}, origin="given")
    >>> entry.values["diversity"]
    20.5
    """

    team: str
    kind: Kind
    values: Mapping[str, float | None]
    origin: Origin
    result: Result | None = None
    incomplete: tuple[str, ...] = ()
    note: str = ""
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    draws: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    competes: bool = True
    about: Mapping[str, str] = field(default_factory=dict)
    evidence: str = ""
    late: bool = False
    joined: Mapping[str, str] = field(default_factory=dict)

    def source_of(self, metric: str) -> Origin:
        """Where the value of a metric comes from.

        Parameters
        ----------
        metric
            The metric's id.

        Returns
        -------
        str
            ``"given"`` for a value of :attr:`joined`, else :attr:`origin`.

        Examples
        --------
        >>> entry = Entry("A", "team", {"psnr": 30.0, "runtime": 1.5}, "measured", joined={"runtime": "runtimes.csv"})
        >>> entry.source_of("psnr"), entry.source_of("runtime")
        ('measured', 'given')
        """
        return "given" if metric in self.joined else self.origin


GROUND_TRUTH = "GT"
"""What studies and published tables call the ground truth, which is shown among the methods."""


def is_ground_truth(entry: Entry) -> bool:
    """Whether a row is the ground truth itself, and not a method."""
    return entry.kind == "baseline" and name_key(entry.team) == name_key(GROUND_TRUTH)


@dataclass(frozen=True)
class Row:
    """One line of a leaderboard.

    Attributes
    ----------
    entry
        The numbers.
    ranks
        Metric id -> rank from 1. Ties share the best of their places: 1, 2, 2, 4.
    final_rank
        Mean of the ranks that the track's rule names; with ``order_by``, the value of its only key if that reads ranks
        alone, else the place. None if the row has none.
    why_unranked
        Why there is no final rank; None if there is one.
    intervals
        Metric id (or ``"final_rank"``) -> interval of the value, from the bootstrap or from the entry.
    rank_intervals
        Metric id -> bootstrap interval of the rank.
    indistinguishable_from_next
        Metric id (or ``"final_rank"``) -> whether the data cannot tell this row from the next one in that column.
        Absent for the last row of a column, where the next shares its rank, and where there is no bootstrap.

    Examples
    --------
    >>> from srspace_eval import rank
    >>> row = rank(None, "x4", published="ntire2021").rows[0]
    >>> row.place, row.entry.team, row.ranks
    (1, 'Deepest', {'lr_psnr': 1.0, 'diversity': 2.0, 'mor': 1.0})
    """

    entry: Entry
    ranks: Mapping[str, float]
    final_rank: float | None
    why_unranked: str | None
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    rank_intervals: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    indistinguishable_from_next: Mapping[str, bool] = field(default_factory=dict)
    place: int | None = None
    """From 1; equals share the best of their places. None without final rank."""
    other_settings: bool = False
    """Whether it was measured with other settings than the ranked results, and therefore does not compare with them."""
    keys: tuple[float | None, ...] = ()
    """The values of the rule's ``order_by`` keys; empty without a place."""


@dataclass(frozen=True)
class Departure:
    """Columns in which numbers measured here do not compare with published ones.

    Attributes
    ----------
    columns
        Ids of the columns.
    text
        How the measurement differs: ``"other images (here 12; published on 100 test images), trunk custom"``.
    """

    columns: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Ranking:
    """A leaderboard: what every report shows.

    Attributes
    ----------
    track
        The rule. Its number of samples is that of the ranked results.
    columns
        Metric ids, in the table's order.
    rows
        Best first; then teams without final rank, incomplete submissions, baselines.
    notes
        What a reader must know, one sentence each.
    bootstrap
        How the intervals were made; None if there are none.
    others
        The same entries by the track's other rules, each with a track whose only rule it is.
    departures
        The columns in which numbers measured here do not compare with the published ones beside them.
    date
        The day that was declared, else the newest one that a team declared, else the day of the newest result of the
        board (UTC), such as ``"2026-11-21"``; empty if none is known.
    published
        The id of the published table whose teams are ranked; empty: the ranking is not of one.
    asked_samples
        The number of samples per image that the track itself asks for; 0 if it is not known.

    Examples
    --------
    >>> from srspace_eval import rank
    >>> ranking = rank(None, "x4", published="ntire2021")
    >>> ranking.track.name, ranking.columns, len(ranking.rows)
    ('x4', ('lpips', 'lr_psnr', 'diversity', 'mor'), 14)
    """

    track: Track
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    bootstrap: BootstrapPlan | None = None
    others: tuple[Ranking, ...] = ()
    departures: tuple[Departure, ...] = ()
    date: str = ""
    published: str = ""
    asked_samples: int = 0

    @property
    def all(self) -> tuple[Ranking, ...]:
        """The rankings by all rules, this one first."""
        return (self, *self.others)

    @property
    def title(self) -> str:
        """The track's title, then the rule's title, or its name where there are several."""
        rule = self.track.ranking
        return f"{self.track.title}: {rule.title or rule.name}" if rule.title or rule.name else self.track.title

    def to_frame(self) -> pd.DataFrame:
        """The leaderboard as a pandas DataFrame: one row per team, best first, with the CSV's columns.

        Returns
        -------
        pandas.DataFrame
            ``place`` (float64, NaN without a final rank), ``team``, ``kind``, ``source`` (text: :attr:`Entry.origin`);
            for each metric its value (float64; infinite is ``inf``, not measured is NaN) and, if the rule ranks by it,
            ``METRIC_rank`` (float64); ``final_rank``; ``why_unranked``, ``note`` (text). If the ranking has intervals,
            a metric also has ``METRIC_low``, ``METRIC_high`` and, if the rule ranks by it, ``METRIC_rank_low``,
            ``METRIC_rank_high`` (float64) and ``METRIC_tied_with_next`` (boolean); the final rank has
            ``final_rank_low``, ``final_rank_high`` and ``final_rank_tied_with_next``. If results come from a board,
            ``evidence`` follows (text: :attr:`Entry.evidence`), and if values of measured rows come from tables,
            ``not_measured`` (text: the ids of these values). If a table of teams was given, its fields that are not all
            empty are the last columns (text), a field with the id of a shown metric as ``about_FIELD``.

        Examples
        --------
        >>> from srspace_eval.ranking import Entry, rank
        >>> from srspace_eval.tracks.reader import load_track
        >>> entries = [Entry("A", "team", {"lpips": 0.2, "diversity": 20.0}, "given")]
        >>> rank(entries, load_track("x8")).to_frame()[["team", "diversity", "diversity_rank"]]
          team  diversity  diversity_rank
        0    A       20.0             1.0
        """
        entries = [row.entry for row in self.rows]
        finals = [row.final_rank for row in self.rows]
        by_rule = {criterion.metric for criterion in self.track.ranking.criteria}
        intervals = any(row.intervals for row in self.rows)
        columns: dict[str, tuple[ColumnKind, Sequence[object]]] = {
            "place": ("float64", [row.place for row in self.rows]),
            "team": ("string", [entry.team for entry in entries]),
            "kind": ("string", [entry.kind for entry in entries]),
            "source": ("string", [entry.origin for entry in entries]),
        }
        for key in (*self.columns, FINAL):
            values = finals if key == FINAL else [entry.values.get(key) for entry in entries]
            columns[key] = ("float64", values)
            if key in by_rule:
                columns[f"{key}_rank"] = ("float64", [row.ranks.get(key) for row in self.rows])
            if intervals:
                columns |= interval_ends(key, [row.intervals.get(key) for row in self.rows])
                if key in by_rule:
                    columns |= interval_ends(f"{key}_rank", [row.rank_intervals.get(key) for row in self.rows])
                if key in by_rule or key == FINAL:
                    tied = [row.indistinguishable_from_next.get(key) for row in self.rows]
                    columns[f"{key}_tied_with_next"] = ("boolean", tied)
        columns["why_unranked"] = ("string", [row.why_unranked for row in self.rows])
        columns["note"] = ("string", [entry.note for entry in entries])
        told = told_columns(
            [e.evidence for e in entries], [e.joined for e in entries], [e.about for e in entries], columns
        )
        for name, texts in told.items():
            columns[name] = ("string", texts)
        return data_frame(columns)
