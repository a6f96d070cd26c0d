"""What ``srspace-eval sample`` wrote beside the samples."""

from __future__ import annotations

import json
from typing import Any

from srspace_eval._utils import strict_json
from srspace_eval.errors import ImageError
from srspace_eval.submissions.sources import Source

PROVENANCE_FILE = "srspace-eval-sample.json"
"""What ``srspace-eval sample`` writes beside the samples."""


_MAX_PROVENANCE_BYTES = 1 << 20


def read_provenance(source: Source) -> dict[str, Any] | None:
    """What ``srspace-eval sample`` wrote beside the samples; None if there is no such file, or it is not usable."""
    if PROVENANCE_FILE not in source.names():
        return None
    try:
        data = source.read(PROVENANCE_FILE)
        document = strict_json.bounded(json.loads(data)) if len(data) <= _MAX_PROVENANCE_BYTES else None
    except (ImageError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
