"""The tables ``[columns]`` and ``[derived]`` of a track file: values from elsewhere, and values of formulas.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from srspace_eval._utils.untrusted_text import visible
from srspace_eval.errors import InputError, TrackError
from srspace_eval.metrics.base import Direction, MetricInfo
from srspace_eval.metrics.measures import check_id
from srspace_eval.metrics.registry import columns, is_known_column
from srspace_eval.tracks.formula_words import formula_words
from srspace_eval.tracks.formulas import Formula, parse
from srspace_eval.tracks.model import Derived
from srspace_eval.tracks.tables import ColumnTable, DerivedTable

_LISTED = 60


def read_given(
    tables: Mapping[str, ColumnTable], where: str, measured: Collection[str], known: Collection[str]
) -> tuple[MetricInfo, ...]:
    """The columns of ``[columns]``.

    Parameters
    ----------
    measured
        The columns that the track measures.
    known
        The ids of all other columns.

    Raises
    ------
    TrackError
        If an id cannot be used, or the track measures it.
    """
    for key in tables:
        if key in measured:
            raise TrackError(f"{where}: columns.{visible(key)}: the track measures {key!r}; give the column another id")
    others = {*known, *tables}
    return tuple(
        _info(key, _completed(key, table, place), place, others - {key})
        for key, table in tables.items()
        for place in (f"{where}: columns.{visible(key)}",)
    )


@dataclass(frozen=True)
class _Row:
    """What both kinds of rows say, completed."""

    better: Direction
    label: str
    unit: str
    digits: int
    description: str


def _completed(key: str, table: ColumnTable, where: str) -> _Row:
    """A row of ``[columns]``. What it leaves out is as everywhere if the id is well known, else a default."""
    known = columns().get(key)
    if known is None and table.better is UNSET:
        raise TrackError(
            f'{where}: \'better\' is missing: write better = "lower" or "higher", because the id is not well known'
        )
    if known is not None:
        _require_direction(key, table.better, known, where)
    base = known or MetricInfo(key, key, "", 3, "lower", "", "")
    return _Row(
        better=base.direction if table.better is UNSET else table.better,
        label=base.label if table.label is UNSET else table.label,
        unit=base.unit if table.unit is UNSET else table.unit,
        digits=base.digits if table.digits is UNSET else table.digits,
        description=table.description or (known.description if known else "Not measured here."),
    )


def _require_direction(key: str, better: Direction | UnsetType, known: MetricInfo, where: str) -> None:
    """A well-known id has one direction everywhere."""
    if better is not UNSET and better != known.direction:
        raise TrackError(
            f'{where}.better: "{better}" is wrong, because {known.direction} values of {key} are better; write '
            f'better = "{known.direction}", or give the column another id'
        )


def read_derived(
    tables: Mapping[str, DerivedTable], where: str, known: Mapping[str, MetricInfo], baseline: str
) -> tuple[Derived, ...]:
    """The columns of ``[derived]``; each may use those before it.

    Parameters
    ----------
    known
        The ids that a formula may use.
    baseline
        The name that ``baseline(id)`` stands for; empty: the track names none.

    Raises
    ------
    TrackError
        If an id is taken, or a formula is malformed or names an unknown id.
    """
    usable = dict(known)
    found = []
    for key, table in tables.items():
        place = f"{where}: derived.{visible(key)}"
        if key in usable and not is_known_column(key):
            raise TrackError(f"{place}: there is a column {key!r} already; give this one another id")
        if is_known_column(key):
            _require_direction(key, table.better, columns()[key], place)
        label = key if table.label is UNSET else table.label
        formula = read_formula(table.formula, f"{place}.formula", usable, baseline)
        words = formula_words(formula, lambda column, known=usable: known[column].label)  # type: ignore[misc]
        row = _Row(table.better, label, table.unit, table.digits, table.description or f"Computed: {words}.")
        info = _info(key, row, place, {*usable, *tables} - {key})
        if formula.ranked:
            raise TrackError(f"{place}.formula: rank(id) can be used in order_by only; use per_image_rank(id, ...)")
        if formula.per_image and table.of == "images":
            raise TrackError(f'{place}.of: per_image_rank(...) is a mean over images already; leave out of = "images"')
        usable[key] = info
        found.append(Derived(info, formula, table.of))
    return tuple(found)


def read_formula(text: str, where: str, known: Mapping[str, object], baseline: str) -> Formula:
    """A formula whose ids are all known.

    Raises
    ------
    TrackError
        If it is malformed, names an unknown id, or uses ``baseline(id)`` while the track names no baseline.
    """
    formula = parse(text, where)
    if unknown := sorted(formula.reads - known.keys()):
        raise TrackError(f"{where}: unknown id {', '.join(unknown)}; {ids_text(known)}")
    if formula.baselines and not baseline:
        raise TrackError(f'{where}: baseline(...) needs the key baseline = "NAME OF AN ENTRY" at the top of the file')
    return formula


def ids_text(known: Collection[str]) -> str:
    """The sentence that lists ids in messages."""
    names = list(known)
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    # The track's own ids are the last ones.
    return f"known are {', '.join(names[-_LISTED:])}{more}"


def _info(key: str, row: _Row, where: str, others: Collection[str]) -> MetricInfo:
    try:
        check_id(key, others)
    except InputError as error:
        raise TrackError(f"{where}: {visible(str(error))}") from None
    return MetricInfo(
        id=key,
        label=visible(row.label),
        unit=visible(row.unit),
        digits=row.digits,
        direction=row.better,
        tex="",
        description=visible(row.description),
        per="method",
    )
