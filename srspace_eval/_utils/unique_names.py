"""Names of output files that no two inputs share, on any file system. Imports no torch."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from srspace_eval._utils.untrusted_text import slug


def file_key(name: str) -> str:
    r"""File names with the same key are one file to some file systems: case and the form of accents do not count.

    >>> file_key("A.png") == file_key("a.PNG"), file_key("\u00e9.png") == file_key("e\u0301.png")
    (True, True)
    """
    if name.isascii():
        return name.casefold()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def shared_names(names: Iterable[str]) -> list[str]:
    """The groups of names that are one file to some file systems, each as a text for a message.

    >>> shared_names(["a.png", "b.png", "A.png"])
    ['a.png and A.png']
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(file_key(name), []).append(name)
    return [" and ".join(group) for group in groups.values() if len(group) > 1]


@dataclass
class UniqueNames:
    """Gives file names that differ in more than case.

    >>> names = UniqueNames({"index"})
    >>> names.name("A"), names.name("a"), names.name("index"), names.name("a b")
    ('A', 'a-2', 'index-2', 'a-b-c8687a08')
    """

    taken: set[str] = field(default_factory=set)

    def name(self, wanted: str) -> str:
        """The :func:`slug` of a text, or that with a number if another text has it."""
        base, count, name = slug(wanted), 2, slug(wanted)
        while file_key(name) in self.taken:
            name, count = f"{base}-{count}", count + 1
        self.taken.add(file_key(name))
        return name
