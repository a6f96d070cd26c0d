"""The estimate of sizes and time, the starting kit, and the recipe of the image."""

from __future__ import annotations

import dataclasses
import io
import re
import shlex
import zipfile
from pathlib import Path

import numpy as np
import pytest

from srspace_eval._utils.png import decode_png
from srspace_eval.cli import weights as weights_command
from srspace_eval.codabench import estimate
from srspace_eval.codabench.bundle import make_bundle
from srspace_eval.codabench.estimate import estimate_bundle, make_estimate
from srspace_eval.codabench.image import dockerfile
from srspace_eval.codabench.phase import CompetitionPhase
from srspace_eval.codabench.plan import CompetitionPlan
from srspace_eval.errors import InputError
from srspace_eval.metrics.lpips import weights
from srspace_eval.submissions.check import check
from srspace_eval.tracks.reader import load_track
from tests.helpers.codabench import METRICS, START


def plan_of(folder: Path, **changes: object) -> CompetitionPlan:
    phase = CompetitionPhase("Test", str(folder / "gt"), START)
    plan = CompetitionPlan(load_track("x4"), (phase,), "user/image:1", metrics=METRICS, samples=2)
    return dataclasses.replace(plan, primary="", **changes)  # type: ignore[arg-type]


def test_sizes_are_exact_and_the_time_grows_with_samples_and_pixels(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (found,) = estimate_bundle(plan_of(folder))
    size = sum(path.stat().st_size for path in (folder / "gt").iterdir())
    assert (found.images, found.samples, found.data_bytes, found.submission_bytes) == (2, 2, size, 2 * size)
    assert found.seconds is not None
    assert 0 < found.seconds < 30
    assert "cores" in found.measured_on
    monkeypatch.setattr(estimate, "_seconds", lambda *arguments: 0.5)
    (few,), (many,) = (estimate_bundle(plan_of(folder, samples=samples)) for samples in (2, 500))
    assert few.seconds == pytest.approx(2 * 2 * 0.5)  # both GTs are of one size
    assert many.seconds == pytest.approx(2 * 500 * 0.5)
    assert not few.advice
    assert re.search(r"about 500 s .*limit is 600 s", str(many)) is None
    (slow,) = estimate_bundle(plan_of(folder, samples=600))
    assert re.search(r"about 600 s .*limit is 600 s; ask for crops.*--samples.*--queue", slow.advice[-1])


def test_without_weights_the_time_is_not_invented(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "weights_search_path", lambda weights_dir=None: [tmp_path])
    (found,) = estimate_bundle(plan_of(folder, metrics=("lpips",)))
    assert found.seconds is None
    assert "time not measured: the alex trunk's weights are missing" in str(found)


@pytest.mark.parametrize(
    ("sizes", "changes", "told"),
    [
        ([4_000_000] * 100, {"samples": 1}, "bundles of more than 350 MB hang; upload the GTs as a dataset"),
        ([3_500_000] * 100, {"samples": 10}, "3500 MB a submission"),
        ([1_000_000] * 100, {"samples": 1}, "15 GB, which hold 75; allow fewer"),
    ],
)
def test_what_exceeds_the_platform_s_limits_is_told(
    sizes: list[int], changes: dict[str, int], told: str, folder: Path
) -> None:
    plan = plan_of(folder, **changes)
    found = make_estimate(plan, plan.phases[0], sizes)
    assert any(told in advice for advice in found.advice), found.advice


def test_the_gts_of_all_phases_count_together(folder: Path) -> None:
    plan = plan_of(folder, samples=1)
    sizes = [2_000_000] * 100
    assert not any("hang" in a for a in make_estimate(plan, plan.phases[0], sizes).advice[:1] if "bundles" in a)
    assert "bundles of more" in make_estimate(plan, plan.phases[0], sizes, before=200_000_000).advice[0]


# The starting kit.


def kit_of(plan: CompetitionPlan) -> zipfile.ZipFile:
    with zipfile.ZipFile(io.BytesIO(make_bundle(plan)[1])) as archive:
        return zipfile.ZipFile(io.BytesIO(archive.read("starting_kit_1.zip")))


@pytest.mark.parametrize("track", ["x4", "x8", "imagesr-x4-2026"])
def test_the_sample_submission_of_the_kit_passes_the_check(track: str, folder: Path, tmp_path: Path) -> None:
    plan = plan_of(folder, track=load_track(track), samples=None, metrics=("psnr",), starting_kit=True)
    kit = kit_of(plan)
    kit.extractall(tmp_path)
    found = check(tmp_path / "sample_submission", tmp_path / "sizes", track=plan.track)
    assert found.pairing.missing == ()
    assert (found.inspection.faults, found.inspection.warnings) == ((), ())
    assert "srspace-eval check SUBMISSION.zip --gt sizes --track " + track in kit.read("README.md").decode()
    # The real GT has the same sizes, so a submission of them passes, too.
    assert check(tmp_path / "sample_submission", folder / "gt", track=plan.track).inspection.faults == ()


def test_the_kit_holds_no_pixel_of_the_gt(folder: Path) -> None:
    kit = kit_of(plan_of(folder, starting_kit=True))
    pictures = [name for name in kit.namelist() if name.endswith(".png")]
    assert len(pictures) == 2 + 4
    for name in pictures:
        pixels = decode_png(kit.read(name), name)
        assert np.unique(pixels).size == 1


def test_a_kit_needs_a_gt_at_hand(folder: Path) -> None:
    phase = CompetitionPhase("Test", "/app/data/GT", START)
    with pytest.raises(InputError, match="starting_kit: needs a phase whose GT is a folder or zip"):
        plan_of(folder, phases=(phase,), starting_kit=True)


# The image.


def test_the_recipe_names_the_whole_sha_256_and_a_command_that_exists(folder: Path) -> None:
    text = dockerfile(plan_of(folder, metrics=("lpips", "psnr")))
    trunk = weights.TRUNKS["alex"]
    assert len(trunk.sha256) == 64
    assert f"{trunk.sha256}  {trunk.name}" in text
    assert trunk.sha256.startswith(trunk.sha256_prefix)
    (line,) = re.findall(r"srspace-eval weights (.*?) \\\n", text)
    fetch = weights_command.command.commands["fetch"]  # type: ignore[attr-defined]
    parsed = fetch.make_context("fetch", shlex.split(line)[1:])
    assert parsed.params["weights_dir"] == Path("/opt/srspace-eval-weights")
    assert "ENV SRSPACE_EVAL_WEIGHTS=/opt/srspace-eval-weights" in text
    assert text.rstrip().endswith("USER root")
    assert "@" not in text.replace("--", "")


def test_the_recipe_fetches_only_what_the_metrics_need(folder: Path) -> None:
    assert "weights fetch" not in dockerfile(plan_of(folder))
    text = dockerfile(plan_of(folder, metrics=("lpips", "dists"), net="squeeze"))
    assert "weights fetch squeeze vgg" in text
    assert weights.TRUNKS["squeeze"].sha256 in text
    assert weights.TRUNKS["vgg"].sha256 in text
