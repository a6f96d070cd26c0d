"""The built-in tracks of other challenges, from folders of pictures to ranks.

``tests/metrics/test_official_psnr_ssim.py`` compares the functions with the official programs. Here the tracks measure
with the same options.
"""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from srspace_eval.metrics.psnr.function import mse, psnr
from srspace_eval.metrics.scenes.piqe import piqe
from srspace_eval.metrics.ssim.function import ssim
from srspace_eval.tracks.reader import load_track
from tests.helpers.commands import run
from tests.helpers.conventions import CONVENTIONS

MEASURED = {
    # Track -> id -> the convention of the official program.
    "imagesr-x4-2024": {"psnr": "ntire2026_psnr", "ssim": "ntire2026_ssim"},
    "imagesr-x4-2025": {"psnr": "ntire2026_psnr", "ssim": "ntire2026_ssim"},
    "imagesr-x4-2026": {"psnr": "ntire2026_psnr", "ssim": "ntire2026_ssim"},
    "esr-2022": {"psnr_val": "esr_psnr_rgb_b4"},
    "esr-2024": {"psnr_val": "esr_psnr_rgb_b4"},
    "esr-2025": {"psnr_val": "esr_psnr_rgb_b4"},
    "esr-2026": {"psnr_val": "esr_psnr_rgb_b4"},
    "ntire2017-x2": {"psnr": "ntire2017_psnr", "ssim": "ntire2017_ssim"},
    "ntire2017-x3": {"psnr": "ntire2017_psnr", "ssim": "ntire2017_ssim"},
    "ntire2017-x4": {"psnr": "ntire2017_psnr", "ssim": "ntire2017_ssim"},
    "ntire2018-x8": {"psnr": "ntire2017_psnr", "ssim": "ntire2017_ssim"},
    "pirm-2018": {"mse": "pirm_mse_y8_b4"},
    "ntire2020-rwsr-1": {"psnr": "rtsr_psnr_rgb", "ssim": "skimage_ssim_default"},
}
FUNCTIONS = {"psnr": psnr, "ssim": ssim, "mse": mse}


def _picture(seed: int, height: int, width: int, blur: float = 0.0, noise: float = 0.0) -> np.ndarray:
    """A smooth random picture, uint8; the same seed gives the same scene."""
    rng = np.random.default_rng(seed)
    scene = gaussian_filter(rng.normal(0, 1, (height, width, 3)), (1.5 + blur, 1.5 + blur, 0))
    scene = 128 + 60 * scene / scene.std() + 30 * np.sin(np.arange(width) / 20)[None, :, None]
    return np.asarray(np.clip(scene + noise * rng.normal(size=scene.shape), 0, 255).astype(np.uint8))


def _json(*arguments: object) -> dict[str, Any]:
    with redirect_stdout(io.StringIO()) as stdout:
        assert run(*arguments, "--json") == 0
    document: dict[str, Any] = json.loads(stdout.getvalue())
    return document


@pytest.mark.parametrize("name", MEASURED)
def test_a_track_measures_as_the_official_program(name: str, tmp_path: Path) -> None:
    track = load_track(name)
    pictures = {}
    for folder, noise in (("gt", 0.0), ("sr", 12.0)):
        (tmp_path / folder).mkdir()
        template = track.gt_names[0] if folder == "gt" else track.sample_names[0]
        for number in (801, 802):
            # One GT is not a multiple of the scale in size. The sample has the size of the cropped GT.
            height, width = (72, 96) if number == 801 or folder == "sr" else (72 + 1, 96 + 1)
            picture = _picture(number, 73, 97, noise=noise)[:height, :width]
            pictures[folder, number] = picture
            file = template.format(number=number, stem=f"{number:04d}")
            Image.fromarray(picture).save(tmp_path / folder / file)
    ids = MEASURED[name]
    document = _json(
        "score", tmp_path / "sr", "--gt", tmp_path / "gt", "--track", name, "--metrics", ",".join(ids), "--board",
        tmp_path / "board",
    )  # fmt: skip
    found = {image["image"].lstrip("0"): image for image in document["images"]}
    for number in (801, 802):
        sr = pictures["sr", number]
        gt = pictures["gt", number][: sr.shape[0], : sr.shape[1]]
        for key, convention in ids.items():
            function, options, _, _ = CONVENTIONS[convention]
            border = {"6 + scale": 6 + track.scale}.get(options.get("border", 0), options.get("border", 0))
            assert FUNCTIONS[key.split("_")[0]] is function
            assert found[str(number)][key] == function(sr, gt, **{**options, "border": border})


def test_every_track_with_a_ground_truth_is_here() -> None:
    from srspace_eval.tracks.reader import builtin_tracks

    tracks = builtin_tracks().values()
    assert {t.name for t in tracks if t.samples == 1 and t.reference == "gt"} == set(MEASURED)


def test_smartphone_pictures_of_2020_from_folders_to_ranks(tmp_path: Path) -> None:
    """No ground truth: NIQE, BRISQUE and PIQE are measured, NRQM and MOR are given, PI and IQA-Rank are computed."""
    settings = {"sharp": (0.0, 0.0), "soft": (1.0, 0.0), "noisy": (0.0, 30.0), "Bicubic": (2.5, 0.0)}
    measured = {}
    for team, (blur, noise) in settings.items():
        (tmp_path / team).mkdir()
        for number in range(3):
            Image.fromarray(_picture(number, 208, 200, blur, noise)).save(tmp_path / team / f"{number}.png")
        (tmp_path / team / "readme.txt").write_text("not a picture")
        measured[team] = _json(
            "score", tmp_path / team, "--track", "ntire2020-rwsr-2", "--board", tmp_path / "board", "--team", team
        )
    one = _picture(0, 208, 200)
    assert measured["sharp"]["images"][0]["piqe"] == pytest.approx(piqe(one), abs=1e-6)

    nrqm = {"sharp": 6.1, "soft": 5.0, "noisy": 4.0, "Bicubic": 3.0}
    values = tmp_path / "values.csv"
    values.write_text("team,nrqm,mor\n" + "".join(f"{t},{v},{i + 1.5}\n" for i, (t, v) in enumerate(nrqm.items())))
    board = tmp_path / "board"
    document = _json("rank", "--board", board, "--track", "ntire2020-rwsr-2", "--values", values)
    rows = {row["team"]: row for row in document["rows"]}
    assert [row["team"] for row in document["rows"]] == list(nrqm)
    assert [row["place"] for row in document["rows"]] == [1, 2, 3, 4]

    # By hand: each image and each of the five metrics ranks the four methods.
    per_image = {
        team: {
            **{m: [image[m] for image in measured[team]["images"]] for m in ("niqe", "brisque", "piqe")},
            "nrqm": [-nrqm[team]] * 3,  # higher is better
            "pi": [((10 - nrqm[team]) + image["niqe"]) / 2 for image in measured[team]["images"]],
        }
        for team in settings
    }
    for team in settings:
        ranks = [
            1 + sum(other[m][i] < per_image[team][m][i] for other in per_image.values())
            for m in ("niqe", "brisque", "piqe", "nrqm", "pi")
            for i in range(3)
        ]
        assert rows[team]["values"]["iqa_rank"] == pytest.approx(np.mean(ranks), abs=1e-12)
        assert rows[team]["values"]["pi"] == pytest.approx(np.mean(per_image[team]["pi"]), abs=1e-12)
    for metric in ("niqe", "brisque", "piqe"):
        values_of = {team: row["values"][metric] for team, row in rows.items()}
        assert rows[min(values_of, key=values_of.__getitem__)]["ranks"][metric] == 1
