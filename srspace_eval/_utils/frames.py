"""Columns to a pandas DataFrame. pandas is imported only when a frame is made."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    import pandas as pd

Kind: TypeAlias = Literal["string", "int64", "float64", "boolean"]
"""pandas' name of a column's dtype. Missing: ``<NA>`` in text and booleans, NaN in floats."""

Columns: TypeAlias = Mapping[str, tuple[Kind, Sequence[object]]]


def data_frame(columns: Columns) -> pd.DataFrame:
    """The frame with these columns; None is a missing value.

    >>> data_frame({"team": ("string", ["A"]), "lpips": ("float64", [None])}).dtypes.astype(str).to_dict()
    {'team': 'string', 'lpips': 'float64'}
    """
    import pandas as pd

    series = {name: pd.Series(list(values), dtype=kind) for name, (kind, values) in columns.items()}
    frame: pd.DataFrame = pd.DataFrame(series)
    return frame


def value_columns(
    rows: Sequence[Mapping[str, float | None]], others: Collection[str] = ()
) -> dict[str, tuple[Kind, Sequence[object]]]:
    """One float column for each key, in the order of first appearance.

    Parameters
    ----------
    others
        The frame's other columns. A key with such a name is left out: no metric has it, and it would take their place.

    >>> value_columns([{"lpips": 0.2}, {"lpips": None, "psnr": 30.0}])
    {'lpips': ('float64', [0.2, None]), 'psnr': ('float64', [None, 30.0])}
    """
    keys: Iterable[str] = dict.fromkeys(key for row in rows for key in row if key not in others)
    return {key: ("float64", [row.get(key) for row in rows]) for key in keys}
