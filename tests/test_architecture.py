"""The arrows of the house: who may import whom, and who must never pull in torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import srspace_eval
import srspace_eval.kernels

ROOT = Path(srspace_eval.__file__).parent
KERNELS = Path(srspace_eval.kernels.__file__).parent

# part of the package -> the parts that it may import beside itself and BASE
BASE = {"errors", "_version", "_json", "_files", "images", "tracks", "results"}
ALLOWED = {
    "errors": set[str](),
    "_version": set[str](),
    "_json": set[str](),
    "_files": set[str](),
    "images": {"errors", "_files"},
    "results": {"errors", "_json", "_files", "metrics"},
    "tracks": {"errors", "_files", "metrics", "naming"},
    "devices": {"errors"},
    "kernels": {"errors"},
    "metrics": {"errors", "_files", "kernels", "weights", "devices", "_version"},
    "flows": {"errors", "kernels"},
    "models": BASE | {"flows", "kernels", "metrics", "devices", "naming", "submission", "sources"},
    "bootstrap": {"errors"},
    "ranking": BASE | {"metrics", "bootstrap"},
    "published": BASE | {"metrics", "ranking"},
    "report": BASE | {"metrics", "ranking", "submission", "sources", "naming"},
    "study": BASE | {"metrics", "submission", "sources", "naming", "ranking", "report"},
}
TORCH_FREE = [
    "cli",
    "tracks",
    "results",
    "journal",
    "bootstrap",
    "ranking",
    "published",
    "report",
    "study",
    "metrics.info",
    "submission",
    "inspection",
    "shards",
]


def files() -> list[tuple[str, Path]]:
    found = [(path.relative_to(ROOT).parts[0].removesuffix(".py"), path) for path in ROOT.rglob("*.py")]
    return found + [("kernels", path) for path in KERNELS.rglob("*.py")]


def imports(path: Path) -> set[str]:
    """The parts of the package that a file imports, wherever in it."""
    parts = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            pieces = name.split(".")
            if pieces[0] == "srspace_eval" and len(pieces) > 1:
                parts.add(pieces[1])
    return parts


@pytest.mark.parametrize("part", ALLOWED)
def test_arrows_go_one_way(part: str) -> None:
    mine = [path for name, path in files() if name == part]
    if part in ("errors", "tracks", "metrics", "kernels"):
        assert mine
    for path in mine:
        extra = imports(path) - ALLOWED[part] - {part, "__version__"}
        assert not extra, f"{path} imports {extra}"


def test_nobody_but_the_command_line_imports_the_command_line() -> None:
    for name, path in files():
        if name not in ("cli", "__main__"):
            assert "cli" not in imports(path), path


def test_what_a_laptop_needs_imports_no_torch() -> None:
    existing = [
        m for m in TORCH_FREE if (ROOT / m.replace(".", "/")).exists() or (ROOT / f"{m.replace('.', '/')}.py").exists()
    ]
    script = "import sys\n" + "".join(f"import srspace_eval.{m}\n" for m in existing)
    script += "assert 'torch' not in sys.modules, 'torch'\nassert 'lpips' not in sys.modules, 'lpips'\n"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def text_files() -> list[tuple[str, ast.Call, set[str]]]:
    """Calls that open a file as text, or read or write one: where, the call, what must be said in it."""
    found = []
    for _, path in files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            modes = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            text = not any("b" in mode for mode in modes)
            if name == "read_text":
                found.append((f"{path.name}:{node.lineno}", node, {"encoding"}))
            elif name == "write_text" or (name == "fdopen" and text):
                found.append((f"{path.name}:{node.lineno}", node, {"encoding", "newline"}))
    return found


def test_text_files_are_the_same_on_every_system() -> None:
    calls = text_files()
    assert len(calls) > 3
    for where, call, wanted in calls:
        assert wanted <= {keyword.arg for keyword in call.keywords}, where
