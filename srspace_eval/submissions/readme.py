"""The readme.txt of a challenge's submission: runtime, CPU or GPU, extra data."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from srspace_eval._utils.untrusted_text import visible
from srspace_eval.errors import ImageError, SubmissionError
from srspace_eval.submissions.sources import Source

UNKNOWN = -1.0
"""What a field is that the readme does not give."""

EXAMPLE = """runtime per image [s] : 10.43
CPU[1] / GPU[0] : 0
Extra Data [1] / No Extra Data [0] : 0
Other description : one paragraph on the method
"""
"""A complete readme."""

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_LARGEST = 1e9
_MAX_BYTES = 1 << 16
_MOST_READMES = 10
_LONGEST_QUOTE = 40
_FIELDS = (
    ("runtime", "a number of seconds, at least 0"),
    ("CPU or GPU", "1 (CPU) or 0 (GPU)"),
    ("extra data", "1 (with extra data) or 0"),
)
"""What the fields of :class:`Readme` are called, and their values, for messages."""


@dataclass(frozen=True)
class Readme:
    """What a readme says. :data:`UNKNOWN` where it says nothing that can be used.

    Attributes
    ----------
    runtime
        Seconds for an image.
    platform
        1: CPU, 0: GPU.
    extra_data
        1: trained with extra data, 0: without.
    """

    runtime: float = UNKNOWN
    platform: float = UNKNOWN
    extra_data: float = UNKNOWN


def parse_readme(text: str, *, by_order: bool = True) -> Readme:
    """A readme by its keys. It never fails.

    Parameters
    ----------
    by_order
        Without any known key, read the lines by their order, as earlier programs did.

    Examples
    --------
    >>> parse_readme("runtime per image [s] : 10.43\\nCPU[1] / GPU[0] : 1\\nExtra Data [1] / No Extra Data [0] : 0")
    Readme(runtime=10.43, platform=1.0, extra_data=0.0)
    >>> parse_readme("Extra Data [1] / No Extra Data [0]: 1")
    Readme(runtime=-1.0, platform=-1.0, extra_data=1.0)
    """
    found, rest = _values(text)
    if by_order and all(value is None for value in found):
        found = [*rest[:3], None, None, None][:3]
    return Readme(*(_usable(place, value) for place, value in enumerate(found)))


def read_declared(submission: Source) -> tuple[str, Readme] | None:
    """What a submission's readme declares, and the readme's name; None if it declares nothing by a known key.

    Of several readmes, the first that declares something counts; readme.txt is the first. A readme that cannot be read
    is as none: it is information, and the submission is scored without it.
    """
    for name, text in _readmes(submission):
        found = parse_readme(text, by_order=False)
        if found != Readme():
            return name, found
    return None


def readme_notices(submission: Source, readme: tuple[str, Readme] | None) -> dict[str, str]:
    """Notices about what a submission's readmes declare: name of the readme -> notice.

    Parameters
    ----------
    readme
        Result of :func:`read_declared`. A readme with values that are not used has a notice too, unless another readme
        counts.
    """
    notices = {}
    for name, text in _readmes(submission):
        said, parts = [], []
        for place, value in enumerate(_values(text)[0]):
            field, wanted = _FIELDS[place]
            if value is None:
                continue
            if _usable(place, value) != UNKNOWN:
                said.append(field)
            else:
                parts.append(f"{field} is {visible(value.strip()[:_LONGEST_QUOTE])!r}, and must be {wanted}")
        if readme is not None and name != readme[0]:
            continue
        kept = f"{submission.path}: {visible(name)} is kept in the result as declared, not measured: {', '.join(said)}"
        lost = f"not used: {'; '.join(parts)}"
        if said:
            notices[name] = f"{kept}; {lost}" if parts else kept
        elif parts:
            notices[name] = f"{submission.path}: {visible(name)}: {lost}"
    return notices


def find_readme(names: Sequence[str]) -> str | None:
    """The readme among files: readme.txt, or the first, in the order of names, that is called readme with any ending.

    Cases do not matter.

    >>> find_readme(["a.png", "README.md"]), find_readme(["README.md", "readme.txt"])
    ('README.md', 'readme.txt')
    """
    return next(iter(_in_order(names)), None)


def _in_order(names: Sequence[str]) -> list[str]:
    found = (name for name in names if name.casefold().startswith("readme"))
    return sorted(found, key=lambda name: (name.casefold() != "readme.txt", name))


def _readmes(submission: Source) -> Iterator[tuple[str, str]]:
    """Names and texts of the readmes that can be read."""
    try:
        names = _in_order([name for name in submission.names() if "/" not in name])
    except (ImageError, SubmissionError):
        return
    for name in names[:_MOST_READMES]:
        with suppress(ImageError, SubmissionError):
            yield name, submission.read(name, _MAX_BYTES).decode("utf-8", "replace")


def _values(text: str) -> tuple[list[str | None], list[str]]:
    """The values of the known keys, as in :data:`_FIELDS`, and those of unknown keys."""
    lines = [line.partition(":") for line in text.lstrip("\ufeff").splitlines()[:1000] if ":" in line]
    found: list[str | None] = [None] * len(_FIELDS)
    rest = []
    for key, _, value in lines:
        place = _place(key.casefold())
        if place is None:
            rest.append(value)
        elif found[place] is None:
            found[place] = value
    return found, rest


def _usable(place: int, value: str | None) -> float:
    """A field's number. :data:`UNKNOWN`: the value is missing or out of range."""
    number = _number(value)
    allowed = 0 <= number <= _LARGEST if place == 0 else number in (0.0, 1.0)
    return number if allowed else UNKNOWN


def _place(key: str) -> int | None:
    if "runtime" in key:
        return 0
    if "extra" in key and "data" in key:
        return 2
    return 1 if "cpu" in key and "gpu" in key else None


def _number(value: str | None) -> float:
    """The number of a value; :data:`UNKNOWN` if it is not clear which one is meant."""
    text = (value or "").strip()
    found = list(_NUMBER.finditer(text))
    # "RTX 3090, 0.35" has two, and "0,35" is 0.35 or two.
    if not found or (len(found) > 1 and found[0].start() > 0) or re.search(r"\d,\d", text):
        return UNKNOWN
    number = float(found[0][0])
    return number if math.isfinite(number) else UNKNOWN
