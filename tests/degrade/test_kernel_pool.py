from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from srspace_eval.degrade.blur import centre_of_mass, for_nearest, gaussian_kernel, move
from srspace_eval.degrade.kernel_pool import read_kernel_pool
from srspace_eval.degrade.options import DegradeOptions
from srspace_eval.degrade.picture import Degradation, blur_and_downscale
from srspace_eval.errors import InputError, Notice, ProblemsError

GOOD = for_nearest(gaussian_kernel(16, (2.0, 2.0)), 4)


def save(folder: Path, name: str, kernel: np.ndarray) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if name.endswith(".mat"):
        scipy.io.savemat(path, {"Kernel": kernel}, do_compression="packed" in name)
    else:
        np.save(path, kernel)


def test_mat_and_npy_files_of_any_depth_are_read_in_order(tmp_path: Path) -> None:
    save(tmp_path, "0801/0801_kernel_x4.mat", GOOD)
    save(tmp_path, "0802/packed_kernel_x4.mat", GOOD.astype(np.float32))
    save(tmp_path, "b.npy", np.asfortranarray(GOOD))
    save(tmp_path, "0801/0801_kernel_x2.mat", gaussian_kernel(12, (1.0, 1.0)))
    with pytest.warns(Notice, match="1 kernels for other scales than 4 left out"):
        kernels = read_kernel_pool(tmp_path, 4)
    assert [k.file for k in kernels] == ["0801/0801_kernel_x4.mat", "0802/packed_kernel_x4.mat", "b.npy"]
    for kernel in kernels:
        assert kernel.moved == (0.0, 0.0)
        np.testing.assert_allclose(kernel.kernel, GOOD, rtol=0, atol=1e-8)
        assert kernel.kernel.sum() == pytest.approx(1, abs=1e-15)
    np.testing.assert_array_equal(kernels[0].kernel, GOOD / GOOD.sum())


@pytest.mark.parametrize("off", [(0.0, 0.3), (-1.5, 0.0), (2.25, -3.75)])
def test_a_kernel_off_its_centre_is_refused_or_moved(off: tuple[float, float], tmp_path: Path) -> None:
    save(tmp_path, "k.npy", move(GOOD, *off))
    with pytest.raises(
        ProblemsError, match=r"centre of mass .* keeps the picture's place at scale 4; use centre=shift"
    ):
        read_kernel_pool(tmp_path, 4)
    (found,) = read_kernel_pool(tmp_path, 4, shift=True)
    assert found.moved == pytest.approx((-off[0], -off[1]), abs=1e-9)
    n = found.kernel.shape[0]
    assert centre_of_mass(found.kernel) == pytest.approx((n // 2 + 1.5, n // 2 + 1.5), abs=1e-9)
    degradation = Degradation(DegradeOptions(kernel_pool=tmp_path, shift=True, noises=("none",)))
    ramp = np.arange(400.0).reshape(1, 400, 1).repeat(100, axis=0)
    lr = blur_and_downscale(ramp, 4, "nearest", degradation._kernel(degradation.draw("0801")))
    np.testing.assert_allclose(lr[12, 10:90, 0], 4 * np.arange(10, 90) + 1.5, atol=1e-9)


def test_a_centred_kernel_would_move_the_picture_by_half_a_cell(tmp_path: Path) -> None:
    save(tmp_path, "k.npy", gaussian_kernel(15, (2.0, 2.0)))
    with pytest.raises(ProblemsError, match=r"is \(7.00, 7.00\), and \(8.50, 8.50\) keeps"):
        read_kernel_pool(tmp_path, 4)


def bomb() -> bytes:
    header = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM"
    packed = zlib.compress(bytes(64 << 20), 9)
    return header + struct.pack("<II", 15, len(packed)) + packed


def npy(text: str, data: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data


def mat(**variables: object) -> bytes:
    file = io.BytesIO()
    scipy.io.savemat(file, variables)  # type: ignore[arg-type]
    return file.getvalue()


def array(kernel: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, kernel)
    return file.getvalue()


HOSTILE = {
    "empty.mat": (b"", "not a MAT file of version 5"),
    "text.mat": (b"kernel" * 50, "not a MAT file of version 5"),
    "cut.mat": (mat(Kernel=GOOD)[:900], "damaged: it ends early"),
    "bomb.mat": (bomb(), "unpacks to more than"),
    "other.mat": (mat(kernel=GOOD), "holds no variable 'Kernel'"),
    "words.mat": (mat(Kernel="a text"), "not a small matrix of real floats"),
    "huge.mat": (mat(Kernel=np.zeros((600, 600))), "not a small matrix of real floats"),
    "hdf5.mat": (
        b"MATLAB 7.3 MAT-file".ljust(124) + struct.pack("<H", 0x0200) + b"IM" + bytes(400),
        "version 7.3; save it with -v7",
    ),
    "pickle.npy": (npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n", b"cos\n"), "a matrix of numbers"),
    "large.npy": (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (200, 200), }\n"), "damaged: its length"),
    "vast.npy": (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999, 99999999), }\n"), "a matrix of"),
    "code.npy": (npy("__import__('os').abort()\n"), "not a readable NPY file"),
    "token.npy": (npy("{'descr': '<f8', (\n"), "not a readable NPY file"),
    "line.npy": (array(np.ones(3)), "a matrix of numbers is wanted"),
    "nan.npy": (array(np.full((3, 3), np.nan)), "sum to nan, not to 1"),
    "zero.npy": (array(np.zeros((3, 3))), "sum to 0, not to 1"),
    "none.npy": (array(np.zeros((0, 3))), "1×1 to 256×256 is wanted"),
    "far.npy": (array(np.array([[500.0, -499.0]])), "outside the kernel"),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_hostile_kernels_are_listed_together(tmp_path: Path) -> None:
    for name, (data, _) in HOSTILE.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(ProblemsError, match=f"{len(HOSTILE)} of {len(HOSTILE)} kernels cannot be used") as caught:
        read_kernel_pool(tmp_path, 4, shift=True)
    for name, (_, message) in HOSTILE.items():
        (line,) = (line for line in caught.value.problems if Path(line.partition(": ")[0]).name == name)
        assert message in line


def test_a_folder_without_kernels_of_the_scale_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no \.mat or \.npy kernel for scale 4$"):
        read_kernel_pool(tmp_path, 4)
    save(tmp_path, "k_x2.npy", GOOD)
    with pytest.raises(InputError, match="its 1 kernels are for other scales"):
        read_kernel_pool(tmp_path, 4)


def test_damaged_files_are_errors_and_never_crash(tmp_path: Path) -> None:
    """Random damage to files of both kinds. SciPy's reader crashes on some of these."""
    rng = np.random.default_rng(0)
    file = io.BytesIO()
    scipy.io.savemat(file, {"Kernel": GOOD}, do_compression=True)  # type: ignore[arg-type]
    sources = [("k.mat", mat(Kernel=GOOD)), ("k.mat", file.getvalue()), ("k.npy", array(GOOD))]
    outcomes = []
    for number in range(600):
        name, whole = sources[number % 3]
        data = bytearray(whole)
        for place in rng.integers(0, 260, rng.integers(1, 4)):
            data[place : place + 4] = rng.bytes(4) if rng.random() < 0.5 else bytes([int(rng.integers(256))]) * 4
        (tmp_path / name).write_bytes(bytes(data))
        try:
            outcomes.append(len(read_kernel_pool(tmp_path, 4, shift=True)))
        except ProblemsError:
            outcomes.append(0)
        (tmp_path / name).unlink()
    assert 20 < sum(outcomes) < 580
