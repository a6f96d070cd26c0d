"""Names of a leaderboard's text files, and labels of its LaTeX tables. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from srspace_eval._utils.unique_names import UniqueNames
from srspace_eval._utils.untrusted_text import slug
from srspace_eval.ranking.model import Ranking

REFERENCES = "references.bib"
"""The publications of all tables of a folder: an entry's key may stand in a bibliography once."""


def stem(track: str, published: str = "") -> str:
    """The name of a leaderboard's files without suffix: the track's, or that of the published table that is ranked.

    A published table with its own ranks and a board of the same track can therefore lie in one folder.

    >>> stem("x8"), stem("x8", "ntire2021-x8")
    ('x8', 'ntire2021-x8')
    """
    return slug(published or track)


def file_name(stem: str, form: str) -> str:
    """The name of a text file.

    >>> file_name("x8", "tex"), file_name("x8", "bib")
    ('x8.tex', 'references.bib')
    """
    return REFERENCES if form == "bib" else f"{stem}.{form}"


def stem_of(ranking: Ranking) -> str:
    """The :func:`stem` of a ranking's files."""
    return stem(ranking.track.name, ranking.published)


def stems_of(rankings: Sequence[Ranking]) -> list[str]:
    """The :func:`stem` of each ranking's files in one folder. Where two have the same one, the later gets a number."""
    names = UniqueNames()
    return [names.name(ranking.published or ranking.track.name) for ranking in rankings]


def label_of(ranking: Ranking, stem: str = "") -> str:
    """The label of a ranking's LaTeX table, without the ``tab:`` before it.

    It begins with ``stem``. If none is given, it begins with :func:`stem_of` the ranking.
    """
    name = ranking.track.ranking.name
    return (stem or stem_of(ranking)) + (f"-{slug(name)}" if name else "")
