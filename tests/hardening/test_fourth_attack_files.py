"""Attacks of the fourth round on the readers of zips, checkpoints and downloads, which succeeded before."""

from __future__ import annotations

import io
import re
import struct
import time
import warnings
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

import srspace_eval
from srspace_eval import SampleOptions, load_model, sample_folder, write_png
from srspace_eval._utils.bounded_zip import BoundedZip, RefusedZipError, ZipLimits
from srspace_eval.codabench.check import check_bundle
from srspace_eval.codabench.checks import files as bundle_files
from srspace_eval.errors import CheckpointError, InputError, SamplingError, SubmissionError, WeightsError
from srspace_eval.metrics.lpips.trunk_files import parameter_shapes, read_parameters, read_state_dict
from srspace_eval.metrics.scenes.models import niqe_model
from srspace_eval.models.adapters.peak import peak_bytes
from srspace_eval.models.adapters.spandrel_model import SpandrelModel
from srspace_eval.models.checkpoints.allocations import AllocationLimit, AllocationLimitError
from srspace_eval.models.checkpoints.reading import read_checkpoint
from srspace_eval.models.checkpoints.spandrel_files import build_with_spandrel
from srspace_eval.models.folders.estimate import estimate_sampling
from srspace_eval.models.sampling.samples import sample_array
from srspace_eval.submissions.sources import open_source


def _entry(name: bytes, *, extra: bytes = b"", comment: bytes = b"", offset: int = 0) -> bytes:
    """An entry of a zip's directory; its local header is missing."""
    lengths = (len(name), len(extra), len(comment))
    head = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0x800, 0, 0, 33, 0, 0, 0, *lengths, 0, 0, 0, offset)
    return head + name + extra + comment


def _directory(path: Path, entries: list[bytes], before: bytes = b"") -> Path:
    whole = b"".join(entries)
    stated = min(len(entries), 65535)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, stated, stated, len(whole), len(before), 0)
    path.write_bytes(before + whole + end)
    return path


_EMPTY_FIELDS = struct.pack("<HH", 0x9999, 0) * 16383  # each is cut off a copy of the rest


def test_names_of_many_folders_are_refused_at_once(tmp_path: Path) -> None:
    names = [b"a/" * 32000 + b"%d/%d.png" % (i % 2, i) for i in range(30)]
    path = _directory(tmp_path / "deep.zip", [_entry(name, offset=30 * i) for i, name in enumerate(names)])
    begun = time.process_time()
    with pytest.raises(SubmissionError, match="in more than 100 folders; pack the PNGs again, without folders"):
        open_source(path).names()
    assert time.process_time() - begun < 1


def test_common_folders_are_taken_off_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("x/y/a/1.png", "x/y/b/2.png", "x/y/readme.txt"):
            archive.writestr(name, b"")
    assert open_source(path).names() == ["a/1.png", "b/2.png", "readme.txt"]


def test_long_extra_fields_are_refused_before_they_are_parsed(tmp_path: Path) -> None:
    entries = [_entry(b"%06d.png" % i, extra=_EMPTY_FIELDS, offset=30 * i) for i in range(100)]
    path = _directory(tmp_path / "s.zip", entries)
    begun = time.process_time()
    with pytest.raises(SubmissionError, match=r"'000000\.png' has an extra field of more than 512 bytes"):
        open_source(path).names()
    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize("what", ["fields", "entries", "bytes"])
def test_the_directory_of_a_checkpoint_is_bounded(tmp_path: Path, what: str) -> None:
    entries = {
        "fields": [_entry(b"a/data.pkl")] + [_entry(b"a/%d" % i, extra=_EMPTY_FIELDS) for i in range(100)],
        "entries": [_entry(b"a/data.pkl")] + [_entry(b"%x" % i) for i in range(60_000)],
        "bytes": [_entry(b"a/data.pkl")] + [_entry(b"a/%d" % i, comment=b" " * 60_000) for i in range(200)],
    }[what]
    path = _directory(tmp_path / "a.pth", entries, b"PK\3\4" + bytes(60))
    words = {"fields": "an extra field of more", "entries": "more than 50000 entries", "bytes": "larger than 8388608"}
    begun = time.process_time()
    with pytest.raises(CheckpointError, match=f"{words[what]}.*no checkpoint has that"):
        read_checkpoint(path)
    with pytest.raises(WeightsError, match="not a file of weights"):
        read_state_dict(path)
    assert time.process_time() - begun < 1


def test_the_directory_of_a_bundle_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = [_entry(b"competition.yaml", extra=_EMPTY_FIELDS)] * 200
    with pytest.raises(InputError, match="extra field of more than 512 bytes; no bundle needs that"):
        check_bundle(_directory(tmp_path / "b.zip", long))
    with pytest.raises(InputError, match=r"not a readable .*extra field of more"):
        niqe_model(_directory(tmp_path / "n.npz", long[:15]))
    monkeypatch.setattr(bundle_files, "DIRECTORIES", 150)  # of all zips in the bundle
    inner = _directory(tmp_path / "i.zip", [_entry(b"data.png"), _entry(b"more.png")]).read_bytes()
    tasks = "tasks:\n" + "".join(
        f"- {{index: {i}, name: a, description: a, scoring_program: {i}.zip, reference_data: {i}.zip}}\n"
        for i in range(2)
    )
    phases = "phases: [{index: 0, name: a, start: 2026-01-01, tasks: [0, 1]}]\n"
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("competition.yaml", f"version: 2\ntitle: t\n{tasks}{phases}")
        for i in range(2):
            archive.writestr(f"{i}.zip", inner)
    with pytest.raises(InputError, match=r"1\.zip: its directory is larger than"):
        check_bundle(tmp_path / "c.zip")


def test_a_zip_within_the_limits_is_read_and_closed(tmp_path: Path) -> None:
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", b"abc")
        archive.comment = b"x" * 60_000
    with BoundedZip(path) as archive:
        file = archive.fp
        assert archive.read("a.png") == b"abc"
        assert archive.directory_bytes == 46 + 5
    assert file is not None
    assert file.closed
    opened = io.BytesIO(path.read_bytes())
    with BoundedZip(opened, ZipLimits(directory=51)) as archive:
        assert archive.namelist() == ["a.png"]
    assert not opened.closed
    with pytest.raises(RefusedZipError, match="its directory is larger than 50 bytes"):
        BoundedZip(path, ZipLimits(directory=50))


def test_every_zip_is_opened_within_limits() -> None:
    package = Path(srspace_eval.__file__).parent
    opens = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "zipfile.ZipFile(" in line and not line.startswith("class ") and ">>>" not in line and "..." not in line
    }
    assert opens == {"codabench/archive.py"}  # it writes


def test_a_niqe_model_unpacks_within_its_bound(tmp_path: Path) -> None:
    path = tmp_path / "n.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that are there twice
        for _ in range(2):
            archive.writestr("mean.npy", b"")
    with pytest.raises(InputError, match="holds a name twice"):
        niqe_model(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(20):
            archive.writestr(f"a{i}.npy", bytes(1 << 20))
    with pytest.raises(InputError, match="unpacks to more than 16777216 bytes"):
        niqe_model(path)


@pytest.mark.parametrize("name", ["bits8", "bits4x2", "float4_e2m1fn_x2", "complex64"])
def test_numbers_that_no_network_has_are_refused(name: str, tmp_path: Path) -> None:
    if not hasattr(torch, name):
        pytest.skip("this PyTorch has no such type")
    numbers = torch.zeros(64, dtype=torch.uint8).view(getattr(torch, name))
    torch.save({"conv.weight": numbers}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="not a state dict") as caught:
        read_checkpoint(tmp_path / "a.pth")
    assert f"a tensor of {name}" in str(caught.value)
    shapes = parameter_shapes("squeeze")
    first = next(iter(shapes))
    count = torch.Size(shapes[first]).numel()
    strange = torch.zeros(count * 8, dtype=torch.uint8).view(getattr(torch, name))[:count].view(shapes[first])
    torch.save({key: strange if key == first else torch.zeros(shape) for key, shape in shapes.items()}, tmp_path / "t")
    with pytest.raises(WeightsError, match=r"weight holds values that are not finite numbers"):
        read_parameters("squeeze", tmp_path / "t")


@pytest.mark.parametrize("kind", ["float8_e4m3fn", "float16", "float32"])
def test_a_checkpoint_takes_four_times_its_size_at_most(kind: str, tmp_path: Path) -> None:
    numbers = torch.ones(20_000).to(getattr(torch, kind))
    torch.save({str(i): numbers for i in range(5)}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="far more than the file"):
        read_checkpoint(tmp_path / "a.pth")
    torch.save({"a": numbers}, tmp_path / "a.pth")
    assert read_checkpoint(tmp_path / "a.pth")["a"].sum() == 20_000


def _refused_by_spandrel(path: Path, state: dict[str, torch.Tensor]) -> CheckpointError:
    begun = time.process_time()
    with pytest.raises(CheckpointError) as caught:
        build_with_spandrel(path, state, torch.device("cpu"))
    assert time.process_time() - begun < 1.5
    return caught.value


def test_long_lists_of_layers_are_refused_before_spandrel_counts_them(tmp_path: Path) -> None:
    pytest.importorskip("spandrel")
    one = torch.zeros(1)
    for layer in ("9998", "9_9_9_9_9_9_9", "512"):  # Python reads both as numbers
        error = _refused_by_spandrel(tmp_path / "a.pth", {"intro.weight": one, f"encoders.{layer}.0.a": one})
        assert "lists of layers are absurd" in str(error)
        assert re.fullmatch(r"encoders: \d+ places", error.problems[0])
    many = {f"z{i}": one for i in range(6000)}
    assert "more than 5000 parameters" in str(_refused_by_spandrel(tmp_path / "a.pth", many))


def test_the_operations_of_building_a_network_are_counted() -> None:
    with pytest.raises(AllocationLimitError, match="more than 100 operations"), AllocationLimit(1 << 30, 100):
        [torch.zeros(1) for _ in range(101)]
    with pytest.raises(AllocationLimitError, match="more than 100 operations"), AllocationLimit(1 << 30, 100):
        list(torch.linspace(0, 1, 1000))
    with AllocationLimit(1 << 30, 100) as counted:
        list(torch.linspace(0, 1, 50))
    assert 51 <= counted.called <= 53


def test_the_number_of_parameters_is_bounded(tmp_path: Path) -> None:
    torch.save(dict.fromkeys(map(str, range(20_001)), torch.ones(1)), tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="more than 20000 entries"):
        read_checkpoint(tmp_path / "a.pth")


def _greedy(scale: int) -> dict[str, torch.Tensor]:
    """A network of a few numbers, whose picture is large: spandrel's Compact."""
    pytest.importorskip("spandrel")
    state = {"body.0.weight": torch.ones(1, 3, 3, 3), "body.0.bias": torch.zeros(1), "body.1.weight": torch.ones(1)}
    out = 3 * scale**2
    return state | {"body.2.weight": torch.ones(out, 1, 3, 3), "body.2.bias": torch.zeros(out)}


def test_a_network_is_measured_within_the_memory_limit(tmp_path: Path) -> None:
    torch.save(_greedy(8), tmp_path / "a.pth")
    model = load_model(tmp_path / "a.pth", "cpu")
    lr = np.zeros((24, 24, 3), np.uint8)
    with pytest.raises(SamplingError, match=r"32×32 LR pixels need more than the 1\.00 MiB that may be used"):
        sample_array(model, lr, 1, memory_limit=1 << 20)
    (tmp_path / "lr").mkdir()
    write_png(tmp_path / "lr/0801x8.png", lr)
    options = SampleOptions(samples=1, memory_limit=1 << 20)
    assert estimate_sampling(model, tmp_path / "lr", tmp_path / "out", options) is None
    with pytest.raises(SamplingError, match="give a larger memory if you trust"):
        sample_folder(model, tmp_path / "lr", tmp_path / "out", options)
    assert sample_array(model, lr, 1, memory_limit=1 << 30).shape == (1, 192, 192, 3)


def test_memory_is_counted_before_it_is_allocated() -> None:
    with pytest.raises(AllocationLimitError, match="more than 1000000 bytes"):
        peak_bytes(lambda: torch.ones(1, 1, 1000, 1).expand(1, 1, 1000, 1 << 40) * 2, 1_000_000)
    assert peak_bytes(lambda: [torch.ones(1000) for _ in range(1000)][:0], 1_000_000_000) == 4_000_000
    assert peak_bytes(lambda: [torch.ones(1000).sum() for _ in range(1000)], 100_000) < 10_000


def test_large_scales_are_refused(tmp_path: Path) -> None:
    torch.save(_greedy(17), tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="cannot make sample sets") as caught:
        load_model(tmp_path / "a.pth", "cpu")
    assert caught.value.problems == ("its scale is 17; it must be between 1 and 16",)


def test_a_logo_is_read_as_the_formats_that_the_platform_takes(tmp_path: Path) -> None:
    tiff = io.BytesIO()
    Image.new("RGB", (8, 8)).save(tiff, "TIFF")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("competition.yaml", "version: 2\ntitle: t\nimage: logo.png\n")
        archive.writestr("logo.png", tiff.getvalue()[:-40] + bytes(40))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        refusals = check_bundle(tmp_path / "b.zip").refusals
    assert "image: logo.png is not a PNG, JPEG, GIF or WebP in RGB" in refusals


def test_the_padding_of_a_network_is_counted(tmp_path: Path) -> None:
    torch.save(_greedy(2), tmp_path / "a.pth")
    model = load_model(tmp_path / "a.pth", "cpu")
    assert isinstance(model, SpandrelModel)
    model.descriptor.size_requirements = SimpleNamespace(get_padding=lambda width, height: (1 << 20, 1 << 20))
    with pytest.raises(SamplingError, match="LR pixels need more than"):
        model.memory_estimate(8, 8, 1)
