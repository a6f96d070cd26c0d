"""Small pieces of data of the site: names of files, and teams without a result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from srspace_eval._utils.notices import notify
from srspace_eval._utils.untrusted_text import slug
from srspace_eval.report.html.viewer import Pictures


@dataclass
class Names:
    """File names that differ in more than case, for file systems that ignore case."""

    taken: set[str] = field(default_factory=set)

    def name(self, wanted: str) -> str:
        base, count, name = slug(wanted), 2, slug(wanted)
        while name.casefold() in self.taken:
            name, count = f"{base}-{count}", count + 1
        self.taken.add(name.casefold())
        return name


def require_known(pictures: Pictures, teams: Sequence[str]) -> None:
    strangers = [team for team in pictures.submissions if team not in teams]
    if strangers:
        notify(
            f"no scored submission is called {', '.join(map(repr, strangers))}, so its pictures are not shown; scored "
            f"are {', '.join(map(repr, teams)) or 'none'}. If a table of teams named the submissions for `score`, give "
            "it here too (--teams FILE.csv); else write TEAM=PATH"
        )
