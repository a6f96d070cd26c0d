from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from srspace_eval._utils.png import read_rgb, write_png
from srspace_eval.degrade.noise_pool import collect_noise_pool, flat_windows, inject, read_noise_pool
from srspace_eval.degrade.randomness import Randomness
from srspace_eval.errors import InputError, ProblemsError


def test_windows_are_those_of_the_authors_rule() -> None:
    """Pillow's grey, NumPy's population variance, and windows that end before the last pixel."""
    generator = np.random.default_rng(0)
    spread = generator.uniform(0, 9, (6, 7, 1, 1, 1))
    pixels = (generator.normal(60, 1, (6, 7, 32, 32, 3)) * 1 + spread * generator.normal(size=(6, 7, 32, 32, 1))).clip(
        0, 255
    )
    picture = pixels.swapaxes(1, 2).reshape(192, 224, 3).astype(np.uint8)
    grey = np.array(Image.fromarray(picture).convert("L"))
    wanted = [
        (row, column)
        for row in range(0, 192, 32)
        for column in range(0, 224, 32)
        if row + 32 < 192
        and column + 32 < 224
        and grey[row : row + 32, column : column + 32].var() < 20
        and grey[row : row + 32, column : column + 32].mean() > 59.5
    ]
    assert 3 < len(wanted) < 25
    assert flat_windows(picture, 32, 32, 20, 59.5) == wanted


def test_thresholds_are_strict() -> None:
    flat = np.full((300, 300, 3), 50, np.uint8)
    assert flat_windows(flat, mean=49.99) == [(0, 0)]
    assert flat_windows(flat, mean=50) == []
    assert flat_windows(flat[:256, :300]) == []  # an exactly fitting window is left out
    two = np.full((100, 100, 3), 100, np.uint8)
    two[:, ::2] = 104  # variance 4
    assert flat_windows(two, 64, 64, variance=4.0) == []
    assert flat_windows(two, 64, 64, variance=4.01) == [(0, 0)]


def test_a_pool_is_collected_from_a_folder_and_injected(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for name in ("a", "b"):
        write_png(tmp_path / f"{name}.png", generator.integers(100, 108, (70, 140, 3), dtype=np.uint8))
    patches = collect_noise_pool(tmp_path, tmp_path / "pool", size=64, stride=64)
    assert [path.name for path in patches] == ["a_0_0.png", "a_0_64.png", "b_0_0.png", "b_0_64.png"]
    np.testing.assert_array_equal(read_rgb(patches[1]), read_rgb(tmp_path / "a.png")[:64, 64:128])
    pool = read_noise_pool(tmp_path / "pool")
    assert pool.side == 64
    noisy, names = inject(np.full((100, 70, 3), 50.0), pool, Randomness(0, "x"))
    assert len(names) == 4
    for tile in (noisy[:64, :64], noisy[64:, :64], noisy[:64, 64:], noisy[64:, 64:]):
        np.testing.assert_allclose(tile.mean(axis=(0, 1)), 50, atol=1e-9)
        assert 1 < tile.std() < 4
    with pytest.raises(InputError, match="holds PNGs already"):
        collect_noise_pool(tmp_path, tmp_path / "pool")


def test_faults_are_listed(tmp_path: Path) -> None:
    write_png(tmp_path / "busy.png", np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8))
    with pytest.raises(InputError, match=r"no window of 256×256 pixels has a variance below 20 .* larger variance"):
        collect_noise_pool(tmp_path, tmp_path / "pool")
    with pytest.raises(InputError, match="size 8, stride 0"):
        collect_noise_pool(tmp_path, tmp_path / "pool", size=8, stride=0)
    with pytest.raises(InputError, match="holds no PNG; `srspace-eval degrade pool`"):
        read_noise_pool(tmp_path / "pool")
    write_png(tmp_path / "small.png", np.zeros((15, 40, 3), np.uint8))
    (tmp_path / "text.png").write_text("no picture", encoding="utf-8", newline="\n")
    with pytest.raises(ProblemsError, match="2 of 3 patches cannot be used") as caught:
        read_noise_pool(tmp_path)
    assert "small.png: 40×15 pixels, at least 16" in str(caught.value)
    assert "text.png" in str(caught.value)
    with pytest.raises(ProblemsError, match="1 of 3 pictures cannot be read"):
        collect_noise_pool(tmp_path, tmp_path / "pool")
