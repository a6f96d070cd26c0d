"""Tasks, phases and their dates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from srspace_eval.codabench.checks.files import BundleFiles
from srspace_eval.codabench.checks.findings import BundleCheck, whole
from srspace_eval.codabench.phase import PUBLIC_QUEUE_SECONDS

_PHASE = {
    "index", "name", "description", "start", "end", "max_submissions_per_day", "max_submissions",
    "auto_migrate_to_this_phase", "hide_output", "hide_prediction_output", "hide_score_output", "tasks",
    "execution_time_limit", "public_data", "starting_kit",
}  # fmt: skip
_SWITCHES = {"auto_migrate_to_this_phase", "hide_output", "hide_prediction_output", "hide_score_output"}
_DATA = ("scoring_program", "reference_data", "ingestion_program", "input_data")


def check_tasks(found: BundleCheck, files: BundleFiles, document: Mapping[str, Any]) -> set[object]:
    """The tasks; returns their indexes."""
    indexes: set[object] = set()
    for task in found.mappings(document, "tasks"):
        where = f"task {task.get('name')!r}"
        if isinstance(task.get("index", []), (list, dict)):
            found.refuse(f"{where}: index is missing")
            continue
        if task["index"] in indexes:
            found.refuse(f"{where}: index {task['index']} is there twice")
        indexes.add(task["index"])
        if "key" in task:
            continue
        found.require_text(task, "name", 256, where)
        found.allow_text(task, "description", where)
        if "ingestion_only_during_scoring" in task:
            found.require_switch(task, "ingestion_only_during_scoring", where)
        if "scoring_program" not in task:
            found.refuse(f"{where}: scoring_program is missing")
        if "reference_data" not in task:
            found.trap(f"{where}: reference_data is missing: there will be no /app/input/ref")
        for key in _DATA:
            if key in task:
                files.check_data(where, key, task[key])
    return indexes


def check_phases(found: BundleCheck, files: BundleFiles, document: Mapping[str, Any], tasks: set[object]) -> None:
    """The phases, in the order of their indexes."""
    before: datetime | None = None
    phases = found.mappings(document, "phases")
    try:
        phases = sorted(phases, key=lambda phase: phase.get("index", 0))
    except TypeError:
        found.refuse("phases: index must be a whole number in every phase")
    for number, phase in enumerate(phases):
        where = f"phase {phase.get('name')!r}"
        found.require_text(phase, "name", 256, where)
        found.allow_text(phase, "description", where)
        for key in _SWITCHES & phase.keys():
            found.require_switch(phase, key, where)
        wanted = phase.get("tasks")
        if not isinstance(wanted, list):
            found.refuse(f"{where}: tasks is missing")
        else:
            for index in wanted:
                if isinstance(index, (list, dict)) or index not in tasks:
                    found.refuse(f"{where}: there is no task with index {index}")
        dates = {key: _date(found, phase, key, where) for key in ("start", "end")}
        start, end = dates["start"], dates["end"]
        if phase.get("start") is None:
            found.refuse(f"{where}: start is missing")
        if end is None and number < len(phases) - 1:
            found.refuse(f"{where}: end is missing; only the last phase may lack it")
        if start is not None and before is not None and start <= before:
            found.refuse(f"{where}: must start after the phase before it has ended")
        before = end
        for key in ("execution_time_limit", "max_submissions", "max_submissions_per_day"):
            # None is no limit, and an empty time limit is the platform's.
            if phase.get(key) or (phase.get(key) is not None and key != "execution_time_limit"):
                found.require_whole(phase, key, where, least=0)
        limit = whole(phase.get("execution_time_limit"))
        if limit is not None and limit > PUBLIC_QUEUE_SECONDS and not document.get("queue"):
            found.trap(f"{where}: execution_time_limit {limit}: the public queue stops at {PUBLIC_QUEUE_SECONDS} s")
        if number == 0 and phase.get("auto_migrate_to_this_phase"):
            found.refuse(f"{where}: the first phase cannot be migrated to")
        for key in ("public_data", "starting_kit"):
            if key in phase:
                files.check_data(where, key, phase[key])
        for key in sorted(map(str, phase.keys() - _PHASE)):
            found.trap(f"{where}: {key} is not read")


def _date(found: BundleCheck, phase: Mapping[str, Any], key: str, where: str) -> datetime | None:
    value = phase.get(key)
    if value is None:
        return None
    if not isinstance(value, (str, date)):
        found.refuse(f"{where}: {key} {value!r}: write a date such as '2026-03-01 12:00:00', in UTC")
        return None
    if not isinstance(value, str):
        found.trap(f"{where}: {key} {value} is not in quotes: the platform keeps the day and drops the time of day")
        return datetime(value.year, value.month, value.day)
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        found.refuse(f"{where}: {key} {value!r}: write a date such as '2026-03-01 12:00:00', in UTC")
        return None
    if read.tzinfo is not None:
        found.trap(f"{where}: {key} {value!r}: the time zone is ignored; write UTC")
    return read.replace(tzinfo=None)
