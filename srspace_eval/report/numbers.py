"""Ranks and ranges as every format prints them. Imports no torch."""

from __future__ import annotations

import math
import re

from srspace_eval.metrics.base import MetricInfo

_PREFIXES = {"M": 1e6, "G": 1e9, "T": 1e12}
_NO_DECIMALS, _SHORT, _POWERS = 9_999.5, 999_999.5, 1e15  # from where on numbers are shown otherwise
PREFIXES_EXPLAINED = "M, G and T after a number mean 10⁶, 10⁹ and 10¹²."

_SUBSCRIPTS = str.maketrans("0123456789–.∞", "₀₁₂₃₄₅₆₇₈₉₋.∞")


def format_rank(value: float | None) -> str:
    """A rank, or a mean of ranks: no decimal where it needs none, at most two; ``"–"`` if there is none.

    >>> [format_rank(value) for value in (2.0, 1.5, 7 / 3, float("inf"), None)]
    ['2', '1.5', '2.33', '∞', '–']
    """
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:.2f}"
    return text.rstrip("0").rstrip(".")


def short_number(info: MetricInfo, value: float | None) -> str:
    """A value as tables for readers show it: large values are short, all others have the column's digits.

    Values of 10,000 and more have no decimals. Values of a million and more have four significant digits, followed by
    M, G or T, or by a power of ten if the column has a unit of its own.

    >>> from srspace_eval.metrics.base import MetricInfo
    >>> score = MetricInfo("score", "Score", "", 4, "lower", "", "")
    >>> [short_number(score, value) for value in (3.86681, 101076.1849, 1234567.0, 713645598476.9, 2.5e17)]
    ['3.8668', '101076', '1.235 M', '713.6 G', '2.500e17']
    >>> short_number(MetricInfo("runtime", "Runtime", "ms", 2, "lower", "", ""), 1234567.0)
    '1.235e6'
    """
    if value is None or not math.isfinite(value) or abs(value) < _NO_DECIMALS:
        return info.format(value)
    if abs(value) < _SHORT:
        return f"{value:.0f}"
    text = f"{value:.3e}"
    rounded = float(text)  # the largest numbers are rounded up to infinity
    if info.unit or abs(rounded) >= _POWERS:
        digits, _, power = text.partition("e")
        return f"{digits}e{int(power)}"
    prefix = max((name for name, size in _PREFIXES.items() if abs(rounded) >= size), key=_PREFIXES.__getitem__)
    number = abs(rounded) / _PREFIXES[prefix]
    sign = "-" if value < 0 else ""
    return f"{sign}{number:.{3 - int(math.log10(number))}f} {prefix}"


def shown_value(info: MetricInfo, value: float) -> float:
    """The value with the digits that :func:`short_number` shows: values that look equal in a table are equal.

    >>> from srspace_eval.metrics.base import MetricInfo
    >>> score = MetricInfo("score", "Score", "", 4, "lower", "", "")
    >>> shown_value(score, 1234567.0), shown_value(score, 12345.678), shown_value(score, 0.12345)
    (1235000.0, 12346.0, 0.1235)
    """
    if not math.isfinite(value):
        return value
    if abs(value) < _NO_DECIMALS:
        return round(value, info.digits)
    rounded = round(value, 0) if abs(value) < _SHORT else float(f"{value:.3e}")
    return rounded if math.isfinite(rounded) else value


def has_prefix(text: str) -> bool:
    """Whether a number is shown with M, G or T.

    >>> has_prefix("1.235 M"), has_prefix("12.35")
    (True, False)
    """
    return text[-2:-1] == " " and text[-1:] in _PREFIXES


def plain_label(text: str) -> str:
    """A text with true subscripts of samples.

    >>> plain_label("ranks in S_10 and S_2 (MSE)")
    'ranks in S₁₀ and S₂ (MSE)'
    """
    return re.sub(r"\bS_(\d+)\b", lambda match: f"S{match[1].translate(_SUBSCRIPTS)}", text)


def format_range(low: str, high: str) -> str:
    """An interval from its formatted ends; one number if they are equal.

    >>> format_range("1", "3"), format_range("2", "2")
    ('1–3', '2')
    """
    return low if low == high else f"{low}–{high}"


def subscript(rank: str) -> str:
    """A rank as the challenges' reports print it.

    >>> subscript("11"), subscript("1–3")
    ('₍₁₁₎', '₍₁₋₃₎')
    """
    return f"₍{rank.translate(_SUBSCRIPTS)}₎"
