"""Name templates: from a file name to its image and sample, and back."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath, PureWindowsPath

from srspace_eval.errors import TrackError

_NUMBERS = {"number", "index", "sample"}
_FIELDS = _NUMBERS | {"stem"}


@dataclass(frozen=True)
class Template:
    """A file-name template such as ``{index:06d}_sample{sample:05d}.png``.

    Fields: ``number`` (the GT's own number), ``index`` (number − the track's first), ``sample`` (from 0), ``stem``
    (the GT's name without suffix).

    Raises
    ------
    TrackError
        If the template is malformed, or names an unknown field.

    Examples
    --------
    >>> t = Template("{index:06d}_sample{sample:05d}.png")
    >>> t.parse("000007_sample00002.png")
    {'index': 7, 'sample': 2}
    >>> t.format(index=7, sample=2)
    '000007_sample00002.png'
    """

    text: str

    def __post_init__(self) -> None:
        names = self.fields
        if len(set(names)) != len(names):
            raise TrackError(f"name template {self.text!r}: it contains a field twice")
        if not {"number", "index", "stem"} & set(names):
            raise TrackError(f"name template {self.text!r}: it must contain {{number}}, {{index}} or {{stem}}")
        _ = self._regex

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields, in order."""
        return tuple(name for _, name, _ in self._parts if name)

    def parse(self, name: str) -> dict[str, int | str] | None:
        """The fields of a file name, or None if the name is not of this form."""
        match = self._regex.fullmatch(name)
        if match is None:
            return None
        values: dict[str, int | str] = {
            key: int(text) if key in _NUMBERS else text for key, text in match.groupdict().items()
        }
        # Only the canonical spelling is this name: superfluous digits and Unicode digits make another one.
        return values if self.format(**values) == name else None

    def format(self, **values: int | str) -> str:
        """The file name of the given fields; other fields are ignored."""
        return self.text.format(**values)

    @cached_property
    def _parts(self) -> list[tuple[str, str | None, str]]:
        try:
            parts = [(lit, name, spec or "") for lit, name, spec, _ in string.Formatter().parse(self.text)]
        except ValueError as error:
            raise TrackError(f"name template {self.text!r}: {error}") from error
        for _, name, spec in parts:
            if name is None:
                continue
            allowed = r"(0\d{1,2})?d?" if name in _NUMBERS else ""
            if name not in _FIELDS or not re.fullmatch(allowed, spec):
                raise TrackError(
                    f"name template {self.text!r}: {{{name}{':' + spec if spec else ''}}} is not a field; "
                    f"known are {', '.join(sorted(_FIELDS))}; numbers may have a width such as :06d"
                )
        return parts

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        pattern = ""
        for literal, name, _ in self._parts:
            pattern += re.escape(literal)
            if name:
                pattern += rf"(?P<{name}>{'[0-9]{1,18}' if name in _NUMBERS else '[^/]+'})"
        return re.compile(pattern)


def image_fields(stem: str, gt_fields: Mapping[str, int | str], first: int) -> dict[str, int | str]:
    """All fields that name one image, from its GT's stem and the fields of its GT's name."""
    fields: dict[str, int | str] = {"stem": stem}
    number = gt_fields.get("number")
    if isinstance(number, int):
        fields["number"] = number
        if number >= first:
            fields["index"] = number - first
    return fields


def images_of_lr_names(stems: Iterable[str], scale: int) -> dict[str, str]:
    """LR's name -> its image's name, both without suffix.

    At scale 4, the ending ``x4`` is not part of the image's name if it follows a digit. If all ``stems`` have this
    ending, and in none of them it follows a separator (a blank, ``_``, ``-`` or ``.``), it is not part of any image's
    name.

    Parameters
    ----------
    stems
        The names of all LRs of a folder.
    scale
        The scale of the LRs.

    Examples
    --------
    >>> images_of_lr_names(["0801x4", "linux4", "0803"], 4)
    {'0801x4': '0801', 'linux4': 'linux4', '0803': '0803'}
    >>> images_of_lr_names(["babyx4", "birdx4"], 4)
    {'babyx4': 'baby', 'birdx4': 'bird'}
    >>> images_of_lr_names(["baby_HR_x4", "bird_HR_x4"], 4)
    {'baby_HR_x4': 'baby_HR_x4', 'bird_HR_x4': 'bird_HR_x4'}
    """
    ending = f"x{scale}"
    shorter = {name: name.removesuffix(ending) for name in stems}
    # Other signs end an image's name: "(1)" of copies, and the accents that macOS writes after their letters.
    shorter = {name: name if image[-1:] in " _-." else image for name, image in shorter.items()}
    everywhere = all(image != name for name, image in shorter.items())
    return {name: image if everywhere or image[-1:].isdecimal() else name for name, image in shorter.items()}


def example_names(
    templates: Iterable[str], first: int, stem: str = "", image: Mapping[str, int | str] | None = None
) -> str:
    """Names of the first image by each template, for messages.

    Parameters
    ----------
    first
        The number of the track's first image.
    stem
        The name of an image, without suffix, if it is known.
    image
        The fields of this image (:func:`image_fields`), if they are known.

    Examples
    --------
    >>> example_names(["{index:06d}_sample{sample:05d}.png", "{stem}.png"], 801)
    '000000_sample00000.png or 0801.png'
    >>> example_names(["{number:04d}.png"], 0, "0901", {"number": 901})
    '0901.png'
    """
    fields: dict[str, int | str] = {"number": first, "index": 0, "sample": 0, "stem": stem or f"{first:04d}"}
    fields |= image or {}
    return " or ".join(dict.fromkeys(Template(text).format(**fields) for text in templates))


def is_file_name(name: str) -> bool:
    """Whether a text names a file in a folder on every system: no path and no hidden file.

    Examples
    --------
    >>> is_file_name("000000_sample00000.png"), is_file_name("../x.png"), is_file_name("c:x.png")
    (True, False, False)
    """
    plain = PurePosixPath(name).name == name and PureWindowsPath(name).name == name
    return plain and not name.startswith(".") and "\0" not in name
