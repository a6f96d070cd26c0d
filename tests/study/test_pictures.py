from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from srspace_eval._utils.png import decode_png
from srspace_eval.errors import ImageError
from srspace_eval.study.pictures import coarsened, read_squares, shrunk, stored_png


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, size=(height, width, 3), dtype=np.uint8)


def png(pixels: np.ndarray, **options: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", **options)
    return out.getvalue()


@pytest.mark.parametrize("shape", [(80, 80), (16, 16), (1, 7), (200, 300)])
def test_a_stored_png_holds_its_pixels_and_its_length_tells_nothing(shape: tuple[int, int]) -> None:
    flat, rich = np.zeros((*shape, 3), np.uint8), noise(*shape)
    assert len(stored_png(flat)) == len(stored_png(rich))
    np.testing.assert_array_equal(decode_png(stored_png(rich), "x"), rich)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(stored_png(rich)))), rich)


def test_a_stored_png_has_no_metadata() -> None:
    data = stored_png(noise(8, 8))
    assert [data[i + 4 : i + 8] for i in _chunk_starts(data)] == [b"IHDR", b"IDAT", b"IEND"]


def _chunk_starts(data: bytes) -> list[int]:
    starts, at = [], 8
    while at < len(data):
        starts.append(at)
        at += 12 + struct.unpack_from(">I", data, at)[0]
    return starts


@pytest.mark.parametrize("level", [0, 6, 9])
def test_squares_equal_those_of_the_whole_picture(level: int) -> None:
    pixels = noise(100, 140)
    corners = [(0, 0), (60, 20), (124, 84), (3, 41)]
    found = read_squares(png(pixels, compress_level=level), "x", corners, 16)
    for (x, y), square in zip(corners, found, strict=True):
        np.testing.assert_array_equal(square, pixels[y : y + 16, x : x + 16])


def filtered(pixels: np.ndarray, filters: list[int]) -> bytes:
    """A PNG with a given filter for each row, written by the definition (PNG specification, section 9)."""
    height, width, _ = pixels.shape
    data = pixels.reshape(height, 3 * width).astype(int)
    up = np.vstack([np.zeros_like(data[:1]), data[:-1]])
    left = np.hstack([np.zeros((height, 3), int), data[:, :-3]])
    corner = np.hstack([np.zeros((height, 3), int), up[:, :-3]])
    guess = left + up - corner
    far = [abs(guess - neighbour) for neighbour in (left, up, corner)]
    paeth = np.where((far[0] <= far[1]) & (far[0] <= far[2]), left, np.where(far[1] <= far[2], up, corner))
    predicted = [np.zeros_like(data), left, up, (left + up) // 2, paeth]
    rows = b"".join(
        bytes([kind]) + ((data[y] - predicted[kind][y]) % 256).astype(np.uint8).tobytes()
        for y, kind in enumerate(filters)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(rows)
    chunks = [chunk(b"IHDR", header), chunk(b"IDAT", body[:50]), chunk(b"IDAT", body[50:]), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@pytest.mark.parametrize(
    "filters", [[0], [1], [2], [3], [4], [0, 2, 2, 4, 1, 3, 4, 2], [2, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 1]]
)
def test_squares_under_every_filter(filters: list[int]) -> None:
    pixels = noise(40, 30)
    data = filtered(pixels, [filters[y % len(filters)] for y in range(40)])
    np.testing.assert_array_equal(decode_png(data, "x"), pixels)
    corners = [(0, 0), (22, 32), (7, 13), (13, 1), (0, 20)]
    for asked in ([corner] for corner in corners), [corners, corners[::-1]]:
        for some in asked:
            for (x, y), square in zip(some, read_squares(data, "x", some, 8), strict=True):
                np.testing.assert_array_equal(square, pixels[y : y + 8, x : x + 8])


def test_a_stream_that_ends_before_the_square_is_an_error() -> None:
    whole = filtered(noise(40, 30), [4] * 40)
    header = whole[:33]
    short = header + chunk(b"IDAT", zlib.compress(b"\0" * 91 * 20)) + chunk(b"IEND", b"")
    assert read_squares(short, "a.png", [(0, 12)], 8)[0].max() == 0
    with pytest.raises(ImageError, match=r"a\.png: its picture data ends too early"):
        read_squares(short, "a.png", [(0, 13)], 8)
    wrong = header + chunk(b"IDAT", zlib.compress(b"\x09" * 91 * 40)) + chunk(b"IEND", b"")
    with pytest.raises(ImageError, match=r"a\.png: damaged picture data"):
        read_squares(wrong, "a.png", [(0, 0)], 8)


def test_squares_of_an_interlaced_picture() -> None:
    # With one colour, all seven passes of Adam7 have the same value.
    width = height = 16
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    rows = b""
    for x, y, dx, dy in passes:
        columns = len(range(x, width, dx))
        rows += (b"\0" + b"\x10\x20\x30" * columns) * len(range(y, height, dy))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1)

    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (square,) = read_squares(data, "x", [(4, 4)], 8)
    assert (square == (0x10, 0x20, 0x30)).all()


def test_the_error_names_a_picture_that_is_too_small() -> None:
    with pytest.raises(ImageError, match=r"a\.png: 40×30 pixels, smaller than its GT"):
        read_squares(png(noise(30, 40)), "a.png", [(30, 0)], 16)


def test_pictures_of_another_kind_are_refused(tmp_path: Path) -> None:
    grey = io.BytesIO()
    Image.new("L", (40, 40)).save(grey, "PNG")
    with pytest.raises(ImageError, match="is grey"):
        read_squares(grey.getvalue(), "a.png", [(0, 0)], 16)


def test_a_damaged_stream_above_the_square_is_an_error() -> None:
    data = bytearray(png(noise(64, 64), compress_level=0))
    # The length field of the stored block is wrong. The CRC is right, so only decoding finds the fault.
    start = data.index(b"IDAT")
    length = struct.unpack_from(">I", data, start - 4)[0]
    data[start + 6 : start + 12] = b"\xff" * 6
    end = start + 4 + length
    data[end : end + 4] = struct.pack(">I", zlib.crc32(bytes(data[start:end])))
    with pytest.raises(ImageError, match=r"a\.png: damaged picture data"):
        read_squares(bytes(data), "a.png", [(0, 32)], 16)


def test_coarse_cells_are_means() -> None:
    pixels = noise(10, 10)
    out = coarsened(pixels, 4)
    np.testing.assert_array_equal(out[0, 0], np.rint(pixels[:4, :4].mean(axis=(0, 1))))
    np.testing.assert_array_equal(out[9, 9], np.rint(pixels[8:, 8:].mean(axis=(0, 1))))
    assert (out[4:8, 4:8] == out[4, 4]).all()
    np.testing.assert_array_equal(coarsened(pixels, 1), pixels)


def test_the_displayed_lr_has_the_scale() -> None:
    assert shrunk(np.full((83, 45, 3), 77, np.uint8), 4).tolist() == np.full((20, 11, 3), 77).tolist()
