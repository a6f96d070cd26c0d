"""Downloaded scoring outputs that become a board."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from srspace_eval.codabench.archive import make_zip
from srspace_eval.codabench.downloads import NOTE, import_downloads
from srspace_eval.codabench.output import team_of
from srspace_eval.errors import InputError, Notice, ResultsError
from srspace_eval.results.store import read_result
from tests.helpers.codabench import files
from tests.helpers.commands import run
from tests.helpers.worker import work

Output = dict[str, bytes]


@pytest.fixture(scope="module")
def output(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Output:
    """The files of a scoring output, as the platform gives them to organisers."""
    place = tmp_path_factory.mktemp("output") / "worker"
    done = work(folder / "bundle.zip", make_zip(files(folder)), place)
    assert done.code == 0, done.stderr
    content = {path.name: path.read_bytes() for path in (place / "output").iterdir()}
    assert content.keys() == {"scores.json", "result.json", "detailed_results.html"}
    return {**content, "metadata": b"exitCode: 0\n"}


def changed(output: Output, file: str, change: Callable[[Any], object]) -> Output:
    document = json.loads(output[file])
    change(document)
    return {**output, file: json.dumps(document).encode()}


def put(place: Path, name: str, content: Output) -> None:
    place.mkdir(exist_ok=True)
    (place / name).write_bytes(make_zip(content))


def test_outputs_become_a_board_that_is_ranked_and_verified(
    output: Output, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    downloads = tmp_path / "downloads"
    put(downloads, "res_12_jane_doe_PhaseId7_2026-03-01:10-30_prediction.zip", output)
    put(downloads, "res_11_jane_doe_PhaseId7_2026-03-01:09-30_prediction.zip", output)
    (downloads / "Team B").mkdir()
    for name, data in output.items():
        (downloads / "Team B" / name).write_bytes(data)
    (downloads / "notes.txt").write_text("x")
    board = tmp_path / "board"
    capsys.readouterr()
    assert run("codabench", "import", downloads, "--track", "x4", "--board", board, "--json") == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["teams"] == ["Team B", "jane_doe"]
    assert document["table"] is None
    assert "the last of 2 submissions counts: res_12_jane_doe" in err
    assert "notes.txt: not a scoring output" in err
    result = read_result(board / "x4/jane_doe.json")
    assert NOTE in result.notes
    assert result.provenance is not None
    assert (result.provenance["imported_from"], result.provenance["measured_here"]) == ("Codabench", False)
    assert (result.provenance["submission"], result.team) == (12, "jane_doe")
    assert run("rank", "--track", "x4", "--board", board, "--json") == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {row["team"] for row in rows} == {"jane_doe", "Team B"}
    assert run("verify", board / "x4/jane_doe.json", folder / "sub", "--gt", folder / "gt") == 0
    assert "equal" in capsys.readouterr().out


def test_scores_without_a_result_become_a_table(
    output: Output, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    downloads, board = tmp_path / "downloads", tmp_path / "board"
    hidden = {name: data for name, data in output.items() if name != "result.json"}
    put(downloads, "=cmd.zip", hidden)
    put(downloads, "B.zip", changed(hidden, "scores.json", lambda d: d.pop("psnr")))
    assert run("codabench", "import", downloads, "--track", "x4", "--board", board) == 0
    assert f"--table {board / 'codabench-x4.csv'}" in capsys.readouterr().err
    lines = (board / "codabench-x4.csv").read_text().splitlines()
    assert lines[1].startswith("'=cmd,team,")
    assert not list(board.glob("*/*.json"))
    assert run("rank", "--track", "x4", "--table", board / "codabench-x4.csv", "--json") == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {row["team"] for row in rows} == {"=cmd", "B"}
    scores = json.loads(output["scores.json"])
    assert {row["lr_psnr"] for row in rows} == {round(scores["lr_psnr"], 10)}


def test_a_csv_says_whose_the_files_are(output: Output, tmp_path: Path) -> None:
    put(tmp_path / "d", "scoring_result.zip", output)
    (tmp_path / "teams.csv").write_text("file,team,kind\nscoring_result.zip,Ünïcode & Co,baseline\n", encoding="utf-8")
    found = import_downloads(tmp_path / "d", "x4", tmp_path / "board", teams=tmp_path / "teams.csv")
    result = read_result(found.results[0])
    assert (result.team, result.kind) == ("Ünïcode & Co", "baseline")
    with pytest.raises(ResultsError, match="does not say whose it is"):
        import_downloads(tmp_path / "d", "x4", tmp_path / "other")


def test_different_scoring_programs_are_told(output: Output, tmp_path: Path) -> None:
    put(tmp_path / "d", "A.zip", output)
    put(tmp_path / "d", "B.zip", changed(output, "scores.json", lambda d: d.update(program=7)))
    with pytest.warns(Notice, match="different scoring programs .7: B"):
        import_downloads(tmp_path / "d", "x4", tmp_path / "board")


def test_nothing_is_replaced_unasked_and_the_same_input_gives_the_same_bytes(output: Output, tmp_path: Path) -> None:
    put(tmp_path / "d", "A.zip", output)
    (path,) = import_downloads(tmp_path / "d", "x4", tmp_path / "board").results
    before = path.read_bytes()
    with pytest.raises(ResultsError, match="overwrite=True"):
        import_downloads(tmp_path / "d", "x4", tmp_path / "board")
    import_downloads(tmp_path / "d", "x4", tmp_path / "board", overwrite=True)
    assert path.read_bytes() == before


def _forge_summary(document: Any) -> None:
    document["summary"]["psnr"] += 1


def _forge_all(document: Any) -> None:
    document["summary"]["psnr"] += 1
    for image in document["images"]:
        image["psnr"] += 1


HOSTILE: dict[str, tuple[Callable[[Output], Output], str]] = {
    "forged summary": (lambda o: changed(o, "result.json", _forge_summary), "does not follow from its images: psnr"),
    "forged images": (lambda o: changed(o, "result.json", _forge_all), "psnr is .*but scores.json says"),
    "forged scores": (lambda o: changed(o, "scores.json", lambda d: d.update(psnr=99.0)), "but scores.json says 99.0"),
    "another track": (lambda o: changed(o, "result.json", lambda d: d.update(track="x8")), "of track 'x8'"),
    "incomplete": (lambda o: changed(o, "result.json", lambda d: d.update(incomplete=["x"])), "is incomplete"),
    "no shared score": (lambda o: changed(o, "scores.json", lambda d: d.clear()), "shares no score"),
    "not a result": (lambda o: {**o, "result.json": b"{}"}, "result.json: not a result"),
    "not JSON": (lambda o: {**o, "scores.json": b"{"}, "cannot be read as JSON"),
    "NaN": (lambda o: {**o, "scores.json": b'{"psnr": NaN}'}, "cannot be read as JSON"),
    "a key twice": (lambda o: {**o, "scores.json": b'{"psnr": 1, "psnr": 2}'}, "cannot be read as JSON"),
    "a list": (lambda o: {**o, "scores.json": b"[]"}, "not an object"),
    "a text": (lambda o: {**o, "scores.json": b'{"psnr": "9"}'}, "'psnr'"),
    "null": (lambda o: {**o, "scores.json": b'{"psnr": null}'}, "null is not a score"),
    "infinite": (lambda o: {**o, "scores.json": b'{"psnr": "inf"}'}, "finite numbers"),
    "huge": (lambda o: {**o, "scores.json": b'{"psnr": 1e300}'}, "below 1e10"),
    "deep": (lambda o: {**o, "scores.json": b"[" * 100_000}, "cannot be read as JSON"),
    "large": (lambda o: {**o, "scores.json": b" " * (1 << 21)}, "larger than|compresses that well"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_output_that_cannot_be_used_stops_the_import(
    name: str, output: Output, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, told = HOSTILE[name]
    put(tmp_path / "d", "A.zip", output)
    put(tmp_path / "d", "B.zip", make(output))
    with pytest.raises(ResultsError, match=told) as caught:
        import_downloads(tmp_path / "d", "x4", tmp_path / "board")
    assert "B.zip" in str(caught.value)
    assert not (tmp_path / "board").exists()
    assert run("codabench", "import", tmp_path / "d", "--track", "x4", "--board", tmp_path / "board") == 1
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["damaged", "link", "outside", "nested"])
def test_hostile_zips(kind: str, output: Output, tmp_path: Path) -> None:
    place = tmp_path / "d"
    put(place, "A.zip", output)
    if kind == "damaged":
        (place / "B.zip").write_bytes((place / "A.zip").read_bytes()[:500])
    elif kind == "nested":
        put(place, "B.zip", {"A.zip": b"x", "scores.json": b"{}"})
    else:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            info = zipfile.ZipInfo("scores.json" if kind == "link" else "../scores.json")
            info.external_attr = (0o120777 if kind == "link" else 0o100644) << 16
            archive.writestr(info, "/etc/passwd" if kind == "link" else "{}")
        (place / "B.zip").write_bytes(out.getvalue())
    with pytest.raises(ResultsError, match=r"B\.zip"):
        import_downloads(place, "x4", tmp_path / "board")
    assert not (tmp_path / "board").exists()


def test_two_files_of_one_team_without_numbers(output: Output, tmp_path: Path) -> None:
    put(tmp_path / "d", "A.zip", output)
    put(tmp_path / "d", "a.zip", output)
    with pytest.raises(ResultsError, match=r"A\.zip, a\.zip: are all of 'A'; keep one"):
        import_downloads(tmp_path / "d", "x4", tmp_path / "board")


def test_a_folder_without_outputs(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    with pytest.raises(InputError, match="holds no scoring outputs"):
        import_downloads(tmp_path / "d", "x4", tmp_path / "board")
    (tmp_path / "f").write_text("x")
    with pytest.raises(InputError, match="is not a folder"):
        import_downloads(tmp_path / "f", "x4", tmp_path / "board")


@pytest.mark.parametrize(
    ("name", "team", "number"),
    [
        ("4711_jane_PhaseId12_2026-03-01:10-30_sub.zip", "jane", 4711),
        ("res_4711_jane_PhaseId12_2026-03-01:10-30_sub.zip", "jane", 4711),
        ("4711_a_b_c_PhaseId12_x_PhaseId3_y.zip", "a_b_c", 4711),
        ("2021 winners.zip", "2021 winners", None),
        ("12_x.zip", "12_x", None),
    ],
)
def test_the_names_of_bulk_downloads(name: str, team: str, number: int | None) -> None:
    assert team_of(name) == (team, number)


def test_an_output_inside_a_folder_of_its_zip(output: Output, tmp_path: Path) -> None:
    put(tmp_path / "d", "A.zip", {f"output/{name}": data for name, data in output.items()})
    found = import_downloads(tmp_path / "d", "x4", tmp_path / "board")
    assert found.teams == ("A",)


def scores(**values: float) -> Output:
    return {"scores.json": json.dumps(values).encode()}


def test_several_phases_are_not_mixed(tmp_path: Path) -> None:
    place = tmp_path / "d"
    put(place, "res_100_ann_PhaseId1_x.zip", scores(lpips=0.1))
    put(place, "res_101_bob_PhaseId2_x.zip", scores(lpips=0.2))
    with pytest.raises(InputError, match=r"several phases \(1, 2\)"):
        import_downloads(place, "x4", tmp_path / "board")
    with pytest.raises(InputError, match="holds no output of this phase"):
        import_downloads(place, "x4", tmp_path / "board", phase=3)
    assert not (tmp_path / "board").exists()
    with pytest.warns(Notice, match="outputs of other phases are left out"):
        assert import_downloads(place, "x4", tmp_path / "board", phase=2).teams == ("bob",)


def test_another_import_keeps_the_rows_of_other_teams(tmp_path: Path) -> None:
    put(tmp_path / "one", "=A.zip", scores(lpips=0.1))
    put(tmp_path / "one", "B.ZIP", scores(lpips=0.2))
    put(tmp_path / "two", "B.zip", scores(lpips=0.3, lr_psnr=50.0))
    board = tmp_path / "board"
    table = import_downloads(tmp_path / "one", "x4", board).table
    assert table is not None
    import_downloads(tmp_path / "two", "x4", board, overwrite=True)
    assert table.read_text() == "team,kind,lpips,lr_psnr\n'=A,team,0.1,\nB,team,0.3,50.0\n"
    table.write_text("x\n1\n")
    with pytest.raises(ResultsError, match="nothing was imported"):
        import_downloads(tmp_path / "two", "x4", board, overwrite=True)
    assert table.read_text() == "x\n1\n"


def test_a_refused_import_writes_nothing(output: Output, tmp_path: Path) -> None:
    put(tmp_path / "d", "Good.zip", output)
    put(tmp_path / "d", "Scores.zip", scores(lpips=0.1))
    put(tmp_path / "d", "Odd.zip", scores(other=0.1))
    with pytest.raises(ResultsError, match=r"Odd\.zip: scores\.json holds no column of track x4"):
        import_downloads(tmp_path / "d", "x4", tmp_path / "board")
    assert not (tmp_path / "board").exists()


def test_a_forged_output_is_refused_before_rank_would_refuse_it(output: Output, tmp_path: Path) -> None:
    def forge(document: Any) -> None:
        for place in (*document["images"], document["summary"]):
            place["lr_psnr_worst"] = 99.0

    forged = changed(output, "result.json", forge)
    put(tmp_path / "downloads", "A.zip", changed(forged, "scores.json", lambda d: d.pop("lr_psnr_worst", None)))
    with pytest.raises(ResultsError, match="contradicts itself"):
        import_downloads(tmp_path / "downloads", "x4", tmp_path / "board")
    assert not (tmp_path / "board").exists()


def test_a_team_that_looks_like_one_of_the_board_is_refused(output: Output, tmp_path: Path) -> None:
    put(tmp_path / "first", "Team.zip", output)
    import_downloads(tmp_path / "first", "x4", tmp_path / "board")
    put(tmp_path / "second", "TEAM.zip", output)
    for overwrite in (False, True):
        with pytest.raises(
            ResultsError, match=r"TEAM\.zip: its team 'TEAM' looks like 'Team', whose result is .*Team\.json"
        ):
            import_downloads(tmp_path / "second", "x4", tmp_path / "board", overwrite=overwrite)


def test_a_team_that_gets_a_result_leaves_the_table(output: Output, tmp_path: Path) -> None:
    scores = {name: data for name, data in output.items() if name != "result.json"}
    for name in ("A", "B"):
        put(tmp_path / "first", f"{name}.zip", scores)
    import_downloads(tmp_path / "first", "x4", tmp_path / "board")
    put(tmp_path / "second", "A.zip", output)
    done = import_downloads(tmp_path / "second", "x4", tmp_path / "board", overwrite=True)
    assert done.table is not None
    assert [line.split(",")[0] for line in done.table.read_text().splitlines()] == ["team", "B"]
