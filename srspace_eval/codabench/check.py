"""The check of a bundle before its upload: what the platform refuses, and what it takes but fails on later.

The rules follow Codabench 1.25 (codalab/codabench, commit c7dbc756). The site shows one refusal at a time; here all of
them are listed. Whether a UUID or a queue exists is known to the site alone.
"""

from __future__ import annotations

import io
import re
import shlex
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

from srspace_eval.errors import InputError

LARGEST_BUNDLE = 350_000_000
PUBLIC_QUEUE_SECONDS = 600
_LARGEST_MEMBER = 1 << 32
_RULES = {"Add", "Add_And_Delete", "Add_And_Delete_Multiple", "Force_Last", "Force_Latest_Multiple", "Force_Best"}
_TOP = {
    "version", "title", "description", "image", "terms", "registration_auto_approve", "docker_image",
    "make_programs_available", "make_input_data_available", "queue", "enable_detailed_results",
    "show_detailed_results_in_submission_panel", "show_detailed_results_in_leaderboard", "contact_email", "reward",
    "auto_run_submissions", "can_participants_make_submissions_public", "forum_enabled", "competition_type",
    "fact_sheet", "pages", "phases", "tasks", "solutions", "leaderboards",
}  # fmt: skip
_SWITCHES = {key for key in _TOP if key.startswith(("enable_", "show_", "make_", "can_", "auto_", "registration_"))} | {
    "forum_enabled"
}
_PHASE = {
    "index", "name", "description", "start", "end", "max_submissions_per_day", "max_submissions",
    "auto_migrate_to_this_phase", "hide_output", "hide_prediction_output", "hide_score_output", "tasks",
    "execution_time_limit", "public_data", "starting_kit",
}  # fmt: skip
_DATA = ("scoring_program", "reference_data", "ingestion_program", "input_data")
_FACT = {"key", "type", "title", "selection", "is_required", "is_on_leaderboard"}
_BOOLEANS = {"true", "false", "yes", "no", "on", "off", "0", "1"}
_UUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")


@dataclass
class BundleCheck:
    """What :func:`check_bundle` found.

    Attributes
    ----------
    refusals:
        What the platform refuses; it shows only the first.
    traps:
        What it takes, and what goes wrong later.
    document:
        ``competition.yaml``; empty if it cannot be read.
    """

    refusals: list[str] = field(default_factory=list)
    traps: list[str] = field(default_factory=list)
    document: dict[str, Any] = field(default_factory=dict)


def check_bundle(path: Path | str) -> BundleCheck:
    """Check a competition bundle.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    path = Path(path)
    found = BundleCheck()
    try:
        with zipfile.ZipFile(path) as archive:
            names = {info.filename for info in archive.infolist()}
            if sum(info.file_size for info in archive.infolist()) > _LARGEST_MEMBER:
                raise InputError(f"{path}: unpacks to more than {_LARGEST_MEMBER >> 30} GB; too large")
            if path.stat().st_size > LARGEST_BUNDLE:
                found.traps.append(f"{path.stat().st_size / 1e6:.0f} MB: those over {LARGEST_BUNDLE / 1e6:.0f} MB hang")
            _Checker(found, archive, names).all()
    except zipfile.BadZipFile:
        found.refusals.append("not a zip")
    except (OSError, NotImplementedError, RuntimeError, EOFError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error
    return found


class _Checker:
    def __init__(self, found: BundleCheck, archive: zipfile.ZipFile, names: set[str]) -> None:
        self._found, self._zip, self._names = found, archive, names
        self._folders = {f"{parent}/" for name in names for parent in map(str, Path(name).parents) if parent != "."}

    def _refuse(self, text: str) -> None:
        self._found.refusals.append(text)

    def _trap(self, text: str) -> None:
        self._found.traps.append(text)

    def all(self) -> None:
        """Check everything."""
        if "competition.yaml" not in self._names:
            inner = [name for name in self._names if name.endswith("/competition.yaml")]
            more = f" (there is {inner[0]}: zip the files, not their folder)" if inner else ""
            self._refuse(f"competition.yaml is missing at the top of the zip{more}")
            return
        try:
            document = yaml.safe_load(self._zip.read("competition.yaml").decode())
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
            self._refuse(f"competition.yaml: cannot be read as YAML: {error}")
            return
        if not isinstance(document, dict):
            self._refuse("competition.yaml: not a mapping")
            return
        self._found.document = document
        if str(document.get("version", "1")) != "2":
            self._refuse(f"version: {document.get('version')}: write `version: 2`")
        self._text(document, "title", 256, "competition.yaml")
        self._page(document.get("terms"), "terms")
        self._logo(document.get("image"))
        for page in self._list(document, "pages", empty=True):
            self._text(page, "title", 255, "pages")
            self._page(page.get("file"), "pages")
        for key in sorted(_SWITCHES & document.keys()):
            self._switch(document, key, "competition.yaml")
        self._fact_sheet(document.get("fact_sheet"))
        tasks = self._tasks(document)
        self._phases(document, tasks)
        self._leaderboard(document)
        for key in sorted(map(str, document.keys() - _TOP)):
            self._trap(f"competition.yaml: {key} is not read" + (" (leaderboards is)" if key == "leaderboard" else ""))
        if "docker_image" not in document:
            self._trap("docker_image is missing: the platform takes one with Python 3.7")
        else:
            self._text(document, "docker_image", 128, "competition.yaml")
        queue = document.get("queue")
        if queue and not _UUID.fullmatch(str(queue)):
            self._refuse(f"queue {queue!r}: must be the queue's Vhost, a UUID")

    def _text(self, data: Mapping[str, Any], key: str, longest: int, where: str) -> None:
        value = data.get(key)
        if value is None or isinstance(value, (bool, list, dict)) or not 1 <= len(str(value).strip()) <= longest:
            self._refuse(f"{where}: {key} must be a text of 1 to {longest} characters")

    def _switch(self, data: Mapping[str, Any], key: str, where: str) -> None:
        value = data[key]
        if not isinstance(value, bool) and str(value).lower() not in _BOOLEANS:
            self._refuse(f"{where}: {key} must be true or false")

    def _list(self, data: Mapping[str, Any], key: str, *, empty: bool = False) -> list[dict[str, Any]]:
        value = data.get(key)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value) or not (value or empty):
            self._refuse(f"{key}: must be a list of mappings" + ("" if empty else ", not empty"))
            return []
        return value

    def _page(self, name: object, where: str) -> None:
        if not isinstance(name, str) or name not in self._names:
            self._refuse(f"{where}: there is no file {name!r} in the bundle")
        elif not self._zip.read(name).strip():
            self._refuse(f"{where}: {name} is empty")

    def _logo(self, name: object) -> None:
        if not isinstance(name, str) or name not in self._names:
            self._refuse(f"image: there is no file {name!r} in the bundle")
            return
        try:
            with Image.open(io.BytesIO(self._zip.read(name))) as image:
                kind, mode = image.format, image.mode
                image.verify()
        except Exception:  # noqa: BLE001 - Pillow raises many types for damaged files
            kind, mode = None, ""
        if kind not in ("PNG", "JPEG", "GIF", "WEBP") or mode in ("CMYK", "YCbCr", "LAB", "HSV"):
            self._refuse(f"image: {name} is not a PNG, JPEG, GIF or WebP in RGB")

    def _fact_sheet(self, sheet: object) -> None:
        if not sheet:
            return
        if not isinstance(sheet, dict):
            self._refuse("fact_sheet: must be a mapping")
            return
        for key, question in sheet.items():
            if not isinstance(question, dict) or question.keys() != _FACT or question.get("key") != key:
                self._refuse(f"fact_sheet: {key} must hold exactly {', '.join(sorted(_FACT))}, with key: {key}")
            elif question["type"] not in ("checkbox", "text", "select"):
                self._refuse(f"fact_sheet: {key}: type must be checkbox, text or select")

    def _tasks(self, document: Mapping[str, Any]) -> set[object]:
        indexes: list[object] = []
        for task in self._list(document, "tasks"):
            where = f"task {task.get('name')!r}"
            if isinstance(task.get("index", []), (list, dict)):
                self._refuse(f"{where}: index is missing")
                continue
            if task["index"] in indexes:
                self._refuse(f"{where}: index {task['index']} is there twice")
            indexes.append(task["index"])
            if "key" in task:
                continue
            self._text(task, "name", 256, where)
            if "scoring_program" not in task:
                self._refuse(f"{where}: scoring_program is missing")
            if "reference_data" not in task:
                self._trap(f"{where}: reference_data is missing: there will be no /app/input/ref")
            for key in _DATA:
                if key in task:
                    self._data(where, key, task[key])
        return set(indexes)

    def _data(self, where: str, key: str, name: object) -> None:
        if isinstance(name, str) and f"{name.rstrip('/')}/" in self._folders:
            self._trap(f"{where}: {key} {name!r} is a folder; put a zip into the bundle")
            return
        if not isinstance(name, str) or name not in self._names:
            if not _UUID.fullmatch(str(name)):
                self._refuse(f"{where}: {key}: there is no file {name!r} in the bundle, and it is not a UUID")
            return
        try:
            with zipfile.ZipFile(io.BytesIO(self._zip.read(name))) as inner:
                names = [n for n in inner.namelist() if not n.endswith("/")]
                meta = next((n for n in ("metadata.yaml", "metadata") if n in names), None)
                command = None if meta is None else _command(inner.read(meta))
        except zipfile.BadZipFile:
            self._trap(f"{where}: {key} {name!r} is not a zip: every submission fails")
            return
        if any(n.startswith("__MACOSX/") or n.endswith(".DS_Store") for n in names):
            self._trap(f"{where}: {key} {name!r} holds files of macOS")
        if not names:
            self._trap(f"{where}: {key} {name!r} is empty")
        if key in ("scoring_program", "ingestion_program"):
            self._program(f"{where}: {key} {name!r}", names, meta, command)

    def _program(self, where: str, names: list[str], meta: str | None, command: str | None) -> None:
        if meta is None:
            inner = [n for n in names if Path(n).name in ("metadata.yaml", "metadata")]
            more = f"; there is {inner[0]}: zip the files, not their folder" if inner else ""
            self._trap(f"{where}: no metadata.yaml at its top{more}: nothing runs, submissions hang until the limit")
            return
        if not command:
            self._trap(f"{where}: {meta} has no command: nothing runs, submissions hang until the limit")
            return
        try:
            words = shlex.split(command)
        except ValueError as error:
            self._trap(f"{where}: the command cannot be split: {error}")
            return
        if Path(words[0]).name not in ("sh", "bash") and {"&&", "||", "|", ";", ">", ">>", "<", "2>&1"} & set(words):
            self._trap(f"{where}: the command runs without a shell: no &&, | or >")
        if words[0].startswith("."):
            self._trap(f"{where}: {words[0]}: files lose their x bit; start them with bash or python3")
        for word in words[1:]:
            script = word.removeprefix("$program/").removeprefix("/app/program/")
            if script.endswith((".py", ".sh")) and not script.startswith("/") and script not in names:
                self._trap(f"{where}: the command names {script}, which is not in the program")

    def _phases(self, document: Mapping[str, Any], tasks: set[object]) -> None:
        before: datetime | None = None
        phases = self._list(document, "phases")
        for number, phase in enumerate(phases):
            where = f"phase {phase.get('name')!r}"
            self._text(phase, "name", 256, where)
            wanted = phase.get("tasks")
            if not isinstance(wanted, list):
                self._refuse(f"{where}: tasks is missing")
            else:
                for index in wanted:
                    if isinstance(index, (list, dict)) or index not in tasks:
                        self._refuse(f"{where}: there is no task with index {index}")
            dates = {key: self._date(phase, key, where) for key in ("start", "end")}
            start, end = dates["start"], dates["end"]
            if phase.get("start") is None:
                self._refuse(f"{where}: start is missing")
            if end is None and number < len(phases) - 1:
                self._refuse(f"{where}: end is missing; only the last phase may lack it")
            if start is not None and before is not None and start <= before:
                self._refuse(f"{where}: must start after the phase before it has ended")
            before = end
            for key in ("execution_time_limit", "max_submissions", "max_submissions_per_day"):
                value = phase.get(key)
                if value is not None and (type(value) is not int or value < 0):
                    self._refuse(f"{where}: {key} must be a whole number")
            limit = phase.get("execution_time_limit")
            if type(limit) is int and limit > PUBLIC_QUEUE_SECONDS and not document.get("queue"):
                self._trap(f"{where}: execution_time_limit {limit}: the public queue stops at {PUBLIC_QUEUE_SECONDS} s")
            if number == 0 and phase.get("auto_migrate_to_this_phase"):
                self._refuse(f"{where}: the first phase cannot be migrated to")
            for key in sorted(map(str, phase.keys() - _PHASE)):
                self._trap(f"{where}: {key} is not read")

    def _date(self, phase: Mapping[str, Any], key: str, where: str) -> datetime | None:
        value = phase.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            self._trap(f"{where}: {key} {value} is not in quotes: the platform keeps the day and drops the time of day")
            return datetime(value.year, value.month, value.day) if hasattr(value, "year") else None
        try:
            date = datetime.fromisoformat(value)
        except ValueError:
            self._refuse(f"{where}: {key} {value!r}: write a date such as '2026-03-01 12:00:00', in UTC")
            return None
        if date.tzinfo is not None:
            self._trap(f"{where}: {key} {value!r}: the time zone is ignored; write UTC")
        return date.replace(tzinfo=None)

    def _leaderboard(self, document: Mapping[str, Any]) -> None:
        boards = self._list(document, "leaderboards")
        if len(boards) > 1:
            self._trap("leaderboards: only the first is used")
        for board in boards[:1]:
            self._text(board, "title", 64, "leaderboard")
            self._text(board, "key", 36, "leaderboard")
            columns = self._list(board, "columns")
            indexes = [column.get("index") for column in columns]
            keys = [column.get("key") for column in columns]
            for values, what in ((indexes, "index"), (keys, "key")):
                if len({str(value) for value in values}) != len(values):
                    self._refuse(f"leaderboard: two columns have one {what}")
            for column in columns:
                where = f"column {column.get('key')!r}"
                self._text(column, "key", 36, where)
                self._text(column, "title", 36, where)
                if type(column.get("index")) is not int or column["index"] < 0:
                    self._refuse(f"{where}: index must be a whole number from 0")
                if column.get("sorting", "desc") not in ("asc", "desc"):
                    self._refuse(f"{where}: sorting must be asc or desc")
                if type(column.get("precision", 2)) is not int:
                    self._refuse(f"{where}: precision must be a whole number")
                if "computation" in column and not column.get("computation_indexes"):
                    self._refuse(f"{where}: computation needs computation_indexes")
            rule = board.get("submission_rule", "Add")
            if rule not in _RULES:
                self._refuse(f"leaderboard: submission_rule must be one of {', '.join(sorted(_RULES))}")
            elif str(rule).startswith("Add"):
                self._trap(f"leaderboard: submission_rule {rule}: a score shows only after its owner asks for it")
            if board.get("primary_index", 0) not in indexes:
                self._trap("leaderboard: no column has the primary index: the page fails")


def _command(data: bytes) -> str | None:
    try:
        found = yaml.safe_load(data.decode())
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError):
        return None
    command = found.get("command") if isinstance(found, dict) else None
    return command if isinstance(command, str) else None
