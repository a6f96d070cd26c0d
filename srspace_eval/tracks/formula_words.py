"""Formulas as readers of a leaderboard get them: the columns' labels in place of ids. Imports no torch."""

from __future__ import annotations

import re
from collections.abc import Callable

from srspace_eval._utils.untrusted_text import short_name
from srspace_eval.tracks.formulas import FUNCTIONS, Formula

LONGEST_WORDS = 500
"""Letters of a formula in words; a longer one is cut in its middle. A formula may name a long label many times, and
each row may have its words. Those of the built-in tracks have at most 87."""

_OF_RANKS = {"min": "the best", "max": "the worst", "mean": "the mean", "sum": "the sum"}
_SHORT = {"min": "Best rank", "max": "Worst rank", "mean": "Mean rank", "sum": "Sum of ranks"}
_RANK = r"rank\(\s*(\w+)\s*\)"
_CALL_OF_RANKS = re.compile(rf"({'|'.join(_OF_RANKS)})\(\s*({_RANK}(?:\s*,\s*{_RANK})*)\s*\)")
_ROUNDED = re.compile(r"round\(\s*(\w+)\s*,\s*(\d)\s*\)")
_PER_IMAGE = re.compile(r"per_image_rank\(\s*(\w+(?:\s*,\s*\w+)*)\s*\)")
_WORD = re.compile(r"\b[A-Za-z_]\w*\b(?!\s*\()")
_SIGNS = {">=": "≥", "<=": "≤", "!=": "≠", "==": "=", "**": "^", "*": "×"}


def formula_words(formula: Formula, label: Callable[[str], str]) -> str:
    """A formula in words, of at most :data:`LONGEST_WORDS` letters.

    Parameters
    ----------
    label
        Id -> the label of its column.

    Examples
    --------
    >>> from srspace_eval.tracks.formulas import parse
    >>> formula_words(parse("min(rank(psnr), rank(score))", ""), {"psnr": "HR-PSNR", "score": "Score"}.__getitem__)
    'the best of the ranks in HR-PSNR and Score'
    >>> formula_words(parse("round(psnr, 2) >= 26.90", ""), {"psnr": "PSNR"}.__getitem__)
    'PSNR (rounded to 2 decimals) ≥ 26.90'
    """
    return short_name(_in_words(formula, label), LONGEST_WORDS)


def _in_words(formula: Formula, label: Callable[[str], str]) -> str:
    text = formula.text
    if match := re.fullmatch(_RANK, text):
        return f"the rank in {label(match[1])}"
    if match := _CALL_OF_RANKS.fullmatch(text):
        named = [label(one) for one in re.findall(_RANK, match[2])]
        return f"{_OF_RANKS[match[1]]} of the ranks in {' and '.join(named)}"
    text = _PER_IMAGE.sub(lambda m: _listed_ranks(m[1]), text)
    text = _ROUNDED.sub(lambda m: f"\0{m[1]}\0 (rounded to {m[2]} decimals)", text)
    text = re.sub(r">=|<=|!=|==|\*\*|\*", lambda m: _SIGNS[m[0]], text)
    text = re.sub(_RANK, lambda m: f"(rank in \0{m[1]}\0)", text)
    text = re.sub(r"baseline\(\s*(\w+)\s*\)", lambda m: f"(\0{m[1]}\0 of the baseline)", text)
    known = formula.reads - FUNCTIONS.keys()
    parts = text.split("\0")
    for i, part in enumerate(parts):
        parts[i] = label(part) if i % 2 else _WORD.sub(lambda m: label(m[0]) if m[0] in known else m[0], part)
    return "".join(parts)


def _listed_ranks(ids: str) -> str:
    named = [f"\0{one.strip()}\0" for one in ids.split(",")]
    listed = " and ".join(filter(None, [", ".join(named[:-1]), named[-1]]))
    return f"the mean rank in {listed} over all images"


def formula_label(formula: Formula, label: Callable[[str], str]) -> str:
    """A short heading for a column of a formula's values.

    >>> from srspace_eval.tracks.formulas import parse
    >>> formula_label(parse("mean(rank(psnr), rank(score))", ""), str.upper)
    'Mean rank'
    """
    match = _CALL_OF_RANKS.fullmatch(formula.text)
    if match:
        return _SHORT[match[1]]
    if match := re.fullmatch(_RANK, formula.text):
        return f"Rank in {label(match[1])}"
    return label(formula.text) if formula.text in formula.reads else "Combined value"
