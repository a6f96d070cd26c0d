"""Boards of synthetic submissions whose numbers resemble those of a challenge.

A team has a skill, an image has a difficulty, and all numbers of a team on an image follow from the two, so values
are correlated over teams and over images as real ones are. The same arguments give the same results.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from srspace_eval.results.record import ImageRecord, Result, SampleRecord
from srspace_eval.results.signature import Signature
from srspace_eval.results.store import result_path, write_result
from srspace_eval.tracks.model import Track

Floats = NDArray[np.float64]


def make_results(
    track: Track,
    teams: int,
    images: int,
    samples: int,
    seed: int,
    *,
    names: Sequence[str] = (),
    incomplete: int = 0,
    size: tuple[int, int] = (64, 96),
) -> list[Result]:
    """Scored submissions.

    Parameters
    ----------
    names:
        Names of the first teams; the others are called ``Team 01``, ``Team 02``, ...
    incomplete:
        How many of the last teams lack their last image: no summary, and the reason in ``incomplete``.
    size:
        Height and width that the images' records state.
    """
    rng = np.random.default_rng(seed)
    hardness = rng.normal(0.0, 1.0, images)
    skills = rng.uniform(0.0, 1.0, (teams, 3))
    signature = Signature(
        {
            "common": {
                "track": track.name,
                "scale": track.scale,
                "samples": samples,
                "crop": track.crop,
                "images": images,
                "gt": _joint((f"{track.first + i:04d}", _digest("gt", i)) for i in range(images)),
            },
            "lpips": {"version": "0.1", "net": "alex", "spatial": True, "weights": _digest("alex")},
            "lr_psnr": {"convention": "ntire21", "reference": "downscaled GT", "floor": "one step"},
            "diversity": {"distance": "lpips", "form": "dense"},
        },
        {"srspace-eval": "0.1.0", "torch": "2.2.0", "device": "cpu"},
    )
    return [
        _result(
            track,
            _name(names, team),
            signature,
            images,
            samples,
            skills[team],
            hardness,
            rng,
            size,
            lacks_one=team >= teams - incomplete,
        )
        for team in range(teams)
    ]


def write_board(board: Path, results: Sequence[Result]) -> None:
    """Write results to the board's paths, where ``rank`` reads them."""
    for result in results:
        write_result(result_path(board, result.track, result.team), result)


def write_pictures(
    folder: Path, results: Sequence[Result], seed: int = 0
) -> tuple[Path, dict[str, Path], list[Result]]:
    """Write pictures that belong to the results.

    Each sample is the GT with an error that is smallest around the sample's own spot, so which sample is nearest
    changes over the image.

    Returns
    -------
    The GT folder, team -> folder of its samples, and the results with the pictures' digests.
    """
    gt_folder = folder / "gt"
    gt_folder.mkdir(parents=True)
    truths, gt_digests = {}, {}
    for position, image in enumerate(results[0].images):
        truths[image.image] = _picture(image.height, image.width, seed + position)
        gt_digests[image.image] = _save(gt_folder / f"{image.image}.png", truths[image.image])
    folders: dict[str, Path] = {}
    changed = []
    for number, result in enumerate(results):
        folders[result.team] = folder / f"submission{number:03d}"
        folders[result.team].mkdir()
        images = []
        for image in result.images:
            samples = []
            for sample in image.samples:
                picture = _sample(truths[image.image], sample.sample, len(image.samples), number)
                samples.append(replace(sample, sha256=_save(folders[result.team] / sample.file, picture)))
            images.append(replace(image, gt_sha256=gt_digests[image.image], samples=tuple(samples)))
        changed.append(replace(result, images=tuple(images)))
    joint = _joint((image.image, image.gt_sha256) for image in changed[0].images)
    return gt_folder, folders, [_with_gt(result, joint) for result in changed]


def _joint(digests: Iterable[tuple[str, str]]) -> str:
    """The digest of all GTs, as signatures state it."""
    return hashlib.sha256("".join(f"{image}\0{digest}\n" for image, digest in digests).encode()).hexdigest()


def _with_gt(result: Result, joint: str) -> Result:
    settings = dict(result.signature.settings)
    settings["common"] = {**settings["common"], "gt": joint}
    return replace(result, signature=Signature(settings, result.signature.environment))


def _save(path: Path, pixels: NDArray[np.uint8]) -> str:
    Image.fromarray(pixels).save(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _name(names: Sequence[str], team: int) -> str:
    return names[team] if team < len(names) else f"Team {team + 1:02d}"


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _result(
    track: Track,
    team: str,
    signature: Signature,
    images: int,
    samples: int,
    skill: Floats,
    hardness: Floats,
    rng: np.random.Generator,
    size: tuple[int, int],
    *,
    lacks_one: bool,
) -> Result:
    shape = (images, samples)
    hard = hardness[:, None]
    spread = rng.normal(0, 0.08, (images, 1)) + rng.normal(0, 0.03, shape)
    lpips = (0.12 + 0.22 * skill[0]) * np.exp(0.25 * hard + spread)
    lr_psnr = 32 + 20 * skill[1] - 0.8 * hard + rng.normal(0, 0.5, shape)
    gain = np.clip(2 + 24 * skill[2] + 1.5 * hard[:, 0] + rng.normal(0, 1.5, images), 0.0, 60.0)
    counts = np.arange(1, samples + 1)
    growth = np.log(counts) / np.log(max(samples, 2))
    global_best = lpips.min(axis=1)
    per_image: dict[str, Floats] = {
        "lpips": lpips.mean(axis=1),
        "lr_psnr": lr_psnr.mean(axis=1),
        "lr_psnr_worst": lr_psnr.min(axis=1),
        "diversity": gain * growth[-1],
        "lpips_global_best": global_best,
        "lpips_local_best": global_best * (1 - gain * growth[-1] / 100),
    }
    curves = {"diversity_curve": gain[:, None] * growth}
    if "diversity_mse" in track.metrics:
        curves["diversity_mse_curve"] = 0.6 * curves["diversity_curve"]
        per_image["diversity_mse"] = curves["diversity_mse_curve"][:, -1]
    measured = images - lacks_one
    numbers = {key: values.tolist() for key, values in per_image.items()}
    lines = {key: [tuple(row) for row in values.tolist()] for key, values in curves.items()}
    first = {"lpips": lpips.tolist(), "lr_psnr": lr_psnr.tolist()}
    records = tuple(
        ImageRecord(
            image=f"{track.first + i:04d}",
            height=size[0],
            width=size[1],
            gt_sha256=_digest("gt", i),
            values={key: values[i] for key, values in numbers.items()},
            curves={key: rows[i] for key, rows in lines.items()},
            samples=tuple(
                SampleRecord(
                    s,
                    f"{i:06d}_sample{s:05d}.png",
                    _digest(team, i, s),
                    {key: values[i][s] for key, values in first.items()},
                )
                for s in range(samples)
            ),
        )
        for i in range(measured)
    )
    return Result(
        team=team,
        track=track.name,
        signature=signature,
        images=records,
        summary={key: None if lacks_one else float(values.mean()) for key, values in per_image.items()},
        curves={} if lacks_one else {key: tuple(values.mean(axis=0).tolist()) for key, values in curves.items()},
        incomplete=(f"1 of {images} images is missing: {track.first + measured:04d}",) if lacks_one else (),
        provenance={"model": "made up", "heat": 0.9, "seed": 0},
    )


def _picture(height: int, width: int, seed: int) -> NDArray[np.uint8]:
    """A picture with edges and texture."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    layers = []
    for _ in range(3):
        fy, fx, phase, slope = rng.uniform(0.02, 0.35, 4)
        wave = np.sin(fy * y + fx * x + 9 * phase) + np.sign(np.sin(0.11 * x * slope + 0.07 * y + 5 * phase))
        layers.append(128 + 45 * wave + rng.normal(0, 4, (height, width)))
    return np.clip(np.stack(layers, axis=-1), 0, 255).astype(np.uint8)


def _sample(gt: NDArray[np.uint8], sample: int, samples: int, team: int) -> NDArray[np.uint8]:
    height, width = gt.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    angle = 2 * np.pi * (sample / samples + 0.07 * team)
    cy, cx = height * (0.5 + 0.35 * np.sin(angle)), width * (0.5 + 0.35 * np.cos(angle))
    distance = np.hypot(y - cy, x - cx) / max(height, width)
    rng = np.random.default_rng((team, sample))
    error = 70 * distance[..., None] * rng.normal(0, 1, gt.shape)
    return np.clip(gt + error, 0, 255).astype(np.uint8)
