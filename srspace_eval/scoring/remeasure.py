"""The metrics of a stored result with the options that its signature states, so that they can be measured again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, Literal, get_args, get_origin, get_type_hints

from srspace_eval.errors import InputError
from srspace_eval.metrics.base import Metric, RunInputs, Setting
from srspace_eval.metrics.measures import Measure, options_of
from srspace_eval.metrics.pyiqa_bridge.metric import PREFIX
from srspace_eval.metrics.registry import bind, measures_of, metrics, own_values
from srspace_eval.results.record import Result

_NETWORK = frozenset(
    {"version", "trunk", "trunk_sha256", "calibration_sha256", "weights_sha256", "precision", "deviation"}
)
"""What networks state."""

_OTHER_GROUPS = frozenset({"common", "lpips", "environment"})
"""Groups of the signature that are not a metric's. LPIPS states nothing beside its network."""


def metrics_of_result(result: Result) -> tuple[dict[str, Metric], dict[str, str]]:
    """The metrics that a result was measured with.

    A metric was measured if the signature has its group, or if an image has its value.

    Returns
    -------
    tuple[dict[str, Metric], dict[str, str]]
        Id -> metric, as :func:`srspace_eval.metrics.registry.bind` gives them; and id -> why the settings of the group
        are not those of a metric of this version.
    """
    settings = result.signature.settings
    valued = {key for image in result.images for key in own_values(image.values, settings)}
    names = {name: name for name in metrics() if name in valued}
    groups = {key: str(group.get("metric", key)) for key, group in settings.items() if key not in _OTHER_GROUPS}
    found: list[Measure] = []
    unknown: dict[str, str] = {}
    for measure_id, name in {**names, **groups}.items():
        if name.startswith(PREFIX):
            found += measures_of({measure_id: settings[measure_id]})
            continue
        if name not in metrics():
            unknown[measure_id] = "no metric of this name is installed"
            continue
        options = _options(metrics()[name], _without_network(settings.get(measure_id, {})), measure_id == "lpips")
        try:
            if options is None:
                unknown[measure_id] = f"no options of the metric {name!r} of this version give these settings"
            else:
                bind([measure := Measure(measure_id, name, options)])
                found.append(measure)
        except InputError as error:
            unknown[measure_id] = str(error)
    return bind(found), unknown


def _without_network(group: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings of a metric that has a network of its own, without those of the network."""
    if "trunk_sha256" not in group:
        return group
    return {key: value for key, value in group.items() if key not in _NETWORK and (key, value) != ("spatial", True)}


def _options(metric: type[Metric], group: Mapping[str, Any], network: bool) -> dict[str, Setting] | None:
    """The options with which a metric states these settings; None if there are none."""
    # LPIPS's own group states the network's settings, too; of the metric's it states only that it is not spatial.
    own = ("spatial",) if network and group.get("spatial") is False else () if network else tuple(group)
    stated = {key: group[key] for key in own if key != "metric"}
    for options in _candidates(metric, stated):
        try:
            bound = metric(**options)
        except (InputError, TypeError, ValueError):
            continue
        lr = stated.get("lr")
        if dict(bound.signature(RunInputs(lr if isinstance(lr, str) else None))) == stated:
            return options
    return None


def _candidates(metric: type[Metric], stated: Mapping[str, Any]) -> Iterator[dict[str, Setting]]:
    """Options that may give the settings: each choice of an option with choices, the stated value of another one."""
    types = get_type_hints(metric)
    choices: list[tuple[Setting, ...]] = []
    defaults = options_of(metric)
    for name, default in defaults.items():
        if get_origin(types[name]) is Literal:
            choices.append(get_args(types[name]))
        else:
            value = stated.get(name, default)
            choices.append((value if type(value) is types[name] else default,))
    for values in product(*choices):
        yield dict(zip(defaults, values, strict=True))
