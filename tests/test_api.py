"""The public API: one list of names, described on one page, and everything that the commands do."""

from __future__ import annotations

import ast
import doctest
import inspect
import json
import pickle
import re
import subprocess
import sys
import warnings
from dataclasses import fields
from pathlib import Path

import click
import numpy as np
import pytest

import srspace_eval as se
from benchmarks.inputs import pngs
from benchmarks.inputs.boards import make_results, write_board
from benchmarks.inputs.weights import write_alexnet, write_small_checkpoint
from srspace_eval import errors
from srspace_eval.cli import cli
from srspace_eval.scoring.options import ScoreSettings

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
COMMANDS = PAGE.partition("## What each command does")[2].partition("\n## ")[0]
PUBLIC = [name for name in se.__all__ if name != "__version__"]


def test_the_page_and_the_package_list_the_same_names() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", PAGE.replace(COMMANDS, ""), re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert sorted([*listed, "__version__"]) == sorted(se.__all__)
    assert set(se.__all__) <= set(dir(se))


def test_type_checkers_see_the_same_names_from_the_same_modules() -> None:
    tree = ast.parse(Path(se.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        (alias,) = node.names
        assert alias.asname == alias.name, "only a redundant alias is re-exported"
        seen[alias.name] = f"{node.module}.{alias.name}"
    assert seen == {name: f"srspace_eval.{home}" for name, home in se._HOMES.items()}


@pytest.mark.parametrize("name", PUBLIC)
def test_every_name_exists_and_is_documented(name: str) -> None:
    value = getattr(se, name)
    assert value.__name__ == name
    assert inspect.getdoc(value)


@pytest.mark.parametrize("name", [n for n in PUBLIC if inspect.isclass(o := getattr(se, n)) or inspect.isroutine(o)])
def test_every_class_and_function_has_an_example_that_runs(name: str) -> None:
    elsewhere = re.search(r":func:`srspace_eval\.(\w+)` makes one; its example", getattr(se, name).__doc__ or "")
    assert has_example(elsewhere[1] if elsewhere else name)


def has_example(name: str) -> bool:
    """Whether a docstring has examples; ``test_examples.py`` runs them."""
    value = getattr(se, name)
    own = value.__doc__ if inspect.isclass(value) else inspect.getdoc(value)  # a class does not inherit its examples
    examples = doctest.DocTestParser().get_examples(own or "")
    return any(example.options.get(doctest.SKIP) is not True for example in examples)


@pytest.mark.parametrize("name", [n for n in PUBLIC if inspect.isroutine(getattr(se, n))])
def test_public_functions_take_typed_arguments(name: str) -> None:
    for parameter in inspect.signature(getattr(se, name)).parameters.values():
        assert parameter.annotation is not parameter.empty, parameter
        assert not re.search(r"\bAny\b", str(parameter.annotation)), parameter


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        se.nothing  # noqa: B018


@pytest.mark.parametrize("use", ["", "se.load_track('x4'); se.rank(None, 'x4', published='ntire2021')"])
def test_imports_are_lazy(use: str) -> None:
    heavy = {"torch", "pandas"} if use else {"torch", "numpy", "pandas", "msgspec", "click"}
    script = f"import sys, srspace_eval as se\n{use}\nprint(*sorted({heavy!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_drawn_tree_of_errors_is_the_tree() -> None:
    drawn: dict[str, str] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.fullmatch(r"    ((?:│   |    )*(?:[├└]── )?)(\w+)(?: \(also a (\w+)\))?", line)
        if match is None:
            continue
        depth = len(match[1]) // 4
        above[depth:] = [match[2]]
        drawn[match[2]] = " ".join([above[depth - 1] if depth else "", *([match[3]] if match[3] else [])])
    classes = {
        name: " ".join(base.__name__ for base in kind.__bases__)
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, Exception)
    }
    assert {name: drawn.get(name) for name in classes} == classes
    assert set(drawn) - set(classes) == {"Exception", "UserWarning"}
    assert set(classes) <= set(se.__all__)


def test_errors_survive_pickling_with_their_problems() -> None:
    error = pickle.loads(pickle.dumps(se.SubmissionError("sub: 2 faults", ["a", "b"])))
    assert type(error) is se.SubmissionError
    assert str(error) == "sub: 2 faults\n  - a\n  - b"


def leaves(command: click.Command, name: str = "") -> list[str]:
    if not isinstance(command, click.Group):
        return [name.strip()]
    context = click.Context(command)
    found = ((child, command.get_command(context, child)) for child in command.list_commands(context))
    return [leaf for child, inner in found if inner is not None for leaf in leaves(inner, f"{name} {child}")]


def test_every_command_is_a_public_function() -> None:
    rows = dict(re.findall(r"^\| `([\w -]+)` \| (.*) \|$", COMMANDS, re.MULTILINE))
    assert sorted(rows) == sorted(leaves(cli))
    for command, text in rows.items():
        named = [name for name in re.findall(r"`([^`]+)`", text) if not name.startswith("--")]
        assert named, command
        assert [name for name in named if name not in se.__all__ or not callable(getattr(se, name))] == [], command


def command(*arguments: object) -> str:
    """Run the command line in a process of its own; returns stdout."""
    line = [sys.executable, "-m", "srspace_eval", *map(str, arguments)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GT folder and a submission of two images, two samples each, and a track's file."""
    folder = tmp_path_factory.mktemp("material")
    for part in ("gt", "sub"):
        (folder / part).mkdir()
    for number in range(2):
        gt = pngs.pixels(40, 48, seed=number)
        se.write_png(folder / f"gt/080{number + 1}.png", gt)
        for sample in range(2):
            noise = pngs.pixels(40, 48, seed=10 + 2 * number + sample) // 16
            se.write_png(folder / f"sub/00000{number}_sample0000{sample}.png", np.maximum(gt, 15) - noise)
    (folder / "mine.toml").write_text(
        'name = "mine"\ntitle = "Mine"\nscale = 4\nsamples = 2\nfirst = 801\ngt_names = ["{number:04d}.png"]\n'
        'sample_names = ["{index:06d}_sample{sample:05d}.png"]\nmetrics = ["lr_psnr", "psnr"]\n',
        encoding="utf-8",
    )
    return folder


def test_score_from_python_writes_the_files_of_the_command(material: Path, tmp_path: Path) -> None:
    weights = write_alexnet(tmp_path / "alex.pth")
    sub, gt = material / "sub", material / "gt"
    printed = command(
        "score", sub, "--gt", gt, "--track", "x4", "--samples", 2, "--team", "A team", "--board", tmp_path / "one",
        "--metrics", "lpips,lr_psnr,diversity,psnr", "--lpips-weights", weights, "--patches", 5, "--patch-size", 8,
        "--measure", "psnr_y4=psnr,channel=y,border=4", "--device", "cpu", "--json",
    )  # fmt: skip
    result = se.score(
        sub, gt, track="x4", samples=2, team="A team", board=tmp_path / "two",
        metrics=["lpips", "lr_psnr", "diversity", "psnr"], lpips_weights=weights, patches=se.PatchPlan(5, 8),
        measures=[se.Measure("psnr_y4", "psnr", {"channel": "y", "border": 4})], device="cpu",
    )  # fmt: skip
    assert result.images[0].samples[0].values["psnr_y4"] == se.psnr(
        se.read_rgb(sub / "000000_sample00000.png"), se.read_rgb(gt / "0801.png"), channel="y", border=4
    )
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    assert len(contents(tmp_path / "two")) == 1
    path = se.result_path(tmp_path / "two", "x4", "A team")
    assert se.read_result(path) == result
    assert json.loads(printed) == json.loads(path.read_text(encoding="utf-8"))


def test_score_with_a_track_file_and_options_writes_the_files_of_the_command(material: Path, tmp_path: Path) -> None:
    track = material / "mine.toml"
    arguments = ("--gt", material / "gt", "--track", track, "--board", tmp_path / "one", "--baseline")
    command("score", material / "sub", *arguments)
    options = se.ScoreOptions(workers=1)
    se.score(material / "sub", material / "gt", track=track, kind="baseline", board=tmp_path / "two", options=options)
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    assert "mine/track.toml" in contents(tmp_path / "two")


def test_every_option_of_score_is_a_keyword() -> None:
    assert list(ScoreSettings.__annotations__) == [field.name for field in fields(se.ScoreOptions)]


def test_options_of_score_that_do_not_exist_are_named(material: Path) -> None:
    with pytest.raises(se.InputError, match="unknown option metric; known are metrics, samples"):
        se.score(material / "sub", material / "gt", metric=["psnr"])  # type: ignore[call-arg]
    with pytest.raises(se.InputError, match=r"metrics='psnr': a list of ids is required"):
        se.score(material / "sub", material / "gt", metrics="psnr")
    with pytest.raises(se.InputError, match="diversity_patches needs"):
        se.score(material / "sub", material / "gt", track="x4", metrics=["diversity_patches"])
    with pytest.raises(se.TrackError, match="x5"):
        se.score(material / "sub", material / "gt", track="x5")


def test_check_from_python_is_the_command(material: Path) -> None:
    printed = command("check", material / "sub", "--gt", material / "gt", "--track", "x4", "--samples", 2, "--json")
    report = se.check(material / "sub", gt=material / "gt", track="x4", samples=2)
    assert isinstance(report, se.SubmissionCheck)
    assert json.loads(printed) == report.to_document()


def test_rank_from_python_writes_the_files_of_the_command(tmp_path: Path) -> None:
    write_board(tmp_path / "board", make_results(se.load_track("x8"), 3, 5, 3, 0))
    command("rank", "--board", tmp_path / "board", "--track", "x8", "--with", "srflow-da", "--out", tmp_path / "one")
    ranking = se.rank(se.load_board(tmp_path / "board"), "x8", with_published="srflow-da")
    se.write_leaderboards([ranking], tmp_path / "two")
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    printed = command("rank", "--board", tmp_path / "board", "--track", "x8", "--with", "srflow-da", "--format", "csv")
    assert printed == se.render_leaderboard(ranking, "csv")


def test_downscale_from_python_writes_the_files_of_the_command(material: Path, tmp_path: Path) -> None:
    command("downscale", material / "gt", "--scale", 4, "--crop", 8, "--out", tmp_path / "one")
    written = se.downscale_folder(material / "gt", tmp_path / "two", 4, crop=8)
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    assert [path.name for path in written] == ["0801.png", "0802.png"]


def test_weights_from_python_are_the_command(tmp_path: Path) -> None:
    listed = json.loads(command("weights", "list", "--weights-dir", tmp_path, "--json"))
    states = se.list_weights(tmp_path)
    assert listed["trunks"] == [state.to_document() for state in states]
    assert listed["search_path"] == [str(folder) for folder in se.weights_search_path(tmp_path)]


def test_the_guide_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The block of the guide "From Python", on small inputs."""
    page = (ROOT / "docs" / "guides" / "python.md").read_text(encoding="utf-8")
    code = page.partition("```python\n")[2].partition("```")[0]
    monkeypatch.chdir(tmp_path)
    trunk = write_alexnet(tmp_path / "alex.pth")
    monkeypatch.setattr("srspace_eval.metrics.lpips.weights.weights_path", lambda *arguments: trunk)
    write_small_checkpoint(tmp_path / "SRFlow_DF2K_4X.pth", "srflow")
    gt, sr = pngs.pixels(64, 72, seed=0), pngs.pixels(64, 72, seed=1)
    for file in ("DIV2K_valid_HR/0801.png", "submission/000000.png"):
        Path(file).parent.mkdir()
        se.write_png(Path(file), gt if "HR" in file else sr)
    names: dict[str, object] = {"gt": gt, "sr": sr}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", se.Notice)
        exec(compile(code, "python.md", "exec"), names)
    assert isinstance(names["samples"], np.ndarray)
    assert names["samples"].shape == (10, 64, 72, 3)
    assert isinstance(names["s_10"], float)
    assert isinstance(names["leaderboard"], se.Ranking)
    assert Path("site/index.html").is_file()
