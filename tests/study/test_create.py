from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from srspace_eval.errors import Notice, StudyError
from srspace_eval.study.create import build_study, create_study
from srspace_eval.study.entries import gather_entries, named_source
from srspace_eval.study.key import Key, load_key
from srspace_eval.study.options import StudyOptions
from srspace_eval.submissions.sources import open_source
from srspace_eval.tracks.reader import load_track
from tests.helpers.studies import HEIGHT, METHODS, SECRET, WIDTH, Build, Material


def page_data(folder: Path) -> dict[str, object]:
    text = (folder / "data.js").read_text()
    data: dict[str, object] = json.loads(text.removeprefix("window.STUDY = ").removesuffix(";\n"))
    return data


def picture(folder: Path, name: str) -> np.ndarray:
    return np.asarray(Image.open(folder / "images" / f"{name}.png"))


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_each_item_is_the_crop_of_its_method(build: Build, material: Material) -> None:
    folder, key = build(include_gt=True)
    assert key.entries == (*METHODS, "GT")
    assert len(key.tasks) == 6
    for task in key.tasks.values():
        gt = np.asarray(Image.open(material.gt / f"{task.crop.image}.png"))[:HEIGHT, :WIDTH]
        x, y = task.crop.x, task.crop.y
        for item, method in zip(task.items, task.holds, strict=True):
            square = picture(folder, item)
            name = key.entries[method]
            if name == "GT":
                np.testing.assert_array_equal(square, gt[y : y + 16, x : x + 16])
            else:
                expected = gt[y : y + 16, x : x + 16, :2] - np.uint8(20 * (METHODS.index(name) + 1))
                np.testing.assert_array_equal(square[..., :2], expected)
                # The key records the drawn sample. All crops of the image show it.
                shown = key.settings["shown"][name][task.crop.image]
                assert shown.endswith(f"_sample{square[0, 0, 2]:05d}.png")


def test_the_reference_shows_the_lr_around_the_crop(build: Build) -> None:
    folder, key = build(context=48)
    data = page_data(folder)
    for task in key.tasks.values():
        told = data["tasks"][task.id]["reference"]  # type: ignore[index]
        assert told["id"] == task.reference
        shown = picture(folder, task.reference)
        assert shown.shape == (told["height"], told["width"], 3) == (12, 12, 3)
        assert told["side"] == 4
        assert 0 <= told["x"] <= 8
        assert 0 <= told["y"] <= 8


def test_a_given_lr_is_shown(material: Material, tmp_path: Path) -> None:
    (tmp_path / "lr").mkdir()
    rng = np.random.default_rng(0)
    lrs = {}
    for i in range(3):
        lrs[f"{801 + i:04d}"] = rng.integers(0, 256, size=(HEIGHT // 4, WIDTH // 4, 3), dtype=np.uint8)
        Image.fromarray(lrs[f"{801 + i:04d}"]).save(tmp_path / "lr" / f"{801 + i:04d}x4.png")
    entries = gather_entries(
        [named_source(str(material.submission(n))) for n in METHODS],
        open_source(material.gt),
        seed=0,
        track=load_track("x4"),
        lr=open_source(tmp_path / "lr"),
    )
    options = StudyOptions(size=16, crops=2, context=16)
    key = build_study(entries, tmp_path / "study", tmp_path / "key.json", options, secret=SECRET)
    for task in key.tasks.values():
        x, y = task.crop.x // 4, task.crop.y // 4
        np.testing.assert_array_equal(
            picture(tmp_path / "study", task.reference), lrs[task.crop.image][y : y + 4, x : x + 4]
        )


def test_nothing_in_the_folder_tells_the_method(build: Build) -> None:
    """All properties of the files but their pixels are equal, or independent of the method."""
    folder, key = build(crops=6, size=8, raters=4, repeats=1, obvious=1, include_gt=True)
    names = [*key.entries, key.secret, *(r.token for r in key.raters.values()), "801", "802", "key", "sample"]
    for path in [folder, *folder.rglob("*")]:
        assert path.stat().st_mtime == 946_684_800
        if path.suffix in (".js", ".html"):
            text = path.read_text()
            # "GT", "blur" and "key" are words of the scripts and the page, but not of the data.
            told = names if path.name == "data.js" else [key.secret, *(r.token for r in key.raters.values())]
            assert [name for name in told if name in text] == []

    method_of = {
        item: held
        for task in key.tasks.values()
        if task.kind == "rank"
        for item, held in zip(task.items, task.holds, strict=True)
    }
    files = sorted((folder / "images").iterdir())
    assert {p.stem for p in files} >= set(method_of)
    assert all(re.fullmatch(r"[a-z2-7]{13}\.png", p.name) for p in files)
    crops = [p for p in files if p.stem in method_of]
    assert len({p.stat().st_size for p in crops}) == 1
    assert len({p.stat().st_mode for p in crops}) == 1
    assert len({p.stat().st_nlink for p in crops}) == 1
    # Encoding: all bytes but pixels and checksums are equal.
    heads = {p.read_bytes()[:45] for p in crops}
    assert len(heads) == 1
    assert all(set(p.read_bytes()[48 : -20 : 1 + 3 * 8][:8]) == {0} for p in crops)  # every row's filter is "none"

    # The order of names, of inodes, and of the items in the page's data is independent of the method (chi-squared
    # test, fixed secret).
    tasks = [task for task in key.tasks.values() if task.kind == "rank"]
    inode = {p.stem: p.stat().st_ino for p in crops}
    for order in (lambda i: i, lambda i: inode[i]):
        table = np.zeros((4, 4))
        for task in tasks:
            for place, item in enumerate(sorted(task.items, key=order)):
                table[method_of[item], place] += 1
        assert stats.chisquare(table, axis=None).pvalue > 0.001
    data = page_data(folder)
    assert list(data["tasks"]) == sorted(key.tasks)  # type: ignore[call-overload]
    for task in key.tasks.values():
        assert data["tasks"][task.id]["items"] == sorted(task.items)  # type: ignore[index]


def test_another_secret_shows_the_same_crops_under_other_names(build: Build) -> None:
    one, key_one = build()
    two, key_two = build(secret=b"y" * 32)
    assert {t.crop for t in key_one.tasks.values()} == {t.crop for t in key_two.tasks.values()}
    assert key_one.settings["shown"] == key_two.settings["shown"]
    assert not set(tree(one)) & set(tree(two)) - {
        "index.html",
        "data.js",
        "session.js",
        *(str(Path("assets", p.name)) for p in (one / "assets").iterdir()),
    }
    assert key_one.study != key_two.study
    orders = [[r.orders for r in key.raters.values()] for key in (key_one, key_two)]
    assert orders[0] != orders[1]


def test_the_same_secret_builds_the_same_bytes(build: Build) -> None:
    one, key_one = build(repeats=1, obvious=1)
    two, key_two = build(repeats=1, obvious=1)
    assert tree(one) == tree(two)
    assert key_one == key_two
    assert (one.parent / "key.json").read_bytes() == (two.parent / "key.json").read_bytes()


def test_the_key_reads_back_and_is_private(study: tuple[Path, Key]) -> None:
    folder, key = study
    path = folder.parent / "key.json"
    loaded = load_key(path)
    assert loaded.tasks == key.tasks
    assert loaded.raters == key.raters
    assert (loaded.study, loaded.secret, loaded.entries) == (key.study, key.secret, key.entries)
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "text", ["", "[]", '{"format": "other"}', '{"format": "srspace-eval/study-key/1"}', "[" * 99999]
)
def test_the_error_names_a_file_that_is_not_a_key(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key.json"
    path.write_text(text)
    with pytest.raises(StudyError, match=r"key\.json"):
        load_key(path)


def test_obvious_tasks_show_the_gt_and_coarse_versions(study: tuple[Path, Key], material: Material) -> None:
    folder, key = study
    (task,) = [t for t in key.tasks.values() if t.kind == "obvious"]
    by_level = dict(zip(task.holds, task.items, strict=True))
    gt = np.asarray(Image.open(material.gt / f"{task.crop.image}.png"))
    x, y = task.crop.x, task.crop.y
    np.testing.assert_array_equal(picture(folder, by_level[0]), gt[y : y + 16, x : x + 16])
    colours = [len(np.unique(picture(folder, by_level[level]).reshape(-1, 3), axis=0)) for level in range(3)]
    assert colours[0] > colours[1] > colours[2]
    # It is in every rater's list, and its crop overlaps no ranked crop of the image.
    assert all(task.id in rater.tasks for rater in key.raters.values())
    for other in key.tasks.values():
        if other.kind == "rank" and other.crop.image == task.crop.image:
            assert abs(other.crop.x - x) >= 16 or abs(other.crop.y - y) >= 16


def test_nothing_is_overwritten_and_a_failed_build_leaves_nothing(material: Material, tmp_path: Path) -> None:
    given = [named_source(str(material.submission(n))) for n in METHODS]
    entries = gather_entries(given, open_source(material.gt), seed=0, track=load_track("x4"))
    options = StudyOptions(size=16)
    out, key_path = tmp_path / "study", tmp_path / "key.json"
    out.mkdir()
    (out / "mine.txt").write_text("x")
    with pytest.raises(StudyError, match="not empty"):
        build_study(entries, out, key_path, options, secret=SECRET)
    (out / "mine.txt").unlink()
    with pytest.raises(StudyError, match="key must not lie in the raters' folder"):
        build_study(entries, out, out / "key.json", options, secret=SECRET)
    with pytest.raises(StudyError, match="no room"):
        build_study(entries, out, key_path, StudyOptions(size=80), secret=SECRET)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["study"]
    build_study(entries, out, key_path, options, secret=SECRET)
    with pytest.raises(StudyError, match="there is a key already"):
        build_study(entries, tmp_path / "other", key_path, options, secret=SECRET)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["key.json", "study"]


def test_a_damaged_or_small_picture_is_named_and_nothing_is_left(material: Material, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.mkdir()
    for i in range(3):
        size = (WIDTH, HEIGHT) if i else (16, 16)
        Image.new("RGB", size).save(bad / f"{i:06d}.png")
    data = (bad / "000002.png").read_bytes()
    (bad / "000002.png").write_bytes(data[:-20])
    given = [named_source(str(bad)), named_source(str(material.submission("flow")))]
    entries = gather_entries(given, open_source(material.gt), seed=0, track=load_track("x4"))
    with pytest.raises(StudyError) as caught:
        build_study(entries, tmp_path / "s", tmp_path / "k.json", StudyOptions(size=16), secret=SECRET)
    assert "000000.png: 16×16 pixels, smaller than its GT" in str(caught.value)
    assert "000002.png: truncated" in str(caught.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (StudyOptions(size=18), "multiple of the scale 4"),
        (StudyOptions(crops=0), "crops is 0"),
        (StudyOptions(raters=0), "raters is 0"),
        (StudyOptions(size=16, context=8), "context is 8"),
        (StudyOptions(size=16, repeats=-1), "repeats is -1"),
        (StudyOptions(size=16, obvious=-1), "obvious is -1"),
        (StudyOptions(size=16, title=" "), "title is empty"),
        (StudyOptions(size=80, zoom=100), "8000 pixels wide on the screen; at most 48"),
        (StudyOptions(size=16, images=9), "there are only 3"),
    ],
)
def test_options_out_of_range_are_listed(
    material: Material, tmp_path: Path, options: StudyOptions, message: str
) -> None:
    given = [named_source(str(material.submission(n))) for n in METHODS]
    entries = gather_entries(given, open_source(material.gt), seed=0, track=load_track("x4"))
    with pytest.raises(StudyError, match=message):
        build_study(entries, tmp_path / "s", tmp_path / "k.json", options, secret=SECRET)


def test_fewer_repeats_than_requested_give_a_notice(build: Build) -> None:
    with pytest.warns(Notice, match="repeats is 5: a rater with 6 tasks repeats at most 3"):
        _, key = build(repeats=5)
    assert {sum(key.tasks[t].kind == "repeat" for t in rater.tasks) for rater in key.raters.values()} == {3}


def test_a_part_of_the_images_is_drawn_by_seed(build: Build) -> None:
    chosen = [frozenset(t.crop.image for t in build(images=2, seed=s)[1].tasks.values()) for s in (0, 0, 1, 2, 3, 4)]
    assert chosen[0] == chosen[1]
    assert len(set(chosen)) > 1
    assert all(len(images) == 2 for images in chosen)


def test_a_title_is_shown_as_text(build: Build) -> None:
    folder, _ = build(title='</title><script>alert("&")</script>', crops=1)
    page = (folder / "index.html").read_text()
    assert page.count("&lt;/title&gt;&lt;script&gt;alert(&#34;&amp;&#34;)&lt;/script&gt;") == 3
    assert "alert" not in (folder / "data.js").read_text()


def test_the_error_names_a_folder_that_cannot_be_written(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**options: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    with pytest.raises(StudyError, match=r"study: the study cannot be written \(Permission denied\)"):
        build()


@pytest.mark.filterwarnings("ignore:.*do not look like their GT")  # the methods have no blue
def test_without_a_seed_what_is_shown_follows_from_the_secret(material: Material, tmp_path: Path) -> None:
    keys = []
    for number, secret in enumerate([b"a" * 32, b"a" * 32, b"b" * 32, b"c" * 32]):
        made = create_study(
            [material.submission(name) for name in METHODS],
            material.gt,
            tmp_path / str(number),
            track="x4",
            options=StudyOptions(size=16, crops=2, raters=2),
            secret=secret,
        )
        keys.append(made.key)
    seeds = [key.settings["seed"] for key in keys]
    assert seeds[0] == seeds[1]
    assert len({0, *seeds}) == 4
    crops = [sorted((t.crop.image, t.crop.x, t.crop.y) for t in key.tasks.values()) for key in keys]
    assert crops[0] == crops[1] != crops[2] != crops[3]
    random = create_study(
        [material.submission(METHODS[0])], material.gt, tmp_path / "r", track="x4", include_gt=True,
        options=StudyOptions(size=16, crops=2, raters=2),
    )  # fmt: skip
    assert random.key.settings["seed"] not in (0, *seeds)
