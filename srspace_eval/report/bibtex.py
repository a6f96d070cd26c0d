"""The publications that a table's rows are from, as BibTeX. Imports no torch."""

from __future__ import annotations

import re
import unicodedata

from srspace_eval.ranking.published_tables import PublishedTable, table_of
from srspace_eval.report.escaping import escape_latex
from srspace_eval.report.table import Table

_PROCEEDINGS = {
    "CVPR Workshops": "Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition Workshops"
}
"""How published tables name a venue, and its full name."""


def to_bibtex(table: Table) -> str:
    """The entries of all published tables that rows of the table are from; empty if there are none.

    Examples
    --------
    >>> from srspace_eval.ranking import rank
    >>> from srspace_eval.report.table import make_table
    >>> print(to_bibtex(make_table(rank(None, "x4", published="ntire2021"))))
    @inproceedings{lugmayr2021ntire,
      author = {Lugmayr, Andreas and Danelljan, Martin and Timofte, Radu},
      title = {{NTIRE 2021 Learning the Super-Resolution Space Challenge}},
      booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition Workshops},
      pages = {596--612},
      year = {2021}
    }
    <BLANKLINE>
    """
    rows = [line.row.entry for line in table.lines if line.row.entry.origin == "published"]
    cited = [found for entry in rows if (found := table_of(entry.note)) is not None]
    return "\n".join({citation_key(one): _entry(one) for one in cited}.values())


def citation_key(table: PublishedTable) -> str:
    """The key of a table's publication: first author, year, first word of the title.

    >>> from srspace_eval.ranking.published_tables import load_published
    >>> citation_key(load_published("srflow-da-x4"))
    'jo2021srflow'
    """
    authors, title, _, year = _parts(table)
    plain = unicodedata.normalize("NFKD", f"{authors.split(',')[0].split(' ')[0]}{year}{re.split('[ -]', title)[0]}")
    return re.sub("[^a-z0-9]", "", plain.lower()) or table.id


def _parts(table: PublishedTable) -> tuple[str, str, str, str]:
    """Authors, title, where it was published, and the year: "AUTHORS: TITLE. WHERE"; the authors may be missing."""
    years = re.findall(r"\b(?:19|20)\d\d\b", table.paper)
    found = re.fullmatch(r"(.*)(?<!\bpp)\. (.*)", table.paper)  # "pp. 1-2" is no end of a sentence
    head, where = found.groups() if found else (table.paper, "")
    authors, colon, title = head.partition(": ")
    if not colon:
        authors, title = "", head
    return authors, title, where, years[-1] if years else ""


def _entry(table: PublishedTable) -> str:
    authors, title, where, year = _parts(table)
    printed = [name.strip() for name in authors.removesuffix(" et al.").split(",") if name.strip()]
    names = [*(table.authors or printed), *(["others"] if authors.endswith(" et al.") else [])]
    venue = re.fullmatch(r"(.+) (?:19|20)\d\d(?:, pp\. (\d+)-(\d+))?", where)
    fields = {"author": " and ".join(map(escape_latex, names)), "title": f"{{{escape_latex(title)}}}"}
    if venue is not None and venue[1] in _PROCEEDINGS:
        kind = "inproceedings"
        fields |= {"booktitle": _PROCEEDINGS[venue[1]], "pages": f"{venue[2]}--{venue[3]}" if venue[2] else ""}
    else:
        kind = "misc"
        fields |= {"howpublished": escape_latex(where)}
    lines = [f"  {key} = {{{value}}}" for key, value in (fields | {"year": year}).items() if value]
    return f"@{kind}{{{citation_key(table)},\n" + ",\n".join(lines) + "\n}\n"


def merged_bibtex(there: str, more: str) -> str:
    """A bibliography with the entries of another one whose keys it lacks. What is there stays as it is.

    >>> print(merged_bibtex("@book{a,\\n  year = {2020}\\n}\\n", "@misc{a,\\n}\\n\\n@misc{b,\\n}\\n"))
    @book{a,
      year = {2020}
    }
    <BLANKLINE>
    @misc{b,
    }
    <BLANKLINE>
    """
    known = {key.strip() for key in re.findall(r"@\s*\w+\s*\{([^,}]*),", there)}
    entries = re.finditer(r"^@\w+\{([^,]*),\n(?:.*\n)*?\}\n", more, re.MULTILINE)
    new = [entry[0] for entry in entries if entry[1] not in known]
    return "\n".join([*([there.rstrip("\n") + "\n"] if there.strip() else []), *new])
