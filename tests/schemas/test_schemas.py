from __future__ import annotations

import io
import json
import zipfile
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from srspace_eval._utils import toml
from srspace_eval.codabench.bundle import scoring_program
from srspace_eval.codabench.phase import CompetitionPhase
from srspace_eval.codabench.plan import CompetitionPlan
from srspace_eval.errors import InputError
from srspace_eval.results.signature import Signature
from srspace_eval.results.store import read_result
from srspace_eval.schemas import SCHEMA_NAMES, load_schema
from srspace_eval.scoring.journal import open_journal
from srspace_eval.tracks.reader import load_track
from tests.helpers.schemas import DOCUMENTS, FOLDER, schema_text

GOLDEN = Path(__file__).parents[1] / "golden" / "0.1.0"


SEAL = {
    "format": "srspace-eval/seal/1",
    "result": "a" * 64,
    "how": "verified",
    "images": 2,
    "total": 9,
    "seal": "b" * 64,
}


def read(path: Any) -> Any:
    text = path.read_text(encoding="utf-8")
    return toml.loads(text) if path.name.endswith(".toml") else json.loads(text)


def lines() -> list[tuple[str, Any]]:
    """Whole lines of journals."""
    found = []
    for path in sorted(GOLDEN.glob("journals/x4/*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n")[:-1]):
            found.append(("journal-image" if number else "journal-header", json.loads(line)))
    return found


def tomls(package: str, folder: str) -> list[Any]:
    entries = sorted(files(package).joinpath(folder).iterdir(), key=lambda entry: entry.name)
    return [entry for entry in entries if entry.name.endswith(".toml")]


def program_settings() -> Any:
    """``settings.json`` of a bundle's scoring program."""
    phase = CompetitionPhase("Test", "/app/data/GT", datetime(2026, 3, 1))
    plan = CompetitionPlan(load_track("x4"), (phase,), "a/b:1", metrics=("psnr",))
    with zipfile.ZipFile(io.BytesIO(scoring_program(plan, phase))) as archive:
        return json.loads(archive.read("settings.json"))


TEMPLATES = files("srspace_eval.codabench").joinpath("templates")

REAL: list[tuple[str, Any]] = [
    *(("result", read(path)) for path in sorted(GOLDEN.glob("board/*/*.json"))),
    *lines(),
    *(("track", read(path)) for path in sorted(GOLDEN.glob("board/*/track.toml"))),
    *(("track", read(entry)) for entry in tomls("srspace_eval.tracks", "builtin")),
    *(("published-table", read(entry)) for entry in tomls("srspace_eval.leaderboards", "published")),
    ("competition-options", toml.loads((TEMPLATES / "competition.toml.txt").read_text(encoding="utf-8"))),
    ("competition-program", program_settings()),
    ("study-key", read(GOLDEN / "study" / "key.json")),
    *(("answer", read(path)) for path in sorted(GOLDEN.glob("study/answers/r*.json"))),
    ("seal", SEAL),
    ("degradation-record", read(GOLDEN.parent / "degrade" / "degradation.json")),
    ("history", read(GOLDEN.parent / "history.json")),
    ("sampling-record", read(GOLDEN / "sample" / "srspace-eval-sample.json")),
]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_published_schema_is_that_of_its_type(name: str) -> None:
    written = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    assert written == schema_text(name), "run python -m tests.helpers.schemas"


def test_every_schema_is_valid_and_has_a_real_file() -> None:
    assert set(SCHEMA_NAMES) == set(DOCUMENTS) == {name for name, _ in REAL}
    for name in SCHEMA_NAMES:
        Draft202012Validator.check_schema(load_schema(name))


@pytest.mark.parametrize("number", range(len(REAL)))
def test_real_files_fit_their_schema(number: int) -> None:
    name, document = REAL[number]
    assert [error.message for error in Draft202012Validator(load_schema(name)).iter_errors(document)] == []


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("result", lambda d: d["images"][0].update(height=8.9)),
        ("result", lambda d: d["images"][0].update(remark="sharp")),
        ("result", lambda d: d["images"][0]["samples"][0].update(lr_psnr="40")),
        ("result", lambda d: d["images"][0]["samples"][0].update(lr_psnr=[40.0])),
        ("result", lambda d: d.update(remark=1)),
        ("result", lambda d: d.pop("summary")),
        ("journal-header", lambda d: d.update(settings=[])),
        ("journal-image", lambda d: d.update(gt_sha256="x")),
        ("journal-image", lambda d: d.update(seal="x")),
        ("seal", lambda d: d.update(how="believed")),
        ("track", lambda d: d.update(scael=4)),
        ("track", lambda d: d.update(samples=0)),
        ("published-table", lambda d: d["rows"][0].update(lpips="0.1")),
        ("competition-options", lambda d: d["phases"][0].update(strat="2030-01-01")),
        ("competition-program", lambda d: d.update(seconds=0)),
        ("study-key", lambda d: d.update(ties="yes")),
        ("answer", lambda d: d.update(more=1)),
        ("answer", lambda d: d["answers"][0].update(seconds=-1)),
        ("sampling-record", lambda d: d["images"][0].update(tile=1.5)),
    ],
)
def test_a_fault_does_not_fit_the_schema(name: str, change: Any) -> None:
    document = json.loads(json.dumps(next(document for kind, document in REAL if kind == name)))
    change(document)
    assert not Draft202012Validator(load_schema(name)).is_valid(document)


def test_values_of_plug_ins_fit_the_schema() -> None:
    document = json.loads(json.dumps(REAL[0][1]))
    document["images"][0] |= {"psnr_y4": "inf", "plugin_curve": [0.0, None]}
    document["images"][0]["samples"][0] |= {"psnr_y4": None}
    assert [error.message for error in Draft202012Validator(load_schema("result")).iter_errors(document)] == []


def test_a_journal_that_is_written_now_fits_its_schemas(tmp_path: Path) -> None:
    with open_journal(tmp_path / "t.jsonl", Signature({"common": {"scale": 4}}, {})) as journal:
        journal.append(read_result(GOLDEN / "board/x4/incomplete.json").images[0])
        journal.close()
        header, image = map(json.loads, (tmp_path / "t.jsonl").read_text(encoding="utf-8").splitlines())
    assert header["seal"] != image["seal"]
    Draft202012Validator(load_schema("journal-header")).validate(header)
    Draft202012Validator(load_schema("journal-image")).validate(image)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(InputError, match="there is no schema 'board'; choose from answer"):
        load_schema("board")
