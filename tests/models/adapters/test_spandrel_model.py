"""Checkpoints of other programs, which spandrel recognises."""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from srspace_eval._utils.png import write_png
from srspace_eval.errors import CheckpointError, InputError, Notice
from srspace_eval.models import SampleOptions, describe_checkpoint, load_model, sample_folder
from srspace_eval.models.adapters.esrgan_plus import SIGMA, EsrganPlus
from srspace_eval.models.adapters.peak import peak_bytes
from srspace_eval.models.adapters.spandrel_model import SpandrelModel
from srspace_eval.models.lr_input import to_tensor
from srspace_eval.models.precision import inference
from tests.helpers.other_networks import (
    basicsr_rcan,
    made_up,
    quiet,
    save,
    spandrels_own,
    spandrels_picture,
)  # fmt: skip
from tests.helpers.rrdb_layouts import LAYOUTS, renamed

pytest.importorskip("spandrel")

ODD = torch.rand(1, 3, 21, 30, generator=torch.Generator().manual_seed(0))
PIXELS = np.random.default_rng(0).integers(0, 256, (19, 23, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", ["RCAN", "SwinIR", "HAT", "DAT", "SPAN"])
def test_the_picture_is_spandrels_own(name: str, tmp_path: Path) -> None:
    state = made_up(name)
    model = load_model(save(tmp_path / "x.pth", state), "cpu")
    assert isinstance(model, SpandrelModel)
    assert (model.config.family, model.config.scale, model.config.deterministic) == (name.lower(), 4, True)
    own = spandrels_picture(state, ODD)
    assert own.std() > 0.01
    assert torch.equal(model.decode(ODD, [])[0], own)
    assert torch.equal(model.decode(model.condition(ODD), [])[0], own)
    picture = spandrels_picture(state, to_tensor(PIXELS)).mul(255).round().to(torch.uint8)[0].permute(1, 2, 0).numpy()
    assert np.array_equal(model.sample(PIXELS, n=1)[0], picture)


@pytest.mark.parametrize("scale", [1, 2])
def test_real_esrgan_with_unshuffled_pixels(scale: int, tmp_path: Path) -> None:
    state = made_up(f"Real-ESRGAN x{scale}")
    model = load_model(save(tmp_path / "x.pth", state), "cpu")
    assert isinstance(model, SpandrelModel)
    assert model.config.scale == scale
    sr, _ = model.decode(ODD, [])  # neither 21 nor 30 is divisible by 4
    assert sr.shape == (1, 3, 21 * scale, 30 * scale)
    assert torch.equal(sr, spandrels_picture(state, ODD))


def test_basicsrs_names_of_rcan_give_the_same_picture(tmp_path: Path) -> None:
    state = made_up("RCAN")
    model = load_model(save(tmp_path / "x.pth", {"params": basicsr_rcan(state)}), "cpu")
    details = model.config.details
    assert (details["layout"], details["range"], details["mean_shift"]) == ("basicsr", 255, "constant")
    assert torch.equal(model.decode(ODD, [])[0], spandrels_picture(state, ODD))


@pytest.mark.parametrize("layout", ["old", "basicsr", "plain"])
def test_esrgan_gives_spandrels_picture(layout: str, tmp_path: Path) -> None:
    from srspace_eval.flows import RRDBNet

    torch.manual_seed(0)
    state = RRDBNet(4, 2, features=16, growth=32).state_dict()
    state = {name: value.detach() for name, value in renamed(state, LAYOUTS[layout, 4]).items()}
    model = load_model(save(tmp_path / "x.pth", state), "cpu", rrdb_skip="first")
    assert model.config.family == "rrdb"
    assert torch.equal(model.decode(ODD, [])[0].clamp(0, 1), spandrels_picture(state, ODD))


def test_trained_mean_shifts_are_kept_and_named(tmp_path: Path) -> None:
    state = made_up("RCAN")
    state["sub_mean.weight"] += 0.01
    state["sub_mean.bias"] += 2.0
    model = load_model(save(tmp_path / "x.pth", state), "cpu")
    assert model.config.details["mean_shift"] == "trained"
    moved = model.decode(ODD, [])[0]
    assert torch.equal(moved, spandrels_picture(state, ODD))
    assert not torch.equal(moved, spandrels_picture(made_up("RCAN"), ODD))
    del state["add_mean.bias"]
    with pytest.raises(CheckpointError, match=r"(?s)x\.pth: looks like RCAN.*add_mean\.bias"):
        load_model(save(tmp_path / "x.pth", state), "cpu")


def test_an_rcan_of_pictures_in_0_to_1_is_run_in_0_to_1(tmp_path: Path) -> None:
    state = made_up("RCAN")
    for name in ("sub_mean.bias", "add_mean.bias"):
        state[name] /= 255
    model = load_model(save(tmp_path / "x.pth", state), "cpu")
    assert model.config.details["range"] == 1
    net = spandrels_own(state).model
    with torch.no_grad():
        x = net.head(net.sub_mean(ODD))
        expected = net.add_mean(net.tail(net.body(x) + x))
    torch.testing.assert_close(model.decode(ODD, [])[0], expected.clamp(0, 1), atol=1e-6, rtol=0)


def test_esrgan_plus_draws_its_noise_from_latents(tmp_path: Path) -> None:
    state = made_up("ESRGAN+")
    model = load_model(save(tmp_path / "x.pth", state), "cpu")
    assert isinstance(model, EsrganPlus)
    assert (model.config.name, model.config.deterministic) == ("esrgan_plus_x4", False)
    shapes = model.latent_shapes(21, 30)
    assert shapes == ((16, 21, 30),) * 6
    zeros = [torch.zeros(2, *shape) for shape in shapes]
    assert torch.equal(model.decode(ODD, zeros)[0][1:].clamp(0, 1), spandrels_picture(state, ODD))
    latents = [torch.randn(2, *shape, generator=torch.Generator().manual_seed(i)) for i, shape in enumerate(shapes)]
    found = model.decode(ODD, latents)[0]
    assert torch.equal(model.decode(ODD, [z[1:] for z in latents])[0], found[1:])
    # The noise by hand, block by block.
    net = spandrels_own(state).model.model
    with torch.no_grad():
        x = first = net[0](ODD)
        trunk = net[1].sub
        for i in range(2):
            y = x
            for k in range(3):
                y = getattr(trunk[i], f"RDB{k + 1}")(y)
                y = y * (1 + SIGMA * latents[3 * i + k][:1])
            x = x + 0.2 * y
        x = first + trunk[2](x)
        for layer in list(net)[2:]:
            x = layer(x)
    torch.testing.assert_close(found[:1], x.clamp(0, 1), atol=1e-6, rtol=0)
    a, b = model.sample(PIXELS, n=2, heat=1, seed=3, image="a")
    assert not np.array_equal(a, b)
    assert np.array_equal(model.sample(PIXELS, n=1, heat=1, seed=3, image="a")[0], a)
    with pytest.raises(InputError, match=r"takes 6 latents"):
        model.decode(ODD, latents[:-1])
    with pytest.raises(InputError, match=r"self-ensemble .*is for deterministic"):
        load_model(tmp_path / "x.pth", "cpu", self_ensemble=True)


@pytest.mark.parametrize("name", ["SwinIR", "ESRGAN+"])
def test_an_interrupted_run_resumes_to_the_same_bytes(name: str, tmp_path: Path) -> None:
    lrs = tmp_path / "lr"
    lrs.mkdir()
    for i in range(2):
        write_png(lrs / f"080{i}x4.png", np.roll(PIXELS, i, 0))
    checkpoint = save(tmp_path / "x.pth", made_up(name))
    options = SampleOptions(samples=1 if name == "SwinIR" else 2)
    sample_folder(load_model(checkpoint, "cpu"), lrs, tmp_path / "whole", options)
    sample_folder(load_model(checkpoint, "cpu"), lrs, tmp_path / "killed", options)
    files = sorted(tmp_path.glob("killed/*.png"))
    files[-1].unlink()
    (tmp_path / "killed" / files[0].name).unlink()
    report = sample_folder(load_model(checkpoint, "cpu"), lrs, tmp_path / "killed", options)
    assert report.made == 2
    for path in (tmp_path / "whole").iterdir():
        assert path.read_bytes() == (tmp_path / "killed" / path.name).read_bytes(), path.name
    record = json.loads((tmp_path / "whole" / "srspace-eval-sample.json").read_text(encoding="utf-8"))
    details = record["model"]["details"]
    assert details["architecture"] == name.removesuffix("+")
    assert details["spandrel"]
    assert details["tags"]


def test_tiles_are_announced_as_approximate(tmp_path: Path) -> None:
    write_png(tmp_path / "0801x4.png", np.tile(PIXELS, (3, 3, 1)))
    model = load_model(save(tmp_path / "x.pth", made_up("RCAN")), "cpu")
    with pytest.warns(Notice, match="channel attention averages over the whole picture, so tiles are approximate"):
        sample_folder(model, tmp_path / "0801x4.png", tmp_path / "out", SampleOptions(samples=1, tile=32))


def test_the_memory_estimate_bounds_what_larger_pictures_allocate(tmp_path: Path) -> None:
    model = load_model(save(tmp_path / "x.pth", made_up("SwinIR")), "cpu")
    lr = torch.rand(1, 3, 75, 41)
    with inference(torch.device("cpu")):
        allocated = peak_bytes(lambda: model.decode(lr, []))
    assert allocated > 3 * 75 * 41 * 16 * 4
    assert allocated < model.memory_estimate(75, 41, 1)
    assert model.memory_estimate(75, 41, 1) < model.memory_estimate(76, 81, 1)


def test_without_the_extra_the_error_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "x.pth", made_up("SPAN"))
    monkeypatch.setitem(sys.modules, "spandrel", None)
    with pytest.raises(
        CheckpointError, match=r"(?s)x\.pth: not a checkpoint of .*pip install 'srspace-eval\[models\]'"
    ):
        load_model(path, "cpu")


def test_parameters_that_do_not_fit_are_listed(tmp_path: Path) -> None:
    state = made_up("SPAN")
    state["surplus.weight"] = torch.zeros(3)
    with pytest.raises(CheckpointError, match=r"(?s)looks like SPAN to spandrel.*surplus\.weight"):
        load_model(save(tmp_path / "x.pth", state), "cpu")
    rrdb = {name: value for name, value in made_up("ESRGAN").items() if name != "model.10.bias"}
    with pytest.raises(CheckpointError, match=r"(?s)x\.pth: does not fit rrdb.*missing: model\.10\.bias"):
        load_model(save(tmp_path / "x.pth", rrdb), "cpu")


def test_models_that_are_not_super_resolution_of_rgb_are_refused(tmp_path: Path) -> None:
    from spandrel.architectures.SPAN import SPAN

    with quiet():
        grey = SPAN(num_in_ch=1, num_out_ch=1, feature_channels=12, upscale=2)
        restoring = SPAN(num_in_ch=3, num_out_ch=3, feature_channels=12, upscale=1)
    with pytest.raises(CheckpointError, match=r"(?s)SPAN cannot make sample sets.*1 channels to 1"):
        load_model(save(tmp_path / "grey.pth", grey.state_dict()), "cpu")
    with pytest.raises(CheckpointError, match="not super-resolution"):
        load_model(save(tmp_path / "restoring.pth", restoring.state_dict()), "cpu")


def test_a_checkpoint_cannot_make_spandrel_build_a_giant(tmp_path: Path) -> None:
    state = made_up("SwinIR")
    # A tensor of 7 MB whose first side is the width of layers of 50 GB.
    state["conv_first.weight"] = torch.zeros(1 << 16, 3, 3, 3)
    state["conv_first.bias"] = torch.zeros(1 << 16)
    with pytest.raises(CheckpointError, match=r"(?s)looks like SwinIR.*more than \d+ bytes"):
        load_model(save(tmp_path / "x.pth", state), "cpu")


def test_a_hostile_pickle_is_refused(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return print, ("executed",)

    state = made_up("SPAN")
    (tmp_path / "x.pth").write_bytes(pickle.dumps({**state, "evil": Hostile()}))
    with pytest.raises(CheckpointError):
        load_model(tmp_path / "x.pth", "cpu")
    torch.save({**state, "evil": Hostile()}, tmp_path / "y.pth")
    with pytest.raises(CheckpointError, match="could execute code"):
        load_model(tmp_path / "y.pth", "cpu")


def test_a_description_and_the_precisions(tmp_path: Path) -> None:
    path = save(tmp_path / "x.pth", made_up("RCAN"))
    described = describe_checkpoint(path)
    assert (described.name, described.details["architecture"]) == ("rcan_x4", "RCAN")
    model = load_model(path, "cpu")
    with pytest.raises(InputError, match="rcan_x4 does not work in fp16; use float32 or bf16"):
        sample_folder(model, tmp_path, tmp_path / "out", SampleOptions(precision="fp16", samples=1))
    with pytest.raises(InputError, match="takes no rrdb_skip"):
        load_model(path, "cpu", rrdb_skip="first")
    with pytest.raises(InputError, match="takes no latents"):
        model.decode(ODD, [ODD])
