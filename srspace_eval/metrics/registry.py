"""Which metrics there are: the built-in ones and those of installed packages. Imports no torch.

Everything that asks which metrics there are, what they need and how they are shown asks this module. It is long so that
there is no second list. A package adds metrics by the entry point group ``srspace_eval.metrics`` (see
:mod:`srspace_eval.metrics.base`).
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from types import MappingProxyType
from typing import TypeVar, get_args

from srspace_eval._utils.notices import notify
from srspace_eval._utils.plug_ins import PlugIn
from srspace_eval._utils.plug_ins import plug_ins as find_plug_ins
from srspace_eval.errors import InputError
from srspace_eval.metrics.base import Aspect, Direction, Metric, MetricInfo, Per, Setting
from srspace_eval.metrics.dists.metric import Dists
from srspace_eval.metrics.diversity.metric import DiversityMse
from srspace_eval.metrics.known_columns import KNOWN_COLUMNS
from srspace_eval.metrics.lpips.metric import Diversity, DiversityPatches, Lpips
from srspace_eval.metrics.measures import RESERVED, Measure, options_of, with_options
from srspace_eval.metrics.opinion import MOR
from srspace_eval.metrics.psnr.metric import LrPsnr, Mse, Psnr
from srspace_eval.metrics.pyiqa_bridge.metric import PREFIX, PyiqaMetric
from srspace_eval.metrics.scenes.metric import Brisque, Niqe, Piqe
from srspace_eval.metrics.ssim.metric import Ssim

ENTRY_POINTS = "srspace_eval.metrics"
"""The entry point group."""

# The order of all tables, of `score --help` and of the signature.
_BUILT_IN: tuple[type[Metric], ...] = (
    Lpips,
    LrPsnr,
    Diversity,
    DiversityMse,
    DiversityPatches,
    Psnr,
    Mse,
    Ssim,
    Dists,
    Niqe,
    Brisque,
    Piqe,
)

_metrics: dict[str, type[Metric]] = {}
_columns: dict[str, MetricInfo] = {}
_packages: dict[str, str] = {}
_plug_ins: list[PlugIn] = []
_state = {"entry points loaded": False}
_loading = threading.RLock()

MetricType = TypeVar("MetricType", bound=type[Metric])

OR_INSTALL = "or install the package that provides it"
"""The end of a message about a metric that is not there: it may be of a package."""


def register(metric: MetricType, package: str = "") -> MetricType:
    """Add a metric; usable as a class decorator.

    Parameters
    ----------
    metric
        A concrete subclass of :class:`~srspace_eval.metrics.base.Metric`.
    package
        The package that it comes from, for messages and listings; empty: none.

    Returns
    -------
    MetricType
        The class itself.

    Raises
    ------
    InputError
        If the class is incomplete, or its name or a column's id is taken.

    Examples
    --------
    >>> from srspace_eval import InputError, register
    >>> try:
    ...     register(dict)
    ... except InputError as error:
    ...     print(str(error).split(":")[0])
    <class 'dict'> is not a metric
    """
    if not _is_metric(metric):
        raise InputError(f"{metric!r} is not a metric: inherit from srspace_eval.Metric, with prepare()")
    declared: object = metric.columns
    if not isinstance(declared, tuple) or not all(isinstance(info, MetricInfo) for info in declared):
        raise InputError(f"metric {metric.name!r} ({metric.__qualname__}): columns must be a tuple of MetricInfo")
    if not metric.columns or metric.columns[0].id != metric.name:
        raise InputError(f"metric {metric.name!r} ({metric.__qualname__}): its first column must have its name as id")
    for info in metric.columns:
        Measure(info.id)  # the same rules for ids
        if fault := _fault_of(info):
            raise InputError(f"metric {metric.name!r}: column {info.id!r}: {fault}")
        if info.id in _columns:
            raise InputError(f"metric {metric.name!r}: there is a column {info.id!r} already")
    _metrics[metric.name] = metric
    _packages[metric.name] = package
    _columns.update({info.id: info for info in metric.columns})
    _forget()
    return metric


def unregister(name: str) -> None:
    """Remove a metric and its columns."""
    for info in _metrics.pop(name).columns:
        del _columns[info.id]
    _forget()


def register_column(info: MetricInfo) -> None:
    """Add a column that ``score`` does not measure; its numbers come from tables.

    Raises
    ------
    InputError
        If its id is taken or reserved.
    """
    if info.id in _columns or info.id in RESERVED:
        raise InputError(f"column {info.id!r}: the id is taken")
    _columns[info.id] = info
    _forget()


def columns(measures: Iterable[Measure] = ()) -> Mapping[str, MetricInfo]:
    """All columns by id, in the order of all tables; ``measures`` add theirs.

    >>> list(columns())[:3]
    ['lpips', 'lpips_global_best', 'lpips_local_best']
    """
    return _all_columns(tuple(measures))


def measures_of(settings: Mapping[str, Mapping[str, object]]) -> tuple[Measure, ...]:
    """The measures that a result's signature names, without their options.

    Parameters
    ----------
    settings
        Group -> settings. The group of a metric under another id than its own states ``metric``.

    Examples
    --------
    >>> measures_of({"common": {"scale": 4}, "psnr_y4": {"metric": "psnr", "channels": "Y", "border": 4}})
    (Measure(id='psnr_y4', metric='psnr', options={}),)
    """
    found = []
    for key, group in settings.items():
        with suppress(InputError):  # a result may be edited, or name a metric of a package that is not installed
            measure = Measure(key, str(group["metric"]), _stated(group)) if "metric" in group else None
            taken = measure is not None and measure.id in columns() and not is_known_column(measure.id)
            if measure is not None and not taken:
                _with_options(measure)  # it raises where no metric has these options
                found.append(measure)
    return tuple(found)


def own_values(
    values: Mapping[str, float | None], settings: Mapping[str, Mapping[str, object]]
) -> dict[str, float | None]:
    """The values of a result without the ``mse`` of ``diversity_mse``, which is not the metric ``mse``.

    Parameters
    ----------
    values
        Id -> value.
    settings
        The result's signature: it has a group ``mse`` if the metric was measured.

    Examples
    --------
    >>> own_values({"mse": 3.0, "psnr": 43.4}, {"psnr": {"border": 0}})
    {'psnr': 43.4}
    """
    return {key: value for key, value in values.items() if key != "mse" or "mse" in settings}


def is_known_column(name: str) -> bool:
    """Whether an id is that of a well-known column that nobody measures, which tracks may define anew.

    >>> is_known_column("musiq"), is_known_column("psnr"), is_known_column("mor")
    (True, False, False)
    """
    return name not in _columns and any(info.id == name for info in KNOWN_COLUMNS)


def default_metric(measure_id: str) -> str:
    """The metric of a measure that names none: its id, or pyiqa's metric of a well-known id.

    >>> default_metric("psnr"), default_metric("musiq")
    ('psnr', 'pyiqa:musiq')
    """
    return f"{PREFIX}{measure_id}" if is_known_column(measure_id) else measure_id


def column(name: str) -> MetricInfo:
    """One column.

    Raises
    ------
    InputError
        If there is no such column.

    Examples
    --------
    >>> column("lr_psnr").unit
    'dB'
    """
    if name not in columns():
        raise InputError(f"there is no column {name!r}; known are {', '.join(columns())}")
    return columns()[name]


def metrics() -> Mapping[str, type[Metric]]:
    """All metrics by name, in the order of all tables.

    >>> list(metrics())[:4]
    ['lpips', 'lr_psnr', 'diversity', 'diversity_mse']
    """
    _load_entry_points()
    return MappingProxyType(_metrics)


def plug_ins() -> tuple[PlugIn, ...]:
    """The metrics that installed packages offer, also those that cannot be used.

    >>> all(plug_in.kind == "metric" for plug_in in plug_ins())
    True
    """
    _load_entry_points()
    return tuple(_plug_ins)


def package_of(name: str) -> str:
    """The package that added a metric; empty: it is built in."""
    return _packages[name]


def curves(measures: Iterable[Measure] = ()) -> dict[str, MetricInfo]:
    """Curve id -> the column in which the curve ends.

    >>> [(curve, info.id) for curve, info in curves().items()]
    [('diversity_curve', 'diversity'), ('diversity_mse_curve', 'diversity_mse')]
    """
    return {info.curve: info for info in columns(measures).values() if info.curve}


def bind(
    wanted: Sequence[str | Measure],
    declared: Iterable[Measure] = (),
    defaults: Iterable[Mapping[str, Setting]] = (),
) -> dict[str, Metric]:
    """The metrics to measure, by the id that each is measured under, with their options.

    Parameters
    ----------
    wanted
        Metric names, ids of measures, or measures.
    declared
        A track's measures; they are measured only if ``wanted`` names them. A measure in ``wanted`` replaces one of the
        same id.
    defaults
        Options of the run. A metric that has all options of a group takes them where its measure gives no others.

    Returns
    -------
    dict[str, Metric]
        In the order of :func:`metrics`, a metric under its own name before its other ids.

    Raises
    ------
    InputError
        If a metric or an option is unknown, a value does not suit, or an id or a column of a measure is taken.
    """
    given = [item for item in wanted if isinstance(item, Measure)]
    known = {measure.id: measure for measure in (*declared, *given)}
    found: dict[str, Metric] = {}
    chosen: list[Measure] = []
    groups = list(defaults)
    unknown = [w for w in wanted if isinstance(w, str) and w not in known and w not in metrics()]
    if unknown:
        raise InputError(
            f"unknown metric {', '.join(unknown)}: choose from {', '.join([*metrics(), *known])}, {OR_INSTALL}"
        )
    for item in wanted:
        measure = item if isinstance(item, Measure) else known.get(item) or Measure(item)
        metric = _metric_of(measure)
        shared: dict[str, Setting] = {}
        for group in groups:
            shared |= group if group.keys() <= options_of(metric).keys() else {}
        bound = _with_options(measure, shared)
        chosen.append(measure)
        if found.setdefault(measure.id, bound) != bound:
            raise InputError(f"measure {measure.id!r}: is given twice with different options; give each an id")
    refuse_shared_columns({**known, **{measure.id: measure for measure in chosen}}.values())
    place = {name: number for number, name in enumerate(metrics())}
    return dict(sorted(found.items(), key=lambda item: (place.get(item[1].name, len(place)), item[0] != item[1].name)))


def refuse_shared_columns(measures: Iterable[Measure], others: Collection[str] = ()) -> None:
    """Refuse a measure that gives a column of another one: the worst LR-PSNR of ``lr`` is ``lr_worst``.

    Parameters
    ----------
    others
        Ids of columns that have other values, those of a track's ``[columns]`` and ``[derived]``. The measure of a
        well-known id may give its own column.

    Raises
    ------
    InputError
        If two measures give the same column, or a measure one of ``others`` or of a metric.

    Examples
    --------
    >>> try:
    ...     refuse_shared_columns([Measure("lr", "lr_psnr"), Measure("lr_worst", "mse")])
    ... except InputError as error:
    ...     print(error)
    measure 'lr_worst': its column 'lr_worst' is a column of the measure 'lr' already; give the measure another id
    """
    owners: dict[str, str] = {}
    for measure in measures:
        usual = is_known_column(measure.id) and measure.metric == default_metric(measure.id)
        for column_id in columns_of(measure):
            owner = owners.setdefault(column_id, measure.id)
            taken = f"a column of the measure {owner!r}" if owner != measure.id else ""
            if column_id in _columns and measure.id != measure.metric:
                taken = "a metric's column"
            elif column_id in others and not usual:
                taken = "a column of the track"
            if taken:
                raise InputError(
                    f"measure {measure.id!r}: its column {column_id!r} is {taken} already; give the measure another id"
                )


def columns_of(measure: Measure) -> tuple[str, ...]:
    """The ids of the columns that a measure gives.

    >>> columns_of(Measure("lr", "lr_psnr"))
    ('lr', 'lr_worst')
    """
    return tuple(info.id for info in _with_options(measure).columns_as(measure.id))


def _is_metric(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, Metric) and not inspect.isabstract(found)


def _fault_of(info: MetricInfo) -> str:
    """What is wrong with a column's declaration; empty: nothing."""
    for key, choices in (("direction", get_args(Direction)), ("per", get_args(Per)), ("aspect", get_args(Aspect))):
        if getattr(info, key) not in choices:
            return f"{key} = {getattr(info, key)!r}: must be one of {', '.join(map(repr, choices))}"
    if type(info.digits) is not int or not 0 <= info.digits <= 9:
        return f"digits = {info.digits!r}: a whole number from 0 to 9 is required"
    if not info.least <= info.most:
        return f"least = {info.least!r} is larger than most = {info.most!r}"
    return ""


def _with_options(measure: Measure, shared: Mapping[str, Setting] = MappingProxyType({})) -> Metric:
    """A measure's metric with its options; those of a metric of pyiqa that is well known need not be given."""
    metric, where, known = _metric_of(measure), f"measure {measure.id!r}", dict(shared)
    if metric is PyiqaMetric:
        if "model" in measure.options:
            raise InputError(f"{where}: metric {measure.metric!r} has no option model")
        known |= _of_pyiqa(measure.metric.removeprefix(PREFIX))
    return with_options(metric, {**known, **measure.options}, where)


def _of_pyiqa(model: str) -> dict[str, Setting]:
    if model == "fid":
        raise InputError(
            f"{PREFIX}fid compares whole folders, and is not measured here; give its values as the column fid with "
            "rank --values"
        )
    metric = metrics().get(model)
    info = metric.columns[0] if metric is not None else next((i for i in KNOWN_COLUMNS if i.id == model), None)
    if info is None:
        return {"model": model}
    gt = metric is not None and metric.needs.gt
    return {"model": model, "label": info.label, "better": info.direction, "digits": info.digits, "gt": gt}


def _stated(group: Mapping[str, object]) -> dict[str, Setting]:
    """The options that a result states of a metric of pyiqa."""
    if not str(group["metric"]).startswith(PREFIX):
        return {}
    types = {"better": str, "gt": bool, "seed": int}
    return {key: value for key, kind in types.items() if type(value := group.get(key)) is kind}  # type: ignore[misc]


def _metric_of(measure: Measure) -> type[Metric]:
    if measure.metric.startswith(PREFIX) and measure.metric != PREFIX:
        if measure.id in _columns:
            raise InputError(f"measure {measure.id!r}: a metric has this id; choose another one")
        return PyiqaMetric
    if measure.metric not in metrics():
        raise InputError(
            f"measure {measure.id!r}: unknown metric {measure.metric!r}: choose from {', '.join(metrics())}, "
            f"{PREFIX}NAME for a metric of pyiqa, {OR_INSTALL}"
        )
    if measure.id != measure.metric and measure.id in _columns:
        raise InputError(f"measure {measure.id!r}: a metric has this id; choose another one")
    return _metrics[measure.metric]


@cache
def _all_columns(measures: tuple[Measure, ...]) -> Mapping[str, MetricInfo]:
    _load_entry_points()
    found = dict(_columns)
    for measure in measures:
        first, *more = _with_options(measure).columns_as(measure.id)
        own = replace(first, label=measure.label, tex="") if measure.label else first
        found.update({info.id: info for info in (own, *more)})
    for info in KNOWN_COLUMNS:
        found.setdefault(info.id, info)
    return MappingProxyType(found)


def _forget() -> None:
    _all_columns.cache_clear()


def _load_entry_points() -> None:
    """Register the metrics of installed packages, once. A package that fails is named in a notice and left out."""
    with _loading:  # another thread waits until all are there; this one may come back while a package is imported
        if not _state["entry points loaded"]:
            _state["entry points loaded"] = True
            _register_entry_points()


def _register_entry_points() -> None:
    for plug_in, point in find_plug_ins("metric", ENTRY_POINTS):
        package = plug_in.package or plug_in.value
        try:
            register(point.load(), package)
            _plug_ins.append(plug_in)
        except Exception as error:  # noqa: BLE001 - whatever a stranger's module raises must not end the work
            problem = (
                f"package {package}: its metric {point.name!r} ({point.value}) cannot be used: "
                f"{type(error).__name__}: {error}; update or uninstall the package"
            )
            _plug_ins.append(replace(plug_in, problem=problem))
            notify(problem)


for _metric in _BUILT_IN:
    register(_metric)
register_column(MOR)
