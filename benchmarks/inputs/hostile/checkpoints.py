"""Hostile checkpoints: name -> (what writes the file, words of the error that must name it)."""

from __future__ import annotations

import collections
import io
import json
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from srspace_eval.errors import SrspaceEvalError

from ..weights import small_state, write_alexnet, write_small_checkpoint
from . import zips


class Trace:
    """A pickle that creates a file when it is executed."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


def trace_of(path: Path) -> Path:
    return path.with_name("executed")


def bare_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps({"a": Trace(trace_of(path))}))


def in_archive(path: Path) -> None:
    torch.save({"RRDB.conv_first.weight": torch.zeros(1), "a": Trace(trace_of(path))}, path)


def in_old_format(path: Path) -> None:
    torch.save({"a": Trace(trace_of(path))}, path, _use_new_zipfile_serialization=False)


def in_tar(path: Path) -> None:
    """The oldest format; PyTorch before 2.6 unpickled it in full, even with ``weights_only=True``."""
    with tarfile.open(path, "w") as archive:
        for name in ("storages", "tensors", "pickle", "sys_info"):
            data = pickle.dumps(Trace(trace_of(path)))
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def saved(change: Callable[[dict[str, Any]], object], name: str = "rrdb") -> Callable[[Path], None]:
    """A good checkpoint with a change."""

    def write(path: Path) -> None:
        state = small_state(name)
        change(state)
        torch.save(state, path)

    return write


def first(state: dict[str, Any]) -> str:
    return next(iter(state))


def expanded(state: dict[str, Any]) -> None:
    """One stored number with the shape of 2^36 numbers."""
    state[first(state)] = torch.zeros(1).expand(1 << 18, 1 << 18)


def shared(state: dict[str, Any]) -> None:
    """A thousand half-precision parameters that share one megabyte; a float32 conversion copies each."""
    whole = torch.zeros(1 << 19, dtype=torch.float16)
    state.update({f"RRDB_trunk.{i}.RDB1.conv1.weight": whole for i in range(1000)})


def repacked(path: Path) -> None:
    """100 MB of zeros in an archive of 100 KB."""
    torch.save({"a": torch.zeros(25_000_000)}, path)
    with zipfile.ZipFile(path) as stored:
        entries = {info.filename: stored.read(info) for info in stored.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)


def cut(share: float) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        write_small_checkpoint(path, "srflow")
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])

    return write


def safetensors(header: object, data: bytes = b"", length: int | None = None) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        text = header if isinstance(header, bytes) else json.dumps(header).encode()
        path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)

    return write


def tensor(shape: list[int], begin: int, end: int) -> dict[str, Any]:
    return {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}


def byte_array(form: str) -> Callable[[Path], None]:
    """A pickle of some hundred bytes that asks for 2 GB (``bytearray`` is on PyTorch's list of safe functions)."""

    def write(path: Path) -> None:
        code = b"\x8c\x08builtins\x8c\x09bytearray\x93" if form == "protocol 4" else b"c__builtin__\nbytearray\n"
        data = b"\x80\x02}X\x01\0\0\0a" + code + b"J" + (2_000_000_000).to_bytes(4, "little") + b"\x85Rs."
        if form == "old format":
            path.write_bytes(data)
            return
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", data)
            archive.writestr("archive/version", "3\n")

    return write


def with_attributes(state: dict[str, Any]) -> None:
    """A tensor whose attributes hide its methods."""
    value = state["evil"] = torch.ones(3)
    for name in ("numel", "is_floating_point", "float", "element_size", "dim", "shape_of"):
        setattr(value, name, 5)


def renamed(state: dict[str, Any]) -> None:
    state["flowUpsamplerNet.layers.999999999999.affine.fAffine.0.weight"] = torch.zeros(1)


CASES: dict[str, tuple[Callable[[Path], object], str]] = {
    "code in a pickle": (bare_pickle, "could execute code"),
    "code in PyTorch's archive": (in_archive, "could execute code"),
    "code in PyTorch's old format": (in_old_format, "could execute code"),
    "code in PyTorch's oldest format (tar)": (in_tar, "damaged"),
    "one number as 2^36 (zero strides)": (saved(expanded), "far more than the file"),
    "a thousand names for one tensor": (saved(shared), "far more than the file"),
    "shape (0, 2^60)": (saved(lambda s: s.update({first(s): torch.zeros(0, 1 << 60)})), "without values"),
    "tensor without storage": (saved(lambda s: s.update({first(s): torch.zeros(9, device="meta")})), "a meta tensor"),
    "sparse tensor": (saved(lambda s: s.update({first(s): torch.zeros(9).to_sparse()})), "a sparse tensor"),
    "packed archive, 100 MB from 100 KB": (repacked, "unpacks to"),
    "NaN": (saved(lambda s: s[first(s)].view(-1)[:1].fill_(float("nan"))), "NaN or infinity"),
    "infinity": (saved(lambda s: s[first(s)].view(-1)[:1].fill_(float("inf"))), "NaN or infinity"),
    "keys of another model": (write_alexnet, "not a checkpoint of SRFlow"),
    "a parameter too few": (saved(lambda s: s.pop(first(s)), "srflow"), "missing"),
    "layer 999 999 999 999": (saved(renamed, "srflow"), "absurd"),
    "a number of 900 digits": (saved(lambda s: s.update({"body." + "9" * 900: torch.zeros(1)})), "absurd"),
    "bytearray of 2 GB": (byte_array("archive"), "bytearray"),
    "bytearray of 2 GB, protocol 4": (byte_array("protocol 4"), "protocol 2 and 3"),
    "bytearray of 2 GB, old format": (byte_array("old format"), "bytearray"),
    "attributes named like methods": (saved(with_attributes), "surplus: evil"),
    "a tensor of 65 dimensions": (
        saved(lambda s: s.update({first(s): torch.ones(1).reshape([1] * 64).unsqueeze(0)})), "65 dimensions"
    ),
    "a name of 10 MB": (saved(lambda s: s.update({"a" * 10_000_000: torch.ones(1)})), "a name of 10000000 characters"),
    "names that are not strings": (lambda p: torch.save({1: torch.zeros(1)}, p), "not a state dict"),
    "a list": (lambda p: torch.save([torch.zeros(1)], p), "not a state dict"),
    "nothing in it": (lambda p: torch.save(collections.OrderedDict(), p), "no parameters"),
    "zip over twelve disks": (  # found by benchmarks/fuzz.py
        lambda p: p.write_bytes(zips.directory(1, disks=12)), "damaged"
    ),
    "truncated to 90 %": (cut(0.9), "truncated or damaged"),
    "truncated to 1 %": (cut(0.01), "damaged"),
    "empty": (lambda p: p.write_bytes(b""), "empty"),
    "web page": (lambda p: p.write_bytes(b"<!DOCTYPE html>"), "web page"),
    "noise": (lambda p: p.write_bytes(bytes(range(1, 256)) * 9), "damaged"),
    "safetensors: header of 2^63 bytes": (safetensors({}, length=1 << 63), "safetensors"),
    "safetensors: header is not JSON": (safetensors(b"{" * 999), "safetensors"),
    "safetensors: header nested 100 000 deep": (safetensors(b'{"a":' * 100_000), "safetensors"),
    "safetensors: shape of 2^80": (safetensors({"a": tensor([1 << 40, 1 << 40], 0, 4)}, b"1234"), "safetensors"),
    "safetensors: offsets beyond the file": (safetensors({"a": tensor([9], 0, 36)}, b"1234"), "safetensors"),
    "safetensors: overlapping": (
        safetensors({"a": tensor([1], 0, 4), "b": tensor([1], 0, 4)}, b"1234"), "safetensors"
    ),
}  # fmt: skip


def attack(path: Path) -> str:
    """Load a checkpoint as a model; returns the error, or an empty text."""
    from srspace_eval.models import load_model

    try:
        load_model(path, device="cpu")
    except SrspaceEvalError as error:
        return str(error)
    return ""


def attack_trunk(path: Path) -> str:
    """Load the file as the weights of an LPIPS trunk; returns the error, or an empty text."""
    from srspace_eval.metrics.lpips.network import LPIPS

    try:
        LPIPS("alex", weights=path)
    except SrspaceEvalError as error:
        return str(error)
    return ""
