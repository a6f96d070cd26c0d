"""The readme.txt of a challenge's submission: runtime, CPU or GPU, extra data."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
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


@dataclass(frozen=True)
class Readme:
    """What a readme says. :data:`UNKNOWN` where it says nothing that can be used.

    Attributes
    ----------
    runtime:
        Seconds for an image.
    platform:
        1: CPU, 0: GPU.
    extra_data:
        1: trained with extra data, 0: without.
    """

    runtime: float = UNKNOWN
    platform: float = UNKNOWN
    extra_data: float = UNKNOWN


def parse_readme(text: str, *, by_order: bool = True) -> Readme:
    """A readme by its keys. It never fails.

    Parameters
    ----------
    by_order:
        Without any known key, read the lines by their order, as earlier programs did.

    Examples
    --------
    >>> parse_readme("runtime per image [s] : 10.43\\nCPU[1] / GPU[0] : 1\\nExtra Data [1] / No Extra Data [0] : 0")
    Readme(runtime=10.43, platform=1.0, extra_data=0.0)
    >>> parse_readme("Extra Data [1] / No Extra Data [0]: 1")
    Readme(runtime=-1.0, platform=-1.0, extra_data=1.0)
    """
    lines = [line.partition(":") for line in text.lstrip("\ufeff").splitlines()[:1000] if ":" in line]
    pairs = [(key.casefold(), value) for key, _, value in lines]
    found: list[str | None] = [None, None, None]
    rest = []
    for key, value in pairs:
        place = _place(key)
        if place is None:
            rest.append(value)
        elif found[place] is None:
            found[place] = value
    if by_order and all(value is None for value in found):
        found = [*rest[:3], None, None, None][:3]
    runtime, platform, extra = (_number(value) for value in found)
    return Readme(
        runtime if 0 <= runtime <= _LARGEST else UNKNOWN,
        platform if platform in (0.0, 1.0) else UNKNOWN,
        extra if extra in (0.0, 1.0) else UNKNOWN,
    )


def read_declared(submission: Source) -> tuple[str, Readme] | None:
    """What a submission's readme declares, and the readme's name; None if it declares nothing by a known key.

    A readme that cannot be read is as none: it is information, and the submission is scored without it.
    """
    try:
        name = find_readme([name for name in submission.names() if "/" not in name])
        if name is not None:
            data = submission.read(name)[:_MAX_BYTES]
            found = parse_readme(data.decode("utf-8", "replace"), by_order=False)
            return None if found == Readme() else (name, found)
    except (ImageError, SubmissionError):
        pass
    return None


def readme_notice(submission: Source, readme: tuple[str, Readme]) -> str:
    """The notice about what a readme declares."""
    said = {"runtime": readme[1].runtime, "CPU or GPU": readme[1].platform, "extra data": readme[1].extra_data}
    names = ", ".join(name for name, value in said.items() if value != UNKNOWN)
    return f"{submission.path}: {visible(readme[0])} is kept in the result as declared, not measured: {names}"


def find_readme(names: Sequence[str]) -> str | None:
    """The first file, in the order of names, that is called readme, in any case and with any ending.

    >>> find_readme(["a.png", "README.md"])
    'README.md'
    """
    return next((name for name in sorted(names) if name.casefold().startswith("readme")), None)


def _place(key: str) -> int | None:
    if "runtime" in key:
        return 0
    if "extra" in key and "data" in key:
        return 2
    return 1 if "cpu" in key and "gpu" in key else None


def _number(value: str | None) -> float:
    match = _NUMBER.search(value or "")
    number = float(match[0]) if match else UNKNOWN
    return number if math.isfinite(number) else UNKNOWN
