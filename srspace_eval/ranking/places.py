"""Places by several keys: lexicographic, each key with a tolerance. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_SLACK = 1e-9  # 2.11 - 2.10 is a little more than 0.01


def places_by(keys: Sequence[tuple[Floats, float]]) -> Floats:
    """Places from 1 along the last axis. Entries whose keys are all equal share the best of their places.

    Parameters
    ----------
    keys
        The first decides, the next ones decide among equals: (values, lower first; tolerance). All of one shape. NaN
        sorts last.

    Examples
    --------
    >>> pi, rmse = np.array([2.10, 2.105, 2.13]), np.array([12.4, 12.3, 11.9])
    >>> places_by([(pi, 0.01), (rmse, 0.0)]).tolist()
    [2.0, 1.0, 3.0]
    """
    groups = np.zeros(np.shape(keys[0][0]))
    for values, tolerance in keys:
        groups = _refine(groups, np.where(np.isnan(values), np.inf, values), tolerance)
    return np.asarray(groups + 1.0)


def merged(keys: Floats, tolerance: float) -> Floats:
    """Keys in which all that lie within the tolerance of the best of their group equal it.

    A group begins at the best key that no earlier group holds, so that the groups do not depend on the entries' order.

    >>> merged(np.array([1.0, 1.4, 1.8]), 0.5).tolist()
    [1.0, 1.0, 1.8]
    """
    if not tolerance or not keys.size:
        return keys
    order = np.argsort(keys, axis=-1, kind="stable")
    anchors = _anchors(np.take_along_axis(keys, order, axis=-1), None, tolerance)
    found = np.empty_like(keys)
    np.put_along_axis(found, order, anchors, axis=-1)
    return found


def _refine(groups: Floats, keys: Floats, tolerance: float) -> Floats:
    """Split groups of equals (numbered by their first place, from 0) by a further key."""
    if not keys.size:
        return groups
    order = np.lexsort((keys, groups), axis=-1)
    sorted_groups = np.take_along_axis(groups, order, axis=-1)
    sorted_keys = np.take_along_axis(keys, order, axis=-1)
    if tolerance:
        sorted_keys = _anchors(sorted_keys, sorted_groups, tolerance)
    same = (sorted_groups[..., 1:] == sorted_groups[..., :-1]) & (sorted_keys[..., 1:] == sorted_keys[..., :-1])
    places = np.broadcast_to(np.arange(float(keys.shape[-1])), keys.shape).copy()
    places[..., 1:][same] = 0.0
    found = np.empty_like(places)
    np.put_along_axis(found, order, np.maximum.accumulate(places, axis=-1), axis=-1)
    return np.asarray(found)


def _anchors(sorted_keys: Floats, sorted_groups: Floats | None, tolerance: float) -> Floats:
    """The best key of each key's group of equals, for keys in order."""
    anchors = sorted_keys.copy()
    for i in range(1, anchors.shape[-1]):
        before, key = anchors[..., i - 1], sorted_keys[..., i]
        # Infinite keys are equal only to themselves.
        near = (key == before) | (key <= before + tolerance + _SLACK)
        if sorted_groups is not None:
            near &= sorted_groups[..., i] == sorted_groups[..., i - 1]
        anchors[..., i] = np.where(near, before, key)
    return np.asarray(anchors)
