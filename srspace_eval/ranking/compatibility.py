"""Which results can be ranked together: those measured with the same settings. Imports no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from srspace_eval._utils.untrusted_text import slug
from srspace_eval.errors import RankingError
from srspace_eval.results.record import Result
from srspace_eval.results.signature import Signature

_NAMED = 6  # teams named in a message before "and N more"


def require_one_signature(results: Sequence[Result]) -> None:
    """Refuse results whose numbers cannot be compared.

    Raises
    ------
    RankingError
        If two results differ in a setting that both state. The message lists each such setting with its values, and
        the teams, files and signatures of each value.
    """
    problems = []
    for group, key, holders in _conflicts(results):
        problems.append(f"{group}.{key}: " + "; ".join(_describe(text, found) for text, found in holders.items()))
    if problems:
        raise RankingError(
            "these results were measured with different settings and are not ranked together; score them alike, or "
            "keep one group with --signature ID (the others are then listed without ranks)",
            problems,
        )


def choose_signature(results: Sequence[Result], chosen: str) -> Signature:
    """The one signature whose id starts with ``chosen``.

    Raises
    ------
    RankingError
        If no result, or results of several signatures, have such an id; the existing ids are listed.
    """
    found = {result.signature.id: result.signature for result in results}
    fitting = [signature for name, signature in found.items() if name.startswith(chosen)]
    if len(fitting) != 1:
        what = "no result has" if not fitting else "several signatures have"
        raise RankingError(
            f"{what} an id that starts with {chosen!r}",
            [f"{name}: {signature.text}" for name, signature in found.items()],
        )
    return fitting[0]


def common_text(results: Sequence[Result]) -> str:
    """One line with every setting that the results state, for the notes of a table; results must not conflict."""
    settings: dict[str, Mapping[str, Any]] = {}
    for result in results:
        for group, values in result.signature.settings.items():
            settings.setdefault(group, values)
    return Signature(settings).text


def _conflicts(results: Sequence[Result]) -> list[tuple[str, str, dict[str, list[Result]]]]:
    """(group, key, value as text -> results) for each setting with more than one value."""
    groups: dict[str, dict[str, list[Result]]] = {}
    for result in results:
        for group, settings in result.signature.settings.items():
            groups.setdefault(group, {}).setdefault(_canonical(settings), []).append(result)
    found = []
    for group, variants in groups.items():
        if len(variants) < 2:
            continue
        members = [result for variant in variants.values() for result in variant]
        for key in dict.fromkeys(key for result in members for key in result.signature.settings[group]):
            holders: dict[str, list[Result]] = {}
            for result in members:
                settings = result.signature.settings[group]
                value = _canonical(settings[key]) if key in settings else "not stated"
                holders.setdefault(value, []).append(result)
            if len(holders) > 1:
                found.append((group, key, holders))
    return found


def _describe(value: str, results: Sequence[Result]) -> str:
    named = [f"{r.team!r} ({slug(r.track)}/{slug(r.team)}.json, signature {r.signature.id})" for r in results[:_NAMED]]
    more = [f"and {len(results) - _NAMED} more"] if len(results) > _NAMED else []
    return f"{value} in {', '.join(named + more)}"


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
