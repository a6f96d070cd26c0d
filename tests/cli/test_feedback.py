"""What a command tells while it works and when it is stopped, and in whose language its advice is."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import srspace_eval as se
from benchmarks.inputs import pngs
from benchmarks.inputs.submissions import small
from srspace_eval.cli import _activity, _common
from srspace_eval.cli._examples import EXAMPLES, INTERRUPTED
from srspace_eval.models.folders.estimate import estimate_sampling
from srspace_eval.models.folders.options import SampleOptions
from srspace_eval.study.plan import PlanTarget, plan_study
from tests.helpers.commands import run
from tests.helpers.toy_model import Toy


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_something_moves_within_a_second_and_ends_with_the_first_output(monkeypatch: pytest.MonkeyPatch) -> None:
    err, out = Terminal(), Terminal()
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setattr(sys, "stdout", out)
    with _activity.sign_of_life("sample is starting"):
        time.sleep(0.9)
        moved = err.getvalue()
        sys.stdout.write("a line")
        after = err.getvalue()
        time.sleep(0.3)
    assert moved.count("sample is starting") >= 2
    assert len({frame for frame in _activity.FRAMES if frame in moved}) >= 2, "it moves"
    assert after.endswith("\r\x1b[2K"), "the line is cleared before other output"
    assert err.getvalue() == after
    assert (sys.stderr, sys.stdout) == (err, out)


def test_nothing_moves_where_stderr_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with _activity.sign_of_life("x"):
        time.sleep(_activity.DELAY + 0.1)
    assert capsys.readouterr() == ("", "")


def test_ctrl_c_says_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = small(tmp_path)

    def stop(*arguments: object, **more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("srspace_eval.scoring.run._measure", stop)
    line = ["score", folder / "sub", "--gt", folder / "gt", "--track", "x4", "--samples", 3, "--metrics", "psnr"]
    assert run(*line, "--board", folder / "board") == 130
    assert "interrupted: the images that were measured are kept" in capsys.readouterr().err
    assert set(INTERRUPTED) <= {*EXAMPLES, "rank"}


def test_advice_speaks_the_language_of_the_user(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = small(tmp_path)
    for sample in (1, 2):
        for image in (0, 1):
            (folder / f"sub/00000{image}_sample0000{sample}.png").unlink()
    with pytest.raises(se.SubmissionError) as caught:
        se.score(folder / "sub", folder / "gt", track="x4", metrics=["psnr"], board=folder / "b")
    assert "samples=1" in str(caught.value)
    assert "--" not in str(caught.value)
    assert run("score", folder / "sub", "--gt", folder / "gt", "--track", "x4", "--metrics", "psnr") == 1
    assert "--samples 1" in capsys.readouterr().err


@pytest.mark.parametrize("width", [60, 80, 120])
def test_prose_is_broken_between_words_on_a_terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    err, out = Terminal(), Terminal()
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setenv("COLUMNS", str(width))
    path = "/data/" + "long-folder/" * 12 + "team.zip"
    text = f"Team 12: fault: {path}: a damaged or incomplete zip; copy or pack it again, or ask for another one"
    advice = "notice: " + "word " * 20 + "run: srspace-eval check inbox --gt DIV2K --track x4 --samples 10"
    _common.tell(text)
    _common.say(f"{text}\n{advice}")
    for shown, given in ((out.getvalue(), text), (err.getvalue(), f"{text} {advice}")):
        lines = shown.splitlines()
        assert shown.split() == given.split(), "no word is broken or lost"
        assert all(len(line) <= width or len(line.split()) <= 1 or "srspace-eval" in line for line in lines)
    assert "srspace-eval check inbox --gt DIV2K --track x4 --samples 10\n" in err.getvalue(), "it can be copied"


def test_prose_is_one_line_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    _common.tell("word " * 60)
    assert capsys.readouterr().out.count("\n") == 1


def test_16_bit_grey_is_told_as_both(tmp_path: Path) -> None:
    from PIL import Image

    path = tmp_path / "a.png"
    Image.fromarray(np.full((8, 8), 4000, np.uint16)).save(path)
    with pytest.raises(se.ImageError, match="is 16-bit grey, not 8-bit RGB"):
        se.read_rgb(path)


@pytest.mark.parametrize("command", ["rank", "demo"])
def test_the_help_of_other_commands_names_the_page_about_s_m(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command, "--help") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "S_M" in text
    assert 'page "The diversity score S_M" of the documentation explains' in text


def test_the_help_of_score_says_what_s_m_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("score", "--help") == 0
    text = " ".join(capsys.readouterr().out.split())
    for word in ("S_M is", "S_10 is", "`diversity` is", "`diversity_mse` with", "The diversity score S_M"):
        assert word in text


def test_plan_ends_with_the_options_of_create(capsys: pytest.CaptureFixture[str]) -> None:
    line = ["study", "plan", "--entries", 4, "--difference", 1.5, "--raters", 5, "--studies", 50]
    assert run(*line) == 0
    plan = plan_study(PlanTarget(difference=1.5), se.RaterModel(entries=4), raters=[5], studies=50)
    assert plan.cheapest is not None
    out = capsys.readouterr().out
    assert f"study create --raters 5 --images {plan.cheapest.crops} --crops 1" in out
    assert "With fewer than 6 crops no difference can be significant." in out
    assert run(*line[:-4], "--raters", 1, "--studies", 50, "--most-crops", 6) == 0
    assert "No size is large enough" in capsys.readouterr().out


def test_sample_says_how_long_and_on_which_device(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lr").mkdir()
    se.write_png(tmp_path / "lr/0801x4.png", pngs.pixels(20, 30))
    line = ["sample", "--checkpoint", "bicubic_x4", "--lr", tmp_path / "lr", "--out", tmp_path / "out"]
    assert run(*line, "--device", "cpu", "--samples", 1) == 0
    first, *_ = capsys.readouterr().err.splitlines()
    assert "1 samples on cpu" in first
    assert "about 1 second" in first


def test_the_estimate_grows_with_pixels_and_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from srspace_eval.models.folders import estimate

    (tmp_path / "lr").mkdir()
    for name, size in (("0801x4", (48, 48)), ("0802x4", (48, 96))):
        se.write_png(tmp_path / f"lr/{name}.png", pngs.pixels(*size))
    clock = iter([10.0, 12.0])
    monkeypatch.setattr(estimate.time, "perf_counter", lambda: next(clock))
    ahead = estimate_sampling(Toy(), tmp_path / "lr", tmp_path / "out", SampleOptions(samples=3))
    assert ahead is not None
    assert ahead.samples == 6
    assert ahead.seconds == pytest.approx(2.0 * (3 + 2 * 3)), "2 s for a tile; 3 samples of 1 and of 2 tiles"
