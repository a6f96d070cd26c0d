"""What results hold beyond what their track names can be shown, and a notice says that it is there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.inputs.boards import make_results, write_board
from srspace_eval.errors import RankingError
from srspace_eval.ranking import rank
from srspace_eval.results.record import Result
from srspace_eval.results.signature import Signature
from srspace_eval.tracks.reader import load_track
from tests.helpers.commands import run

X4 = load_track("x4")
ID = "psnr_y4"
OPTIONS = {"metric": "psnr", "convention": "uint8", "channel": "y", "border": 4}


def _with(result: Result, column: str, settings: dict[str, object], value: float) -> Result:
    """The result with one more column."""
    images = tuple(
        replace(
            image,
            values={**image.values, column: value},
            samples=tuple(replace(one, values={**one.values, column: value}) for one in image.samples),
        )
        for image in result.images
    )
    signature = Signature({**result.signature.settings, column: settings}, result.signature.environment)
    return replace(result, signature=signature, images=images, summary={**result.summary, column: value})


@pytest.fixture
def board(tmp_path: Path) -> Path:
    first, second = make_results(X4, 2, 3, 2, 0)
    write_board(tmp_path / "board", [_with(first, ID, OPTIONS, 31.5), second])
    return tmp_path / "board"


def test_a_measure_of_a_result_is_a_column_on_demand(board: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ranking = rank(board, "x4", columns=["lpips", ID])
    assert ranking.columns == ("lpips", ID)
    assert {row.entry.values.get(ID) for row in ranking.rows} == {31.5, None}
    assert rank(list(make_results(X4, 2, 3, 2, 0)), "x4").columns == (*X4.metrics, "mor")
    assert run("rank", "--board", board, "--columns", f"lpips,{ID}", "--digits", f"{ID}=1") == 0
    assert " 31.5" in capsys.readouterr().out


def test_a_notice_names_what_is_not_shown(board: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("rank", "--board", board) == 0
    out, err = capsys.readouterr()
    assert f"notice: also measured: {ID}; show it with --columns" in err
    assert "31.5" not in out
    assert run("rank", "--board", board, "--columns", "lpips") == 0
    assert "also measured" not in capsys.readouterr().err


def test_a_notice_names_metrics_whose_package_is_not_installed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (result,) = make_results(X4, 1, 3, 2, 0)
    write_board(tmp_path, [_with(result, "vmaf", {"version": 1}, 80.0)])
    assert run("rank", "--board", tmp_path) == 0
    assert "also measured: vmaf; no installed package has such a metric: install it" in capsys.readouterr().err


def test_a_board_with_the_track_s_own_metrics_alone_has_no_notice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_board(tmp_path, make_results(X4, 2, 3, 2, 0))
    assert run("rank", "--board", tmp_path) == 0
    assert "also measured" not in capsys.readouterr().err


@pytest.mark.parametrize("asked", [["vmaf"], [ID, "vmaf"]])
def test_columns_that_nobody_measured_are_refused(
    board: Path, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RankingError, match="unknown column 'vmaf'"):
        rank(board, "x4", columns=asked)
    assert run("rank", "--board", board, "--columns", ",".join(asked)) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "unknown column 'vmaf': choose of lpips, " in said
    assert "or install the package that provides it; a measure of `score --measure` must be in a result" in said


def test_by_products_of_a_measure_are_not_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """S_M measured as ``x`` also gives x_lpips; nothing is missing."""
    first, second = make_results(X4, 2, 3, 2, 0)
    given = _with(first, "x", {"metric": "diversity"}, 1.5)
    images = tuple(replace(image, values={**image.values, "x_lpips": 0.1}) for image in given.images)
    given = replace(given, images=images, summary={**given.summary, "x_lpips": 0.1})
    write_board(tmp_path / "board", [given, second])
    run("rank", "--board", tmp_path / "board")
    err = capsys.readouterr().err
    assert "also measured: x; show it with --columns" in err
    assert "no installed package" not in err
