from __future__ import annotations

import json
import math
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.inputs import pngs
from benchmarks.inputs.submissions import small
from srspace_eval._utils.png import read_rgb, write_png
from srspace_eval.errors import InputError, Notice, ResultsError, SubmissionError
from srspace_eval.results.documents import to_document
from srspace_eval.results.store import read_result, result_path
from srspace_eval.scoring.options import ScoreOptions
from srspace_eval.scoring.run import score
from srspace_eval.submissions.check import check
from srspace_eval.tracks.reader import load_track
from tests.helpers.cases import write_procedural
from tests.helpers.scoring import ALL, assert_parity, run


@pytest.fixture(scope="session")
def x4(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("x4")
    return folder, write_procedural(folder, "procedural_x4")


@pytest.fixture(scope="session")
def x8(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("x8")
    return folder, write_procedural(folder, "procedural_x8")


@pytest.mark.parametrize("name", ["x4", "x8"])
def test_parity_with_the_challenges_programs(
    name: str, alexnet: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder, case = request.getfixturevalue(name)
    result = run(folder, tmp_path, track=load_track(name), metrics=ALL, samples=4, lpips_weights=alexnet)
    assert_parity(result, case)
    for metric, key in [("lpips", "LPIPS_mean"), ("lr_psnr", "LRPSNR_mean"), ("diversity", "score")]:
        assert result.summary[metric] == pytest.approx(np.mean([e[key] for e in case["expected"]]), rel=2e-5)
    assert result.signature.settings["lpips"]["trunk"] == "custom"
    assert len(str(result.signature.settings["lpips"]["trunk_sha256"])) == 64


@pytest.mark.weights
@pytest.mark.parametrize("name", ["x4", "x8"])
@pytest.mark.parametrize("trunk", ["squeeze (shared/weights)", "alex (alexnet_features(seed=1))"])
def test_parity_on_photographs(name: str, trunk: str, shared: Path, alexnet: Path, tmp_path: Path) -> None:
    case = json.loads((shared / "parity/measure/real.json").read_text())[name]
    squeeze = trunk.startswith("squeeze")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Notice)
        result = score(
            shared / f"parity/measure/{name}/sr",
            shared / f"parity/measure/{name}/gt",
            options=ScoreOptions(
                metrics=ALL,
                samples=case["samples"],
                net="squeeze" if squeeze else "alex",
                lpips_weights=shared / "weights/squeezenet1_1-features.pth" if squeeze else alexnet,
            ),
            track=load_track(name),
            board=tmp_path,
        )
    if squeeze:
        assert_parity(result, {"samples": case["samples"], "expected": case[trunk]})
        return
    for image, expected in zip(result.images, case[trunk], strict=True):
        assert image.values["lpips"] == pytest.approx(expected["LPIPS_mean"], rel=2e-5)
        assert image.values["lr_psnr"] == pytest.approx(expected["LRPSNR_mean"], abs=1e-9)
        assert image.values["diversity"] == pytest.approx(expected["score"], abs=0.002)


def test_folder_and_zip_give_equal_numbers(tmp_path: Path, alexnet: Path) -> None:
    folder = small(tmp_path / "a", size=(64, 72))
    archive = shutil.make_archive(str(tmp_path / "t"), "zip", folder / "sub")
    options: dict[str, Any] = {"metrics": ALL, "lpips_weights": alexnet}
    assert run(folder, tmp_path / "b1", **options) == run(folder, tmp_path / "b2", submission=Path(archive), **options)


def test_workers_joint_or_separate_change_nothing(tmp_path: Path, alexnet: Path) -> None:
    folder = small(tmp_path / "a", images=3, size=(64, 72))
    options: dict[str, Any] = {"metrics": ALL, "lpips_weights": alexnet}
    joint = run(folder, tmp_path / "b1", workers=1, **options)
    assert run(folder, tmp_path / "b2", workers=5, **options) == joint
    alone = tmp_path / "alone"
    for index, image in enumerate(joint.images):
        (alone / "gt").mkdir(parents=True)
        (alone / "sub").mkdir()
        shutil.copy(folder / f"gt/{801 + index:04d}.png", alone / "gt")
        for s in range(3):
            shutil.copy(folder / f"sub/{index:06d}_sample{s:05d}.png", alone / "sub")
        assert run(alone, tmp_path / f"c{index}", **options).images == (image,)
        shutil.rmtree(alone)


def test_order_of_samples_matters_to_the_curve_alone(tmp_path: Path, alexnet: Path) -> None:
    folder = small(tmp_path / "a", images=1, size=(64, 72))
    options: dict[str, Any] = {"metrics": ALL, "lpips_weights": alexnet}
    (before,) = run(folder, tmp_path / "b1", **options).images
    sub = folder / "sub"
    for old, new in [("0", "x"), ("2", "0"), ("x", "2")]:
        (sub / f"000000_sample0000{old}.png").rename(sub / f"000000_sample0000{new}.png")
    (after,) = run(folder, tmp_path / "b2", **options).images
    assert [s.values for s in after.samples] == [s.values for s in reversed(before.samples)]
    for metric, value in before.values.items():
        assert after.values[metric] == pytest.approx(value, rel=1e-12), metric
    assert after.curves["diversity_curve"][-1] == pytest.approx(before.curves["diversity_curve"][-1], rel=1e-12)
    assert after.curves["diversity_curve"][1] != before.curves["diversity_curve"][1]


@pytest.mark.parametrize("team", ["", " "])
def test_a_team_has_a_name(tmp_path: Path, team: str) -> None:
    folder = small(tmp_path / "a")
    with pytest.raises(InputError, match="team"):
        run(folder, tmp_path / "b", team=team)
    assert not (tmp_path / "b").exists()


def test_every_notice_is_said_once(tmp_path: Path) -> None:
    folder = small(tmp_path / "a")
    shutil.copy(folder / "sub/000000_sample00000.png", folder / "sub/000000_sample00001.png")
    options = ScoreOptions(metrics=("lr_psnr",), samples=3)
    with pytest.warns(Notice) as said:
        score(folder / "sub", folder / "gt", options=options, track=load_track("x4"), board=tmp_path / "b")
    assert [str(notice.message) for notice in said] == [
        f"{folder / 'sub/000000_sample00000.png'}: identical to 000000_sample00001.png"
    ]


def test_a_deterministic_method_has_one_sample_and_scores_0(tmp_path: Path) -> None:
    folder = small(tmp_path / "a", samples=1)
    for i in range(2):
        (folder / f"sub/{i:06d}_sample00000.png").rename(folder / f"sub/{i:06d}.png")
    result = run(folder, tmp_path / "b", samples=None)
    assert result.summary["diversity_mse"] == 0.0
    assert result.curves["diversity_mse_curve"] == (0.0,) * 10
    assert "deterministic" in result.notes[0]
    # Where no S_M is measured, there is none to explain.
    plain = run(folder, tmp_path / "plain", metrics=("psnr",))
    assert plain.notes == ()
    assert plain.signature.settings["common"]["samples"] == 3
    assert not result.incomplete


def test_equal_lrs_count_as_one_step_in_means(tmp_path: Path) -> None:
    folder = small(tmp_path / "a")
    gt = read_rgb(folder / "gt/0801.png")
    for s in range(3):
        write_png(folder / f"sub/000000_sample{s:05d}.png", gt)
    result = run(folder, tmp_path / "b")
    path = result_path(tmp_path / "b", "x4", "t")
    document = json.loads(path.read_text(), parse_constant=lambda c: pytest.fail(c))
    height, width = gt.shape[0] // 4, gt.shape[1] // 4
    one_step = 10 * math.log10(255**2 * 3 * height * width)
    assert [sample["lr_psnr"] for sample in document["images"][0]["samples"]] == ["inf"] * 3
    assert document["images"][0]["lr_psnr"] == pytest.approx(one_step)
    assert document["images"][0]["lr_psnr_worst"] == pytest.approx(one_step)
    assert document["images"][0]["diversity_mse"] is None  # a sample equals the GT: undefined
    other = result.images[1].values["lr_psnr"]
    assert other is not None
    assert result.summary["lr_psnr"] == pytest.approx((one_step + other) / 2)
    assert result.signature.settings["lr_psnr"]["floor"] == "one step"
    assert result.summary["diversity_mse"] == result.images[1].values["diversity_mse"]
    notes = "\n".join(result.notes)
    assert "lr_psnr: infinite samples, counted as an error of one 8-bit step in one value: 1 image (0801)" in notes
    assert f"the mean over the other images is {other:.9g}" in notes
    assert "diversity_mse: undefined" in notes
    assert "identical to its GT 0801.png" in notes


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_name_that_differs_in_case_alone_is_refused_before_measuring(tmp_path: Path, overwrite: bool) -> None:
    small(tmp_path)
    run(tmp_path, tmp_path / "b", team="Deepest")
    board = sorted((tmp_path / "b").rglob("*"))
    (tmp_path / "b/x4/damaged.json").write_text("{")  # the ranking reports it
    with pytest.raises(ResultsError, match=r"Deepest\.json: is the result of 'Deepest', and 'deepest' counts"):
        run(tmp_path, tmp_path / "b", team="deepest", overwrite=overwrite)
    (tmp_path / "b/x4/damaged.json").unlink()
    assert sorted((tmp_path / "b").rglob("*")) == board
    assert run(tmp_path, tmp_path / "b", team="Deepest 2").team == "Deepest 2"


def test_lr_files_are_the_second_option(tmp_path: Path) -> None:
    folder = small(tmp_path / "a")
    default = run(folder, tmp_path / "b1", metrics=("lr_psnr",))
    (folder / "lr").mkdir()
    from srspace_eval.metrics.resize import imresize

    for i in (801, 802):
        lr = np.asarray(imresize(read_rgb(folder / f"gt/{i:04d}.png"), scale=0.25))
        write_png(folder / f"lr/{i:04d}.png", lr)
    same = run(folder, tmp_path / "b2", metrics=("lr_psnr",), lr=folder / "lr")
    assert [i.values for i in same.images] == [i.values for i in default.images]
    assert same.signature.conflicts(default.signature)
    write_png(folder / "lr/0801.png", np.zeros((10, 12, 3), np.uint8))
    other = run(folder, tmp_path / "b3", metrics=("lr_psnr",), lr=folder / "lr")
    assert other.images[0].values["lr_psnr"] < 10


def test_faults_stop_it_before_anything_is_written(tmp_path: Path) -> None:
    folder = small(tmp_path / "a")
    (folder / "sub/000000_sample00000.png").unlink()
    (folder / "sub/000001_sample00002.png").write_bytes(pngs.jpeg())
    with pytest.raises(SubmissionError) as caught:
        run(folder, tmp_path / "b")
    assert len(caught.value.problems) == 2
    assert not (tmp_path / "b").exists()


def test_an_incomplete_submission_is_measured_on_request_but_not_averaged(tmp_path: Path) -> None:
    folder = small(tmp_path / "a")
    (folder / "sub/000000_sample00000.png").unlink()
    with pytest.raises(SubmissionError, match="incomplete=True"):
        run(folder, tmp_path / "b")
    result = run(folder, tmp_path / "b", incomplete=True)
    assert set(result.summary.values()) == {None}
    assert result.incomplete == ("0801: 1 of 3 samples are missing (000000_sample00000.png)",)
    assert [s.sample for s in result.images[0].samples] == [1, 2]


def test_a_result_is_not_replaced_unless_told(tmp_path: Path) -> None:
    folder = small(tmp_path / "a")
    first = run(folder, tmp_path / "b")
    path = result_path(tmp_path / "b", "x4", "t")
    before = path.read_bytes()
    assert run(folder, tmp_path / "b") == first  # the very same: nothing to do
    with pytest.raises(ResultsError, match="convention"):
        run(folder, tmp_path / "b", convention="matlab")
    write_png(folder / "sub/000000_sample00000.png", pngs.pixels(40, 48))
    with pytest.raises(ResultsError, match="changed files of 0801"):
        run(folder, tmp_path / "b")
    assert path.read_bytes() == before
    assert run(folder, tmp_path / "b", overwrite=True) != first
    with pytest.raises(ResultsError, match="kind: baseline / team"):
        run(folder, tmp_path / "b", kind="baseline")
    assert run(folder, tmp_path / "b", kind="baseline", overwrite=True).kind == "baseline"
    assert [p.name for p in path.parent.iterdir()] == ["t.json"]


def test_a_changed_file_is_measured_again_on_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = small(tmp_path / "a", images=3)
    undisturbed = run(folder, tmp_path / "b1")
    from srspace_eval.scoring import journal

    kept = journal.Journal.append
    monkeypatch.setattr(journal.Journal, "append", lambda j, r: kept(j, r) if r.image == "0801" else _fail())
    with pytest.raises(RuntimeError, match="stop"):
        run(folder, tmp_path / "b2", workers=1)
    monkeypatch.undo()
    assert run(folder, tmp_path / "b2") == undisturbed
    monkeypatch.setattr(journal.Journal, "append", lambda j, r: kept(j, r) if r.image == "0801" else _fail())
    with pytest.raises(RuntimeError, match="stop"):
        run(folder, tmp_path / "b3", workers=1)
    monkeypatch.undo()
    write_png(folder / "sub/000000_sample00001.png", pngs.pixels(40, 48))
    changed = run(folder, tmp_path / "b3")
    assert changed.images[0] != undisturbed.images[0]
    assert changed.images[1:] == undisturbed.images[1:]


def _fail() -> None:
    raise RuntimeError("stop")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_killed_at_any_moment_it_ends_with_the_same_bytes(tmp_path: Path, alexnet: Path) -> None:
    folder = small(tmp_path / "a", images=6, samples=3, size=(96, 96))
    command = [
        sys.executable, "-m", "srspace_eval", "score", str(folder / "sub"), "--gt", str(folder / "gt"), "--track", "x4",
        "--samples", "3", "--team", "t", "--lpips-weights", str(alexnet), "--metrics", ",".join(ALL), "--device", "cpu",
    ]  # fmt: skip
    subprocess.run([*command, "--board", str(tmp_path / "whole")], check=True, capture_output=True)
    wanted = (tmp_path / "whole/x4/t.json").read_bytes()
    journal = tmp_path / "killed/x4/t.journal.jsonl"
    kills = 0
    for lines in (1, 1, 3, 5):  # killed as soon as so many lines are on the disk
        process = subprocess.Popen([*command, "--board", str(tmp_path / "killed")], stderr=subprocess.DEVNULL)
        while process.poll() is None and not (journal.exists() and journal.read_bytes().count(b"\n") >= lines):
            time.sleep(0.001)
        process.kill()
        kills += process.wait() != 0
    assert kills >= 2
    subprocess.run([*command, "--board", str(tmp_path / "killed")], check=True, capture_output=True)
    assert (tmp_path / "killed/x4/t.json").read_bytes() == wanted
    assert [p.name for p in (tmp_path / "killed/x4").iterdir()] == ["t.json"]


def test_documents_are_as_the_design_says(tmp_path: Path, alexnet: Path) -> None:
    document = to_document(
        run(small(tmp_path / "a", size=(64, 64)), tmp_path / "b", metrics=ALL, lpips_weights=alexnet)
    )
    assert {"team", "track", "signature", "summary", "images"} <= set(document)
    assert {"lpips", "lr_psnr", "lr_psnr_worst", "diversity", "diversity_mse"} <= set(document["summary"])
    image = document["images"][0]
    assert {"image", "lpips", "lr_psnr", "lr_psnr_worst", "diversity", "diversity_curve", "lpips_global_best",
            "lpips_local_best", "samples", "diversity_mse", "diversity_mse_curve"} <= set(image)  # fmt: skip
    assert {"sample", "lpips", "lr_psnr"} <= set(image["samples"][0])
    assert len(image["diversity_curve"]) == 3
    assert image["diversity_curve"][0] == 0.0
    assert image["diversity_curve"][-1] == image["diversity"]
    assert read_result(result_path(tmp_path / "b", "x4", "t")).team == "t"


def test_check_finds_deep_damage(tmp_path: Path) -> None:
    folder = small(tmp_path / "a")
    path = folder / "sub/000001_sample00001.png"
    good = path.read_bytes()
    import struct
    import zlib

    at = good.index(b"IDAT")
    (length,) = struct.unpack(">I", good[at - 4 : at])
    body = bytearray(good[at + 4 : at + 4 + length])
    body[-40] ^= 0xFF
    crc = struct.pack(">I", zlib.crc32(b"IDAT" + body))
    path.write_bytes(good[: at + 4] + bytes(body) + crc + good[at + 8 + length :])
    checked = check(folder / "sub", folder / "gt", track=load_track("x4"), samples=3)
    assert len(checked.faults) == 1
    assert "000001_sample00001.png: damaged" in checked.faults[0]


def test_the_bytes_of_a_result_do_not_depend_on_the_folder(tmp_path: Path) -> None:
    found = []
    for folder in (small(tmp_path / "a"), small(tmp_path / "deep" / "er")):
        shutil.copy(folder / "sub/000000_sample00000.png", folder / "sub/000000_sample00001.png")
        shutil.copy(folder / "gt/0801.png", folder / "sub/000000_sample00002.png")
        run(folder, folder / "b", metrics=("lr_psnr",))
        found.append(result_path(folder / "b", "x4", "t").read_bytes())
    assert found[0] == found[1]
    assert b"000000_sample00000.png: identical to 000000_sample00001.png" in found[0]
    assert b"000000_sample00002.png: identical to its GT 0801.png" in found[0]
    assert str(tmp_path).encode() not in found[0]
