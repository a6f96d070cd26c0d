"""A site holds what its last call wrote, and a folder of other files is refused."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from benchmarks.inputs.boards import make_results, write_board, write_pictures
from srspace_eval.errors import Notice, RankingError
from srspace_eval.ranking import Entry, Ranking, rank
from srspace_eval.report.files import write_leaderboards
from srspace_eval.report.html import Pictures, write_site
from srspace_eval.tracks.reader import load_track
from tests.helpers.commands import run
from tests.helpers.pages import contents

X8 = load_track("x8")


def _ranking(teams: str = "AB") -> Ranking:
    return rank([Entry(name, "team", {"lpips": 0.2, "diversity": 20.0}, "given") for name in teams], X8)


def test_a_foreign_folder_is_refused_and_stays_as_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "index.html").write_text("my homepage")
    (tmp_path / "notes").mkdir()
    table = tmp_path.parent / f"{tmp_path.name}.csv"
    table.write_text("team,kind,lpips,diversity\nA,team,0.2,20\n")
    assert run("rank", "--track", "x8", "--table", table, "--out", tmp_path) == 1
    assert (
        "holds files that are not a leaderboard's (index.html, notes); nothing was written" in capsys.readouterr().err
    )
    assert contents(tmp_path) == {"index.html": b"my homepage"}


def test_new_empty_hidden_and_own_folders_are_taken(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/config").write_text("mine")
    write_leaderboards([_ranking()], tmp_path, formats=["csv"])
    write_leaderboards([_ranking()], tmp_path)  # after its own text files
    write_leaderboards([_ranking()], tmp_path)
    assert (tmp_path / ".git/config").read_text() == "mine"
    assert (tmp_path / "x8/index.html").is_file()


def test_files_that_another_format_wrote_stay_and_those_of_the_site_go(tmp_path: Path) -> None:
    write_leaderboards([_ranking()], tmp_path, formats=["html", "tex"])
    write_leaderboards([_ranking()], tmp_path, formats=["md"])  # text files alone change nothing else
    assert (tmp_path / "x8.tex").is_file()
    write_leaderboards([_ranking()], tmp_path, formats=["html"])
    assert not (tmp_path / "x8.tex").exists()
    assert (tmp_path / "x8.md").is_file()


def test_pictures_are_deleted_where_they_are_not_asked_for_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gt, folders, results = write_pictures(tmp_path / "in", make_results(X8, 2, 2, 2, 0, size=(40, 48)))
    write_board(tmp_path / "board", results)
    out, command = tmp_path / "site", ("rank", "--board", tmp_path / "board", "--out", tmp_path / "site")
    given = [f"--submission={team}={folder}" for team, folder in folders.items()]
    assert run(*command, "--gt", gt, *given) == 0
    assert "shows pictures of the GT; do not publish it while the GT is secret" in capsys.readouterr().err
    assert len(list(out.glob("x8/pictures/**/*.png"))) == 2 + 2 + 2 * 2 * 2
    pictures = len([path for path in out.glob("x8/pictures/**/*") if path.is_file()])  # with the thumbnails
    assert run(*command) == 0
    assert f"{pictures} pictures of the earlier site are deleted" in capsys.readouterr().err
    assert not (out / "x8/pictures").exists()
    assert not (out / "x8/viewer").exists()
    assert contents(out).keys() == {path.replace("/", os.sep) for path in _listed(out)} | {
        str(Path("assets/pages.txt"))
    }


def test_pictures_of_a_site_of_version_0_1_0_are_deleted_too(tmp_path: Path) -> None:
    gt, folders, results = write_pictures(tmp_path / "in", make_results(X8, 1, 1, 1, 0, size=(40, 48)))
    ranking = rank([Entry(r.team, r.kind, r.summary, "measured", r) for r in results], X8)
    write_site(tmp_path / "site", [ranking], pictures={"x8": Pictures(gt, folders)})
    _make_legacy(tmp_path / "site")
    with pytest.warns(Notice, match="3 pictures of the earlier site are deleted"):
        write_site(tmp_path / "site", [ranking])
    assert not (tmp_path / "site/x8/pictures").exists()


def _site_with_pictures(tmp_path: Path) -> tuple[Path, Ranking]:
    gt, folders, results = write_pictures(tmp_path / "in", make_results(X8, 1, 1, 1, 0, size=(40, 48)))
    ranking = rank([Entry(r.team, r.kind, r.summary, "measured", r) for r in results], X8)
    write_site(tmp_path / "site", [ranking], pictures={"x8": Pictures(gt, folders)})
    return tmp_path / "site", ranking


@pytest.mark.parametrize(("legacy", "inside"), [(False, True), (True, False)])
def test_no_link_is_followed_to_pictures(tmp_path: Path, *, legacy: bool, inside: bool) -> None:
    site, ranking = _site_with_pictures(tmp_path)
    if legacy:
        _make_legacy(site)
    foreign = (site / "mine") if inside else (tmp_path / "foreign")
    shutil.copytree(site / "x8/pictures", foreign)
    (foreign / "empty").mkdir()
    (foreign / "holiday.png").touch()
    before = sorted(foreign.rglob("*"))
    shutil.rmtree(site / "x8/pictures")
    (site / "x8/pictures").symlink_to(foreign, target_is_directory=True)
    with pytest.warns(Notice, match="symbolic links at these paths"):
        write_site(site, [ranking])
    assert sorted(foreign.rglob("*")) == before
    assert (site / "x8/pictures").is_symlink()


@pytest.mark.filterwarnings("ignore:.*pictures of the earlier site:srspace_eval.errors.Notice")
def test_a_listed_file_that_is_a_link_now_is_kept(tmp_path: Path) -> None:
    site, ranking = _site_with_pictures(tmp_path)
    (picture,) = site.glob("x8/pictures/gt/*.png")
    picture.replace(tmp_path / "kept.png")
    picture.symlink_to(tmp_path / "kept.png")
    with pytest.warns(Notice, match=r"x8/pictures/gt/\w+\.png, which this one does not show"):
        write_site(site, [ranking])
    assert picture.is_symlink()
    assert (tmp_path / "kept.png").is_file()
    assert not (site / "x8/pictures/teams").exists()


@pytest.mark.filterwarnings("ignore:.*pictures? of the earlier site:srspace_eval.errors.Notice")
@pytest.mark.parametrize(("legacy", "pictures"), [(False, False), (False, True), (True, True)])
def test_pictures_of_the_user_are_kept(tmp_path: Path, *, legacy: bool, pictures: bool) -> None:
    site, ranking = _site_with_pictures(tmp_path)
    if not pictures:
        write_site(site, [ranking])  # its list names no picture
    if legacy:
        _make_legacy(site)
    mine = [site / "x8/pictures" / name for name in ("mine.png", "press/logo.png", "gt/own.png")]
    for path in mine:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    write_site(site, [ranking])
    assert sorted(path for path in site.glob("x8/pictures/**/*") if path.is_file()) == sorted(mine)


@pytest.mark.parametrize(("name", "link"), [("x8/index.html", False), ("x8/index.html", True), ("x8.csv", False)])
def test_an_unlisted_file_of_a_site_is_not_replaced(tmp_path: Path, name: str, *, link: bool) -> None:
    site, mine, target = tmp_path / "site", tmp_path / "site" / name, tmp_path / "elsewhere.txt"
    others = rank([Entry("A", "team", {"lpips": 0.2, "diversity": 20.0}, "given")], load_track("x4"))
    write_leaderboards([others], site, formats=["html"])
    mine.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("mine")
    if link:
        mine.symlink_to(target)
    else:
        mine.write_text("mine")
    before = contents(site)
    with pytest.raises(RankingError, match="these files would be replaced") as caught:
        write_leaderboards([_ranking()], site, formats=["html", "csv"])
    assert name in str(caught.value).replace(os.sep, "/")
    assert contents(site) == before


def _make_legacy(site: Path) -> None:
    """Make the list of a site as version 0.1.0 wrote it: it named the pages alone, and there were no thumbnails."""
    (site / "assets/pages.txt").write_text("\n".join(name for name in _listed(site) if name.endswith(".html")))
    for path in site.glob("x8/pictures/**/*.webp"):
        path.unlink()


@pytest.mark.parametrize("name", ["../outside.html", "/etc/x.html", ".git/x.html", "key", "x\0.html", "a\\b.html"])
def test_an_edited_list_deletes_nothing_else(tmp_path: Path, name: str) -> None:
    out = tmp_path / "site"
    write_site(out, [_ranking()])
    (out / ".git").mkdir()
    kept = [tmp_path / "outside.html", out / ".git/x.html", out / "key"]
    for path in kept:
        path.write_text("mine")
    record = out / "assets/pages.txt"
    record.write_text(record.read_text() + name + "\n")
    write_site(out, [_ranking("A")])
    assert [path.read_text() for path in kept] == ["mine"] * 3


def test_a_killed_call_leaves_no_unlisted_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_leaderboards([_ranking()], tmp_path, formats=["html", "csv"])
    with monkeypatch.context() as patched:
        patched.setattr("srspace_eval.report.html.site.remove_files", _killed)
        with pytest.raises(KeyboardInterrupt):
            write_leaderboards([_ranking()], tmp_path, formats=["html"])
    assert "x8.csv" in _listed(tmp_path)
    write_leaderboards([_ranking()], tmp_path, formats=["html"])
    assert not (tmp_path / "x8.csv").exists()


def test_a_folder_in_which_only_a_picture_is_foreign_is_refused_by_python_too(tmp_path: Path) -> None:
    (tmp_path / "logo.png").touch()
    with pytest.raises(RankingError, match=r"logo\.png"):
        write_site(tmp_path, [_ranking()])


def test_an_input_is_not_replaced_by_the_leaderboard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "x8.csv"
    table.write_text("team,kind,lpips,diversity\nA,team,0.2,20\n")
    assert run("rank", "--track", "x8", "--table", table, "--out", tmp_path) == 2
    assert "x8.csv would be replaced by the leaderboard" in capsys.readouterr().err
    assert run("rank", "--track", "x8", "--table", table, "--out", tmp_path, "--format", "html") == 0
    assert table.read_text().startswith("team,kind")


@pytest.mark.parametrize("formats", [["csv"], ["html", "csv", "json", "md", "tex"]])
def test_a_foreign_file_with_the_name_of_a_leaderboard_is_not_replaced(tmp_path: Path, formats: list[str]) -> None:
    (tmp_path / "x8.csv").write_text("my,own,numbers\n1,2,3\n")
    with pytest.raises(RankingError, match="these files would be replaced") as caught:
        write_leaderboards([_ranking()], tmp_path, formats=formats)
    assert "x8.csv" in str(caught.value)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["my,own,numbers\n1,2,3\n"]


def test_leaderboards_of_every_format_are_replaced(tmp_path: Path) -> None:
    texts = ["csv", "json", "md", "tex"]
    for formats in (texts, texts, ["html", *texts], texts, ["html", "csv"]):
        write_leaderboards([_ranking()], tmp_path, formats=formats)
    assert (tmp_path / "x8.csv").is_file()
    assert not (tmp_path / "x8.md").exists()


def _killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def _listed(out: Path) -> list[str]:
    return (out / "assets/pages.txt").read_text().split()
