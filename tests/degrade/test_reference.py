"""Every option against a plain reference: loops over pixels, in the order that the definition reads."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.special import ndtri
from scipy.stats import poisson as poisson_distribution

from srspace_eval._utils.hashing import sha256_of_text
from srspace_eval._utils.png import read_rgb, write_png
from srspace_eval.degrade.options import KERNELS, NOISES, DegradeOptions
from srspace_eval.degrade.picture import Degradation, blur_and_downscale
from srspace_eval.degrade.record import AppliedDegradation
from srspace_eval.degrade.scalers import SCALERS, downscale
from srspace_eval.kernels.resampling_reference import resample

SEED = 7


def uniform(image: str, purpose: str, count: int) -> np.ndarray:
    text = f"srspace-eval/degrade/1\0{SEED}\0{image}\0{purpose}"
    key = int.from_bytes(bytes.fromhex(sha256_of_text(text))[:16], "little")
    raw = np.random.Generator(np.random.Philox(key=key)).integers(0, 1 << 64, count, dtype=np.uint64)
    return np.array([(int(number) // 4096 + 0.5) / 2**52 for number in raw])


def mirror(index: int, length: int) -> int:
    index %= 2 * length
    return index if index < length else 2 * length - 1 - index


def blurred(image: np.ndarray, kernel: np.ndarray, row: int, column: int) -> np.ndarray:
    """The kernel's sum with its middle ``n // 2`` on one pixel."""
    total = np.zeros(3)
    for r in range(kernel.shape[0]):
        for c in range(kernel.shape[1]):
            y = mirror(row + r - kernel.shape[0] // 2, image.shape[0])
            x = mirror(column + c - kernel.shape[1] // 2, image.shape[1])
            total += kernel[r, c] * image[y, x]
    return total


def shape_of(scaler: str, x: float) -> float:
    x = abs(x)
    if scaler == "bilinear":
        return max(0.0, 1 - x)
    if scaler == "bicubic":
        near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
        return near if x <= 1 else far if x < 2 else 0.0
    return float(np.sinc(x) * np.sinc(x / 3)) if x < 3 else 0.0


def shrunk(image: np.ndarray, scale: int, scaler: str) -> np.ndarray:
    """Antialiased: at most 6 · scale taps around each cell's centre, normalised; rows, then columns."""
    reach = {"bilinear": 1, "bicubic": 2, "lanczos": 3}[scaler] * scale
    for axis in (0, 1):
        lines = np.moveaxis(image, axis, 0)
        out = np.zeros((len(lines) // scale, *lines.shape[1:]))
        for i in range(len(out)):
            centre = i * scale + (scale - 1) / 2
            places = list(range(math.floor(centre) - reach, math.ceil(centre) + reach + 1))
            weights = np.array([shape_of(scaler, (p - centre) / scale) for p in places])
            for p, weight in zip(places, weights / weights.sum(), strict=True):
                out[i] += weight * lines[mirror(p, len(lines))]
        image = np.moveaxis(out, 0, axis)
    return image


def gaussian(size: int, sigma: tuple[float, float], degrees: float) -> np.ndarray:
    """The formula: exp(-½ dᵀ Σ⁻¹ d), Σ with the given axes."""
    turn = np.array([[math.cos(math.radians(degrees)), -math.sin(math.radians(degrees))],
                     [math.sin(math.radians(degrees)), math.cos(math.radians(degrees))]])  # fmt: skip
    inverse = turn @ np.diag([sigma[0] ** -2.0, sigma[1] ** -2.0]) @ turn.T
    kernel = np.zeros((size, size))
    for r in range(size):
        for c in range(size):
            d = np.array([c - (size - 1) / 2, r - (size - 1) / 2])
            kernel[r, c] = math.exp(-0.5 * d @ inverse @ d)
    normalised: np.ndarray = kernel / kernel.sum()
    return normalised


def reference(pixels: np.ndarray, name: str, a: AppliedDegradation, scale: int, pools: dict[str, Path]) -> np.ndarray:
    image = pixels[: len(pixels) // scale * scale, : pixels.shape[1] // scale * scale].astype(np.float64)
    height, width = image.shape[0] // scale, image.shape[1] // scale
    kernel = np.ones((1, 1))
    if a.kernel == "pool":
        assert a.kernel_file
        kernel = np.load(pools["kernel"] / a.kernel_file)
        kernel = kernel / kernel.sum()
    elif a.kernel != "none":
        assert a.kernel_size
        assert a.sigma
        kernel = gaussian(a.kernel_size, a.sigma, a.angle or 0.0)
        if a.scaler == "nearest":
            kernel = np.pad(kernel, ((scale - 1, 0), (scale - 1, 0)))
    offset = scale // 2 if a.kernel == "none" else 0
    if a.scaler == "nearest":
        lr = np.array([[blurred(image, kernel, i * scale + offset, j * scale + offset) for j in range(width)]
                       for i in range(height)])  # fmt: skip
    else:
        blur = np.array([[blurred(image, kernel, i, j) for j in range(image.shape[1])] for i in range(len(image))])
        lr = shrunk(blur, scale, a.scaler)
    if a.poisson_peak is not None:
        counts = poisson_distribution.ppf(
            uniform(name, "poisson noise", lr.size).reshape(lr.shape), lr.clip(0, 255) * (a.poisson_peak / 255)
        )
        lr = np.maximum(counts, 0) * (255 / a.poisson_peak)
    if a.noise_sigma is not None:
        lr = lr + a.noise_sigma * ndtri(uniform(name, "gaussian noise", lr.size).reshape(lr.shape))
    if a.noise == "pool":
        files = sorted(pools["noise"].glob("*.png"))
        side = min(min(read_rgb(file).shape[:2]) for file in files)
        for top in range(0, height, side):
            for left in range(0, width, side):
                part = lr[top : top + side, left : left + side]
                patch = read_rgb(files[int(uniform(name, f"patch {top} {left}", 1)[0] * len(files))]).astype(float)
                room = len(patch) - len(part) + 1, patch.shape[1] - part.shape[1] + 1
                row = int(uniform(name, f"patch row {top} {left}", 1)[0] * room[0])
                column = int(uniform(name, f"patch column {top} {left}", 1)[0] * room[1])
                crop = patch[row : row + len(part), column : column + part.shape[1]]
                lr[top : top + side, left : left + side] = part + crop - crop.mean(axis=(0, 1))
    done = np.array([min(255, max(0, round(value))) for value in lr.ravel().tolist()], np.uint8).reshape(lr.shape)
    if a.jpeg is not None:
        file = io.BytesIO()
        Image.fromarray(done).save(file, "JPEG", quality=a.jpeg)
        done = np.array(Image.open(file))
    return done


@pytest.fixture(scope="module")
def pools(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    generator = np.random.default_rng(3)
    kernel, noise = tmp_path_factory.mktemp("kernels"), tmp_path_factory.mktemp("noise")
    for scale in (2, 3, 4):
        n = 9 + (scale + 1) % 2  # the centre of a symmetric kernel of this side is that of a cell
        for number in range(2):
            half = generator.uniform(0, 1, (n, n))
            symmetric = half + half[::-1, ::-1]
            np.save(kernel / f"k{number}_x{scale}.npy", np.pad(symmetric / symmetric.sum(), ((scale - 1, 0),) * 2))
    for number, size in enumerate(((17, 23), (20, 16))):
        write_png(noise / f"{number}.png", generator.integers(40, 80, (*size, 3), dtype=np.uint8))
    return {"kernel": kernel, "noise": noise}


CASES = [
    *(("gaussian", scaler, noise, 4, None) for scaler in SCALERS for noise in NOISES),
    *((kernel, scaler, "none", 3, None) for kernel in KERNELS[:3] for scaler in SCALERS),
    *(("pool", "nearest", "none", scale, None) for scale in (2, 3, 4)),
    *(("anisotropic", scaler, "none", 2, None) for scaler in SCALERS),
    ("gaussian", "bicubic", "gaussian+poisson", 2, (20, 90)),
]


@pytest.mark.filterwarnings("ignore:.*kernels for other scales:srspace_eval.errors.Notice")
@pytest.mark.parametrize(("kernel", "scaler", "noise", "scale", "jpeg"), CASES)
def test_every_option_equals_the_plain_reference(
    kernel: str, scaler: str, noise: str, scale: int, jpeg: tuple[int, int] | None, pools: dict[str, Path]
) -> None:
    pixels = np.random.default_rng(scale).integers(0, 256, (29, 40, 3), dtype=np.uint8)
    degradation = Degradation(
        DegradeOptions(
            scale=scale,
            kernels=(kernel,),
            kernel_size=7,
            scalers=(scaler,),
            noises=(noise,),
            kernel_pool=pools["kernel"] if kernel == "pool" else None,
            noise_pool=pools["noise"] if noise == "pool" else None,
            jpeg=jpeg,
            seed=SEED,
        )
    )
    for name in ("0801", "ä"):
        lr, applied = degradation.degrade(pixels, name)
        assert lr.dtype == np.uint8
        assert lr.shape == (29 // scale, 40 // scale, 3)
        np.testing.assert_array_equal(lr, reference(pixels, name, applied, scale, pools))


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_bicubic_is_that_of_matlab(scale: int) -> None:
    image = np.random.default_rng(0).uniform(0, 255, (scale * 9, scale * 7, 3))
    wanted = resample(image, (9, 7), (1 / scale, 1 / scale), "mirror", True)
    np.testing.assert_allclose(downscale(image, scale, "bicubic"), wanted, rtol=0, atol=1e-11)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(
    ("kernel", "scaler"), [*((k, s) for k in KERNELS if k != "pool" for s in SCALERS), ("pool", "nearest")]
)
@pytest.mark.filterwarnings("ignore:.*kernels for other scales:srspace_eval.errors.Notice")
def test_a_ramp_keeps_its_place(kernel: str, scaler: str, scale: int, pools: dict[str, Path]) -> None:
    """The value of an HR ramp is its place, so an LR ramp must have the place of its cell's centre."""
    degradation = Degradation(
        DegradeOptions(
            scale=scale,
            kernels=(kernel,),
            scalers=(scaler,),
            kernel_pool=pools["kernel"] if kernel == "pool" else None,
            noises=("none",),
        )
    )
    place = np.arange(60.0 * scale)
    ramp = np.stack(
        [np.broadcast_to(place[:, None], (len(place), len(place))), np.broadcast_to(place, (len(place),) * 2)]
    )
    for number in range(5):
        applied = degradation.draw(str(number))
        lr = blur_and_downscale(np.moveaxis(ramp, 0, -1), scale, scaler, degradation._kernel(applied))
        wanted = scale * np.arange(60) + (scale - 1) / 2
        if kernel == "none" and scaler == "nearest":  # documented: no pixel lies at the centre of an even cell
            wanted = np.floor(wanted + 0.5)
        inner = slice(15, 45)
        np.testing.assert_allclose(lr[inner, inner, 0], np.broadcast_to(wanted[inner, None], (30, 30)), atol=1e-9)
        np.testing.assert_allclose(lr[inner, inner, 1], np.broadcast_to(wanted[inner], (30, 30)), atol=1e-9)


def test_noise_has_the_spread_that_was_drawn() -> None:
    grey = np.full((800, 800, 3), 128, np.uint8)
    for noises, expected in (("gaussian", 4.0), ("poisson", 255 * math.sqrt(128 / 255 / 50))):
        options = DegradeOptions(
            kernels=("none",), scalers=("bilinear",), noises=(noises,), noise_sigma=(4, 4), poisson_peak=(50, 50)
        )
        lr, _ = Degradation(options).degrade(grey, "grey")
        assert float(lr.mean()) == pytest.approx(128, abs=0.3)
        assert float(lr.std()) == pytest.approx(expected, rel=0.02)


def test_values_are_clipped_and_do_not_wrap() -> None:
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[:, 20:] = 255  # Lanczos overshoots on both sides of the edge
    options = DegradeOptions(kernels=("none",), scalers=("lanczos",), noises=("none",))
    lr, _ = Degradation(options).degrade(pixels, "edge")
    assert lr[:, :5].max() < 40
    assert lr[:, 5:].min() > 215


def test_parameters_are_uniform_in_their_ranges() -> None:
    degradation = Degradation(DegradeOptions(kernels=("anisotropic",), jpeg=(30, 95)))
    drawn = [degradation.draw(str(number)) for number in range(2000)]
    for values, low, high in (
        ([a.sigma[0] for a in drawn if a.sigma], 0.2, 3.0),
        ([a.sigma[1] for a in drawn if a.sigma], 0.2, 3.0),
        ([a.angle for a in drawn if a.angle], 0.0, 180.0),
        ([a.noise_sigma for a in drawn if a.noise_sigma is not None], 0.0, 5.0),
        ([a.poisson_peak for a in drawn if a.poisson_peak is not None], 50.0, 150.0),
        ([float(a.jpeg) for a in drawn if a.jpeg is not None], 29.5, 95.5),
    ):
        assert low <= min(values)
        assert max(values) <= high
        counts = np.histogram(values, 10, (low, high))[0]
        assert float(((counts - len(values) / 10) ** 2).sum() / (len(values) / 10)) < 27.9  # chi², 9 degrees, p 0.001
    for name in SCALERS:
        assert 400 < sum(a.scaler == name for a in drawn) < 600
