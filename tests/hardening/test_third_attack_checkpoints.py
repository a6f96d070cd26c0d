"""The third attack, checkpoints and NIQE models: small files take neither memory nor time, and crash nothing."""

from __future__ import annotations

import collections
import io
import pickle
import resource
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import torch

from srspace_eval._utils.files import refuse_packed
from srspace_eval._utils.pickles import reason_to_refuse
from srspace_eval.errors import CheckpointError, InputError, WeightsError
from srspace_eval.metrics.lpips.trunk_files import read_state_dict
from srspace_eval.metrics.scenes.models import niqe_model
from srspace_eval.models import load_model
from srspace_eval.models.checkpoints.reading import read_checkpoint

ENCODE = b"c_codecs\nencode\n"
SYSTEM = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
OLD_HEAD = b"".join(pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, SYSTEM))


def text(value: str) -> bytes:
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def number(value: int) -> bytes:
    data = value.to_bytes((value.bit_length() + 8) // 8, "little")
    return b"\x8a" + bytes([len(data)]) + data


def zipped(path: Path, made: bytes, **records: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", made)
        archive.writestr("archive/version", "3\n")
        for name, data in records.items():
            archive.writestr(f"archive/data/{name}", data)
    return path


def old(path: Path, made: bytes, keys: list[str] | None = None, data: bytes = b"") -> Path:
    path.write_bytes(OLD_HEAD + made + pickle.dumps(keys or [], 2) + data)
    return path


def storage(key: str, size: int, *, in_zip: bool, kind: str = "FloatStorage") -> bytes:
    device = text("cpu") + number(size) + (b"" if in_zip else b"N")
    return b"(" + text("storage") + f"ctorch\n{kind}\n".encode() + text(key) + device + b"tQ"


def tensor(stored: bytes, size: int, stride: int = 1) -> bytes:
    shape = number(size) + b"\x85" + number(stride) + b"\x85"
    return b"ctorch._utils\n_rebuild_tensor\n(" + stored + b"K\0" + shape + b"tR"


def pickled(*values: bytes) -> bytes:
    entries = b"".join(text(f"a{place}") + value for place, value in enumerate(values))
    return b"\x80\x02}(" + entries + b"u."


HARMFUL = {
    "a text that doubles 40 times": (
        ENCODE * 41 + text("a" * 64) + text("latin1") + b"\x86R" + (text("hex") + b"\x86R") * 40, "strange encoding"
    ),
    "punycode": (ENCODE + text("\u4e00\u4e01\u4e02" * 20_000) + text("punycode") + b"\x86R", "strange encoding"),
    "idna": (ENCODE + text("\u4e00" * 60_000) + text("idna") + b"\x86R", "strange encoding"),
    "one text encoded often": (
        b"(" + text("a" * 100_000) + b"q\0" + (ENCODE + b"h\0" + text("latin1") + b"\x86R") * 20 + b"t", "large bytes"
    ),
    "numbers with one hash": (
        b"}(" + b"".join(number(place * (2**61 - 1)) + b"N" for place in range(2, 20_000)) + b"u", "strange key"
    ),
    "many numbers as keys": (b"}(" + b"".join(number(2 * place) + b"N" for place in range(10_001)) + b"u", "10000 num"),
    "a tuple as a key": (b"})K\1s", "strange key"),
    "a dict that is copied often": (
        b"}q\0(" + b"".join(text(str(place)) + b"N" for place in range(900)) + b"u"
        + b"\x85" + (b"ccollections\nOrderedDict\n)Rh\0b\x85") * 3000, "instructions"
    ),
    "a set": (b"cbuiltins\nset\n]\x85R", "a set"),
    "a large memo number": (b"]r\xff\xff\xff\x7f", "memo"),
    "a tensor without its numbers": (tensor(storage("0", 10**9, in_zip=True), 10), "larger than its numbers"),
    "a shape beyond its storage": (tensor(storage("0", 4, in_zip=True), 10**9), "larger than its numbers"),
    "a record under two types": (
        b"(" + tensor(storage("0", 4, in_zip=True), 4) + tensor(storage("0", 2, in_zip=True, kind="DoubleStorage"), 2)
        + b"t", "two sizes"
    ),
    "a record by another case": (tensor(storage("A", 4, in_zip=True), 4), "larger than its numbers"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def within_bounds() -> Iterator[None]:
    """Each attack took gigabytes or minutes."""
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # KiB
    assert time.process_time() - began < 20


@pytest.mark.parametrize("kind", HARMFUL)
def test_a_pickle_that_takes_much_is_refused_before_it_is_read(kind: str, tmp_path: Path) -> None:
    made, why = HARMFUL[kind]
    path = zipped(tmp_path / "a.pth", b"\x80\x02" + made + b".", **{"0": bytes(16), "a": bytes(16)})
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(path)
    assert why in str(caught.value)
    with pytest.raises(WeightsError):
        read_state_dict(path)


def test_an_old_file_must_have_the_numbers_of_its_tensors(tmp_path: Path) -> None:
    made = pickled(tensor(storage("0", 4, in_zip=False), 4))
    good = old(tmp_path / "good.pth", made, ["0"], struct.pack("<q4f", 4, 1, 2, 3, 4))
    assert read_checkpoint(good)["a0"].tolist() == [1, 2, 3, 4]
    for name, many in (("large", [10**9]), ("many", [50] * 5)):
        tensors = (tensor(storage(str(key), size, in_zip=False), 4) for key, size in enumerate(many))
        with pytest.raises(CheckpointError, match="larger than its numbers"):
            read_checkpoint(old(tmp_path / f"{name}.pth", pickled(*tensors)))


def test_a_file_with_two_readings_is_refused(tmp_path: Path) -> None:
    """PyTorch looks at the first bytes (an old file that asks for 1.5 GB), zipfile at the last (a harmless zip)."""
    path = old(tmp_path / "two.pth", b"\x80\x02c__builtin__\nbytearray\nJ\0\x2f\x68\x59\x85R.")
    harmless = io.BytesIO()
    torch.save({"a": torch.zeros(2)}, harmless)
    with path.open("ab") as file, zipfile.ZipFile(harmless) as source, zipfile.ZipFile(file, "w") as archive:
        for info in source.infolist():
            archive.writestr(info.filename, source.read(info))
    assert zipfile.is_zipfile(path)
    assert "bytearray" in str(reason_to_refuse(path))
    with pytest.raises(ValueError, match="ends as a zip, and does not begin as one"):
        refuse_packed(path)
    with pytest.raises(CheckpointError, match="does not begin as one"):
        read_checkpoint(path)


def test_names_that_stand_for_thousands_of_blocks_build_none(tmp_path: Path) -> None:
    pytest.importorskip("spandrel")
    blocks = "layers.0.residual_group.blocks"
    names = ("0.norm1.weight", "0.mlp.fc1.bias", "400.norm1.weight")
    state = {"conv_first.bias": torch.zeros(1)} | {f"{blocks}.{name}": torch.zeros(1) for name in names}
    state |= {"conv_first.weight": torch.zeros(1, 3, 3, 3), "conv_after_body.weight": torch.zeros(1, 1, 3, 3)}
    state |= {f"{blocks}.0.attn.relative_position_bias_table": torch.zeros(1, 1)}
    state |= {f"{blocks}.0.attn.relative_position_index": torch.zeros(1, 1, dtype=torch.int64)}
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match=r"SwinIR(.|\n)*more than [0-9]{4} (modules|operations)"):
        load_model(tmp_path / "a.pth", "cpu")


class Parameter03:
    """A parameter as PyTorch 0.3 pickled it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return torch.nn.Parameter, (torch.arange(3.0),), (True, False, collections.OrderedDict())


@pytest.mark.parametrize("new", [True, False])
def test_what_programs_store_is_read(new: bool, tmp_path: Path) -> None:
    layer = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    optimizer = torch.optim.Adam(layer.parameters())
    layer(torch.ones(2, 3)).sum().backward()
    optimizer.step()
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [5, 9, 9])
    whole = torch.arange(20.0).reshape(4, 5)
    state = layer.state_dict()  # an OrderedDict with the attribute _metadata
    state |= {"transposed": whole.t(), "part": whole[1:3, 2:], "expanded": torch.ones(1).expand(3)}
    state |= {"half": torch.ones(2).half(), "bfloat": torch.ones(2).bfloat16(), "flag": torch.tensor([True])}
    state |= {"parameter": torch.nn.Parameter(torch.ones(2)), "old": Parameter03(), "int": torch.arange(3)}
    if new:
        state |= {"unsigned": torch.arange(3).to(torch.uint16), "fp8": torch.ones(2).to(torch.float8_e4m3fn)}
    stored = {
        "params": state, "optimizers": [optimizer.state_dict()], "schedulers": [schedule.state_dict()], "iter": 10**6,
        "options": {"size": torch.Size([3, 4]), "device": torch.device("cuda", 1), "type": torch.float16,
                    "bytes": b"\xff\0ab", "none": None, "rate": 1e-4, "flags": (True, False, ()), 7: -(2**40)},
    }  # fmt: skip
    torch.save(stored, tmp_path / "a.pth", _use_new_zipfile_serialization=new)
    found = read_checkpoint(tmp_path / "a.pth")
    assert list(found) == list(state)
    assert torch.equal(found["part"], whole[1:3, 2:])
    assert torch.equal(found["transposed"], whole.t())
    assert found["old"].tolist() == [0, 1, 2]


def test_an_ordered_dict_of_python_2_is_read(tmp_path: Path) -> None:
    pairs = b"](](U\x08a.weight" + tensor(storage("0", 2, in_zip=False), 2) + b"ee"
    made = b"\x80\x02ccollections\nOrderedDict\n" + pairs + b"\x85R."
    path = old(tmp_path / "a.pth", made, ["0"], struct.pack("<q2f", 2, 1, 2))
    assert read_checkpoint(path)["a.weight"].tolist() == [1, 2]


def element(kind: int, data: bytes) -> bytes:
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def matrix_head(kind: int, name: bytes = b"") -> bytes:
    return element(6, struct.pack("<II", kind, 0)) + element(5, struct.pack("<2i", 1, 1)) + element(1, name)


def mat_file(*variables: bytes) -> bytes:
    head = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM"
    return head + b"".join(struct.pack("<II", 15, len(data)) + data for data in map(zlib.compress, variables))


def nested_cells(depth: int) -> bytes:
    inner = matrix_head(6) + element(9, struct.pack("<d", 1.0))
    one = len(matrix_head(1)) + 8
    parts = [b"" if not level else matrix_head(1) for level in range(depth)]
    tags = [struct.pack("<II", 14, len(inner) + one * (depth - 1 - level)) for level in range(depth)]
    body = matrix_head(1, b"Mean") + b"".join(part + tag for part, tag in zip(parts, tags, strict=True)) + inner
    return element(14, body)


def test_a_niqe_model_of_nested_cells_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "niqe.mat"
    path.write_bytes(mat_file(nested_cells(20_000)))
    with pytest.raises(InputError, match="Mean is not a small matrix of real floats"):
        niqe_model(path)


def test_a_niqe_model_that_unpacks_to_much_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "niqe.mat"
    path.write_bytes(mat_file(element(14, matrix_head(6, b"x") + bytes(64 << 20))))
    assert path.stat().st_size < 1 << 20
    with pytest.raises(InputError, match="unpacks to more than is needed"):
        niqe_model(path)


def test_damaged_niqe_models_are_errors_and_never_crash(tmp_path: Path) -> None:
    authors = niqe_model()
    arrays = {"Mean": authors.mean[None], "Covariance": authors.covariance}
    file, other = io.BytesIO(), io.BytesIO()
    scipy.io.savemat(file, arrays)  # type: ignore[arg-type]
    np.savez(other, mean=authors.mean, covariance=authors.covariance)
    path, rng, read = tmp_path / "niqe.mat", np.random.default_rng(0), 0
    for turn in range(400):
        data = bytearray((file, other)[turn % 2].getvalue())
        for place in rng.integers(0, [64, 400, len(data)][turn % 3], rng.integers(1, 5)):
            data[place] = rng.integers(256)
        path.write_bytes(data)
        try:
            read += niqe_model(path).mean.shape == (36,)
        except InputError:
            continue
    assert 20 < read < 380
