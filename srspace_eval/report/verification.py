"""Verifications as text and as Markdown, for a terminal and for a pull request. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from srspace_eval._utils.untrusted_text import short_name, visible
from srspace_eval.report.escaping import escape_markdown
from srspace_eval.results.verification import CAUSES, FORGED, Difference, Verdict, Verification

LISTED = 20
"""Differences that a report lists for each cause."""

_VERDICTS: dict[Verdict, str] = {
    "equal": "equal",
    "tolerance": "equal within the tolerance",
    "different": "DIFFERENT",
    "failed": "could not be verified",
}


def verification_text(verifications: Sequence[Verification]) -> str:
    """The verifications as plain lines."""
    lines = []
    for done in verifications:
        lines.append(f"{done.result}: {_VERDICTS[done.verdict]}")
        lines += [f"  {line}" for line in _facts(done)]
        for cause, differences in _by_cause(done):
            lines.append(f"  {cause}")
            lines += [f"    {visible(line)}" for line in _listed(differences)]
    return "".join(f"{line}\n" for line in map(visible, lines))


def verification_markdown(verifications: Sequence[Verification]) -> str:
    """The verifications as Markdown: one table, then a section for each result that has something to tell."""
    lines = ["| result | team | track | images | verdict |", "|---|---|---|---:|---|"]
    for done in verifications:
        names = (done.result, short_name(done.team), done.track)
        cells = [*map(escape_markdown, names), f"{len(done.images)} of {done.total}", f"**{_VERDICTS[done.verdict]}**"]
        lines.append(f"| {' | '.join(cells)} |")
    for done in verifications:
        lines += ["", f"### {escape_markdown(done.result)}", ""]
        lines += [f"- {escape_markdown(line)}" for line in _facts(done)]
        for cause, differences in _by_cause(done):
            lines += ["", f"**{escape_markdown(cause)}**", "", "| where | stored | found |", "|---|---|---|"]
            for d in differences[:LISTED]:
                cells = [_cell(d.where), _cell(d.stored), _cell(d.found)]
                lines.append(f"| {' | '.join(cells)} |")
            if len(differences) > LISTED:
                lines += ["", f"and {len(differences) - LISTED} more"]
    return "".join(f"{line}\n" for line in lines)


def _facts(done: Verification) -> list[str]:
    """What holds for the whole verification, one sentence each."""
    if done.error:
        return done.error.splitlines()
    facts = [f"{done.values} values of {len(done.images)} of {done.total} images measured again (seed {done.seed})"]
    if len(done.images) < done.total:
        chances = [f"{k}: {done.chance_missed(k):.1%}" for k in FORGED if k <= done.total]
        facts.append(f"Chance that a forgery of so many images is missed: {', '.join(chances)}.")
    if done.deviations:
        largest = [f"{key} {value:.3g} (allowed: {done.tolerances[key]})" for key, value in done.deviations.items()]
        facts.append(f"Largest deviations within the tolerance: {', '.join(largest)}.")
    if done.environment:
        facts.append(f"Other environment (stored / here): {'; '.join(done.environment)}")
    return facts


def _by_cause(done: Verification) -> list[tuple[str, list[Difference]]]:
    return [
        (f"{CAUSES[cause]} ({count} {'entry' if count == 1 else 'entries'})",
         [d for d in done.differences if d.cause == cause])
        for cause, count in done.causes.items()
    ]  # fmt: skip


def _listed(differences: Sequence[Difference]) -> list[str]:
    more = [f"and {len(differences) - LISTED} more"] if len(differences) > LISTED else []
    return [*map(str, differences[:LISTED]), *more]


def _cell(value: object) -> str:
    text = "–" if value is None else repr(value) if isinstance(value, float) else str(value)
    return escape_markdown(short_name(text, 80))
