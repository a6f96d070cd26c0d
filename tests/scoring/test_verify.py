from __future__ import annotations

import copy
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.inputs import pngs
from benchmarks.inputs.submissions import small
from benchmarks.inputs.weights import write_alexnet
from srspace_eval._utils.png import read_rgb, write_png
from srspace_eval.errors import InputError, ResultsError, SubmissionError, TrackError
from srspace_eval.metrics.lpips.metric import Lpips
from srspace_eval.metrics.measures import Measure
from srspace_eval.metrics.registry import metrics
from srspace_eval.report.verification import verification_markdown, verification_text
from srspace_eval.results.verification import Verification
from srspace_eval.scoring.compare import Comparison, Tolerance
from srspace_eval.scoring.remeasure import metrics_of_result
from srspace_eval.scoring.verify import choose, verify, verify_all
from tests.helpers.forgeries import FORGERIES, Forgery
from tests.helpers.scoring import run

METRICS = ("lpips", "lr_psnr", "diversity", "psnr")


@pytest.fixture(scope="session")
def scored(tmp_path_factory: pytest.TempPathFactory, alexnet: Path) -> Path:
    """Two images of three samples, scored; the result is ``board/x4/t.json``."""
    folder = small(tmp_path_factory.mktemp("verify"), size=(64, 72))
    run(folder, folder / "board", metrics=METRICS, lpips_weights=alexnet, workers=2)
    return folder


@pytest.fixture
def again(scored: Path, alexnet: Path) -> Callable[..., Verification]:
    def verified(result: Path | None = None, submission: Path | None = None, **more: Any) -> Verification:
        arguments: dict[str, Any] = {"gt": scored / "gt", "lpips_weights": alexnet, **more}
        return verify(result or scored / "board/x4/t.json", submission or scored / "sub", **arguments)

    return verified


def written(scored: Path, tmp_path: Path, forge: Forgery) -> Path:
    document = json.loads((scored / "board/x4/t.json").read_text())
    before = copy.deepcopy(document)
    forge(document)
    assert document != before
    path = tmp_path / "forged.json"
    path.write_text(json.dumps(document))
    return path


def test_an_honest_result_is_equal_bit_for_bit(again: Callable[..., Verification]) -> None:
    done = again()
    assert done.verdict == "equal"
    assert done.ok
    assert done.differences == ()
    assert done.images == ("0801", "0802")
    # Two images: LPIPS and its two bests, LR-PSNR and its worst, S_M, PSNR, 3 curve points, 3 samples of 3 values.
    assert done.values == 2 * (7 + 3 + 9)


def test_at_least_fifty_forgeries() -> None:
    assert len(FORGERIES) >= 50


@pytest.mark.parametrize("name", FORGERIES)
def test_each_forgery_is_found_and_told_as_what_it_is(
    name: str, scored: Path, again: Callable[..., Verification], tmp_path: Path
) -> None:
    forge, cause = FORGERIES[name]
    done = again(written(scored, tmp_path, forge))
    assert done.verdict == "different", name
    assert cause in done.causes, done.causes


def test_a_forged_value_is_named_with_image_sample_metric_and_both_values(
    scored: Path, again: Callable[..., Verification], tmp_path: Path
) -> None:
    done = again(written(scored, tmp_path, FORGERIES["sample lpips"][0]))
    (found,) = (d for d in done.differences if d.cause == "value")
    assert (found.image, found.sample, found.metric, found.stored) == ("0802", 2, "lpips", 0.001)
    honest = json.loads((scored / "board/x4/t.json").read_text())
    assert found.found == honest["images"][1]["samples"][2]["lpips"]


def test_another_submission(scored: Path, again: Callable[..., Verification], tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(scored / "sub", other)
    file = other / "000001_sample00001.png"
    write_png(file, 255 - read_rgb(file))
    done = again(submission=other)
    assert set(done.causes) == {"submission"}
    assert [d.where for d in done.differences] == ["images.0802.samples.1.sha256"]


def test_an_incomplete_submission(scored: Path, again: Callable[..., Verification], tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(scored / "sub", other)
    (other / "000001_sample00001.png").unlink()
    assert "submission" in again(submission=other).causes


def test_other_gts(scored: Path, again: Callable[..., Verification], tmp_path: Path) -> None:
    gt = tmp_path / "gt"
    gt.mkdir()
    shutil.copy(scored / "gt/0801.png", gt)
    write_png(gt / "0802.png", pngs.pixels(64, 72, seed=9))
    done = again(gt=gt)
    assert set(done.causes) == {"gt"}
    assert {"signature.settings.common.gt", "images.0802.gt_sha256"} == {d.where for d in done.differences}


def test_another_trunk_is_told_without_a_thousand_differing_values(
    scored: Path, again: Callable[..., Verification], tmp_path: Path
) -> None:
    done = again(lpips_weights=write_alexnet(tmp_path / "other.pth", seed=2))
    assert set(done.causes) == {"trunk"}
    assert done.values == 2 * (3 + 2 * 3)  # LR-PSNR and PSNR were compared


def test_other_lrs(scored: Path, tmp_path: Path, alexnet: Path) -> None:
    lr = tmp_path / "lr"
    lr.mkdir()
    for name in ("0801", "0802"):
        write_png(lr / f"{name}.png", read_rgb(scored / f"gt/{name}.png")[::4, ::4])
    run(scored, tmp_path / "board", metrics=("lr_psnr",), lr=lr)
    path = tmp_path / "board/x4/t.json"
    assert verify(path, scored / "sub", scored / "gt", lr=lr).verdict == "equal"
    assert "lr" in verify(path, scored / "sub", scored / "gt").causes


def test_values_within_the_tolerance_are_a_notice(
    scored: Path, again: Callable[..., Verification], tmp_path: Path
) -> None:
    def other_device(document: dict[str, Any]) -> None:
        document["signature"]["environment"]["device"] = "another GPU"
        document["images"][0]["lpips_local_best"] *= 1 + 1e-6
        values = [image["lpips_local_best"] for image in document["images"]]
        document["summary"]["lpips_local_best"] = sum(values) / 2

    done = again(written(scored, tmp_path, other_device))
    assert done.verdict == "tolerance"
    assert done.ok
    assert done.deviations["lpips_local_best"] > 0
    assert done.environment == ("device: another GPU / cpu",)
    assert "equal within the tolerance" in verification_text([done])


def test_some_images_are_chosen_by_the_seed_and_their_chance_is_stated(
    scored: Path, again: Callable[..., Verification], tmp_path: Path
) -> None:
    assert choose(["a", "b", "c", "d"], 2, 5) == choose(["a", "b", "c", "d"], 2, 5)
    assert choose(["b", "a"], 5, 0) == ("b", "a")
    assert {choose(["a", "b", "c"], 1, seed) for seed in range(20)} == {("a",), ("b",), ("c",)}
    done = again(images=1, seed=3)
    assert len(done.images) == 1
    assert done.chance_missed(1) == 0.5
    assert "1: 50.0%, 2: 0.0%" in verification_text([done])
    forged = written(scored, tmp_path, FORGERIES["all diversity, consistently"][0])
    assert again(forged, images=1).verdict == "different"


def test_the_stated_chance_is_how_often_a_forgery_is_missed() -> None:
    names = [str(i) for i in range(20)]
    seeds = range(4000)
    missed = sum(not {"3", "7", "11"} & set(choose(names, 5, seed)) for seed in seeds) / len(seeds)
    stated = Verification("r", "s", images=tuple(names[:5]), total=20).chance_missed(3)
    assert stated == pytest.approx(15 * 14 * 13 / (20 * 19 * 18))
    assert missed == pytest.approx(stated, abs=4 * (stated * (1 - stated) / len(seeds)) ** 0.5)


def test_five_of_a_hundred() -> None:
    done = Verification("r", "s", images=tuple("abcde"), total=100)
    assert done.chance_missed(1) == pytest.approx(0.95)
    assert done.chance_missed(50) == pytest.approx(0.02814, abs=1e-4)
    with pytest.raises(InputError, match="forged = 101"):
        done.chance_missed(101)


def test_a_deterministic_method_and_measures_with_options(tmp_path: Path) -> None:
    folder = small(tmp_path / "a", samples=1)
    for index in range(2):
        (folder / f"sub/{index:06d}_sample00000.png").rename(folder / f"sub/{index:06d}.png")
    run(
        folder, tmp_path / "board", metrics=("diversity_mse", "ssim"),
        measures=(Measure("psnr_y4", "psnr", {"channel": "y", "border": 4}),),
    )  # fmt: skip
    path = tmp_path / "board/x4/t.json"
    assert len(json.loads(path.read_text())["diversity_mse_curve"]) == 3
    done = verify(path, folder / "sub", folder / "gt")
    assert done.verdict == "equal"
    assert done.values > 0


def test_the_options_of_every_metric_are_found_in_its_signature(tmp_path: Path, alexnet: Path) -> None:
    folder = small(tmp_path / "a", images=1, samples=2, size=(104, 200))
    measures = (
        Measure("psnr", options={"channel": "y"}), Measure("ssim", options={"channel": "y8", "window": "uniform"}),
        Measure("mse", options={"border": 2}), Measure("niqe", options={"channel": "y8", "border": 4}),
        Measure("brisque", options={"border": 1}), Measure("piqe"), Measure("lpips", options={"spatial": False}),
        Measure("lr_psnr", options={"convention": "matlab-legacy"}),
        Measure("diversity_patches", options={"patches": 4, "size": 8, "seed": 5}),
    )  # fmt: skip
    result = run(folder, tmp_path / "board", metrics=tuple(metrics())[1:4], measures=measures, samples=2,
                 lpips_weights=alexnet)  # fmt: skip
    found, unknown = metrics_of_result(result)
    assert unknown == {}
    assert list(found) == [name for name in metrics() if name != "dists"]  # which tests/metrics/test_dists.py verifies
    assert found["lpips"] == Lpips(spatial=False)
    done = verify(tmp_path / "board/x4/t.json", folder / "sub", folder / "gt", lpips_weights=alexnet)
    assert done.verdict == "equal", done.differences


def test_errors_name_the_file(scored: Path, again: Callable[..., Verification], tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    with pytest.raises(ResultsError, match=r"broken\.json"):
        again(broken)
    with pytest.raises(SubmissionError, match="no such folder"):
        again(submission=tmp_path / "nothing")
    with pytest.raises(InputError, match="images = 0"):
        again(images=0)
    with pytest.raises(InputError, match="seed = -1"):
        again(seed=-1)


def test_one_failure_does_not_stop_the_others(scored: Path, alexnet: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    pairs = [(broken, scored / "sub"), (scored / "board/x4/t.json", scored / "sub")]
    done = verify_all(pairs, scored / "gt", lpips_weights=alexnet, seed=1)
    assert [d.verdict for d in done] == ["failed", "equal"]


def test_values_of_images_that_are_not_measured_again_must_be_those_of_a_measurement(
    scored: Path, again: Callable[..., Verification], tmp_path: Path
) -> None:
    """A forger who adds a MOR to one image is found, whichever images are chosen."""

    def forge(document: dict[str, Any]) -> None:
        document["images"][0]["mor"] = document["summary"]["mor"] = 1.0

    path = written(scored, tmp_path, forge)
    for seed in range(4):
        done = again(path, images=1, seed=seed)
        assert "images.0801.mor: stored 1.0, found nothing" in map(str, done.differences)


def test_values_without_their_settings_do_not_stop_the_others(
    scored: Path, alexnet: Path, tmp_path: Path, again: Callable[..., Verification]
) -> None:
    def forge(document: dict[str, Any]) -> None:
        del document["signature"]["settings"]["lpips"]

    path = written(scored, tmp_path, forge)
    pairs = [(path, scored / "sub"), (scored / "board/x4/t.json", scored / "sub")]
    found = verify_all(pairs, scored / "gt", lpips_weights=alexnet)
    assert [done.verdict for done in found] == ["different", "equal"]
    assert any(d.where == "signature.settings.lpips.net" for d in found[0].differences)


def test_the_track_of_a_result_is_no_path(scored: Path, again: Callable[..., Verification], tmp_path: Path) -> None:
    def forge(document: dict[str, Any]) -> None:
        document["track"] = str(tmp_path / "own.toml")

    (tmp_path / "own.toml").write_text("scale = 4\n")
    with pytest.raises(TrackError, match="no built-in track is called"):
        again(written(scored, tmp_path, forge))


def test_a_key_that_is_there_twice_is_refused(scored: Path, again: Callable[..., Verification], tmp_path: Path) -> None:
    text = (scored / "board/x4/t.json").read_text()
    (tmp_path / "twice.json").write_text(text.replace('"team":', '"team": "other",\n "team":', 1))
    with pytest.raises(ResultsError, match="the same key is there twice"):
        again(tmp_path / "twice.json")


def test_the_markdown_report_is_safe_and_complete(
    scored: Path, again: Callable[..., Verification], tmp_path: Path
) -> None:
    def hostile(document: dict[str, Any]) -> None:
        document["team"] = "<img src=x>|@everyone"
        document["images"][0]["samples"][0]["file"] = "a|b<script>.png"

    text = verification_markdown([again(written(scored, tmp_path, hostile)), again()])
    assert "**DIFFERENT**" in text
    assert "**equal**" in text
    assert not re.search(r"(?<!\\)<(script|img)", text)
    assert all(len(re.findall(r"(?<!\\)\|", line)) in (4, 6) for line in text.splitlines() if line.startswith("|"))
    assert np.all([line == line.rstrip() for line in text.splitlines()])


def test_tolerances_are_those_of_the_documentation() -> None:
    assert Tolerance(absolute=0.002).allows(20.0, 20.001)
    assert not Tolerance(absolute=0.002).allows(20.0, 20.003)
    assert Tolerance(relative=2e-5).allows(0.1, 0.1000019)
    assert not Tolerance(relative=2e-5).allows(0.1, 0.10001)
    assert Comparison.tolerance.__doc__


def test_an_image_without_its_mean_is_found_though_it_is_not_measured(
    scored: Path, again: Callable[..., Verification], tmp_path: Path
) -> None:
    """The mean of the other image would be the summary."""

    def forge(document: dict[str, Any]) -> None:
        first, second = document["images"]
        second["lr_psnr"] = None
        document["summary"]["lr_psnr"] = first["lr_psnr"]

    path = written(scored, tmp_path, forge)
    seed = next(seed for seed in range(20) if choose(["0801", "0802"], 1, seed) == ("0801",))
    done = again(path, images=1, seed=seed)
    assert done.images == ("0801",)
    assert [difference.where for difference in done.differences] == ["images.0802.lr_psnr"]
