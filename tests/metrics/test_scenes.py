"""NIQE, BRISQUE and PIQE against the authors' values, and on pictures made here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.io

import srspace_eval as se
from benchmarks.inputs import synth
from srspace_eval.errors import InputError
from srspace_eval.metrics.evaluator import EvaluatorConfig, ImageEvaluator
from srspace_eval.metrics.measures import Measure
from srspace_eval.metrics.registry import bind
from srspace_eval.metrics.scenes.models import niqe_model
from srspace_eval.metrics.scenes.statistics import halved, mscn, shape_of

FUNCTIONS = {"niqe": se.niqe, "brisque": se.brisque, "piqe": se.piqe}
# Made by these functions once they gave the official values below.
GOLDEN = {
    "picture": {"niqe": 54.870842, "brisque": 162.236914, "piqe": 60.432715},
    "half flat": {"niqe": 19.359887, "brisque": 65.739375, "piqe": 55.622489},
}


def picture(name: str = "picture") -> np.ndarray:
    made = np.asarray(synth.picture(210, 300, 5))
    if name == "half flat":
        made[:, 170:] = (90, 120, 33)
    return made


@pytest.fixture
def official(shared: Path) -> Path:
    folder = shared / "challenges" / "iqa"
    if not folder.is_dir():
        pytest.skip("needs ../shared/challenges")
    return folder


@pytest.mark.parametrize("name", ["I03", "I04", "I19"])
def test_the_official_values(name: str, official: Path) -> None:
    pair = json.loads((official / "official.json").read_text())["pairs"][name]
    expected, by_numpy = pair["official"], pair["numpy_float64"]
    found = {key: function(se.read_rgb(official / "dist" / f"{name}.png")) for key, function in FUNCTIONS.items()}
    exact = name == "I04"  # the one picture without flat areas
    assert found["niqe"] == pytest.approx(expected["niqe"], rel=1e-4 if exact else 1e-2)
    assert found["brisque"] == pytest.approx(expected["brisque"], **{"rel": 1e-4} if exact else {"abs": 2.5})
    assert round(found["piqe"], 2) == expected["piqe"]
    for key in ("niqe", "brisque"):
        assert found[key] == pytest.approx(by_numpy[f"{key}_flat_is_zero"], abs=1e-6)
    assert found["piqe"] == pytest.approx(by_numpy["piqe"], abs=1e-6)


def test_two_more_official_values(official: Path) -> None:
    extra = json.loads((official / "official.json").read_text())["extra"]
    baboon, i01 = (se.read_rgb(official / "extra" / name) for name in ("baboon.png", "I01.png"))
    assert se.niqe(baboon, channel="y8") == pytest.approx(extra["baboon.png"]["official"]["niqe_on_Y"], rel=1e-4)
    assert se.brisque(i01) == pytest.approx(extra["I01.png"]["official"]["brisque"], rel=1e-4)


@pytest.mark.parametrize("metric", FUNCTIONS)
@pytest.mark.parametrize("name", GOLDEN)
def test_pictures_made_here_keep_their_scores(name: str, metric: str) -> None:
    assert FUNCTIONS[metric](picture(name)) == GOLDEN[name][metric]


@pytest.mark.parametrize("metric", FUNCTIONS)
def test_a_border_and_luma_are_cut_and_converted_first(metric: str) -> None:
    function, whole = FUNCTIONS[metric], picture()
    assert function(whole, border=6) == function(np.ascontiguousarray(whole[6:-6, 6:-6]))
    grey = np.repeat(whole[..., :1], 3, axis=2)
    limited = np.floor(16 + grey * (219 / 255) + 0.5).astype(np.uint8)
    assert function(grey, channel="y8") == function(limited)


def test_where_windows_are_flat_coefficients_are_exactly_zero() -> None:
    flat = np.full((40, 40), 77.0)
    assert (mscn(flat, "nearest")[0] == 0).all()
    assert (mscn(flat, "constant")[0][3:-3, 3:-3] == 0).all()
    assert halved(flat) == pytest.approx(np.full((20, 20), 77.0), abs=1e-12)
    assert np.isnan(shape_of(np.array([np.nan])))


def test_shapes_of_generalised_gaussians_are_recovered() -> None:
    rng = np.random.default_rng(0)
    normal, laplace = rng.normal(size=10**6), rng.laplace(size=10**6)
    ratios = np.array([(x**2).mean() / np.abs(x).mean() ** 2 for x in (normal, laplace)])
    assert shape_of(ratios, one_sided=True) == pytest.approx([2, 1], abs=0.02)


def test_pictures_of_one_colour() -> None:
    flat = np.full((200, 200, 3), 90, np.uint8)
    assert np.isnan(se.niqe(flat))
    assert se.piqe(flat) == 100
    evaluator = ImageEvaluator(flat, EvaluatorConfig(bind(["niqe"]), 4))
    with pytest.raises(InputError, match="niqe is undefined"):
        evaluator.measure(flat)


@pytest.mark.parametrize("metric", FUNCTIONS)
def test_other_pictures_are_named(metric: str) -> None:
    function = FUNCTIONS[metric]
    with pytest.raises(InputError, match=r"float64 \(200, 200, 3\) given, uint8"):
        function(np.zeros((200, 200, 3)))
    with pytest.raises(InputError, match="border 100: no pixel remains"):
        function(np.zeros((200, 200, 3), np.uint8), border=100)
    with pytest.raises(InputError, match="grey, y8 are known"):
        function(np.zeros((200, 200, 3), np.uint8), channel="rgb")
    with pytest.raises(InputError, match="list given"):
        function([1])


def test_niqe_needs_two_blocks() -> None:
    with pytest.raises(InputError, match="this picture has 191×191"):
        se.niqe(picture()[:191, :191])
    assert se.niqe(picture()[:96, :192]) > 0


@pytest.mark.parametrize("names", [("Mean", "Covariance"), ("mu_prisparam", "cov_prisparam")])
def test_a_niqe_model_from_matlab(names: tuple[str, str], tmp_path: Path) -> None:
    authors = niqe_model()
    for compressed in (False, True):
        file = tmp_path / f"model-{compressed}.mat"
        arrays = {names[0]: authors.mean[None], names[1]: authors.covariance, "other": np.zeros(5000)}
        scipy.io.savemat(file, arrays, do_compression=compressed)
        assert se.niqe(picture(), model=file) == se.niqe(picture())
        measure = Measure("niqe_own", "niqe", {"niqe_model": str(file)})
        (metric,) = bind([measure]).values()
        assert metric.signature(None)["model"] == niqe_model(file).sha256 != authors.sha256
    np.savez(tmp_path / "half.npz", mean=authors.mean, covariance=authors.covariance * 2)
    assert se.niqe(picture(), model=tmp_path / "half.npz") != se.niqe(picture())


def test_files_that_are_no_niqe_model(tmp_path: Path) -> None:
    model = niqe_model()
    scipy.io.savemat(tmp_path / "other.mat", {"Kernel": np.zeros((3, 3))})
    scipy.io.savemat(tmp_path / "shape.mat", {"Mean": np.zeros((1, 35)), "Covariance": np.eye(36)})
    scipy.io.savemat(tmp_path / "nan.mat", {"Mean": np.full((1, 36), np.nan), "Covariance": np.eye(36)})
    np.savez(tmp_path / "pickle.npz", mean=np.array([{}]), covariance=model.covariance)
    (tmp_path / "text.mat").write_text("no model" * 40)
    (tmp_path / "empty.mat").write_bytes(b"")
    whole = (tmp_path / "shape.mat").read_bytes()
    (tmp_path / "cut.mat").write_bytes(whole[:-400])
    for name, why in {
        "other.mat": "has no variable mean or Mean",
        "shape.mat": "not .36,. numbers",
        "nan.mat": "not finite",
        "pickle.npz": "not a readable",
        "text.mat": "not a readable",
        "empty.mat": "not a readable",
        "cut.mat": "not a readable|has no variable|not .36,. numbers",
        "gone.mat": "cannot be read",
    }.items():
        with pytest.raises(InputError, match=why):
            niqe_model(tmp_path / name)


def test_niqe_names_its_least_size_and_the_size_after_cropping() -> None:
    picture = np.zeros((104, 104, 3), np.uint8)
    with pytest.raises(InputError, match=r"at least 96×192 pixels .*this picture has 96×96 after cropping"):
        se.niqe(picture, border=4)
