"""TOML, by the standard library's parser or by the same parser under its older name."""

from __future__ import annotations

import sys

if sys.version_info >= (3, 11):
    from tomllib import loads as loads
else:  # pragma: no cover - Python 3.10
    from tomli import loads as loads
