"""Many submissions at once: check, score and rank of an inbox, as commands and from Python."""

from __future__ import annotations

import json
import re
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import srspace_eval as se
from benchmarks.inputs.submissions import small
from srspace_eval._utils.png import read_rgb
from srspace_eval.submissions.batch import find_submissions, is_inbox, make_members
from tests.helpers.commands import run

TEAMS = (
    "file,team,kind,affiliation,paper,code,extra_data,runtime\n"
    'a.zip,Deepest,team,"Uni <b>A</b>",https://arxiv.org/abs/1,in preparation,no,0.3\n'
    "b.zip,'=Beta,team,,,,,\n"
    "c.zip,Gamma,baseline,,,,,\n"
)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """Four zips: a and c are whole, b lacks an image, d is damaged. ``gt`` is beside the inbox."""
    small(tmp_path)
    folder = tmp_path / "inbox"
    folder.mkdir()
    for name in "abc":
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            for file in sorted((tmp_path / "sub").iterdir()):
                if name != "b" or not file.name.startswith("000001"):
                    archive.write(file, file.name)
    (folder / "d.zip").write_bytes(b"PK\3\4 damaged")
    (tmp_path / "teams.csv").write_text(TEAMS, encoding="utf-8")
    return folder


def arguments(inbox: Path) -> list[object]:
    return ["--gt", inbox.parent / "gt", "--track", "x4", "--samples", 3, "--teams", inbox.parent / "teams.csv"]


def test_an_inbox_is_checked_in_one_call(inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reports = inbox.parent / "reports"
    assert run("check", inbox, *arguments(inbox), "--reports", reports) == 1
    out, err = capsys.readouterr()
    table = out.splitlines()[-5:]
    assert [line.split()[0] for line in table] == ["team", "Deepest", "=Beta", "Gamma", "d"]
    assert "no faults" in table[1]
    assert "1 fault" in table[2]
    assert "4 submissions, 2 with faults" in err
    assert "lacks d.zip" in err
    assert len(list(reports.iterdir())) == 4


def test_a_report_says_what_is_wrong_and_names_no_folder_of_the_organiser(inbox: Path) -> None:
    with pytest.warns(se.Notice, match=r"lacks d\.zip"):
        batch = se.check_all(inbox, inbox.parent / "gt", track="x4", samples=3, teams=inbox.parent / "teams.csv")
    _, beta, _, damaged = (path.read_text(encoding="utf-8") for path in se.write_letters(batch, inbox.parent / "r"))
    assert beta.startswith("# Submission of =Beta\n")
    assert (
        "- 0802: all its samples are missing (`000001_sample00000.png` to `000001_sample00002.png`) (index 1 is image "
        "0802)\n"
    ) in beta
    assert "- `d.zip`: " in damaged
    for text in (beta, damaged):
        command = "srspace-eval check SUBMISSION.zip --track x4 --lr LR --samples 3"
        assert f"    pip install .\n    {command}\n" in text
        assert "TRACK" not in text
        assert "--gt" not in text
    for text in (beta, damaged):
        assert str(inbox) not in text
        assert str(inbox.parent) not in text


def test_score_goes_on_after_a_submission_with_faults(inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    board = inbox.parent / "board"
    line = ["score", inbox, *arguments(inbox), "--metrics", "lr_psnr", "--board", board]
    assert run(*line, "--json") == 1
    document = json.loads(capsys.readouterr().out)
    assert [bool(one["result"]) for one in document["submissions"]] == [True, False, True, False]
    assert sorted(path.name for path in (board / "x4").iterdir()) == ["Deepest.json", "Gamma.json"]
    assert se.read_result(board / "x4/Gamma.json").kind == "baseline"
    before = {path: path.stat().st_mtime_ns for path in (board / "x4").iterdir()}
    assert run(*line) == 1, "the same command again measures nothing again"
    assert {path: path.stat().st_mtime_ns for path in (board / "x4").iterdir()} == before


def test_python_scores_a_batch_to_the_bytes_of_single_calls(inbox: Path, tmp_path: Path) -> None:
    gt, files = inbox.parent / "gt", [inbox / "a.zip", inbox / "c.zip"]
    batch = se.score_all(files, gt, track="x4", samples=3, metrics=["psnr"], board=tmp_path / "one")
    for file in files:
        se.score(file, gt, track="x4", samples=3, metrics=["psnr"], board=tmp_path / "two")
    assert [outcome.faults for outcome in batch.outcomes] == [(), ()]
    for name in ("a", "c"):
        assert (tmp_path / f"one/x4/{name}.json").read_bytes() == (tmp_path / f"two/x4/{name}.json").read_bytes()


def test_one_progress_covers_the_batch(inbox: Path) -> None:
    from collections.abc import Callable, Iterator
    from contextlib import contextmanager

    seen: list[tuple[str, int]] = []
    done: list[int] = []

    @contextmanager
    def progress(description: str, total: int) -> Iterator[Callable[[int], None]]:
        seen.append((description, total))
        yield done.append

    se.check_all(inbox, inbox.parent / "gt", track="x4", samples=3, progress=progress)
    assert seen == [("Checking 4 submissions", 6 + 3 + 6 + 1)]
    assert sum(done) == 16


def test_a_board_shows_links_and_columns_and_exports_them(inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    board, site = inbox.parent / "board", inbox.parent / "site"
    run("score", inbox, *arguments(inbox), "--metrics", "lr_psnr", "--board", board)
    line = ["rank", "--track", "x4", "--board", board, "--out", site, "--teams", inbox.parent / "teams.csv"]
    files = [inbox / f"{name}.zip" for name in "abd"]
    capsys.readouterr()
    assert run(*line, "--gt", inbox.parent / "gt", "--submission", *files) == 0
    err = capsys.readouterr().err
    assert "'=Beta' has no result in track x4 (was its submission refused?)" in err
    assert err.count("=Beta") == 1, "a refused submission is named once"
    page = (site / "x4/index.html").read_text(encoding="utf-8")
    assert '<a href="https://arxiv.org/abs/1" rel="noopener noreferrer nofollow external">Paper</a>' in page
    assert "Uni &lt;b&gt;A&lt;/b&gt;" in page
    assert (site / "x4/viewer/Deepest.html").is_file()
    (address,) = re.findall(r'href="(teams/Deepest[^"]*)"', page)[:1]
    team = (site / "x4" / address).read_text(encoding="utf-8")
    assert "Declared by the team, not measured" in team
    assert "<bdi>0.3 s per image</bdi>" in team
    rows = json.loads((site / "x4.json").read_text(encoding="utf-8"))["rows"]
    assert rows[0]["about"] == {
        "affiliation": "Uni <b>A</b>", "paper": "https://arxiv.org/abs/1", "code": "in preparation",
        "extra_data": "no", "runtime": "0.3",
    }  # fmt: skip
    again = se.rank(None, "x4", table=site / "x4.csv")
    assert again.rows[0].entry.about["affiliation"] == "Uni <b>A</b>"


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html;x", "file:///etc/passwd", "https://a@b/"])
def test_only_addresses_of_the_web_are_links(tmp_path: Path, address: str) -> None:
    table = tmp_path / "teams.csv"
    table.write_text(f"team,code,kind\nA,{address},rival\n", encoding="utf-8")
    with pytest.raises(se.SubmissionError) as caught:
        se.read_teams(table)
    assert "line 2: code is" in str(caught.value)
    assert "kind is 'rival'" in str(caught.value), "all faults are listed"


def test_two_submissions_of_one_team_are_refused_before_anything_is_read(inbox: Path) -> None:
    (inbox.parent / "teams.csv").write_text("file,team\na.zip,Deepest\n", encoding="utf-8")
    (inbox / "deepest.zip").write_bytes(b"")
    with pytest.raises(se.SubmissionError, match="both are of 'deepest'"):
        make_members([inbox], inbox.parent / "teams.csv")


def test_what_an_inbox_is(tmp_path: Path) -> None:
    small(tmp_path / "one")
    assert not is_inbox(tmp_path / "one/sub"), "PNGs directly in it: one submission"
    for name in ("x4", "x8"):
        (tmp_path / "two").mkdir(exist_ok=True)
        (tmp_path / "one/sub/000000_sample00000.png").rename(tmp_path / "one/sub/p.png")
        (tmp_path / "two" / name).mkdir()
        (tmp_path / "two" / name / "000000.png").write_bytes((tmp_path / "one/sub/p.png").read_bytes())
        (tmp_path / "one/sub/p.png").rename(tmp_path / "one/sub/000000_sample00000.png")
    assert not is_inbox(tmp_path / "two"), "folders of scales are parts of one submission"
    (tmp_path / "two/x4").rename(tmp_path / "two/Deepest")
    (tmp_path / "two/x8").rename(tmp_path / "two/CIPLAB")
    assert [path.name for path in find_submissions([tmp_path / "two"])] == ["CIPLAB", "Deepest"]
    with pytest.raises(se.SubmissionError, match="there is no submission"):
        find_submissions([tmp_path / "nowhere" / "*.zip"])


def test_names_of_one_submission_are_refused_for_many(inbox: Path) -> None:
    gt = inbox.parent / "gt"
    assert run("score", inbox, "--gt", gt, "--team", "A") == 2
    assert run("score", inbox, "--gt", gt, "--shard", "1/2") == 2


def test_reports_replace_only_earlier_reports(tmp_path: Path) -> None:
    (tmp_path / "README").mkdir()
    (tmp_path / "A").mkdir()
    batch = se.check_all([tmp_path / "A", tmp_path / "README"], track="x4")
    letters = tmp_path / "letters"
    letters.mkdir()
    (letters / "README.md").write_text("# My project\n")
    with pytest.raises(se.ResultsError, match=r"README\.md"):
        se.write_letters(batch, letters)
    assert [path.name for path in letters.iterdir()] == ["README.md"]
    (letters / "README.md").unlink()
    assert se.write_letters(batch, letters) == se.write_letters(batch, letters)


def test_a_fault_of_the_board_is_not_the_team_s(tmp_path: Path) -> None:
    for name in ("gt/0801.png", "A/000000_sample00000.png"):
        (tmp_path / name).parent.mkdir()
        se.write_png(tmp_path / name, np.full((32, 32, 3), 9, np.uint8))
    score = partial(se.score_all, tmp_path / "A", tmp_path / "gt", track="x4", samples=1, board=tmp_path / "board")
    score(metrics=["psnr"])
    batch = score(metrics=["psnr", "ssim"])
    (fault,) = batch.outcomes[0].faults
    assert "overwrite" in fault
    assert str(tmp_path / "board") in fault
    (letter,) = se.write_letters(batch, tmp_path / "letters")
    text = letter.read_text()
    assert "The organiser has to correct the error. You do not need to do anything." in text
    assert "send the submission again" not in text
    assert "existing" not in text


@pytest.mark.parametrize("scored", [False, True])
def test_the_command_in_a_report_is_that_of_the_batch(inbox: Path, tmp_path: Path, scored: bool) -> None:
    """Also for a damaged zip, whose track is not known: that of the others is named."""
    gt = inbox.parent / "gt"
    own = tmp_path / "ours.toml"
    se.write_track_template(own, like="x4")
    own.write_text(own.read_text(encoding="utf-8").replace('name = "x4"', 'name = "ours"'), encoding="utf-8")
    wanted = {None: "", own: " --track TRACK.toml", "x4": " --track x4"}  # the sizes fit x4 and x8
    for number, (track, option) in enumerate(wanted.items()):
        for samples in (3, None) if track == "x4" and not scored else (3,):
            if scored:
                board = tmp_path / f"board{number}"
                batch = se.score_all(inbox, gt, track=track, samples=samples, metrics=["psnr"], board=board)
            else:
                batch = se.check_all(inbox, gt, track=track, samples=samples)
            damaged = se.write_letters(batch, tmp_path / "letters")[-1].read_text(encoding="utf-8")
            of_samples = "" if samples is None else f" --samples {samples}"
            assert f"    srspace-eval check SUBMISSION.zip{option} --lr LR{of_samples}\n" in damaged
            assert ("TRACK.toml the track file of the challenge" in damaged) == (track == own)


def test_the_track_that_was_found_for_the_others_is_in_the_report_of_a_damaged_zip(inbox: Path, tmp_path: Path) -> None:
    gt, lr = inbox.parent / "gt", tmp_path / "lr"
    for path in gt.iterdir():
        picture = read_rgb(path)
        lr.mkdir(exist_ok=True)
        se.write_png(lr / path.name, se.imresize(picture, scale=1 / 4))
    batch = se.check_all(inbox, gt, lr=lr, samples=3)
    assert batch.outcomes[0].check is not None
    damaged = se.write_letters(batch, tmp_path / "letters")[-1].read_text(encoding="utf-8")
    assert "    srspace-eval check SUBMISSION.zip --track x4 --lr LR --samples 3\n" in damaged
