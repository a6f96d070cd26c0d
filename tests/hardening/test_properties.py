"""Public functions on any shape, dtype, value and file tree: a correct answer or an error of the package."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import srspace_eval as se
from benchmarks.inputs.hostile import documents
from srspace_eval._utils import strict_json
from srspace_eval._utils.png import decode_png, decode_top, write_png
from srspace_eval._utils.untrusted_text import name_key, slug
from srspace_eval.errors import InputError, SrspaceEvalError, SubmissionError
from srspace_eval.metrics.diversity.function import PatchPlan, diversity_curve, diversity_score, diversity_score_patches
from srspace_eval.metrics.psnr.function import lr_psnr, psnr
from srspace_eval.metrics.resize import CONVENTIONS, imresize
from srspace_eval.metrics.ssim.function import ssim
from srspace_eval.ranking import Entry, rank
from srspace_eval.report.files import TEXT_FORMATS, render_leaderboard
from srspace_eval.results.documents import from_document
from srspace_eval.results.store import result_path
from srspace_eval.submissions.pairing import pair
from srspace_eval.submissions.sources import open_source
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.names import Template
from srspace_eval.tracks.reader import load_track

# The same examples on every machine and run.
few = settings(
    max_examples=25, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip

shapes = st.lists(st.integers(0, 40), min_size=0, max_size=4).map(tuple)
dtypes = st.sampled_from(["u1", "i4", "f2", "f4", "f8", "c8", "?", ">f4", "U3", "M8[s]", "O"])
pictures = st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1)).map(
    lambda t: np.random.default_rng(t[2]).integers(0, 256, (t[0], t[1], 3), dtype=np.uint8)
)


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray:
    """Arrays of any kind: strange dtypes, NaN, views with negative strides."""
    array = np.zeros(draw(shapes), draw(dtypes))
    if array.dtype.kind == "f" and array.size:
        array.flat[0] = draw(st.floats(width=16))
    return array[::-1] if draw(st.booleans()) and array.ndim else array


def tensor(array: np.ndarray) -> torch.Tensor:
    """The array as a tensor where torch has its dtype."""
    return torch.from_numpy(array.copy()) if array.dtype.isnative and array.dtype.kind in "uifcb" else torch.zeros(2, 2)


CALLS: dict[str, Callable[[np.ndarray, np.ndarray], Any]] = {
    "imresize": lambda a, b: imresize(a, 0.25),
    "imresize to": lambda a, b: imresize(a, output_shape=(3, 5)),
    "psnr": psnr,
    "ssim": ssim,
    "lr_psnr": lambda a, b: lr_psnr(a, b, 4),
    "diversity_score": lambda a, b: diversity_score(a),
    "diversity_score_patches": lambda a, b: diversity_score_patches(a, PatchPlan(3, 2, 0)),
    "psnr of tensors": lambda a, b: psnr(tensor(a), tensor(b)),
    "imresize of tensors": lambda a, b: imresize(tensor(a), 0.25),
}


@pytest.mark.parametrize("name", CALLS)
@few
@given(a=arrays(), b=arrays())
def test_any_array_gives_numbers_or_a_named_error(name: str, a: np.ndarray, b: np.ndarray) -> None:
    try:
        value = CALLS[name](a, b)
    except InputError:
        return
    assert value is not None


@few
@given(a=arrays(), b=arrays())
def test_lpips_map_of_any_array(a: np.ndarray, b: np.ndarray, alexnet: Path) -> None:
    with pytest.raises(InputError):  # none of them is as large as the trunk wants and a picture
        se.lpips_map(a, b, weights=alexnet)


@few
@given(a=pictures)
def test_a_written_picture_is_read_unchanged(a: np.ndarray) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "a.png"
        write_png(path, a)
        data = path.read_bytes()
    assert np.array_equal(decode_png(data, "a"), a)
    assert np.array_equal(decode_top(data, "a", 5), a[:5])


@few
@given(a=pictures, convention=st.sampled_from(sorted(CONVENTIONS)), scale=st.floats(0.05, 3))
def test_resizing_keeps_constants_and_ranges(a: np.ndarray, convention: str, scale: float) -> None:
    small = imresize(a, scale, convention=convention)
    assert small.dtype == np.uint8
    assert small.shape == (math.ceil(scale * a.shape[0]), math.ceil(scale * a.shape[1]), 3)
    flat = np.full_like(a, a[0, 0, 0])
    assert (imresize(flat, scale, convention=convention) == a[0, 0, 0]).all()


@few
@given(
    hnp.arrays(np.float32, hnp.array_shapes(min_dims=3, max_dims=3, max_side=9), elements=st.floats(0, 100, width=32))
)
def test_diversity_lies_between_0_and_100_and_grows(maps: np.ndarray) -> None:
    curve = diversity_curve(maps)
    assert curve[-1] == diversity_score(maps) or math.isnan(curve[-1])
    assert all(math.isnan(v) or -1e-9 <= v <= 100 for v in curve)
    assert math.isnan(curve[0]) or curve[0] == 0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@few
@given(json_values)
def test_any_json_value_is_read_back(value: Any) -> None:
    text = strict_json.dumps(value)
    assert json.loads(text.encode("utf-8"), parse_constant=lambda c: pytest.fail(c)) is not NotImplemented
    assert strict_json.dumps(json.loads(text)) == text


@settings(few, max_examples=150)
@given(key=st.sampled_from(sorted({*documents.result(), *documents.result()["images"][0]})), value=json_values)
def test_a_result_with_any_value_in_a_field_is_read_or_refused(key: str, value: Any) -> None:
    try:
        result = from_document(documents.result(**{key: value}), "x.json")
    except SrspaceEvalError as error:
        said = str(error)
    else:
        said = "x.json" if result.signature.id and result.signature.text is not None else ""
    assert said.startswith("x.json")


@settings(few, max_examples=60)
@given(st.text(max_size=90))
def test_any_name_gives_one_safe_file_name(name: str) -> None:
    path = result_path(Path("board"), name, name)
    assert path.parts[0] == "board"
    assert len(path.parts) == 3
    assert all(part.isascii() and len(part) < 90 and ".." not in part for part in path.parts)
    assert slug(name) != slug(name + "x")


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(name_key)
possible = {"lpips": st.floats(0), "lr_psnr": st.floats(0, 60), "diversity": st.floats(0, 100), "mor": st.floats(1, 60)}
values = st.fixed_dictionaries({}, optional=possible)


@settings(few, max_examples=40)
@given(st.dictionaries(names.map(str.strip), values, min_size=1, max_size=6))
def test_any_table_is_ranked_and_written(table: dict[str, dict[str, float]]) -> None:
    ranking = rank([Entry(name, "team", numbers, "given") for name, numbers in table.items()], load_track("x4"))
    assert {row.entry.team for row in ranking.rows} == set(table)
    for form in TEXT_FORMATS:
        assert render_leaderboard(ranking, form).encode("utf-8")


@settings(few, max_examples=60)
@given(st.text(max_size=30) | st.sampled_from(["{index:06d}", "{stem}_{sample}", "{number:04d}.png"]))
def test_any_template_is_refused_or_parses_its_own_names(text: str) -> None:
    try:
        template = Template(text)
    except SrspaceEvalError:
        return
    fields = {name: "a" if name == "stem" else 7 for name in template.fields}
    read = template.parse(template.format(**fields))
    assert read is None or template.format(**read) == template.format(**fields)


file_names = st.sampled_from(
    ["000000_sample00000.png", "000000_sample00001.png", "000001_sample00000.PNG", "000001.png", "x.png", "a.txt",
     ".DS_Store", "sub", "000000_sample0000٣.png", "0801.png", "-.png", " .png"]
)  # fmt: skip


@few
@given(tree=st.dictionaries(file_names, st.sampled_from(["file", "folder", "link", "loop"]), max_size=8))
def test_any_file_tree_is_paired_or_refused(tree: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, gt = Path(name) / "s", Path(name) / "gt"
        for path in (folder, gt):
            path.mkdir()
        write_png(gt / "0801.png", np.zeros((8, 8, 3), np.uint8))
        for file, kind in tree.items():
            if kind == "file" or os.name == "nt":
                (folder / file).write_bytes(b"x")
            elif kind == "folder":
                (folder / file).mkdir()
            else:
                (folder / file).symlink_to(gt / "0801.png" if kind == "link" else folder / file)
        try:
            pairing = pair(open_source(folder), open_source(gt), load_track("x4"), samples=2)
        except SubmissionError:
            return
        found = {name for p in pairing.pairs for name in p.samples}
        assert found <= set(tree)
        assert found <= {"000000_sample00000.png", "000000_sample00001.png", "0801.png"}


@settings(few, max_examples=60)
@given(st.dictionaries(st.sampled_from(sorted(Track.__dataclass_fields__)), st.integers(-5, 99) | st.text(max_size=4)))
def test_any_track_file_is_read_or_refused(changes: dict[str, int | str]) -> None:
    fields: dict[str, int | str] = {"name": "t", "title": "T", "scale": 4, **changes}
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "t.toml"
        path.write_text("".join(f"{k} = {json.dumps(v)}\n" for k, v in fields.items()), encoding="utf-8")
        try:
            track = load_track(path)
        except SrspaceEvalError as error:
            said = str(error)
        else:
            said = str(path) if track.crop % track.scale == 0 else ""
        assert str(path) in said
