"""What is to be measured: metrics by name, under ids of their own if they have other options. Imports no torch."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Literal, get_args, get_origin, get_type_hints

from srspace_eval.errors import InputError
from srspace_eval.metrics.base import Metric, Setting

_ID = re.compile(r"[a-z][a-z0-9_]{0,63}")

RESERVED = frozenset(
    {
        "common", "environment", "image", "height", "width", "gt_sha256", "samples", "sample", "file", "sha256",
        "team", "kind", "place", "source", "note", "notes", "final_rank", "why_unranked", "ranks", "incomplete",
        "intervals", "rank_intervals", "evidence", "findings", "seal", "indistinguishable_from_next", "signature",
        "track", "images", "complete", "values", "about", "not_measured",
    }
)  # fmt: skip
"""Keys of records, tables and signatures, which cannot be ids."""
_PREFIXES = ("place_", "about_", "final_rank_")
_SUFFIXES = ("_rank", "_low", "_high", "_curve", "_tied_with_next")


def check_id(key: str, others: Collection[str] | None = None) -> None:
    """Whether a measure or a column can have an id.

    Parameters
    ----------
    others
        The other columns' ids. Tables write ``ID_rank`` and the like beside a column ``ID``; an id may end so if it
        has no such neighbour. None: an id never ends so.

    Raises
    ------
    InputError
        If it cannot.

    Examples
    --------
    >>> check_id("iqa_rank", ["psnr"])
    """
    written = key.endswith(_SUFFIXES) and (others is None or any(key.startswith(f"{other}_") for other in others))
    if not _ID.fullmatch(key) or key in RESERVED or key.startswith(_PREFIXES) or written:
        raise InputError(
            f"measure {key!r}: an id has small letters, digits and _, does not begin with {' or '.join(_PREFIXES)}, "
            f"does not end in {', '.join(_SUFFIXES)}, and is not a key of the result files"
        )


@dataclass(frozen=True)
class Measure:
    """A metric to measure with options, under an id.

    Parameters
    ----------
    id
        Small letters, digits and ``_``; the metric's own name, or another one that no column has.
    metric
        A metric's name (:func:`srspace_eval.list_metrics`); empty: the id.
    options
        The metric's options; those left out keep their defaults.
    label
        The heading of the metric's first column; empty: the metric's own label, with the id if that is another one.

    Raises
    ------
    InputError
        If the id cannot be used.

    Examples
    --------
    >>> Measure("psnr_y4", "psnr", {"channel": "y", "border": 4})
    Measure(id='psnr_y4', metric='psnr', options={'channel': 'y', 'border': 4})
    """

    id: str
    metric: str = ""
    options: Mapping[str, Setting] = field(default_factory=dict)
    label: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        check_id(self.id)
        if not self.metric:
            object.__setattr__(self, "metric", self.id)

    def __hash__(self) -> int:
        return hash((self.id, self.metric, tuple(sorted(self.options.items())), self.label))

    @classmethod
    def parse(cls, text: str) -> Measure:
        """A measure from ``ID=METRIC,OPTION=VALUE,...``.

        Parameters
        ----------
        text
            An id, a metric's id, and any of its options, such as ``psnr_y=psnr,channel=y,border=4``.

        Returns
        -------
        Measure
            The measure. The metric and the values are checked later, by ``score``.

        Raises
        ------
        InputError
            If the text is not of this form.

        Examples
        --------
        >>> Measure.parse("psnr_y4=psnr,channel=y,border=4").options
        {'channel': 'y', 'border': '4'}
        """
        name, equals, rest = text.partition("=")
        metric, *pairs = (part.strip() for part in rest.split(","))
        options = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        if not equals or not metric or "=" in metric or len(options) != len(pairs):
            raise InputError(f"measure {text!r}: write ID=METRIC,OPTION=VALUE,... with each option once")
        return cls(name.strip(), metric, {key.strip(): value.strip() for key, value in options.items()})


def options_of(metric: type[Metric]) -> dict[str, Setting]:
    """A metric's options with their defaults."""
    return {f.name: f.default for f in fields(metric)}  # type: ignore[misc]


def with_options(metric: type[Metric], options: Mapping[str, Setting], where: str) -> Metric:
    """A metric with options; texts are read as numbers where the option is a number.

    Parameters
    ----------
    where
        How messages name the place: ``"measure 'psnr_y4'"``.

    Raises
    ------
    InputError
        If there is no such option, or a value does not suit.
    """
    known = options_of(metric)
    unknown = [key for key in options if key not in known]
    if unknown:
        offered = f"its options are {', '.join(known)}" if known else "it has no options"
        raise InputError(f"{where}: metric {metric.name!r} has no option {', '.join(unknown)}; {offered}")
    types = get_type_hints(metric)
    values = {key: _value(value, types[key], f"{where}: {key}") for key, value in options.items()}
    try:
        return metric(**values)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _value(value: object, wanted: object, where: str) -> Setting:
    if get_origin(wanted) is Literal:
        if value not in get_args(wanted):
            raise InputError(f"{where} = {value!r}: choose from {', '.join(map(str, get_args(wanted)))}")
        return str(value)
    if isinstance(value, str) and wanted is bool and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if isinstance(value, str) and wanted in (int, float):
        try:
            value = int(value) if wanted is int else float(value)
        except ValueError:
            raise InputError(f"{where} = {value!r}: a number is required") from None
    if wanted is float and type(value) is int:
        value = float(value)
    if type(value) is not wanted:
        names = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
        raise InputError(f"{where} = {value!r}: {names.get(wanted, wanted)} is required")  # type: ignore[call-overload]
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{where} = {value!r}: a finite number is required")
    return value  # type: ignore[return-value]
