"""Which entry is the baseline that the formulas of another entry read. Imports no torch."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from srspace_eval._utils.untrusted_text import name_key, spelled
from srspace_eval.errors import RankingError
from srspace_eval.ranking.model import CLAIM, Entry
from srspace_eval.tracks.model import Track


def baselines_of(entries: Sequence[Entry], name: str, left_out: Collection[int]) -> list[int | None]:
    """For each entry, the index of the baseline that its formulas read; None: there is none.

    A published row reads the baseline of its own publication. Any other row reads the baseline that is not published.
    If that baseline is missing, the row reads the first entry with the baseline's name.
    """
    wanted = name_key(name)
    named = [i for i, e in enumerate(entries) if wanted and i not in left_out and name_key(e.team) == wanted]
    if not named:
        return [None] * len(entries)
    sources: dict[str, int] = {}
    for i in named:
        sources.setdefault(_source(entries[i]), i)
    return [sources.get(_source(entry), named[0]) for entry in entries]


def _source(entry: Entry) -> str:
    """The citation of a published entry; empty: the entry is not published."""
    return entry.note.split("\n")[0] if entry.origin == "published" else ""


def unproven(entries: Sequence[Entry]) -> dict[int, str]:
    """The results that this machine did not score itself, with a reason, if it measured or verified other results.

    The kind of such a result is its own word, which ``verify`` cannot check: a participant's result that calls itself
    the baseline would decide the values of the measured ones.
    """
    known = {i for i, entry in enumerate(entries) if entry.evidence not in ("", CLAIM)}
    why = (
        "was not scored on this machine, and other results were measured or verified here (score it with --baseline "
        "--overwrite)"
    )
    return {
        i: why
        for i, entry in enumerate(entries)
        if len(known) > (i in known) and (entry.evidence == CLAIM or entry.evidence.startswith("verified"))
    }


def require_free_baseline(entries: Sequence[Entry], track: Track) -> None:
    """A team's submission must not have the name of the baseline, whose values the formulas of all entries read."""
    wanted = name_key(track.baseline)
    for entry in entries:
        if wanted and entry.result is not None and entry.kind == "team" and name_key(entry.team) == wanted:
            raise RankingError(
                f"{spelled(entry.team)} is the name of the baseline of track {track.name}, and a team's result has "
                "this name: it would decide the values of all entries. Give the team another name. If it is the "
                "baseline, score it with --baseline"
            )
