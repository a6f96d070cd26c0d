"""The record that ``srspace-eval sample`` writes beside the samples, as a result keeps it."""

from __future__ import annotations

from typing import Any

from srspace_eval._utils import strict_json
from srspace_eval.errors import ImageError
from srspace_eval.submissions.sources import Source

PROVENANCE_FILE = "srspace-eval-sample.json"
"""Name of the record in a folder of samples."""

_MAX_PROVENANCE_BYTES = 1 << 20


def read_provenance(source: Source) -> dict[str, Any] | None:
    """The record of a submission's samples; None if there is none or it is not usable.

    Any JSON object is kept as it is: the record is information for readers of the result, and a submission without a
    usable one is scored all the same.
    """
    if PROVENANCE_FILE not in source.names():
        return None
    try:
        data = source.read(PROVENANCE_FILE)
        document = strict_json.bounded(strict_json.loads(data)) if len(data) <= _MAX_PROVENANCE_BYTES else None
    except (ImageError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
