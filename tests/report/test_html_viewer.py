"""The viewer's pictures: the map of local best, and which files get into the site."""

from __future__ import annotations

import shutil
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.inputs.boards import make_results, write_pictures
from srspace_eval._utils.hashing import sha256
from srspace_eval._utils.png import read_rgb
from srspace_eval._utils.untrusted_text import slug
from srspace_eval.errors import Notice, SubmissionError
from srspace_eval.ranking import Entry, rank
from srspace_eval.report.html import Pictures, write_site
from srspace_eval.report.html.local_best import cell_side, local_best
from srspace_eval.results.record import Result
from srspace_eval.tracks.reader import load_track
from tests.helpers.pages import contents, data_of, read

X8 = load_track("x8")


def _write(out: Path, results: list[Result], pictures: Pictures) -> None:
    entries = [Entry(r.team, r.kind, r.summary, "measured", r) for r in results]
    write_site(out, [rank(entries, X8)], pictures={"x8": pictures})


def _views(out: Path, team: str) -> list[dict[str, object]]:
    views: list[dict[str, object]] = data_of(read(out / f"x8/viewer/{slug(team)}.html"))["images"]
    return views


@pytest.mark.parametrize("shape", [(40, 56), (41, 23), (8, 300)])
def test_local_best_is_the_least_windowed_error(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    gt = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    samples = [rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for _ in range(4)]
    side = cell_side(*shape)
    best = local_best(gt, samples)
    assert best.shape == (-(-shape[0] // side), -(-shape[1] // side))
    for row, column in np.ndindex(best.shape):
        y, x = min(row * side + side // 2, shape[0] - 1), min(column * side + side // 2, shape[1] - 1)
        window = np.s_[max(y - 8, 0) : y + 8, max(x - 8, 0) : x + 8]
        errors = [np.mean((s[window].astype(float) - gt[window]) ** 2) for s in samples]
        assert best[row, column] == int(np.argmin(errors))


def test_equal_samples_go_to_the_first() -> None:
    gt = np.zeros((32, 32, 3), np.uint8)
    assert not local_best(gt, [gt + 3, gt + 3]).any()


def test_the_map_of_a_large_picture_is_small() -> None:
    assert max(1356, 2040) / cell_side(1356, 2040) <= 128
    assert cell_side(16, 16) == 4


def test_pictures_are_copied_as_they_were_scored(tmp_path: Path) -> None:
    gt, folders, results = write_pictures(tmp_path / "in", make_results(X8, 2, 3, 2, seed=0, size=(40, 48)))
    _write(tmp_path / "out", results, Pictures(gt, folders))
    (view, *_) = _views(tmp_path / "out", "Team 01")
    page = tmp_path / "out/x8/viewer"
    assert (page / str(view["gt"])).read_bytes() == (gt / "0801.png").read_bytes()
    files = [page / sample["file"] for sample in view["samples"]]  # type: ignore[attr-defined]
    assert [file.read_bytes() for file in files] == [
        (folders["Team 01"] / f"000000_sample{n:05d}.png").read_bytes() for n in range(2)
    ]
    lr = read_rgb(page / str(view["lr"]))
    small = Image.fromarray(read_rgb(gt / "0801.png")).resize((6, 5), Image.Resampling.BICUBIC)
    assert np.array_equal(lr, np.asarray(small))


def test_only_pixels_are_published(tmp_path: Path) -> None:
    gt, folders, results = write_pictures(tmp_path / "in", make_results(X8, 1, 1, 2, seed=0, size=(40, 48)))
    file = folders["Team 01"] / "000000_sample00000.png"
    data = file.read_bytes()

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    # Exif's orientation 3 turns a picture around in a browser.
    exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x03\0\0\0\0\0\0"
    after_header = 8 + 25
    extra = chunk(b"gAMA", struct.pack(">I", 220000)) + chunk(b"tEXt", b"Author\0a private name")
    extra += chunk(b"eXIf", exif) + chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"private"))
    file.write_bytes(data[:after_header] + extra + data[after_header:])
    image = results[0].images[0]
    first = replace(image.samples[0], sha256=sha256(file.read_bytes()))
    results = [replace(results[0], images=(replace(image, samples=(first, *image.samples[1:])),))]
    _write(tmp_path / "out", results, Pictures(gt, folders))
    (view,) = _views(tmp_path / "out", "Team 01")
    shown = tmp_path / "out/x8/viewer" / view["samples"][0]["file"]  # type: ignore[index]
    assert np.array_equal(read_rgb(shown), read_rgb(file))
    assert b"private" not in shown.read_bytes()
    for picture in (tmp_path / "out").rglob("*.png"):
        kinds, at, published = set(), 8, picture.read_bytes()
        while at < len(published):
            kinds.add(published[at + 4 : at + 8])
            at += 12 + int.from_bytes(published[at : at + 4], "big")
        assert kinds == {b"IHDR", b"IDAT", b"IEND"}, picture


def test_larger_pictures_are_cropped_at_the_top_left(tmp_path: Path) -> None:
    gt, folders, results = write_pictures(tmp_path / "in", make_results(X8, 1, 1, 2, seed=0, size=(43, 50)))
    results = [replace(r, images=tuple(replace(i, height=40, width=48) for i in r.images)) for r in results]
    lr = tmp_path / "lr"
    lr.mkdir()
    Image.fromarray(np.full((6, 7, 3), 9, np.uint8)).save(lr / "0801.png")
    _write(tmp_path / "out", results, Pictures(gt, folders, lr=lr))
    (view,) = _views(tmp_path / "out", "Team 01")
    page = tmp_path / "out/x8/viewer"
    assert np.array_equal(read_rgb(page / str(view["gt"])), read_rgb(gt / "0801.png")[:40, :48])
    assert np.array_equal(read_rgb(page / str(view["lr"])), np.full((5, 6, 3), 9, np.uint8))


def test_another_file_than_the_scored_one_is_not_shown(tmp_path: Path) -> None:
    gt, folders, results = write_pictures(tmp_path / "in", make_results(X8, 1, 2, 2, seed=0, size=(40, 48)))
    (folders["Team 01"] / "000000_sample00001.png").write_bytes((gt / "0801.png").read_bytes())
    with pytest.warns(Notice, match="000000_sample00001.png: is not the file that was scored"):
        _write(tmp_path / "out", results, Pictures(gt, folders))
    assert [view["name"] for view in _views(tmp_path / "out", "Team 01")] == ["0802"]


@pytest.mark.parametrize("where", ["sample", "image"])
def test_names_in_a_record_cannot_leave_its_folder(tmp_path: Path, where: str) -> None:
    gt, folders, (result,) = write_pictures(tmp_path / "in", make_results(X8, 1, 1, 2, seed=0, size=(40, 48)))
    secret = tmp_path / "secret.png"
    secret.write_bytes((gt / "0801.png").read_bytes())
    (image,) = result.images
    if where == "sample":
        stolen = replace(image.samples[0], file="../../secret.png", sha256=sha256(secret.read_bytes()))
        image = replace(image, samples=(stolen, *image.samples[1:]))
    else:
        image = replace(image, image="../../secret")
    with pytest.warns(Notice, match="holds no"):
        _write(tmp_path / "out", [replace(result, images=(image,))], Pictures(gt, folders))
    assert not (tmp_path / "out/x8/viewer").exists()


def test_a_record_without_samples_is_left_out(tmp_path: Path) -> None:
    gt, folders, (result,) = write_pictures(tmp_path / "in", make_results(X8, 1, 2, 2, seed=0, size=(40, 48)))
    empty = replace(result.images[0], samples=())
    flat = replace(result.images[1], height=0)
    with pytest.warns(Notice, match="holds no samples or no size"):
        _write(tmp_path / "out", [replace(result, images=(empty, flat))], Pictures(gt, folders))
    assert not (tmp_path / "out/x8/viewer").exists()


def test_best_and_worst_images_come_first_where_not_all_are_shown(tmp_path: Path) -> None:
    gt, folders, results = write_pictures(tmp_path / "in", make_results(X8, 1, 9, 1, seed=0, size=(8, 8)))
    _write(tmp_path / "out", results, Pictures(gt, folders, images=4))
    names = [view["name"] for view in _views(tmp_path / "out", "Team 01")]
    order = sorted(results[0].images, key=lambda image: -(image.values["diversity"] or 0))
    assert names == sorted(names)
    assert {image.image for image in order[:3]} < set(names)
    page = read(tmp_path / f"out/x8/teams/{slug('Team 01')}.html")
    linked = [a for a in page.one("table", id="images").all("a") if "viewer" in a.attributes["href"]]
    assert [a.text for a in linked] == names
    assert [a.attributes["href"].split("#")[1] for a in linked] == [f"image={name}" for name in names]


def test_a_zip_shows_as_its_folder_does(tmp_path: Path) -> None:
    gt, folders, results = write_pictures(tmp_path / "in", make_results(X8, 1, 2, 2, seed=0, size=(40, 48)))
    zipped = {team: Path(shutil.make_archive(str(folder), "zip", folder)) for team, folder in folders.items()}
    _write(tmp_path / "a", results, Pictures(gt, folders))
    _write(tmp_path / "b", results, Pictures(gt, zipped))
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_lrs_may_be_named_as_score_takes_them(tmp_path: Path) -> None:
    gt, folders, results = write_pictures(tmp_path / "in", make_results(X8, 1, 2, 2, seed=0, size=(40, 48)))
    lr = tmp_path / "lr"
    lr.mkdir()
    for number in (801, 802):
        Image.fromarray(np.full((5, 6, 3), number - 800, np.uint8)).save(lr / f"{number:04d}x8.png")
    _write(tmp_path / "out", results, Pictures(gt, folders, lr=lr))
    shown = [read_rgb(tmp_path / "out/x8/viewer" / str(view["lr"])) for view in _views(tmp_path / "out", "Team 01")]
    assert [int(lr.mean()) for lr in shown] == [1, 2]
    (lr / "0802x8.png").unlink()
    with pytest.raises(SubmissionError, match=r"the LR of 0802 is missing: 0802\.png or 0802x8\.png"):
        _write(tmp_path / "out", results, Pictures(gt, folders, lr=lr))


def test_pictures_that_changed_replace_those_of_an_earlier_call(tmp_path: Path) -> None:
    for seed in (0, 1):
        made = make_results(X8, 1, 1, 1, seed=0, size=(40, 48))
        gt, folders, results = write_pictures(tmp_path / f"in{seed}", made, seed=seed)
        results = [replace(r, images=tuple(replace(i, height=32, width=40) for i in r.images)) for r in results]
        _write(tmp_path / "out", results, Pictures(gt, folders))
        assert np.array_equal(read_rgb(tmp_path / "out/x8/pictures/gt/0801.png"), read_rgb(gt / "0801.png")[:32, :40])


def test_pictures_of_an_unknown_team_are_a_notice(tmp_path: Path) -> None:
    gt, folders, results = write_pictures(tmp_path / "in", make_results(X8, 1, 1, 1, seed=0, size=(8, 8)))
    with pytest.warns(Notice, match="no scored submission is called 'Nobody'.*scored are 'Team 01'"):
        _write(tmp_path / "out", results, Pictures(gt, {**folders, "Nobody": tmp_path}))
