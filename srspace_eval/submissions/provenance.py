"""The record that ``srspace-eval sample`` writes beside the samples, as a result keeps it."""

from __future__ import annotations

from typing import Any

from srspace_eval._utils import strict_json
from srspace_eval.errors import ImageError
from srspace_eval.submissions.sources import Source

PROVENANCE_FILE = "srspace-eval-sample.json"
"""Name of the record in a folder of samples."""

DEGRADATION_FILE = "degradation.json"
"""Name of the record that ``srspace-eval degrade`` writes beside the LRs."""

_MAX_PROVENANCE_BYTES = 1 << 20


def read_provenance(submission: Source) -> dict[str, Any] | None:
    """The record of a submission's samples, as its JSON document.

    The record is information for readers of the result. A submission whose record cannot be used is scored without it.

    Parameters
    ----------
    submission
        The samples.

    Returns
    -------
    dict[str, Any] or None
        The document; None if there is no record, or it cannot be used.
    """
    if PROVENANCE_FILE not in submission.names():
        return None
    try:
        data = submission.read(PROVENANCE_FILE)
        document = strict_json.bounded(strict_json.loads(data)) if len(data) <= _MAX_PROVENANCE_BYTES else None
    except (ImageError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
