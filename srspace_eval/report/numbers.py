"""Ranks and ranges as every format prints them. Imports no torch."""

from __future__ import annotations

import math
import re

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
