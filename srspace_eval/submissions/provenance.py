"""The record that ``srspace-eval sample`` writes beside the samples, as a result keeps it."""

from __future__ import annotations

import json
from typing import Any

from srspace_eval._utils import strict_json
from srspace_eval.errors import ImageError
from srspace_eval.submissions.sources import Source

PROVENANCE_FILE = "srspace-eval-sample.json"
"""Name of the record in a folder of samples."""

DEGRADATION_FILE = "degradation.json"
"""Name of the record that ``srspace-eval degrade`` writes beside the LRs."""

_MAX_PROVENANCE_BYTES = 1 << 20
_MOST_VALUES, _DEEPEST, _LONGEST = 50_000, 24, 1 << 21  # half of what is read of a result, which holds more than this


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
        data = submission.read(PROVENANCE_FILE, _MAX_PROVENANCE_BYTES + 1)
        document = strict_json.loads(data) if len(data) <= _MAX_PROVENANCE_BYTES else None
    except (ImageError, ValueError, RecursionError):
        return None
    return kept_provenance(document)


def kept_provenance(document: object) -> dict[str, Any] | None:
    """A record as a result can keep it, so that the result can be read again; None if it is none, or too large.

    >>> kept_provenance({"seed": 0}), kept_provenance({"seeds": [0] * 100_000})
    ({'seed': 0}, None)
    """
    if not isinstance(document, dict):
        return None
    try:
        strict_json.not_dense(strict_json.dumps(strict_json.bounded(document, _DEEPEST)).encode(), _MOST_VALUES)
    except ValueError:
        return None
    return document if len(json.dumps(document)) <= _LONGEST else None
