"""The fourth attack, names of files: no two inputs share a file, and no list of a stranger deletes a user's file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.inputs.boards import make_results, write_pictures
from srspace_eval import DegradeOptions, Entry, Ranking, SampleOptions, load_model, write_leaderboards
from srspace_eval._utils.png import read_rgb, write_png
from srspace_eval._utils.unique_names import UniqueNames, file_key
from srspace_eval._utils.untrusted_text import slug
from srspace_eval.degrade.folder import degrade_folder
from srspace_eval.degrade.noise_pool import collect_noise_pool
from srspace_eval.errors import InputError, Notice, ProblemsError, RankingError, SamplingError
from srspace_eval.metrics.downscaling import downscale_folder
from srspace_eval.models.folders.lr_folder import find_lrs
from srspace_eval.models.folders.sample_folder import sample_folder
from srspace_eval.models.plugins import _MEMBERS
from srspace_eval.ranking import rank
from srspace_eval.report.html import Pictures, previews, write_site
from srspace_eval.report.html.own_files import LIST, remove_files, require_own_files
from srspace_eval.results.record import Result
from srspace_eval.submissions.provenance import PROVENANCE_FILE
from srspace_eval.tracks.reader import load_track
from tests.helpers.commands import run
from tests.helpers.pages import data_of, read
from tests.helpers.toy_model import Toy

X8 = load_track("x8")
STEMS = replace(X8, gt_names=("{stem}.png",))


def _ranking(results: list[Result]) -> Ranking:
    return rank([Entry(r.team, r.kind, r.summary, "measured", r) for r in results], STEMS)


@pytest.mark.parametrize(
    "names",
    # The first image has a preview and an exact crop.
    [("big", "big-crop"), ("a b", slug("a b")), ("A", "a"), ("\u00e9", "e\u0301")],
)
def test_each_image_of_a_viewer_has_pictures_of_its_own(
    tmp_path: Path, names: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previews, "EXACT_PIXELS", 1000)
    made = [
        replace(
            result,
            images=tuple(
                replace(
                    image,
                    image=name,
                    height=height,
                    width=width,
                    samples=tuple(replace(s, file=f"{number}_{s.sample}.png") for s in image.samples),
                )
                for number, (image, name, (height, width)) in enumerate(
                    zip(result.images, names, ((40, 48), (16, 24)), strict=True)
                )
            ),
        )
        for result in make_results(X8, 2, 2, 1, seed=0)
    ]
    gt, folders, results = write_pictures(tmp_path / "in", made)
    write_site(tmp_path / "out", [_ranking(results)], pictures={"x8": Pictures(gt, folders)})
    page = tmp_path / "out/x8/viewer"
    files = [path.relative_to(tmp_path).as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len({file_key(file) for file in files}) == len(files)
    for result in results:
        views = data_of(read(page / f"{slug(result.team)}.html"))["images"]
        assert [view["name"] for view in views] == list(names)
        for view, image in zip(views, result.images, strict=True):
            sample = view["samples"][0]
            for shown, exact, source in (
                (view["gt"], view.get("exact"), gt / f"{image.image}.png"),
                (sample["file"], sample.get("exact"), folders[result.team] / image.samples[0].file),
            ):
                pixels = read_rgb(source)
                if exact is None:
                    np.testing.assert_array_equal(read_rgb(page / shown), pixels)
                    continue
                x, y, side = (view["crop"][key] for key in ("x", "y", "side"))
                np.testing.assert_array_equal(read_rgb(page / exact), pixels[y : y + side, x : x + side])
            lr = read_rgb(page / view["lr"])
            assert lr.shape[:2] == (image.height // 8, image.width // 8)


def test_an_image_that_teams_measured_in_two_sizes_is_shown_in_each(tmp_path: Path) -> None:
    gt, folders, results = write_pictures(tmp_path / "in", make_results(X8, 3, 1, 1, seed=0, size=(40, 48)))
    other = replace(results[2], images=(replace(results[2].images[0], height=24),))
    write_site(tmp_path / "out", [_ranking([*results[:2], other])], pictures={"x8": Pictures(gt, folders)})
    page = tmp_path / "out/x8/viewer"
    for result in (*results[:2], other):
        (view,) = data_of(read(page / f"{slug(result.team)}.html"))["images"]
        assert read_rgb(page / view["gt"]).shape[:2] == (view["height"], 48) == (result.images[0].height, 48)
        assert read_rgb(page / view["lr"]).shape[0] == view["height"] // 8
    (compared,) = data_of(read(page / "compare.html"))["images"]
    heights = {r.team: r.images[0].height for r in (*results[:2], other)}
    assert {heights[team["team"]] for team in compared["teams"]} == {compared["height"]}


def test_of_two_images_that_look_the_same_in_an_address_one_is_left_out(tmp_path: Path) -> None:
    made = [
        replace(result, images=tuple(
            replace(image, image=name, samples=tuple(replace(s, file=f"{number}.png") for s in image.samples))
            for number, (image, name) in enumerate(zip(result.images, ("a\u200bb", r"a\u200bb"), strict=True))
        ))
        for result in make_results(X8, 1, 2, 1, seed=0, size=(16, 24))
    ]  # fmt: skip
    gt, folders, results = write_pictures(tmp_path / "in", made)
    with pytest.warns(Notice, match="two images are shown as"):
        write_site(tmp_path / "out", [_ranking(results)], pictures={"x8": Pictures(gt, folders)})
    assert len(data_of(read(next((tmp_path / "out/x8/viewer").glob("*.html"))))["images"]) == 1


def _given(track: Any, team: str = "A") -> Ranking:
    return rank([Entry(team, "team", {"lpips": 0.2, "diversity": 20.0}, "given")], track)


def test_rankings_whose_names_differ_in_case_have_texts_and_labels_of_their_own(tmp_path: Path) -> None:
    tracks = [replace(X8, name=name, file=None) for name in ("mine", "Mine", "mine")]
    rankings = [_given(track, team) for track, team in zip(tracks, ("One", "Two", "Three"), strict=True)]
    written = write_leaderboards(rankings, tmp_path / "out", formats=["csv", "tex", "html"])
    assert sorted(path.name for path in written) == sorted(
        [*(f"{stem}.{form}" for stem in ("mine", "Mine-2", "mine-3") for form in ("csv", "tex")), "index.html"]
    )
    for stem, team in (("mine", "One"), ("Mine-2", "Two"), ("mine-3", "Three")):
        assert team in (tmp_path / f"out/{stem}.csv").read_text(encoding="utf-8")
        assert rf"\label{{tab:{stem}}}" in (tmp_path / f"out/{stem}.tex").read_text(encoding="utf-8")
        page = (tmp_path / f"out/{stem}/index.html").read_text(encoding="utf-8")
        assert team in page
        assert f"../{stem}.csv" in page


def test_a_track_called_history_in_capitals_leaves_the_history_its_file(tmp_path: Path) -> None:
    write_leaderboards([_given(replace(X8, name="History", file=None))], tmp_path / "out", formats=["json", "html"])
    files = [path.relative_to(tmp_path).as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len({file_key(file) for file in files}) == len(files)
    assert (tmp_path / "out/assets/history.json").is_file()


def test_the_allocator_never_gives_a_name_twice() -> None:
    wanted = ["A", "a", "a-2", "A-2", "a b", slug("a b"), slug("a b").upper(), "con", "", "x" * 99, "x" * 100] * 3
    names = UniqueNames()
    assert len({file_key(names.name(one)) for one in wanted}) == len(wanted)


@pytest.mark.parametrize(
    "make",
    [
        lambda source, out: downscale_folder(source, out, 4),
        lambda source, out: degrade_folder(source, out, DegradeOptions(noises=("none",))),
        lambda source, out: collect_noise_pool(source, out, size=16, stride=16),
        lambda source, _: find_lrs(source, 4),
    ],
)
@pytest.mark.parametrize("names", [("a", "A"), ("\u00e9", "e\u0301")])
def test_pictures_whose_results_could_share_a_file_are_refused(
    tmp_path: Path, make: Callable[[Path, Path], object], names: tuple[str, str]
) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for name in names:
        write_png(source / f"{name}.png", np.full((32, 32, 3), 60, np.uint8))
    if len(list(source.iterdir())) == 1:
        pytest.skip("this file system ignores case")
    with pytest.raises((ProblemsError, SamplingError)) as caught:
        make(source, tmp_path / "out")
    assert all(f"{name}.png" in str(caught.value) for name in names)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "template", "stays"),
    [
        ("thesis.tex", None, True),
        ("thesis.tex", "{stem}.tex", True),
        ("holiday.png", None, True),
        ("holiday.png", 5, True),
        ("holiday.png", "{nothing", True),
        ("000009_sample00001.png", None, False),
    ],
)
def test_overwrite_removes_only_files_that_are_named_as_the_records_samples(
    tmp_path: Path, name: str, template: object, *, stays: bool
) -> None:
    write_png(tmp_path / "0801x4.png", np.zeros((6, 5, 3), np.uint8))
    out, model = tmp_path / "out", load_model("bicubic_x4", "cpu")
    options = SampleOptions(samples=1, names="{index:06d}_sample{sample:05d}.png")
    sample_folder(model, tmp_path / "0801x4.png", out, options)
    data = json.loads((out / PROVENANCE_FILE).read_text(encoding="utf-8"))
    data["images"][0]["files"].append(name)
    if template is not None:
        data["settings"]["names"] = template
    (out / PROVENANCE_FILE).write_text(json.dumps(data), encoding="utf-8")
    (out / name).write_text("mine")
    again = replace(options, overwrite=True)
    if stays:
        with pytest.warns(Notice, match=rf"kept, not named as a sample: .*{name}"):
            sample_folder(model, tmp_path / "0801x4.png", out, again)
    else:
        sample_folder(model, tmp_path / "0801x4.png", out, again)
    assert (out / name).exists() == stays


def test_a_sites_list_of_a_stranger_deletes_no_other_file(tmp_path: Path) -> None:
    texts = ("data.json", "notes.md", "thesis.tex")
    others = ("x8/photo.png", "photo.png", "src/main.js", "style.css", "page.html", "x8/notes/index.html",
              "deep/x8/index.html", "x8/teams/a/b.html")  # fmt: skip
    write_leaderboards([_given(X8)], tmp_path / "out", formats=["html"])
    mine = [tmp_path / "out" / name for name in (*texts, *others)]
    for path in mine:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    with (tmp_path / "out" / LIST).open("a", encoding="utf-8") as file:
        file.write("".join(f"{name}\n" for name in (*texts, *others)))
    with pytest.warns(Notice, match=f"lists {', '.join(texts)}, which another program wrote; kept"):
        write_leaderboards([_given(X8)], tmp_path / "out", formats=["html"])
    assert [path.read_text() for path in mine] == ["mine"] * len(mine)


def test_a_file_that_has_another_spelling_now_is_neither_deleted_nor_foreign(tmp_path: Path) -> None:
    """A second name of one file stands for a file system that ignores case."""
    new, old = "x8/teams/Alpha.html", "x8/teams/alpha.html"
    (tmp_path / "x8/teams").mkdir(parents=True)
    (tmp_path / new).write_text("page")
    if not (tmp_path / old).exists():
        os.link(tmp_path / new, tmp_path / old)
    require_own_files(tmp_path, {new}, {old})
    remove_files(tmp_path, {old}, present={new})
    assert (tmp_path / old).exists()
    (tmp_path / "x8/teams/other.html").write_text("foreign")
    with pytest.raises(RankingError, match="would be replaced"):
        require_own_files(tmp_path, {"x8/teams/other.html"}, {old})


def test_samples_of_two_plug_ins_are_not_mixed(tmp_path: Path) -> None:
    write_png(tmp_path / "0801x4.png", np.zeros((6, 5, 3), np.uint8))
    made = [(Toy(), {"checkpoint": "mypkg:v1"}), (Toy(), {"checkpoint": "mypkg:v2"}), (Toy(), {})]
    for first, (model, how) in enumerate(made):
        out = tmp_path / f"out{first}"
        sample_folder(model, tmp_path / "0801x4.png", out, SampleOptions(samples=1), **how)
        for second, (other, as_) in enumerate(made):
            if second == first:
                assert sample_folder(other, tmp_path / "0801x4.png", out, SampleOptions(samples=1), **as_).made == 0
                continue
            with pytest.raises(SamplingError, match="begun with something else") as caught:
                sample_folder(other, tmp_path / "0801x4.png", out, SampleOptions(samples=2), **as_)
            assert "model.checkpoint: " in str(caught.value)


def test_pictures_with_a_suffix_in_capitals_are_downscaled_degraded_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for name in ("0801.png", "0802.PNG", "._0801.png"):
        write_png(source / name, np.full((36, 36, 3), 60, np.uint8))
    assert [path.name for path in downscale_folder(source, tmp_path / "small", 4)] == ["0801.png", "0802.png"]
    report = degrade_folder(source, tmp_path / "lr", DegradeOptions(noises=("none",)))
    assert [image.lr for image in report.images] == ["0801.png", "0802.png"]
    patches = collect_noise_pool(source, tmp_path / "pool", size=32, stride=32)
    assert [path.name for path in patches] == ["0801_0_0.png", "0802_0_0.png"]
    options = ("--checkpoint", "bicubic_x4", "--lr", tmp_path / "small", "--names", "{stem}.PNG", "--samples", 1)
    assert run("sample", *options, "--out", tmp_path / "out") == 0
    assert "named such as 0801.PNG" in capsys.readouterr().err


@pytest.mark.parametrize("number", ["4", 1.5, None, True, 0])
def test_numbers_of_other_types_are_named(tmp_path: Path, number: Any) -> None:
    write_png(tmp_path / "a.png", np.full((32, 32, 3), 60, np.uint8))
    for call in (
        lambda: downscale_folder(tmp_path, tmp_path / "out", number),
        lambda: downscale_folder(tmp_path, tmp_path / "out", 4, crop=number),
        lambda: DegradeOptions(scale=number),
        lambda: DegradeOptions(kernel_size=number if number is not True else 2),
        lambda: collect_noise_pool(tmp_path, tmp_path / "out", size=number),
        lambda: collect_noise_pool(tmp_path, tmp_path / "out", stride=number),
        lambda: SampleOptions(samples=number),
    ):
        with pytest.raises(InputError):
            call()


def test_the_guide_names_the_members_that_a_plug_in_needs() -> None:
    guide = (Path(__file__).parents[2] / "docs/guides/method.md").read_text(encoding="utf-8")
    section = guide[guide.index("## Your own model as a plug-in") :]
    assert [member for member in _MEMBERS if f"`{member}`" not in section] == ["sample"]


@pytest.mark.parametrize("place", ["in", "in/heat-0.5", "alias"])
def test_a_folder_of_the_lrs_is_no_folder_of_samples(tmp_path: Path, place: str) -> None:
    lr = tmp_path / place
    if place == "alias":
        (tmp_path / "in").mkdir()
        lr.symlink_to("in", target_is_directory=True)
    else:
        lr.mkdir(parents=True)
    write_png(lr / "a.png", np.full((6, 5, 3), 60, np.uint8))
    options = SampleOptions(samples=1, heats=(0.5, 0.9), overwrite=True)
    with pytest.raises(SamplingError, match="is the folder of the LRs"):
        sample_folder(Toy(), lr, tmp_path / "in", options)
    with pytest.raises(InputError, match="would replace the pictures"):
        downscale_folder(lr, lr.parent / lr.name / ".", 4, overwrite=True)
    with pytest.raises(InputError, match="would replace the pictures"):
        degrade_folder(lr, lr, overwrite=True)
    assert (read_rgb(lr / "a.png") == 60).all()
