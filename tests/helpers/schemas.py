"""The JSON Schemas of the package's documents, made from their types.

``python -m tests.helpers.schemas`` writes them into the package.
"""

from __future__ import annotations

from pathlib import Path

import srspace_eval.schemas
from srspace_eval._utils import strict_json
from srspace_eval._utils.documents import json_schema
from srspace_eval.codabench.plan_file import PlanTable
from srspace_eval.codabench.settings import Settings
from srspace_eval.degrade.record import DegradationRecord
from srspace_eval.models.folders.sampling_record import SamplingRecordDocument
from srspace_eval.ranking.published_tables import PublishedFile, RowTable
from srspace_eval.report.history import HistoryDocument
from srspace_eval.results.documents import ADDITIONAL, ImageDocument, ResultDocument, SampleDocument
from srspace_eval.results.seals import SealDocument
from srspace_eval.scoring.journal import JournalHeader, JournalImage
from srspace_eval.study.answers import AnswerDocument
from srspace_eval.study.key import KeyDocument
from srspace_eval.tracks.tables import TrackTable

FOLDER = Path(srspace_eval.schemas.__file__).parent

_LINE: dict[type, object] = {
    JournalImage: ADDITIONAL[ImageDocument],
    SampleDocument: ADDITIONAL[SampleDocument],
}

DOCUMENTS: dict[str, tuple[type, dict[type, object]]] = {
    "answer": (AnswerDocument, {}),
    "competition-options": (PlanTable, {}),
    "competition-program": (Settings, {}),
    "degradation-record": (DegradationRecord, {}),
    "history": (HistoryDocument, {}),
    "journal-header": (JournalHeader, {}),
    "journal-image": (JournalImage, _LINE),
    "published-table": (PublishedFile, {RowTable: float}),
    "result": (ResultDocument, dict(ADDITIONAL)),
    "sampling-record": (SamplingRecordDocument, {}),
    "seal": (SealDocument, {}),
    "study-key": (KeyDocument, {}),
    "track": (TrackTable, {}),
}


def schema_text(name: str) -> str:
    """The text of one schema's file."""
    kind, additional = DOCUMENTS[name]
    return strict_json.dumps({"title": f"srspace-eval {name}", **json_schema(kind, additional)}) + "\n"


if __name__ == "__main__":
    for name in DOCUMENTS:
        (FOLDER / f"{name}.json").write_text(schema_text(name), encoding="utf-8", newline="\n")
