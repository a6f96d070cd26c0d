"""The imports between the modules of the package, read from its source.

``python -m tests.helpers.architecture`` rewrites ``tests/architecture.txt`` from the source. A reviewer sees new arrows
in the diff; ``tests/test_architecture.py`` fails while the file and the source differ.

An arrow is every import in a module: at its top, inside a function, under ``TYPE_CHECKING``, and
``import_module("...")`` with a fixed name. Imports for types count, because a reader follows them like any other.
Tables of names that are resolved at run time (the lazy public API, the commands, the registry of metrics) do not
count: they are plug-in points, and entry points of other distributions work in the same way.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import srspace_eval
import srspace_eval.kernels
import srspace_eval.leaderboards

PACKAGE = "srspace_eval"
FILE = Path(__file__).resolve().parents[1] / "architecture.txt"
COMMAND = "python -m tests.helpers.architecture"
_HEADER = f"""\
# Every module of the package and what it imports: modules of its own package | other packages | third-party packages.
# Rewritten by: {COMMAND}
"""


@dataclass(frozen=True)
class Module:
    """A module's imports.

    Attributes
    ----------
    name:
        Without the leading ``srspace_eval.``; ``srspace_eval`` itself is ``__init__``, a package is named as itself.
    is_package:
        Whether it is the ``__init__`` of a package.
    imports:
        Modules of the package that it imports, named in the same way.
    third_party:
        Distributions' top-level names, without the standard library.
    """

    name: str
    is_package: bool
    imports: frozenset[str]
    third_party: frozenset[str]

    @property
    def package(self) -> str:
        """The first part of the name: the room of the module."""
        return self.name.partition(".")[0]

    @property
    def line(self) -> str:
        """The module's line in ``architecture.txt``."""
        own = sorted(name for name in self.imports if name.partition(".")[0] == self.package)
        others = sorted({name.partition(".")[0] for name in self.imports} - {self.package})
        columns = (" ".join(column) for column in (own, others, sorted(self.third_party)))
        return f"{self.name}: {' | '.join(columns)}".rstrip()


def source_files() -> dict[str, Path]:
    """Module -> file, for every module of the package, ``kernels`` and ``leaderboards`` included."""
    root = Path(srspace_eval.__file__).parent
    found = dict(_files(root, ""))
    for outside in (srspace_eval.kernels, srspace_eval.leaderboards):
        name = outside.__name__.removeprefix(f"{PACKAGE}.")
        found.update(_files(Path(str(outside.__file__)).parent, name))
    return found


def _files(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*.py")):
        parts = [part for part in (prefix, *path.relative_to(folder).with_suffix("").parts) if part]
        if parts[-1] == "__init__" and len(parts) > 1:
            parts.pop()
        yield ".".join(parts), path


@cache
def modules() -> dict[str, Module]:
    """Name -> module."""
    files = source_files()
    return {name: _read(name, path, files.keys()) for name, path in sorted(files.items())}


def _read(name: str, path: Path, known: Iterable[str]) -> Module:
    known = set(known)
    inside, outside = set(), set()
    for imported in _imported(ast.parse(path.read_text(encoding="utf-8")), path):
        top, _, rest = imported.partition(".")
        if top == PACKAGE:
            while rest and rest not in known:  # a name in a module
                rest = rest.rpartition(".")[0]
            inside.add(rest or "__init__")
        elif top not in sys.stdlib_module_names:
            outside.add(top)
    inside.discard(name)
    return Module(name, path.name == "__init__.py", frozenset(inside), frozenset(outside))


def _imported(tree: ast.AST, path: Path) -> Iterator[str]:
    """Full names: ``a.b`` of ``import a.b``, ``a.b.c`` of ``from a.b import c``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import; write the full name"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call):
            match node.func, node.args:
                case (
                    ast.Name(id="import_module") | ast.Attribute(attr="import_module"),
                    [ast.Constant(str(name)), *_],
                ):
                    yield name


def cycles(arrows: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """The groups of nodes that reach each other, each sorted; empty if the graph has no cycle.

    >>> cycles({"a": ["b"], "b": ["a"], "c": ["a"]})
    [['a', 'b']]
    """
    reached = {node: _reachable(node, arrows) for node in arrows}
    groups = {
        tuple(sorted(other for other in reached[node] if node in reached.get(other, ())))
        for node in arrows
        if node in reached[node]
    }
    return [list(group) for group in sorted(groups)]


def _reachable(node: str, arrows: Mapping[str, Iterable[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(arrows[node])
    while waiting:
        other = waiting.pop()
        if other not in found:
            found.add(other)
            waiting += arrows.get(other, ())
    return found


def between_children(found: Mapping[str, Module], package: str) -> dict[str, set[str]]:
    """Arrows between the direct children of a package, a sub-package counted as one; ``""`` is the whole package.

    The package's own ``__init__`` is the child ``__init__``.
    """
    prefix = f"{package}." if package else ""

    def child(name: str) -> str | None:
        if name == package:
            return "__init__"
        return name.removeprefix(prefix).partition(".")[0] if name.startswith(prefix) else None

    arrows: dict[str, set[str]] = {}
    for module in found.values():
        start = child(module.name)
        if start is not None:
            ends = {child(name) for name in module.imports} - {start, None}
            arrows.setdefault(start, set()).update(end for end in ends if end is not None)
    return arrows


def text() -> str:
    """What ``architecture.txt`` must hold."""
    return _HEADER + "".join(f"{module.line}\n" for module in modules().values())


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8", newline="\n")
