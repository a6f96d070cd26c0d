"""The eighth attack on models: copied sizes, records of strangers, files that change after they were loaded."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.inputs import pngs
from benchmarks.inputs.weights import small_state
from srspace_eval import (
    SampleOptions,
    brisque,
    heat_series,
    load_model,
    niqe,
    normalise_latents,
    piqe,
    sample_folder,
    write_png,
)
from srspace_eval._utils.files import locked
from srspace_eval._utils.hashing import sha256_of_file
from srspace_eval._utils.pickles import reason_to_refuse
from srspace_eval.errors import CheckpointError, InputError, SamplingError
from srspace_eval.flows.rrdb import RRDBNet
from srspace_eval.models.adapters.self_ensemble import SelfEnsemble
from srspace_eval.models.loading import origin_of
from srspace_eval.submissions.provenance import PROVENANCE_FILE
from tests.helpers.toy_model import Toy


def sizes(path: Path, calls: int) -> Path:
    """A checkpoint that makes a ``torch.Size`` of one tuple of 1000 numbers again and again."""
    one = b"ctorch\nSize\nq\x00(" + b"K\x01" * 1000 + b"t\x85q\x01R"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02](NN" + one + b"h\x00h\x01R" * calls + b"e.")
        archive.writestr("archive/version", "3\n")
    return path


def test_sizes_that_are_copied_are_counted(tmp_path: Path) -> None:
    assert reason_to_refuse(sizes(tmp_path / "few.pth", 500)) is None
    reason = reason_to_refuse(sizes(tmp_path / "many.pth", 2500))
    assert reason is not None
    assert "instructions" in reason


@pytest.fixture
def lr(tmp_path: Path) -> Path:
    (tmp_path / "lr").mkdir()
    write_png(tmp_path / "lr" / "0801x4.png", pngs.pixels(40, 48))
    return tmp_path / "lr"


@pytest.mark.parametrize("change", [{"tile": 0}, {"tile": -16}, {"tile": 8}, {"environments": []}])
def test_a_record_that_no_run_writes_is_damaged(tmp_path: Path, lr: Path, change: dict[str, object]) -> None:
    out = tmp_path / "out"
    sample_folder(Toy(), lr, out, SampleOptions(samples=2))
    (out / "000000_sample00001.png").unlink()
    record = json.loads((out / PROVENANCE_FILE).read_text())
    for place in (record, record["images"][0]):
        place.update({key: value for key, value in change.items() if key in place})
    (out / PROVENANCE_FILE).write_text(json.dumps(record))
    with pytest.raises(SamplingError, match="not a record of samples"):
        sample_folder(Toy(), lr, out, SampleOptions(samples=2))
    assert not (out / "000000_sample00001.png").exists()


def test_the_origin_is_that_of_the_file_that_was_loaded(
    tmp_path: Path, lr: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(RRDBNet(4, 2, 8, 4).state_dict(), "last.pth")
    model = load_model("last.pth", "cpu", rrdb_skip="first")
    digest = sha256_of_file(Path("last.pth"))
    torch.save(RRDBNet(4, 2, 8, 4).state_dict(), "last.pth")
    monkeypatch.chdir(lr)
    sample_folder(model, lr, tmp_path / "out", SampleOptions(samples=1))
    record = json.loads((tmp_path / "out" / PROVENANCE_FILE).read_text())
    assert (record["model"]["checkpoint"], record["model"]["sha256"]) == ("last.pth", digest)
    assert origin_of(SelfEnsemble(model), "last.pth")["sha256"] == digest


def test_a_flow_that_cannot_be_inverted_is_damaged(tmp_path: Path) -> None:
    state = small_state("srflow_da")
    state["flowUpsamplerNet.layers.1.actnorm.logs"].fill_(-1e30)
    torch.save(state, tmp_path / "flow.pth")
    with pytest.raises(CheckpointError, match="cannot be inverted"):
        load_model(tmp_path / "flow.pth", "cpu")


def test_a_pickle_of_another_protocol_is_named(tmp_path: Path) -> None:
    torch.save(RRDBNet(4, 2, 8, 4).state_dict(), tmp_path / "four.pth", pickle_protocol=4)
    with pytest.raises(CheckpointError, match="without pickle_protocol"):
        load_model(tmp_path / "four.pth", "cpu")


def test_a_heat_series_has_the_latents_of_sample() -> None:
    picture = pngs.pixels(8, 9)
    assert np.array_equal(heat_series(Toy(), picture, [0.9]), Toy().sample(picture, 1, 0.9))


def test_a_lock_that_is_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with pytest.raises(OSError, match="lock is a folder"), locked(tmp_path / "lock"):
        pass


@pytest.mark.parametrize("measure", [niqe, brisque, piqe, lambda picture: Toy().sample(picture, 1)])
def test_a_mask_is_refused(measure: Callable[[np.ndarray], object]) -> None:
    with pytest.raises(InputError, match="masked"):
        measure(np.ma.masked_greater(pngs.pixels(96, 192), 128))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_latents_that_are_not_finite_stay_so(value: float) -> None:
    latent = torch.randn(1, 2, 4, 4)
    latent[0, 0, 0, 0] = value
    assert not normalise_latents([latent])[0].isfinite().any()


@pytest.mark.parametrize("latent", [torch.rand(3, 4, 4), torch.ones(1, 3, 4, 4).int(), np.ones((1, 3, 4, 4))])
def test_a_latent_of_another_kind_is_an_error(latent: object) -> None:
    with pytest.raises(InputError, match="a latent is a float tensor"):
        normalise_latents([latent])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("name", "value"), [("seed", 1.5), ("seed", "a"), ("image", 5), ("heats", 0.5), ("heats", "05"), ("heats", [])]
)
def test_a_wrong_argument_of_a_heat_series_is_named(name: str, value: object) -> None:
    arguments = {"heats": [0.5], name: value}
    with pytest.raises(InputError, match=name):
        heat_series(Toy(), pngs.pixels(8, 9), **arguments)  # type: ignore[arg-type]
