"""Shards of a submission's images for job arrays: each job measures its own shard into its own journal.

Job I of N writes ``BOARD/TRACK/SLUG.shard-I-of-N.journal.jsonl``. Jobs are independent and may write to different
boards, which are merged by copying their folders together. ``score`` without a shard reads all of the journals.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

from srspace_eval.errors import InputError, ResultsError
from srspace_eval.results.signature import Signature
from srspace_eval.scoring.journal import Journal, open_journal

Item = TypeVar("Item")

_MOST_OPEN = 900  # many systems let a process open 1024 files
_NAME = re.compile(r"\.shard-([1-9][0-9]{0,5})-of-([1-9][0-9]{0,5})\.journal\.jsonl")


@dataclass(frozen=True)
class Shard:
    """One share of the images of a submission.

    Attributes
    ----------
    index
        Which share, from 1 to ``count``.
    count
        Number of shares.

    Examples
    --------
    >>> Shard(2, 3).of("abcdefgh")
    ('b', 'e', 'h')
    """

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            raise InputError(f"shard {self}: the index must be from 1 to {self.count}")

    @classmethod
    def parse(cls, text: str) -> Shard:
        """A shard from ``"I/N"``.

        Parameters
        ----------
        text
            Index and number of shards, such as ``"1/4"``; the index counts from 1.

        Returns
        -------
        Shard
            The shard.

        Raises
        ------
        InputError
            If the text has another form or the index is out of range.
        """
        match = re.fullmatch(r"([0-9]{1,6})/([1-9][0-9]{0,5})", text)
        if match is None:
            raise InputError(f"shard {text!r}: must have the form I/N, such as 1/4")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def of(self, items: Sequence[Item]) -> tuple[Item, ...]:
        """This shard of some items: every ``count``-th, so that the shards' sizes differ by one at most.

        Parameters
        ----------
        items
            All items, in the order that all shards share.

        Returns
        -------
        tuple[Item, ...]
            The items of this shard.
        """
        return tuple(items[self.index - 1 :: self.count])

    def journal(self, result: Path) -> Path:
        """The shard's journal, beside the path of the result.

        Parameters
        ----------
        result
            The path of the whole submission's result.

        Returns
        -------
        Path
            A file in the same folder.
        """
        return result.with_name(f"{result.stem}.shard-{self.index}-of-{self.count}.journal.jsonl")


def find_shards(result: Path) -> dict[Shard, Path]:
    """The shards' journals beside the path of a result, ordered by count and index."""
    found = {}
    if result.parent.is_dir():
        for path in result.parent.iterdir():
            match = _NAME.fullmatch(path.name.removeprefix(result.stem)) if path.name.startswith(result.stem) else None
            if match and int(match[1]) <= int(match[2]):
                found[Shard(int(match[1]), int(match[2]))] = path
    return dict(sorted(found.items(), key=lambda item: (item[0].count, item[0].index)))


def absent_shards(shards: Sequence[Shard], most: int = 10) -> list[str]:
    """Names of the shards that are missing from a set of shards: the first ``most`` of them, and how many are left out.

    The counts come from names of files, so the time does not grow with them.

    >>> absent_shards([Shard(2, 3), Shard(1, 1), Shard(1, 900_000)], 3)
    ['1/3', '3/3', '2/900000', '899998 more']
    """
    present = set(shards)
    names: list[str] = []
    missing = 0
    for count, held in sorted(Counter(shard.count for shard in present).items()):
        missing += count - held
        absent = (shard for index in range(1, count + 1) if (shard := Shard(index, count)) not in present)
        names += map(str, islice(absent, max(0, most - len(names))))
    return names + [f"{missing - len(names)} more"] * (missing > len(names))


@contextmanager
def open_shards(
    result: Path, signature: Signature, *, replace: bool = False, trust: bool = False
) -> Iterator[dict[Shard, Journal]]:
    """Open and lock all shards' journals beside the path of a result.

    :func:`srspace_eval.scoring.journal.open_journal` opens each of them.

    Raises
    ------
    ResultsError
        If some cannot be used. All of them are listed, with the reasons.
    """
    found = find_shards(result)
    if len(found) > _MOST_OPEN:
        raise ResultsError(
            f"{result.parent}: contains {len(found)} journals of shards of {result.stem}; the limit is {_MOST_OPEN}. "
            "Remove the journals that your runs did not write"
        )
    with ExitStack() as stack:
        journals, problems = {}, []
        for shard, path in found.items():
            try:
                journals[shard] = stack.enter_context(open_journal(path, signature, replace=replace, trust=trust))
            except ResultsError as error:
                problems += [error.summary, *(f"  {problem}" for problem in error.problems)]
        if problems:
            raise ResultsError(f"{result.parent}: shards of {result.stem} cannot be used", problems)
        yield journals
