from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from benchmarks.inputs import pngs
from srspace_eval._utils.png import decode_png, decode_top, read_rgb, write_png
from srspace_eval._utils.png_structure import inspect_png
from srspace_eval.errors import ImageError

WRONG = {
    "empty": (b"", "empty"),
    "text": (b"hello, world", "not a PNG"),
    "jpeg": (pngs.jpeg(), "JPEG"),
    "16-bit RGB": (pngs.rgb16(), "16 bits"),
    "16-bit grey": (pngs.grey16(), "grey"),
    "grey": (pngs.png(pngs.pixels()[..., 0]), "grey, not RGB"),
    "palette": (pngs.palette(), "palette"),
    "alpha": (pngs.png(np.zeros((4, 4, 4), np.uint8)), "alpha"),
    "transparent colour": (pngs.with_chunks(pngs.png(), pngs.chunk(b"tRNS", b"\0" * 6)), "transparent"),
    "animated": (pngs.with_chunks(pngs.png(), pngs.chunk(b"acTL", struct.pack(">II", 2, 0))), "animated"),
    "zero-sized": (pngs.SIGNATURE + pngs.header(0, 5) + pngs.IEND, "zero-sized"),
    "huge": (pngs.SIGNATURE + pngs.header(2**31 - 1, 2**31 - 1) + pngs.IEND, "declares"),
    "no data": (pngs.SIGNATURE + pngs.header(4, 4) + pngs.IEND, "no picture data"),
    "no header": (pngs.SIGNATURE + pngs.IEND, "not a header"),
    "trailing": (pngs.png() + b"\0", "follow its end"),
    "short stream": (
        pngs.SIGNATURE + pngs.header(4, 4) + pngs.chunk(b"IDAT", zlib.compress(b"\0" * 13)) + pngs.IEND,
        "damaged picture data",
    ),
    "broken stream": (
        pngs.SIGNATURE + pngs.header(4, 4) + pngs.chunk(b"IDAT", b"\x78\x9cgarbage") + pngs.IEND,
        "damaged",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_every_wrong_picture_is_an_error_that_says_why(kind: str) -> None:
    data, words = WRONG[kind]
    with pytest.raises(ImageError, match=words) as caught:
        decode_png(data, "some/file.png")
    assert str(caught.value).startswith("some/file.png: ")


def test_truncated_anywhere_is_an_error() -> None:
    data = pngs.png(pngs.pixels(6, 5))
    for length in range(len(data)):
        with pytest.raises(ImageError):
            inspect_png(data[:length], "x.png")


def test_any_flipped_bit_is_an_error() -> None:
    data = pngs.png(pngs.pixels(6, 5))
    for position in range(len(data)):
        bad = bytearray(data)
        bad[position] ^= 0x10
        with pytest.raises(ImageError):
            decode_png(bytes(bad), "x.png")


def test_ancillary_chunks_do_not_change_pixels() -> None:
    image = pngs.pixels(17, 23)
    plain = pngs.png(image)
    gamma = pngs.chunk(b"gAMA", struct.pack(">I", 100000))
    chroma = pngs.chunk(b"cHRM", struct.pack(">8I", *[30000] * 8))
    profile = pngs.chunk(b"iCCP", b"odd\0\0" + zlib.compress(b"not a profile"))
    for data in (
        plain,
        pngs.with_chunks(plain, gamma, chroma),
        pngs.with_chunks(plain, profile),
        pngs.interlaced(image),
    ):
        assert np.array_equal(decode_png(data, "x"), image)


@pytest.mark.parametrize("lost", [1, 30, 200])
def test_a_stream_that_ends_early_inside_whole_chunks_is_an_error(lost: int) -> None:
    rows = b"".join(b"\0" + bytes([200]) * 36 for _ in range(9))
    data = pngs.SIGNATURE + pngs.header(12, 9) + pngs.chunk(b"IDAT", zlib.compress(rows[:-lost])) + pngs.IEND
    with pytest.raises(ImageError, match="damaged picture data"):
        decode_png(data, "x.png")
    whole = pngs.SIGNATURE + pngs.header(12, 9) + pngs.chunk(b"IDAT", zlib.compress(rows)) + pngs.IEND
    assert decode_png(whole, "x.png").min() == 200


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (8, 8), (9, 17), (5, 4)])
def test_interlaced_pictures_of_any_size(size: tuple[int, int]) -> None:
    image = pngs.pixels(*size)
    assert np.array_equal(decode_png(pngs.interlaced(image), "x"), image)
    black = np.zeros_like(image)
    assert not decode_png(pngs.interlaced(black), "x").any()


def test_black_pictures_are_decoded() -> None:
    assert not decode_png(pngs.png(np.zeros((9, 7, 3), np.uint8)), "x").any()


def test_decode_top_returns_the_first_rows() -> None:
    image = pngs.pixels(40, 23)
    for data in (pngs.png(image), pngs.png(image, compress_level=0), pngs.interlaced(image)):
        assert np.array_equal(decode_top(data, "x", rows=7), image[:7])
        assert np.array_equal(decode_top(data, "x", rows=99), image)


def test_write_then_read(tmp_path: Path) -> None:
    image = pngs.pixels(31, 9)
    write_png(tmp_path / "a.png", image)
    write_png(tmp_path / "b.png", image)
    assert np.array_equal(read_rgb(tmp_path / "a.png"), image)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "b.png"]


@pytest.mark.parametrize("image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_only_8_bit_rgb_is_written(tmp_path: Path, image: np.ndarray) -> None:
    with pytest.raises(ImageError, match="only uint8"):
        write_png(tmp_path / "a.png", image)
    assert not list(tmp_path.iterdir())


def test_missing_folder_and_missing_file_name_the_path(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cannot be read"):
        read_rgb(tmp_path / "nothing.png")
    with pytest.raises(ImageError, match="cannot be written"):
        write_png(tmp_path / "no" / "a.png", pngs.pixels())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_reading_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "0801.png")
    with pytest.raises(ImageError, match="not a regular file"):
        read_rgb(tmp_path / "0801.png")
