"""A challenge's viewer: previews and exact crops, one choice of images for all teams, team against team, its size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.inputs.boards import make_results, write_pictures
from srspace_eval._utils.png import read_rgb
from srspace_eval._utils.untrusted_text import slug
from srspace_eval.errors import RankingError
from srspace_eval.ranking import Entry, rank
from srspace_eval.report.html import Pictures, write_site
from srspace_eval.report.html.previews import CROP, EXACT_PIXELS, THUMBNAIL, exact_crop
from srspace_eval.results.record import Result
from srspace_eval.tracks.reader import load_track
from tests.helpers.pages import contents, data_of, read

X8 = load_track("x8")
LARGE = (520, 528)


def _write(out: Path, results: list[Result], pictures: Pictures) -> None:
    entries = [Entry(r.team, r.kind, r.summary, "measured", r) for r in results]
    write_site(out, [rank(entries, X8)], pictures={"x8": pictures})


def test_large_pictures_have_a_preview_and_an_exact_crop(tmp_path: Path) -> None:
    gt, folders, results = write_pictures(tmp_path / "in", make_results(X8, 2, 1, 1, seed=0, size=LARGE))
    _write(tmp_path / "out", results, Pictures(gt, folders))
    page = tmp_path / "out/x8/viewer"
    crops = []
    for team in ("Team 01", "Team 02"):
        (view,) = data_of(read(page / f"{slug(team)}.html"))["images"]
        crops.append(view["crop"])
        x, y, side = (view["crop"][key] for key in ("x", "y", "side"))
        assert side == CROP
        (sample,) = view["samples"]
        exact = read_rgb(folders[team] / "000000_sample00000.png")[y : y + side, x : x + side]
        assert np.array_equal(read_rgb(page / sample["exact"]), exact)
        assert np.array_equal(read_rgb(page / view["exact"]), read_rgb(gt / "0801.png")[y : y + side, x : x + side])
        with Image.open(page / sample["file"]) as preview:
            assert (preview.format, preview.size) == ("WEBP", LARGE[::-1])
        assert not list((tmp_path / "out/x8/pictures").rglob("0801-00000.png")), "the whole PNG is not published"
    assert crops[0] == crops[1], "all teams show the same region"


def test_the_crop_is_where_the_gt_has_most_detail() -> None:
    gt = np.full((600, 640, 3), 90, np.uint8)
    gt[300:500, 320:560] = np.random.default_rng(0).integers(0, 256, (200, 240, 3))
    crop = exact_crop(gt)
    assert crop is not None
    assert crop.x <= 320
    assert crop.y <= 300
    assert crop.x + crop.side >= 560
    assert crop.y + crop.side >= 500
    assert exact_crop(np.zeros((512, EXACT_PIXELS // 512, 3), np.uint8)) is None


def test_all_teams_show_the_same_images_and_meet_on_one_page(tmp_path: Path) -> None:
    gt, folders, results = write_pictures(tmp_path / "in", make_results(X8, 3, 9, 2, seed=0, size=(16, 24)))
    _write(tmp_path / "out", results, Pictures(gt, folders, images=4))
    views = [data_of(read(tmp_path / f"out/x8/viewer/{slug(r.team)}.html"))["images"] for r in results]
    names = [[view["name"] for view in one] for one in views]
    assert names[0] == names[1] == names[2]
    assert len(names[0]) == 4
    compare = data_of(read(tmp_path / "out/x8/viewer/compare.html"))["images"]
    assert [image["name"] for image in compare] == names[0]
    assert sorted(team["team"] for team in compare[0]["teams"]) == [r.team for r in results], "in the board's order"
    for image in compare:
        for team in image["teams"]:
            assert [(tmp_path / "out/x8/viewer" / s["file"]).is_file() for s in team["samples"]] == [True, True]
    track = read(tmp_path / "out/x8/index.html")
    assert "viewer/compare.html" in [a.attributes["href"] for a in track.all("a", cls="button")]


def test_one_team_has_nobody_to_meet(tmp_path: Path) -> None:
    gt, folders, results = write_pictures(tmp_path / "in", make_results(X8, 1, 2, 1, seed=0, size=(16, 24)))
    _write(tmp_path / "out", results, Pictures(gt, folders))
    assert not (tmp_path / "out/x8/viewer/compare.html").exists()


def test_best_and_worst_images_have_thumbnails(tmp_path: Path) -> None:
    gt, folders, results = write_pictures(tmp_path / "in", make_results(X8, 1, 4, 1, seed=0, size=(40, 48)))
    _write(tmp_path / "out", results, Pictures(gt, folders))
    team = tmp_path / f"out/x8/teams/{slug('Team 01')}.html"
    shown = [img.attributes["src"] for span in read(team).all("span", cls="thumbs") for img in span.all("img")]
    assert len(shown) >= 4
    for address in shown:
        with Image.open(team.parent / address) as small:
            assert max(small.size) <= THUMBNAIL


def test_a_viewer_that_is_too_large_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    gt, folders, results = write_pictures(tmp_path / "in", make_results(X8, 2, 4, 2, seed=0, size=(40, 48)))
    with pytest.raises(RankingError, match=r"4 images of 2 submissions.*viewer_images=\d"):
        _write(tmp_path / "out", results, Pictures(gt, folders, most_bytes=60_000))
    assert not (tmp_path / "out").exists()
    _write(tmp_path / "out", results, Pictures(gt, folders, images=2, most_bytes=60_000))


def test_the_same_pictures_give_the_same_bytes(tmp_path: Path) -> None:
    gt, folders, results = write_pictures(tmp_path / "in", make_results(X8, 2, 1, 1, seed=0, size=LARGE))
    for name in ("a", "b"):
        _write(tmp_path / name, results, Pictures(gt, folders))
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
