"""Shares of a submission's images for job arrays: each job measures its own share into its own journal.

Job I of N writes ``BOARD/TRACK/SLUG.shard-I-of-N.journal.jsonl``. Jobs need nothing of each other, not even the same
board: boards are merged by copying their folders together. ``score`` without a shard takes all of them up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from srspace_eval.errors import InputError, ResultsError
from srspace_eval.results.record import Signature
from srspace_eval.scoring.journal import Journal, open_journal

Item = TypeVar("Item")

_NAME = re.compile(r"\.shard-([1-9]\d*)-of-([1-9]\d*)\.journal\.jsonl")


@dataclass(frozen=True)
class Shard:
    """Share ``index`` of ``count``, counted from 1.

    >>> Shard(2, 3).of("abcdefgh")
    ('b', 'e', 'h')
    """

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            raise InputError(f"shard {self}: shares are counted from 1/{self.count} to {self.count}/{self.count}")

    @classmethod
    def parse(cls, text: str) -> Shard:
        """A shard from ``"I/N"``.

        Raises
        ------
        InputError
            If it is none.
        """
        match = re.fullmatch(r"(\d{1,6})/([1-9]\d{0,5})", text)
        if match is None:
            raise InputError(f"shard {text!r}: I/N is wanted, as 1/4")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def of(self, items: Sequence[Item]) -> tuple[Item, ...]:
        """This share of some items: every ``count``-th, so that all shares are alike in size."""
        return tuple(items[self.index - 1 :: self.count])

    def journal(self, result: Path) -> Path:
        """Where it is written, beside the result to be."""
        return result.with_name(f"{result.stem}.shard-{self.index}-of-{self.count}.journal.jsonl")


def find_shards(result: Path) -> dict[Shard, Path]:
    """The shards' journals that lie beside a result to be, in order."""
    found = {}
    if result.parent.is_dir():
        for path in result.parent.iterdir():
            match = _NAME.fullmatch(path.name.removeprefix(result.stem)) if path.name.startswith(result.stem) else None
            if match and int(match[1]) <= int(match[2]):
                found[Shard(int(match[1]), int(match[2]))] = path
    return dict(sorted(found.items(), key=lambda item: (item[0].count, item[0].index)))


def absent_shards(shards: Sequence[Shard]) -> list[Shard]:
    """The shards that would complete those that are there."""
    return [
        shard
        for count in sorted({shard.count for shard in shards})
        for shard in (Shard(index, count) for index in range(1, count + 1))
        if shard not in shards
    ]


@contextmanager
def open_shards(result: Path, signature: Signature, *, replace: bool = False) -> Iterator[dict[Shard, Journal]]:
    """Open all shards' journals beside a result to be, locked, as
    :func:`srspace_eval.scoring.journal.open_journal` does.

    Raises
    ------
    ResultsError
        If some cannot be used: all of them by name, and why.
    """
    with ExitStack() as stack:
        journals, problems = {}, []
        for shard, path in find_shards(result).items():
            try:
                journals[shard] = stack.enter_context(open_journal(path, signature, replace=replace))
            except ResultsError as error:
                problems += [error.summary, *(f"  {problem}" for problem in error.problems)]
        if problems:
            raise ResultsError(f"{result.parent}: shards of {result.stem} cannot be taken up", problems)
        yield journals
