"""Attacks on boards and downloads: names of accounts and teams, records that fill a result, files of other systems."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import srspace_eval as se
from srspace_eval._utils import strict_json
from srspace_eval._utils.untrusted_text import name_key, too_long
from srspace_eval.codabench.downloads import import_downloads
from srspace_eval.errors import Notice, RankingError, ResultsError, TrackError
from srspace_eval.ranking.bootstrap import BootstrapPlan
from srspace_eval.ranking.intervals import resampled_numbers
from srspace_eval.ranking.model import Entry
from srspace_eval.report.html.submission import MOST_LINES, make_page
from srspace_eval.results.documents import from_document, to_document
from srspace_eval.results.record import ImageRecord, Result, SampleRecord
from srspace_eval.results.signature import Signature
from srspace_eval.results.store import read_result, result_files, write_result
from srspace_eval.submissions.batch import find_submissions, is_inbox
from srspace_eval.submissions.provenance import PROVENANCE_FILE, kept_provenance, read_provenance
from srspace_eval.submissions.sources import open_source
from srspace_eval.tracks.formulas import Formula, round_as_shown
from srspace_eval.tracks.reader import load_track
from tests.helpers.commands import run

BASELINE = """
name = "own"
title = "Own"
scale = 4
samples = 1
baseline = "EFDN"
metrics = ["psnr"]
[derived]
gain = { formula = "psnr - baseline(psnr)", better = "higher" }
[ranking]
criteria = [{ metric = "gain" }]
final = ["gain"]
"""


def download(folder: Path, number: int, owner: str, psnr: float) -> str:
    name = f"res_{number}_{owner}_PhaseId7_2026-03-01:10-30_a"
    (folder / name).mkdir(parents=True)
    (folder / name / "scores.json").write_text(json.dumps({"psnr": psnr}))
    return name


def teams(path: Path, **files: str) -> Path:
    path.write_text("team,file\n" + "".join(f"{team},{file}\n" for team, file in files.items()))
    return path


def test_an_account_called_as_a_named_team_does_not_take_its_place(tmp_path: Path) -> None:
    file = download(tmp_path / "d", 4711, "jdoe", 31.0)
    table = teams(tmp_path / "teams.csv", Deepest=file)
    download(tmp_path / "d", 4800, "deepest", 20.0)
    with pytest.raises(ResultsError, match="'deepest' is called as a team that has other files"):
        import_downloads(tmp_path / "d", "x4", tmp_path / "board", teams=table)
    # Also if the team's own file is not among the downloads.
    (tmp_path / "d" / file).rename(tmp_path / "elsewhere")
    with pytest.raises(ResultsError, match="name this file there, too"), pytest.warns(Notice):
        import_downloads(tmp_path / "d", "x4", tmp_path / "board", teams=table)


def test_all_files_of_an_account_are_of_its_team(tmp_path: Path) -> None:
    table = teams(tmp_path / "teams.csv", Deepest=download(tmp_path / "d", 4711, "jdoe", 31.0))
    download(tmp_path / "d", 4801, "jdoe", 33.0)
    with pytest.warns(Notice, match=r"same account|the last of 2"):
        found = import_downloads(tmp_path / "d", "x4", tmp_path / "board", teams=table)
    assert found.teams == ("Deepest",)
    assert found.table is not None
    assert found.table.read_text().splitlines()[1] == "Deepest,team,33.0,jdoe"


def test_an_account_of_several_teams_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    table = teams(tmp_path / "t.csv", A=download(folder, 1, "jdoe", 31.0), B=download(folder, 2, "jdoe", 31.0))
    download(folder, 3, "jdoe", 33.0)
    with pytest.raises(ResultsError, match="several teams"):
        import_downloads(folder, "x4", tmp_path / "board", teams=table)


def test_an_account_called_as_the_baseline_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(BASELINE)
    file = download(tmp_path / "d", 1, "efdn", 31.0)
    with pytest.raises(ResultsError, match="name of the baseline"):
        import_downloads(tmp_path / "d", str(tmp_path / "own.toml"), tmp_path / "board")
    (tmp_path / "teams.csv").write_text(f"team,file,kind\nEFDN,{file},baseline\n")
    found = import_downloads(
        tmp_path / "d", str(tmp_path / "own.toml"), tmp_path / "board", teams=tmp_path / "teams.csv"
    )
    assert found.table is not None
    assert "EFDN,baseline,31.0" in found.table.read_text()


def result(team: str = "A", **changes: object) -> Result:
    sample = SampleRecord(0, "000000_sample00000.png", "0" * 64, {"psnr": 30.5})
    image = ImageRecord("0801", 32, 48, "0" * 64, {"psnr": 30.5}, {}, (sample,))
    made = Result(team, "x4", Signature({"common": {"scale": 4, "samples": 1}}), (image,), {"psnr": 30.5})
    return replace(made, **changes)  # type: ignore[arg-type]


def with_result(folder: Path, name: str, content: Result) -> None:
    write_result(folder / name / "result.json", content)
    (folder / name / "scores.json").write_text('{"psnr": 30.5}')


def test_an_account_does_not_replace_the_result_of_another_one(tmp_path: Path) -> None:
    folder, board = tmp_path / "d", tmp_path / "board"
    file = download(folder, 1, "jdoe", 30.5)
    with_result(folder, file, result())
    import_downloads(folder, "x4", board, teams=teams(tmp_path / "teams.csv", Deepest=file))
    later = tmp_path / "later"
    with_result(later, download(later, 2, "Deepest", 30.5), result())
    with pytest.raises(ResultsError, match="'Deepest' did not hand in"):
        import_downloads(later, "x4", board, overwrite=True)
    mine = tmp_path / "mine"
    with_result(mine, download(mine, 3, "jdoe", 30.5), result())
    with pytest.warns(Notice):
        import_downloads(mine, "x4", board, overwrite=True, teams=tmp_path / "teams.csv")
    assert (read_result(board / "x4/Deepest.json").provenance or {})["submission"] == 3


RECORDS: dict[str, Callable[[], str]] = {
    "numbers": lambda: '{"a":[' + "1," * 400_000 + "1]}",
    "lists": lambda: '{"a":[' + "[]," * 300_000 + "[]]}",
    "commas": lambda: json.dumps({"a": "," * 1_000_000}),
    "escaped commas": lambda: '{"a":"' + "\\u002c" * 170_000 + '"}',
    "characters that JSON writes longer": lambda: '{"a":"' + "\x7f" * 1_000_000 + '"}',
    "nested": lambda: '{"a":' + "[" * 29 + "]" * 29 + "}",
    "large": lambda: json.dumps({"a": "x" * (1 << 20)}),
}


@pytest.mark.parametrize("kind", RECORDS)
def test_a_record_that_would_spoil_the_result_is_not_kept(kind: str, tmp_path: Path) -> None:
    (tmp_path / PROVENANCE_FILE).write_text(RECORDS[kind]())
    assert read_provenance(open_source(tmp_path)) is None


def test_the_largest_record_that_is_kept_is_read_and_imported(tmp_path: Path) -> None:
    inner: object = []
    for _ in range(21):
        inner = [inner]
    record = {"deep": inner, "values": [0] * 49_900, "text": "\u00e9" * 300_000}
    assert kept_provenance(record) == record
    folder = tmp_path / "d"
    with_result(folder, download(folder, 1, "jdoe", 30.5), result(provenance=record))
    (path,) = import_downloads(folder, "x4", tmp_path / "board").results
    assert (read_result(path).provenance or {})["samples_made_by"] == record


def test_an_import_does_not_nest_a_record_too_deeply(tmp_path: Path) -> None:
    inner: object = []
    for _ in range(29):
        inner = [inner]
    folder = tmp_path / "d"
    with_result(folder, download(folder, 1, "jdoe", 30.5), result(provenance={"a": inner}))
    (path,) = import_downloads(folder, "x4", tmp_path / "board").results
    assert (read_result(path).provenance or {})["samples_made_by"] is None


def test_no_result_is_written_that_cannot_be_read_again(tmp_path: Path) -> None:
    path = tmp_path / "A.json"
    for spoiled in (
        result(provenance={"a": [0] * 400_000}),
        result(notes=("x" * 10_001,)),
        result(team="\u200b"),
        result(signature=Signature({"common": {"text": "x" * 100_000}})),
    ):
        with pytest.raises(ResultsError, match="is not written, because it could not be read again"):
            write_result(path, spoiled)
        assert not path.exists()


def test_score_leaves_a_record_out_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "gt").mkdir()
    (tmp_path / "sub").mkdir()
    se.write_png(tmp_path / "gt/0801.png", np.zeros((16, 16, 3), np.uint8))
    se.write_png(tmp_path / "sub/000000_sample00000.png", np.ones((16, 16, 3), np.uint8))
    (tmp_path / "sub" / PROVENANCE_FILE).write_text(RECORDS["numbers"]())
    with pytest.warns(Notice, match="cannot be used, or is too large"):
        found = se.score(
            tmp_path / "sub", tmp_path / "gt", track="x4", samples=1, metrics=["psnr"], board=tmp_path / "b"
        )
    assert found.provenance is None
    assert read_result(tmp_path / "b/x4/sub.json") == found


def test_hidden_files_are_no_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    board = tmp_path / "board"
    write_result(board / "x4/A.json", result())
    for hidden in ("x4/._A.json", ".vscode/settings.json", "._x4", "x4/.#A.json", "x4/._A.journal.jsonl"):
        (board / hidden).parent.mkdir(exist_ok=True)
        (board / hidden).write_bytes(b"\0\5\x16\7\xff")
    assert [path.name for path in result_files(board / "x4")] == ["A.json"]
    assert [track.name for track in se.load_board(board).tracks()] == ["x4"]
    assert se.load_board(board / "x4").folder == board.resolve()
    assert run("rank", "--board", board, "--columns", "psnr") == 0
    out, err = capsys.readouterr()
    assert "30.50" in out
    assert "._A" not in err
    assert run("rank", board) == 2
    assert "this is a board of results" in capsys.readouterr().err


def test_hidden_files_are_no_submissions_and_no_pictures(tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip", "._a.zip", "._c.png"):
        (tmp_path / name).write_bytes(b"\0")
    assert is_inbox(tmp_path)
    assert [path.name for path in find_submissions([tmp_path / "*.zip"])] == ["a.zip", "b.zip"]


def test_rounding_next_to_ties_is_that_of_text() -> None:
    rng = np.random.default_rng(0)
    for digits in range(10):
        ties = (rng.integers(0, 10 ** rng.integers(1, 13, 3000)) + 0.5) / 10**digits
        near = [ties, np.nextafter(ties, np.inf), np.nextafter(ties, 0), -ties, rng.normal(0, 100, 1000)]
        values = np.concatenate([*near, np.arange(-8, 8, 0.5), [0.0, -0.0, math.inf]])
        wanted = np.array([float(f"{value:.{digits}f}") for value in values])
        found = round_as_shown(values, digits)
        assert np.array_equal(found, wanted)
        assert np.array_equal(np.signbit(found), np.signbit(wanted))


def track_file(folder: Path, *, derived: int = 0, rankings: int = 1, formula: str = "psnr", more: str = "") -> Path:
    text = 'name = "own"\ntitle = "Own"\nscale = 4\nsamples = 1\nmetrics = ["psnr"]\n[derived]\n'
    for i in range(derived):
        text += f'd{i} = {{ formula = "{formula}", better = "higher", of = "images" }}\n'
    for i in range(rankings):
        text += f'[rankings.r{i}]\ncriteria = [{{ metric = "psnr" }}]\n{more}\n'
    (folder / "own.toml").write_text(text)
    return folder / "own.toml"


def many_images(images: int) -> Result:
    sample = SampleRecord(0, "000000_sample00000.png", "0" * 64, {"psnr": 10.5})
    one = ImageRecord("", 32, 48, "0" * 64, {"psnr": 10.5}, {}, (sample,))
    settings = {"common": {"scale": 4, "samples": 1, "images": images}, "psnr": {"floor": "none"}}
    held = tuple(replace(one, image=f"{i:06d}") for i in range(images))
    return result(track="own", images=held, summary={"psnr": 10.5}, signature=Signature(settings))


def test_formulas_of_images_are_computed_once_for_all_rankings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluated = []
    real = Formula.evaluate
    monkeypatch.setattr(Formula, "evaluate", lambda self, *given: evaluated.append(self) or real(self, *given))
    file = track_file(tmp_path, derived=10, rankings=20, formula="+".join(["round(psnr)"] * 74))
    ranking = se.rank([many_images(300)], str(file), bootstrap=None)
    assert len(evaluated) == 10
    assert {one.rows[0].entry.values["d9"] for one in ranking.all} == {740.0}


def test_formulas_over_too_many_images_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("srspace_eval.ranking.derived.MAX_WORK", 1999)
    with pytest.raises(RankingError, match="2000 steps"):
        se.rank([many_images(2000)], str(track_file(tmp_path, derived=1)), bootstrap=None)
    monkeypatch.setattr("srspace_eval.ranking.derived.MAX_WORK", 2000)
    se.rank([many_images(2000)], str(track_file(tmp_path, derived=1)), bootstrap=None)


def test_the_bootstrap_counts_parts_of_formulas_and_keys(tmp_path: Path) -> None:
    plain = load_track(track_file(tmp_path, derived=1))
    long = load_track(track_file(tmp_path, derived=1, formula="+".join(["psnr"] * 100)))
    entries = [Entry("A", "team", {"psnr": 30.0}, "given")] * 1000
    plan = BootstrapPlan(replicates=100)
    first, second = (resampled_numbers([many_images(2)], entries, [track], plan) for track in (plain, long))
    assert second - first == 100 * 1000 * 19


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ("eligible = [" + '"psnr > 1",' * 101 + "]", "rankings.r0.eligible"),
        ("order_by = [" + '"psnr",' * 101 + "]", "rankings.r0.order_by"),
        ("final = [" + '"psnr",' * 101 + "]", "rankings.r0.final"),
        ("show = [" + '"psnr",' * 101 + "]", "rankings.r0.show"),
    ],
)
def test_lists_of_a_track_file_are_bounded(more: str, key: str, tmp_path: Path) -> None:
    with pytest.raises(TrackError, match=f"{key} has 101 entries; at most 100"):
        load_track(track_file(tmp_path, more=more))


def test_a_title_is_bounded(tmp_path: Path) -> None:
    file = track_file(tmp_path)
    file.write_text(file.read_text().replace('"Own"', f'"{"x" * 1001}"'))
    with pytest.raises(TrackError, match="title"):
        load_track(file)


def test_a_row_names_the_first_conditions_that_it_fails(tmp_path: Path) -> None:
    file = track_file(tmp_path, more="eligible = [" + ",".join(f'"psnr > {n}"' for n in range(100, 150)) + "]")
    (row,) = se.rank([many_images(2)], str(file), bootstrap=None).rows
    assert row.why_unranked is not None
    assert row.why_unranked.count(";") == 9


def test_results_that_python_gives_are_marked_as_those_of_a_board(tmp_path: Path) -> None:
    for folder, value in (("gt", 100), ("sub", 101)):
        (tmp_path / folder).mkdir()
        name = "0801.png" if folder == "gt" else "000000_sample00000.png"
        se.write_png(tmp_path / folder / name, np.full((16, 16, 3), value, np.uint8))
    board = tmp_path / "board"
    mine = se.score(
        tmp_path / "sub", tmp_path / "gt", track="x4", samples=1, metrics=["psnr"], team="Mine", board=board
    )
    image = mine.images[0]
    sample = replace(image.samples[0], values={"psnr": 60.0})
    forged = replace(
        mine,
        team="Forged",
        summary={"psnr": 60.0},
        images=(replace(image, values={"psnr": 60.0}, samples=(sample,)),),
        signature=Signature({k: v for k, v in mine.signature.settings.items() if k != "mse"}),
    )
    write_result(board / "x4/Forged.json", forged)
    told = {"Mine": "measured here", "Forged": "claim"}
    loaded = se.load_board(board)
    for source in (board, loaded.results("x4"), [mine, forged]):
        ranking = se.rank(source, "x4", columns=["psnr"])
        assert {row.entry.team: row.entry.evidence for row in ranking.rows} == told
        assert "claim" in se.render_leaderboard(ranking, "csv")
    frame = loaded.to_frame()
    assert dict(zip(frame["team"], frame["evidence"], strict=True)) == told


def test_signs_of_many_letters_are_no_long_name() -> None:
    assert too_long("\ufdfa" * 490)
    assert name_key("\ufdfa" * 490) == "\ufdfa" * 490
    assert not too_long("\ufdfa" * 40)
    assert not too_long("\u00e9" * 500)
    assert name_key("\uff24\uff25\uff25\uff30") == "deep"


@pytest.mark.parametrize(
    ("names", "inbox"),
    [
        (["TeamA", "TeamC", "SwinIR_x4"], True),
        (["SwinIR_x4", "HAT_x4"], True),
        (["x4", "x8", "figures"], False),
        (["x4", "TeamA"], True),
        (["x4", "x8"], False),
        (["SR_X4", "sr_x8"], False),
        (["TeamA", "TeamB"], True),
    ],
)
def test_a_method_named_after_a_scale_does_not_stand_for_the_inbox(
    names: list[str], inbox: bool, tmp_path: Path
) -> None:
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "000000_sample00000.png").write_bytes(b"\0")
    assert is_inbox(tmp_path) is inbox


def test_a_page_repeats_no_long_key_for_each_of_its_values() -> None:
    record = {"k" * 300_000: {str(n): 1 for n in range(20_000)}, "text": "x" * 500_000}
    page = make_page(result(provenance=record), load_track("x4"), {})
    assert len(page.origin) == MOST_LINES + 1
    assert page.origin[-1] == ("…", "more lines are in the result's file")
    assert max(len(name) + len(text) for name, text in page.origin) < 2300
    assert dict(make_page(result(provenance={"a": {"b": 1}}), load_track("x4"), {}).origin) == {"a.b": "1"}


def test_the_names_of_a_result_are_bounded_together() -> None:
    made = many_images(600)
    named = tuple(replace(image, image=f"{image.image}{'&' * 9000}") for image in made.images)
    text = strict_json.dumps(to_document(replace(made, images=named)))
    with pytest.raises(ResultsError, match="characters in the names of images and files"):
        from_document(json.loads(text), "A.json")
    from_document(json.loads(strict_json.dumps(to_document(made))), "A.json")


@pytest.mark.parametrize("start", ["copy of res_8_", "Res_8_", "copy of 8_"])
def test_a_renamed_download_is_no_team(start: str, tmp_path: Path) -> None:
    name = f"{start}zoe_PhaseId7_2026-03-01:10-30_a"
    (tmp_path / "d" / name).mkdir(parents=True)
    (tmp_path / "d" / name / "scores.json").write_text('{"psnr": 30.0}')
    with pytest.raises(ResultsError, match="does not say whose it is"):
        import_downloads(tmp_path / "d", "x4", tmp_path / "board")
    assert import_downloads(
        tmp_path / "d", "x4", tmp_path / "board", teams=teams(tmp_path / "t.csv", Zoe=name)
    ).teams == ("Zoe",)
