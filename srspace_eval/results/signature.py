"""The signature of a result: what it was measured with, and which results may be ranked together."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from srspace_eval._utils.hashing import sha256_of_text
from srspace_eval._utils.untrusted_text import short_name, visible


@dataclass(frozen=True)
class Signature:
    """What a result was measured with.

    Attributes
    ----------
    settings
        Group -> settings. ``"common"`` (track, scale, samples, crop, digest of the GT) binds all numbers; a metric's
        group (``"lpips"``, ``"lr_psnr"``, ...) binds that metric's. Two results may stand in one ranking only if all
        groups that both have are equal.
    environment
        Versions and device: no bar to standing in one ranking; but a run is resumed, and a result taken as already
        there, only in the same environment.

    Examples
    --------
    >>> from srspace_eval import Signature
    >>> signature = Signature({"common": {"scale": 4}, "lpips": {"net": "alex"}})
    >>> signature.text
    'common:scale=4|lpips:net=alex'
    """

    settings: Mapping[str, Mapping[str, Any]]
    environment: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """First 12 hexadecimal digits of the SHA-256 of the settings."""
        canonical = json.dumps(self.settings, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return sha256_of_text(canonical)[:12]

    @property
    def text(self) -> str:
        """One line that a paper can print.

        >>> Signature({"common": {"scale": 4}, "lpips": {"net": "alex"}}).text
        'common:scale=4|lpips:net=alex'
        """
        return "|".join(
            f"{group}:" + ",".join(f"{key}={_short(value)}" for key, value in settings.items())
            for group, settings in self.settings.items()
        )

    def conflicts(self, other: Signature) -> list[str]:
        """Compare the settings of two results.

        Parameters
        ----------
        other
            The other result's signature.

        Returns
        -------
        list[str]
            One line for each setting in which they differ. It is empty if the results may be ranked together.
        """
        found = []
        for group in self.settings:
            if group not in other.settings:
                continue
            mine, theirs = self.settings[group], other.settings[group]
            for key in dict.fromkeys([*mine, *theirs]):
                if mine.get(key) != theirs.get(key):
                    found.append(
                        f"{visible(group)}.{visible(key)}: {_short(mine.get(key))} / {_short(theirs.get(key))}"
                    )
        return found


_LONGEST = 200
"""Characters of a setting's value that a message shows."""


def _short(value: Any) -> str:
    text = short_name(str(value), _LONGEST)
    return text[:8] if re.fullmatch(r"[0-9a-f]{64}", text) else text
