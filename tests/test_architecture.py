"""Every import of every module is listed, imports go one way, and torch-free rooms load without torch.

``tests/helpers/architecture.py`` defines what counts as an import.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.architecture import (
    COMMAND,
    FILE,
    Module,
    between_children,
    cycles,
    modules,
    source_files,
    text,
)  # fmt: skip

METRIC_TABLE = {"metrics.base", "metrics.measures", "metrics.registry"}
"""Which metrics there are and how they are shown: what torch-free rooms may import of ``metrics``."""

BOTTOM = {"_utils", "errors", "_version"}
"""Every room may import these."""

# Room -> rooms, or modules of them, that it may import beside itself and BOTTOM. ``__init__`` and ``__main__`` are the
# top: the public API and ``python -m srspace_eval``.
DIRECTION: dict[str, set[str]] = {
    "errors": set(),
    "_version": set(),
    "_utils": set(),
    "schemas": set(),
    "leaderboards": set(),
    "kernels": set(),
    "flows": set(),
    "metrics": {"kernels"},
    "tracks": METRIC_TABLE,
    "submissions": {"tracks"},
    "degrade": {"kernels.cubic", "submissions"},
    "results": {"tracks"},
    "ranking": {"results", "tracks", "metrics.psnr.floor", *METRIC_TABLE},
    "report": {"ranking", "results", "submissions", "tracks", *METRIC_TABLE},
    "study": {"submissions", "ranking", "report", "tracks"},
    "scoring": {"submissions", "metrics", "results", "tracks", "kernels"},
    "models": {"flows", "kernels", "metrics", "submissions", "tracks"},
    "doctor": {"metrics", "models", "results"},
    "codabench": {
        "scoring",
        "submissions",
        "results",
        "ranking",
        "report",
        "tracks",
        "metrics.lpips.weights",
        *METRIC_TABLE,
    },
    "demo": {"metrics", "ranking", "report", "scoring", "tracks"},
}
TOP = {"__init__", "__main__", "cli"}

TORCH_FREE_ROOMS = (
    "errors",
    "_version",
    "_utils",
    "tracks",
    "submissions",
    "results",
    "ranking",
    "report",
    "study",
    "degrade",
    "schemas",
)
TORCH_FREE_MODULES = ("__init__", "__main__", "metrics", *METRIC_TABLE)
MAY_IMPORT_TORCH = {"_utils.devices", "_utils.allocator"}
HEAVY = {"torch", "torchvision", "lpips", "triton", "safetensors", "distributed", "dask"}


def torch_free() -> list[Module]:
    """Modules that import no heavy package, not even inside a function."""
    return [
        module
        for module in modules().values()
        if (module.package in TORCH_FREE_ROOMS or module.name in TORCH_FREE_MODULES)
        and module.name not in MAY_IMPORT_TORCH
    ]


def test_every_module_is_listed_with_its_arrows() -> None:
    def lines(content: str) -> dict[str, str]:
        return {line.partition(":")[0]: line for line in content.splitlines() if line and not line.startswith("#")}

    listed, found = lines(FILE.read_text(encoding="utf-8")), lines(text())
    faults = [f"not listed: {found[name]}" for name in found.keys() - listed.keys()]
    faults += [f"listed, but there is no such module: {name}" for name in listed.keys() - found.keys()]
    faults += [
        f"listed: {listed[name]}\n  found:  {found[name]}"
        for name in found.keys() & listed.keys()
        if listed[name] != found[name]
    ]
    advice = f"Is each arrow wanted? Then run `{COMMAND}`, which rewrites {FILE.name}, and commit the diff."
    assert not faults, "\n".join([*sorted(faults), advice])
    assert FILE.read_text(encoding="utf-8") == text(), advice


def test_arrows_between_rooms_go_one_way() -> None:
    rooms = {module.package for module in modules().values()} - TOP
    assert rooms == DIRECTION.keys(), "every package has its line in DIRECTION, and no other has one"
    wrong = [
        f"{module.name} imports {name}: not in DIRECTION[{module.package!r}] of {Path(__file__).name}"
        for module in modules().values()
        if module.package not in TOP
        for name in module.imports
        if not _allowed(name, {module.package, *BOTTOM, *DIRECTION[module.package]})
    ]
    assert not wrong, "\n".join(wrong)


def _allowed(name: str, allowed: set[str]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in allowed)


def test_the_table_of_directions_has_no_cycle() -> None:
    rooms = {room: {name.partition(".")[0] for name in names} for room, names in DIRECTION.items()}
    assert cycles(rooms) == []


def test_every_listed_direction_is_used() -> None:
    used: dict[str, set[str]] = {room: set() for room in DIRECTION}
    for module in modules().values():
        used.get(module.package, set()).update(_rooms(module))
    unused = [
        f"{room} imports nothing of {allowed}: remove it from DIRECTION"
        for room, names in DIRECTION.items()
        for allowed in {name.partition(".")[0] for name in names} - used[room]
    ]
    assert not unused, "\n".join(sorted(unused))


def test_only_the_top_imports_the_command_line() -> None:
    assert [m.name for m in modules().values() if m.package not in TOP and {"cli", "__init__"} & _rooms(m)] == []


def _rooms(module: Module) -> set[str]:
    return {name.partition(".")[0] for name in module.imports}


def test_no_modules_import_each_other() -> None:
    assert cycles({name: module.imports for name, module in modules().items()}) == []


@pytest.mark.parametrize(
    "package", ["", *(m.name for m in modules().values() if m.is_package and m.name != "__init__")]
)
def test_no_packages_import_each_other(package: str) -> None:
    """Sub-packages count as one: nothing in ``a.b`` imports ``a.c`` while something in ``a.c`` imports ``a.b``."""
    assert cycles(between_children(modules(), package)) == []


def test_a_cycle_is_found() -> None:
    found = {
        "a": Module("a", True, frozenset({"a.b.c"}), frozenset()),
        "a.b.c": Module("a.b.c", False, frozenset({"a.d"}), frozenset()),
        "a.b.e": Module("a.b.e", False, frozenset(), frozenset()),
        "a.d": Module("a.d", False, frozenset({"a.b.e"}), frozenset()),
    }
    assert cycles({name: module.imports for name, module in found.items()}) == []
    assert cycles(between_children(found, "a")) == [["b", "d"]]
    assert cycles({"x": ["y"], "y": ["z"], "z": ["y"]}) == [["y", "z"]]


@pytest.mark.parametrize("module", torch_free(), ids=lambda module: module.name)
def test_a_torch_free_module_names_no_heavy_package(module: Module) -> None:
    assert not module.third_party & HEAVY


def test_torch_free_modules_load_without_torch() -> None:
    """A leaderboard is rebuilt, and every command shows its help, without torch or other slow packages."""
    commands = [module for module in modules().values() if module.package == "cli"]  # they import torch when they run
    free = [*torch_free(), *commands]
    names = ["srspace_eval" if m.name == "__init__" else f"srspace_eval.{m.name}" for m in free]
    names.remove("srspace_eval.__main__")
    script = f"""
import importlib, sys
for name in {names!r}:
    importlib.import_module(name)
    loaded = set({sorted(HEAVY)!r}) & sys.modules.keys()
    if loaded:
        sys.exit(f"{{name}} imports {{', '.join(sorted(loaded))}}")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_text_files_are_the_same_on_every_system() -> None:
    """Every call that reads or writes text names the encoding; one that writes names the line ending, too."""
    calls = 0
    for path in source_files().values():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and (wanted := _wanted_arguments(node)):
                calls += 1
                assert wanted <= {keyword.arg for keyword in node.keywords}, f"{path}:{node.lineno}"
    assert calls > 3


def _wanted_arguments(call: ast.Call) -> set[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    modes = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    if name == "read_text":
        return {"encoding"}
    if name == "write_text" or (name == "fdopen" and not any("b" in mode for mode in modes)):
        return {"encoding", "newline"}
    return set()
