"""The check of a bundle before its upload: what the platform refuses, and what it takes but fails on later.

The rules follow Codabench 1.25 (codalab/codabench, commit c7dbc756). The site shows one refusal at a time; here all of
them are listed. Whether a UUID or a queue exists is known to the site alone.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

from srspace_eval._utils.bounded_zip import BoundedZip, RefusedZipError
from srspace_eval.codabench.checks.files import UUID, BundleFiles
from srspace_eval.codabench.checks.findings import BundleCheck as BundleCheck
from srspace_eval.codabench.checks.leaderboard import check_leaderboard
from srspace_eval.codabench.checks.schedule import check_phases, check_tasks
from srspace_eval.codabench.checks.yaml_file import LARGEST_YAML, read_yaml
from srspace_eval.codabench.plan import EMAIL
from srspace_eval.errors import InputError

LARGEST_BUNDLE = 350_000_000
"""Bytes of a bundle from which on unpacking hangs in practice (codalab/codabench #2304, #2322)."""

_LARGEST_MEMBER = 1 << 32
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
_TYPES = ("competition", "benchmark")
_FACT = {"key", "type", "title", "selection", "is_required", "is_on_leaderboard"}


def check_bundle(path: Path | str) -> BundleCheck:
    """Check a competition bundle.

    Parameters
    ----------
    path
        The zip file.

    Returns
    -------
    BundleCheck
        What the platform refuses, what it accepts and fails on later, and the parsed ``competition.yaml``.

    Raises
    ------
    InputError
        If the file cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from srspace_eval.codabench.archive import make_zip
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "bundle.zip")
    ...     _ = path.write_bytes(make_zip({"b/competition.yaml": b"version: 2"}))
    ...     print(check_bundle(path).refusals[0])
    competition.yaml is missing at the top of the zip (there is b/competition.yaml: zip the files, not their folder)
    """
    path = Path(path)
    found = BundleCheck()
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: not a file; give the zip of a bundle")
    try:
        with BoundedZip(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > _LARGEST_MEMBER:
                raise InputError(f"{path}: unpacks to more than {_LARGEST_MEMBER >> 30} GB; too large")
            if path.stat().st_size > LARGEST_BUNDLE:
                found.traps.append(f"{path.stat().st_size / 1e6:.0f} MB: those over {LARGEST_BUNDLE / 1e6:.0f} MB hang")
            _check(found, BundleFiles(found, archive))
    except RefusedZipError as error:
        raise InputError(f"{path}: {error}; no bundle needs that") from error
    except zipfile.BadZipFile:
        found.refusals.append("not a zip")
    except (OSError, NotImplementedError, RuntimeError, EOFError, ValueError, zlib.error, struct.error) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error
    return found


def _check(found: BundleCheck, files: BundleFiles) -> None:
    document = _document(found, files)
    if document is None:
        return
    found.document = document
    if str(document.get("version", "1")) != "2":
        found.refuse(f"version: {document.get('version')}: write `version: 2`")
    found.require_text(document, "title", 256, "competition.yaml")
    found.allow_text(document, "description", "competition.yaml")
    found.allow_text(document, "reward", "competition.yaml", 256)
    if str(document.get("competition_type", "competition")) not in _TYPES:
        found.refuse(f"competition_type must be one of {', '.join(_TYPES)}")
    files.check_page(document.get("terms"), "terms")
    files.check_logo(document.get("image"))
    for page in found.mappings(document, "pages", empty=True):
        found.require_text(page, "title", 255, "pages")
        files.check_page(page.get("file"), "pages")
    for key in sorted(_SWITCHES & document.keys()):
        found.require_switch(document, key, "competition.yaml")
    _fact_sheet(found, document.get("fact_sheet"))
    check_phases(found, files, document, check_tasks(found, files, document))
    check_leaderboard(found, document)
    for key in sorted(map(str, document.keys() - _TOP)):
        found.trap(f"competition.yaml: {key} is not read" + (" (leaderboards is)" if key == "leaderboard" else ""))
    if "docker_image" not in document:
        found.trap("docker_image is missing: the platform takes one with Python 3.7")
    else:
        found.require_text(document, "docker_image", 128, "competition.yaml")
    contact = document.get("contact_email")
    if contact and not EMAIL.fullmatch(str(contact)):
        found.refuse(f"contact_email {contact!r}: must be an e-mail address")
    queue = document.get("queue")
    if queue and not UUID.fullmatch(str(queue)):
        found.refuse(f"queue {queue!r}: must be the queue's Vhost, a UUID")


def _document(found: BundleCheck, files: BundleFiles) -> dict[str, Any] | None:
    if "competition.yaml" not in files.names:
        inner = sorted(name for name in files.names if name.endswith("/competition.yaml"))
        more = f" (there is {inner[0]}: zip the files, not their folder)" if inner else ""
        found.refuse(f"competition.yaml is missing at the top of the zip{more}")
        return None
    try:
        document = read_yaml(files.read("competition.yaml", LARGEST_YAML))
    except ValueError as error:
        found.refuse(f"competition.yaml: cannot be read as YAML: {error}")
        return None
    if not isinstance(document, dict):
        found.refuse("competition.yaml: not a mapping")
        return None
    return document


def _fact_sheet(found: BundleCheck, sheet: object) -> None:
    if not sheet:
        return
    if not isinstance(sheet, dict):
        found.refuse("fact_sheet: must be a mapping")
        return
    for key, question in sheet.items():
        if not isinstance(question, dict) or question.keys() != _FACT or question.get("key") != key:
            found.refuse(f"fact_sheet: {key} must hold exactly {', '.join(sorted(_FACT))}, with key: {key}")
        elif question["type"] not in ("checkbox", "text", "select"):
            found.refuse(f"fact_sheet: {key}: type must be checkbox, text or select")
