"""JSON Schemas (2020-12) of the files that this package writes and reads.

In: a document's name. Out: its schema, from the package's data. Any room may import it; it imports only ``errors``.
The schemas are made from the types that decode the files: ``python -m tests.helpers.schemas`` writes them.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from srspace_eval.errors import InputError

SCHEMA_NAMES = (
    "answer",
    "competition-options",
    "competition-program",
    "degradation-record",
    "history",
    "journal-header",
    "journal-image",
    "published-table",
    "result",
    "sampling-record",
    "seal",
    "study-key",
    "track",
)
"""The documents that have a schema. Each line of a journal after its header is a ``journal-image``."""


def load_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a document.

    Parameters
    ----------
    name
        One of :data:`SCHEMA_NAMES`. ``track``, ``published-table`` and ``competition-options`` are TOML files: the
        schema holds for their data.

    Returns
    -------
    dict[str, Any]
        The schema. It names its draft under ``$schema``.

    Raises
    ------
    InputError
        If there is no such document.

    Examples
    --------
    >>> load_schema("result")["title"]
    'srspace-eval result'
    """
    if name not in SCHEMA_NAMES:
        raise InputError(f"there is no schema {name!r}; choose from {', '.join(SCHEMA_NAMES)}")
    text = files(__name__).joinpath(f"{name}.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
