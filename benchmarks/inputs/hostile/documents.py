"""Hostile tracks, results and tables: name -> (text, words of the error that must name it)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from srspace_eval.errors import SrspaceEvalError
from srspace_eval.ranking import rank
from srspace_eval.ranking.entries import add_mor, board_entries, table_entries
from srspace_eval.report.files import TEXT_FORMATS, render_leaderboard
from srspace_eval.results.signature import Signature
from srspace_eval.results.store import read_result, read_results, result_path
from srspace_eval.tracks.reader import load_track

TRACK = 'name = "t"\ntitle = "T"\nscale = 4\n'
TRACKS: dict[str, tuple[str, str]] = {
    "nested 10 000 deep": (TRACK + "a = " + "[" * 10_000, "not valid TOML"),
    "a whole number of 5000 digits": (TRACK.replace("4", "9" * 5000), "not valid TOML"),
    "a whole number of 400 digits": (TRACK.replace("4", "9" * 400), "from 1 to 64"),
    "a billion samples": (TRACK + "samples = 1000000000\n", "from 1 to 10000"),
    "negative": (TRACK + "samples = -1\n", "from 1 to 10000"),
    "a truth for a number": (TRACK + "samples = true\n", "whole number"),
    "a width of a billion digits": (TRACK + 'gt_names = ["{number:0999999999d}.png"]\n', "is not a field"),
    "a format that runs attributes": (TRACK + 'gt_names = ["{number.__class__}.png"]\n', "is not a field"),
    "NaN as plateau": (
        TRACK + '[ranking]\nfinal = []\n[[ranking.criteria]]\nmetric = "psnr"\nplateau = nan\n',
        "expected a finite number",
    ),
    "a plateau of 400 digits": (
        TRACK + '[ranking]\nfinal = []\n[[ranking.criteria]]\nmetric = "psnr"\nplateau = ' + "9" * 400,
        "expected a finite number",
    ),
    "2 MB": (TRACK + "#" * 2_000_000, "larger than"),
    "a key twice": (TRACK + 'name = "u"\n', "not valid TOML"),
    "not UTF-8": ("\udcff", "cannot be read"),
    "NUL in the title": (TRACK.replace('"T"', '"T\\u0000"'), "title"),
    "a date for the name": (TRACK.replace('"t"', "2020-01-01"), "quotes"),
}  # fmt: skip


_SETTINGS = {"common": {"scale": 4}}


def result(**changes: Any) -> dict[str, Any]:
    """A small result of one image, as a JSON object with ``changes``."""
    image = {
        "image": "0801", "height": 8, "width": 8, "gt_sha256": "a" * 64, "lpips": 0.5, "lr_psnr": 40.0,
        "diversity": 10.0, "lpips_global_best": 0.5, "lpips_local_best": 0.45, "diversity_curve": [0.0, 10.0],
        "samples": [
            {"sample": s, "file": f"{s}.png", "sha256": "b" * 64, "lpips": 0.5, "lr_psnr": 40.0} for s in range(2)
        ],
    }  # fmt: skip
    document = {
        "format": "srspace-eval/result/1", "team": "T", "kind": "team", "track": "x4",
        "signature": {
            "id": Signature(_SETTINGS).id, "text": Signature(_SETTINGS).text, "settings": _SETTINGS, "environment": {},
        },
        "incomplete": [], "notes": [], "summary": {
            "lpips": 0.5, "lr_psnr": 40.0, "diversity": 10.0, "lpips_global_best": 0.5, "lpips_local_best": 0.45,
        },
        "diversity_curve": [0.0, 10.0], "images": [image], "provenance": None,
    }  # fmt: skip
    for key, value in changes.items():
        (image if key in image and key not in document else document)[key] = value
    return document


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


RESULTS: dict[str, tuple[str, str]] = {
    "nested 100 000 deep": ("[" * 100_000, "cannot be read as JSON"),
    "provenance nested 500 deep": (json.dumps(result(provenance={"a": nested(500)})), "deep"),
    "settings nested 500 deep": (
        json.dumps(result(signature={"id": "", "text": "", "settings": {"a": {"b": nested(500)}}, "environment": {}})),
        "deep",
    ),
    "NaN": (json.dumps(result(lpips=float("nan"))), "not a number"),
    "Infinity": (json.dumps(result(lpips=float("inf"))), "not a number"),
    "1e999": (json.dumps(result(lpips=1)).replace('"lpips": 1', '"lpips": 1e999'), "1e999 is out of range"),
    "height 1e999": (json.dumps(result(height=7)).replace('"height": 7', '"height": 1e999'), "1e999 is out of range"),
    "a whole number of 400 digits": (json.dumps(result(lpips=10**400)), "images[0].lpips: expected a number"),
    "a whole number of 5000 digits": ('{"format": ' + "9" * 5000 + "}", "cannot be read as JSON"),
    "a list for a text": (json.dumps(result(team=["T"])), "team: expected a text"),
    "a text for a list": (json.dumps(result(samples="abc")), "not a result"),
    "null for an object": (json.dumps(result(signature=None)), "not a result"),
    "a list for the document": ("[]", "not a result"),
    "a fraction for a whole number": (json.dumps(result(height=8.9)), "images[0].height: expected a whole number"),
    "a text for a whole number": (json.dumps(result(height="8")), "images[0].height: expected a whole number"),
    "a text for a number": (json.dumps(result(lpips="0.5")), "images[0].lpips: expected a number"),
    "another format": (json.dumps(result(format="x")), "format: expected 'srspace-eval/result/1', found 'x'"),
    "NUL in a file name": (json.dumps(result(image="a\0b")), "NUL"),
    "a key twice": (json.dumps(result())[:-1] + ', "team": "U"}', "the same key is there twice"),
    "a key twice in a sample": (
        json.dumps(result()).replace('"sample": 0', '"lpips": 0.1, "sample": 0', 1), "the same key is there twice",
    ),
    "no summary": (json.dumps({k: v for k, v in result().items() if k != "summary"}), "'summary' is missing"),
    "not UTF-8": ("\udcff", "cannot be read as JSON"),
    "summary that its images do not give": (json.dumps(result(summary={"lpips": 0.1})), "contradict themselves"),
}  # fmt: skip

TABLES: dict[str, tuple[str, str]] = {
    "no team column": ("a,b\n1,2\n", "team"),
    "NaN": ("team,mor\nA,nan\n", "write a number"),
    "1e999": ("team,mor\nA,1e999\n", "write a number"),
    "underscores": ("team,mor\nA,1_0\n", "write a number"),
    "400 digits": ("team,mor\nA," + "9" * 400 + "\n", "write a number"),
    "a name twice": ("team,mor\nA,1\nA,2\n", "also in line 2"),
    "a column twice": ("team,mor,mor\nA,1,2\n", "twice"),
    "a cell of 200 KB": ("team,mor\n" + "A" * 200_000 + ",1\n", "not valid CSV"),
    "mor_low above mor_high": ("team,mor,mor_low,mor_high\nA,2,3,1\n", "mor_low"),
    "a MOR outside of its interval": ("team,mor,mor_low,mor_high\nA,5,1,2\n", "which is not from mor_low"),
    "a MOR below 1": ("team,mor\nA,0.5\n", "only 1 to "),
    "an infinite S_M": ("team,mor,diversity\nA,1,inf\n", "a finite number is needed"),
    "S_M over 100": ("team,mor,diversity\nA,1,130\n", "only 0 to 100 is possible"),
    "a name that shows nothing": ("team,mor\n\u200b,1\n", "shows nothing"),
    "open quote": ('team,mor\n"A,1\n', "not valid CSV"),
    "a cell too many": ("team,mor\nA,1,2\n", "3 cells"),
    "20 MB": ("team,mor\n" + "A,1\n" * 5_000_000, "larger than"),
    "not UTF-8": ("team,mor\n\udcff,1\n", "cannot be read"),
    "NUL": ("team,mor\nA\0,1,2\n", "line 2"),
}


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return path


def said(call: Callable[[], object]) -> str:
    try:
        call()
    except SrspaceEvalError as error:
        return str(error)
    return ""


def attack_track(path: Path) -> str:
    """Read a track file; returns the error, or an empty text."""
    return said(lambda: load_track(path))


def attack_result(path: Path) -> str:
    """Read a result, rank its board and write every text format; returns the error, or an empty text."""

    def call() -> None:
        track = load_track("x4")
        read_result(path)
        place = result_path(path.parent / "board", "x4", "T")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(path.read_bytes())
        read_results(path.parent / "board", "x4")
        ranking = rank(board_entries(path.parent / "board", track), track)
        for form in TEXT_FORMATS:
            render_leaderboard(ranking, form)

    return said(call)


def attack_table(path: Path) -> str:
    """Read a table as a study's ranks and as a table of numbers; returns the error, or an empty text."""
    return said(lambda: add_mor([], path)) or said(lambda: table_entries(path))
