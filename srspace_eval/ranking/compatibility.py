"""Which results can be ranked together: those measured with the same settings. Imports no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from srspace_eval._utils.untrusted_text import short_name, slug, team_slug
from srspace_eval.errors import RankingError
from srspace_eval.metrics.registry import columns, measures_of, metrics, own_values
from srspace_eval.results.record import Result
from srspace_eval.results.signature import Signature
from srspace_eval.results.store import read_results
from srspace_eval.tracks.model import MAX_SAMPLES, Track

_NAMED = 6  # teams named in a message before "and N more"
_LONGEST = 300  # characters of a setting's value in a message


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
        problems.append(
            f"{short_name(group)}.{short_name(key)}: "
            + "; ".join(_describe(short_name(text, _LONGEST), found) for text, found in holders.items())
        )
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


def unlike_chosen(results: Sequence[Result], chosen: str) -> list[str]:
    """For each result, how its settings differ from those of a chosen signature; empty: they can be ranked together.

    The texts have the result's value of a setting, then the chosen one. All differences count that
    :func:`require_one_signature` refuses. Raises as :func:`choose_signature`.
    """
    signature = choose_signature(results, chosen)
    holder = next(result for result in results if result.signature.id == signature.id)
    found = ["" if one is holder else "; ".join(_differences(one, holder)) for one in results]
    # Results can agree with the chosen ones, which lack a group of settings, and not with each other.
    among = _conflicts_among([one for one, why in zip(results, found, strict=True) if not why], signature.id)
    return [why or "; ".join(among.get(id(one), ())) for one, why in zip(results, found, strict=True)]


def comparable_first(results: Sequence[Result], chosen: str) -> list[Result]:
    """The results in the order: those of a chosen signature, those that can be ranked with them, all others.

    If ``chosen`` is not the start of one id, the order stays.
    """
    ids = {one.signature.id for one in results if one.signature.id.startswith(chosen)}
    if len(ids) != 1:
        return list(results)
    whys = unlike_chosen(results, chosen)
    order = sorted(range(len(results)), key=lambda i: (results[i].signature.id not in ids, bool(whys[i])))
    return [results[i] for i in order]


def _conflicts_among(results: Sequence[Result], chosen: str) -> dict[int, list[str]]:
    """Identity of a result -> how its settings differ from those of others. No result of the chosen id is there."""
    found: dict[int, list[str]] = {}
    for group, key, holders in _conflicts(results):
        for text, members in holders.items():
            other = short_name(next(value for value in holders if value != text), _LONGEST)
            told = f"{short_name(group)}.{short_name(key)}: {short_name(text, _LONGEST)}, and {other} in another result"
            for one in members:
                if one.signature.id != chosen:
                    found.setdefault(id(one), []).append(told)
    return found


def _differences(result: Result, chosen: Result) -> list[str]:
    if plain := result.signature.conflicts(chosen.signature):
        return plain
    found = []
    for group, key, holders in _conflicts([result, chosen]):
        values = {id(one): text for text, members in holders.items() for one in members}
        stated = (short_name(values.get(id(one), "not stated"), _LONGEST) for one in (result, chosen))
        found.append(f"{short_name(group)}.{short_name(key)}: {' / '.join(stated)}")
    return found


def signatures_of_tracks(board: Path | None, tracks: Sequence[str], chosen: Sequence[str]) -> dict[str, str]:
    """Which of the chosen signature ids belongs to each track; a track in which no result has one is left out.

    Parameters
    ----------
    board
        Folder of the results; None: there are none.
    chosen
        Starts of ids.

    Raises
    ------
    RankingError
        If no result of any track has such an id, or two of them are of one track; the ids are listed by track.
    ResultsError
        If files of the board are damaged.
    """
    if len(tracks) == 1 and len(chosen) == 1:
        return {tracks[0]: chosen[0]}
    if not chosen:
        return {}
    results = {track: [] if board is None else read_results(board, track) for track in tracks}
    ids = {track: list(dict.fromkeys(r.signature.id for r in found)) for track, found in results.items()}
    fitting = {track: [one for one in chosen if any(i.startswith(one) for i in known)] for track, known in ids.items()}
    problems = [
        f"{one!r}: no result has an id that starts so"
        for one in chosen
        if not any(one in found for found in fitting.values())
    ]
    problems += [f"track {t}: has results of {' and '.join(map(repr, f))}" for t, f in fitting.items() if len(f) > 1]
    if problems:
        listed = [f"track {track} has the ids {', '.join(known) or 'none'}" for track, known in ids.items()]
        raise RankingError("--signature: give one id for each track, of those below", [*problems, *listed])
    return {track: found[0] for track, found in fitting.items() if found}


def common_text(results: Sequence[Result]) -> str:
    """One line with every setting that the results state, for the notes of a table; results must not conflict."""
    settings: dict[str, Mapping[str, Any]] = {}
    for result in results:
        for group, values in result.signature.settings.items():
            settings.setdefault(group, values)
    return Signature(settings).text


def measured_samples(results: Sequence[Result], track: Track) -> int:
    """The number of samples per image that all results state; the track's own if there are none, or they differ."""
    numbers = {result.signature.settings.get("common", {}).get("samples") for result in results} - {None}
    (found,) = numbers if len(numbers) == 1 else (track.samples,)
    return found if type(found) is int and 1 <= found <= MAX_SAMPLES else track.samples


def _conflicts(results: Sequence[Result]) -> list[tuple[str, str, dict[str, list[Result]]]]:
    """(group, key, value as text -> results) for each setting with more than one value."""
    groups: dict[str, dict[str, list[Result]]] = {}
    for result in results:
        for group, settings in result.signature.settings.items():
            groups.setdefault(group, {}).setdefault(_canonical(settings), []).append(result)
    stated: dict[str, Mapping[str, Any]] = {}
    for result in reversed(results):
        stated |= result.signature.settings
    valued = [
        {key for key, value in own_values(r.summary, r.signature.settings).items() if value is not None}
        for r in results
    ]
    for group, variants in groups.items():
        # Values without their settings could have been measured in any way.
        ids = _explained(group, stated[group])
        without = [
            r
            for r, values in zip(results, valued, strict=True)
            if group not in r.signature.settings and (group == "common" or not ids.isdisjoint(values))
        ]
        if without:
            variants.setdefault(_canonical({}), []).extend(without)
    found = []
    for group, variants in groups.items():
        if len(variants) < 2:
            continue
        members = [result for variant in variants.values() for result in variant]
        for key in dict.fromkeys(key for result in members for key in result.signature.settings.get(group, {})):
            holders: dict[str, list[Result]] = {}
            for result in members:
                settings = result.signature.settings.get(group, {})
                value = _canonical(settings[key]) if key in settings else "not stated"
                holders.setdefault(value, []).append(result)
            if len(holders) > 1:
                found.append((group, key, holders))
    return found


def _explained(group: str, settings: Mapping[str, Any]) -> set[str]:
    """The ids of the values that only the settings of a group explain."""
    ids = {
        info.id for metric in metrics().values() if group in (metric.name, metric.network) for info in metric.columns
    }
    own = {group: settings} if "metric" in settings else {}
    return ids | (columns(measures_of(own)).keys() - columns().keys()) | {group}


def _describe(value: str, results: Sequence[Result]) -> str:
    named = [
        f"{r.team!r} ({slug(r.track)}/{team_slug(r.team)}.json, signature {r.signature.id})" for r in results[:_NAMED]
    ]
    more = [f"and {len(results) - _NAMED} more"] if len(results) > _NAMED else []
    return f"{value} in {', '.join(named + more)}"


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
