"""Studies of a challenge without GT."""

from __future__ import annotations

import errno
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from srspace_eval._utils.png import decode_png
from srspace_eval.errors import InputError, Notice, StudyError
from srspace_eval.study.collect import collect_ratings
from srspace_eval.study.create import create_study
from srspace_eval.study.options import StudyOptions
from srspace_eval.study.pictures import coarsened
from srspace_eval.tracks.reader import load_track
from tests.helpers.studies import answer_document

TRACK = "ntire2020-rwsr-2"
IMAGES = ("phone1", "phone2")
OPTIONS = StudyOptions(task="rate", size=16, crops=2, raters=2, seed=0, obvious=3)


@pytest.fixture
def methods(tmp_path: Path) -> list[Path]:
    """Three methods, and their LRs in ``lr``. The red value of a pixel tells the method."""
    rng = np.random.default_rng(0)
    for image in IMAGES:
        picture = rng.integers(0, 256, (96, 136, 3), dtype=np.uint8)
        for value, name in enumerate(("a", "b", "c"), start=50):
            (tmp_path / name).mkdir(exist_ok=True)
            picture[..., 0] = value
            Image.fromarray(picture).save(tmp_path / name / f"{image}.png")
        (tmp_path / "lr").mkdir(exist_ok=True)
        Image.fromarray(picture[::4, ::4]).save(tmp_path / "lr" / f"{image}.png")
    return [tmp_path / name for name in ("a", "b", "c")]


def test_a_rating_study_needs_no_gt_and_checks_with_a_method_s_picture(methods: list[Path], tmp_path: Path) -> None:
    study = create_study(methods, None, tmp_path / "out", track=TRACK, options=OPTIONS, secret=bytes(32))
    assert study.tasks == len(IMAGES) * 2 * 3
    assert study.key.settings["gt"] == "none"
    red: dict[int, list[np.ndarray]] = {}
    for task in study.key.tasks.values():
        pixels = decode_png((tmp_path / "out/images" / f"{task.items[0]}.png").read_bytes(), "item")
        if task.kind == "rate":
            assert (pixels[..., 0] == 50 + task.holds[0]).all()
        elif task.kind == "obvious":
            red.setdefault(task.holds[0], []).append(pixels)
            assert pixels[0, 0, 0] in (50, 51, 52)
    untouched, destroyed = red[0], red[2]
    assert len(untouched) == len(destroyed) == 3
    assert all(len(np.unique(p[..., 1])) > 50 for p in untouched)
    assert all(len(np.unique(p[..., 1])) < 20 for p in destroyed)


def test_the_lrs_name_the_images_and_rankings_show_them(methods: list[Path], tmp_path: Path) -> None:
    rated = create_study(methods, None, tmp_path / "rated", track=TRACK, lr=tmp_path / "lr", options=OPTIONS)
    assert rated.key.settings["lr"] == "not shown"
    options = replace(OPTIONS, task="rank")
    ranked = create_study(methods, None, tmp_path / "ranked", track=TRACK, lr=tmp_path / "lr", options=options)
    assert ranked.key.settings["lr"] == "given"
    for task in ranked.key.tasks.values():
        context = decode_png((tmp_path / "ranked/images" / f"{task.reference}.png").read_bytes(), "context")
        assert context.shape == (24, 24, 3)
    (tmp_path / "lr/phone3.png").write_bytes((tmp_path / "lr/phone2.png").read_bytes())
    with pytest.raises(StudyError, match="or remove them from lr") as caught:
        create_study(methods, None, tmp_path / "more", track=TRACK, lr=tmp_path / "lr", options=OPTIONS)
    assert caught.value.problems == tuple(f"{name}: phone3: no sample of this image" for name in "abc")


def test_what_needs_a_gt_is_refused(methods: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(InputError, match="says that there is no GT; leave out gt"):
        create_study(methods, methods[0], out, track=TRACK, options=OPTIONS)
    with pytest.raises(StudyError, match="leave out include_gt"):
        create_study(methods, None, out, track=TRACK, options=OPTIONS, include_gt=True)
    with pytest.raises(StudyError, match="pairs shows the GT"):
        create_study(methods, None, out, track=TRACK, options=replace(OPTIONS, pairs=True))
    with pytest.raises(StudyError, match="rankings show the LR"):
        create_study(methods, None, out, track=TRACK, options=replace(OPTIONS, task="rank"))
    with pytest.raises(StudyError, match="track x4 has a GT: give gt"):
        create_study(methods, None, out, track="x4", options=OPTIONS)
    with pytest.raises(StudyError, match="give gt, or the track of a challenge without GT"):
        create_study(methods, None, out, options=OPTIONS)
    with pytest.raises(StudyError, match="give three methods or more"):
        create_study(methods[:2], None, out, track=TRACK, options=OPTIONS)
    assert load_track(TRACK).reference == "none"
    assert not out.exists()
    assert not list(tmp_path.glob("*-key.json"))


def test_missing_pictures_and_other_sizes_are_named(methods: list[Path], tmp_path: Path) -> None:
    (methods[1] / "phone2.png").unlink()
    with pytest.raises(StudyError, match="remove them from the other methods") as caught:
        create_study(methods, None, tmp_path / "out", track=TRACK, options=OPTIONS)
    assert caught.value.problems == ("b: phone2: no sample of this image",)
    Image.new("RGB", (128, 96)).save(methods[1] / "phone2.png")
    with pytest.raises(StudyError, match="the pictures cannot be used") as caught:
        create_study(methods, None, tmp_path / "out", track=TRACK, options=OPTIONS)
    assert caught.value.problems == ("phone2: the methods' pictures differ in size: a 136×96, b 128×96, c 136×96",)


@pytest.mark.parametrize("secret", [bytes([number]) * 32 for number in range(3)])
def test_one_bad_method_does_not_make_a_check_that_honest_raters_fail(
    methods: list[Path], tmp_path: Path, secret: bytes
) -> None:
    """The untouched picture of a check was that of one method, drawn by the secret."""
    for path in (tmp_path / "a").iterdir():
        (tmp_path / "bad").mkdir(exist_ok=True)
        bad = coarsened(decode_png(path.read_bytes(), "a"), 5, 8)
        Image.fromarray(bad).save(tmp_path / "bad" / path.name)
    study = create_study(
        [*methods, tmp_path / "bad"], None, tmp_path / "out", track=TRACK, options=OPTIONS, secret=secret
    )
    untouched = [t for t in study.key.tasks.values() if t.kind == "obvious" and t.holds == (0,)]
    assert len(untouched) == 3
    for task in untouched:
        shown = decode_png((tmp_path / "out/images" / f"{task.items[0]}.png").read_bytes(), "item")
        whole = decode_png((tmp_path / "a" / f"{task.crop.image}.png").read_bytes(), "a")
        crop = whole[task.crop.y : task.crop.y + 16, task.crop.x : task.crop.x + 16]
        assert np.array_equal(shown[..., 1:], crop[..., 1:])


def test_a_check_that_most_raters_fail_is_named(methods: list[Path], tmp_path: Path) -> None:
    options = replace(OPTIONS, raters=3, obvious=1)
    study = create_study(methods, None, tmp_path / "out", track=TRACK, options=options, secret=bytes(32))
    for rater in study.key.raters:
        document = answer_document(study.key, rater)
        for answer in document["answers"]:
            if study.key.tasks[answer["task"]].kind == "obvious":
                answer["rating"] = 3
        (tmp_path / "answers").mkdir(exist_ok=True)
        (tmp_path / "answers" / f"{rater}.json").write_text(json.dumps(document))
    named = r"3 of 3 raters fail the obvious check on image phone\d: look at its pictures \(images/\w+.png, images/\w+"
    with pytest.warns(Notice, match=named), pytest.raises(StudyError, match="no answer can be used"):
        collect_ratings(tmp_path / "answers", study.key)


def test_lr_images_that_do_not_fit_the_scale_are_named(methods: list[Path], tmp_path: Path) -> None:
    """Raters saw the upper left quarter of an LR of scale 2."""
    for path in (tmp_path / "lr").iterdir():
        Image.open(tmp_path / "a" / path.name).reduce(2).save(path)
    with pytest.warns(
        Notice, match="2 of 2 LR images are larger .* at scale 4; raters see .*phone1.png: 68×48 pixels, not 34×24"
    ):
        create_study(
            methods, None, tmp_path / "out", track=TRACK, lr=tmp_path / "lr", options=replace(OPTIONS, task="rank")
        )


def test_lr_images_of_other_images_are_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for folder in ("gt", "a", "b", "lr"):
        (tmp_path / folder).mkdir()
    pictures = [np.kron(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8)) for _ in "12"]
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(tmp_path / "gt" / f"{801 + number:04d}.png")
        for method in "ab":
            Image.fromarray(picture).save(tmp_path / method / f"{number:06d}_sample00000.png")
        other = Image.fromarray(pictures[1 - number]).reduce(4)
        other.save(tmp_path / "lr" / f"{801 + number:04d}.png")
    options = StudyOptions(size=16, crops=2, raters=2)
    submissions = [tmp_path / "a", tmp_path / "b"]
    with pytest.warns(
        Notice, match="the images seem to be in another order .*the LR image of 0801 looks like the GT 0802"
    ):
        create_study(submissions, tmp_path / "gt", tmp_path / "out", track="x4", lr=tmp_path / "lr", options=options)


def test_a_full_temporary_folder_is_an_error(
    methods: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writing to a sparse memory map on a full disk ended the process without a message."""
    opened = Path.open

    def full(path: Path, mode: str = "r", *rest: Any, **named: Any) -> Any:
        if path.name == "crops" and "w" in mode:
            raise OSError(errno.ENOSPC, "No space left on device")
        return opened(path, mode, *rest, **named)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(StudyError, match=r"cannot be stored there for now .No space left on device.; they need 0 MB"):
        create_study(methods, None, tmp_path / "out", track=TRACK, options=OPTIONS)
    assert not (tmp_path / "out").exists()
