"""Every public function, class and method says what it takes, what it gives and what it refuses.

The sections are those of numpydoc. A field of a data class may also be described by a string below it.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import cached_property
from typing import Any

import pytest

import srspace_eval as se

PUBLIC = [name for name in se.__all__ if name != "__version__"]
DESCRIBED = ("Parameters", "Other Parameters", "Attributes")
CANNOT: dict[str, tuple[type, ...]] = {
    "collect_study": (se.InputError,),  # at least one answer counts by then
    "load_track": (se.InputError,),  # becomes a TrackError with the file's name
    "published_tables": (se.RankingError,),  # the package's own files
    "run_demo": (se.InputError, se.TrackError),  # its own pictures and track
    "write_track_template": (se.InputError,),  # becomes a TrackError with the file's name
    "write_bundle": (se.WeightsError,),  # the plan knows its trunk
}
"""Errors that a function cannot raise although its code, read without its values, could."""
NOTHING = (None, "None", "NoReturn", "Never")


def sections(text: str) -> dict[str, list[str]]:
    """Section -> its lines."""
    found: dict[str, list[str]] = {"": []}
    title = ""
    lines = inspect.cleandoc(text).splitlines()
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if line and re.fullmatch(r"-{3,}", below):
            title = line
            found[title] = []
        elif not re.fullmatch(r"-{3,}", line):
            found[title].append(line)
    return found


def entries(lines: list[str]) -> dict[str, str]:
    """Name of each entry of a section -> what is said of it. ``a, b`` are two names with one description."""
    found: dict[str, str] = {}
    names: list[str] = []
    for line in lines:
        if line and not line.startswith((" ", ">>>", "...")):
            names = [name.strip(" *") for name in line.partition(" : ")[0].split(",")]
            assert not set(names) & set(found), f"{names}: described twice"
            found.update(dict.fromkeys(names, ""))
        else:
            for name in names:
                found[name] = f"{found[name]} {line.strip()}".strip()
    return found


def described(text: str) -> dict[str, str]:
    parts = sections(text)
    return {name: said for title in DESCRIBED for name, said in entries(parts.get(title, [])).items()}


def field_strings(kind: type) -> dict[str, str]:
    """Field of a class -> the string below it."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for node, below in zip(tree.body, tree.body[1:], strict=False):
        text = below.value.value if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) else None
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and isinstance(text, str):
            found[node.target.id] = text
    return found


def inner(value: object) -> object:
    """The function of a method, behind the decorators."""
    if isinstance(value, (staticmethod, classmethod)):
        value = value.__func__
    if isinstance(value, (property, cached_property)):
        return value.fget if isinstance(value, property) else value.func
    return value


def callables() -> Iterator[tuple[str, Callable[..., Any]]]:
    """The public functions, and the public methods of the public classes."""
    for name in PUBLIC:
        value = getattr(se, name)
        if not inspect.isclass(value):
            yield name, value
            continue
        for key, part in vars(value).items():
            method = inner(part)
            if key.startswith("_") or isinstance(part, (property, cached_property)) or not inspect.isfunction(method):
                continue
            if method.__doc__ or not inspect.getdoc(getattr(value, key)):  # else it has the base class's docstring
                yield f"{name}.{key}", method


def parameters(function: Callable[..., Any]) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]


def raised(function: Callable[..., Any], depth: int = 2) -> set[type]:
    """The package's errors that a function raises: in its own body, or in functions that it calls by their names."""
    function = inspect.unwrap(function)
    if not inspect.isfunction(function) or not function.__module__.startswith("srspace_eval"):
        return set()
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    known = vars(sys.modules[function.__module__])
    handlers = [part.type for part in ast.walk(tree) if isinstance(part, ast.ExceptHandler) and part.type]
    names = [node.id for part in handlers for node in ast.walk(part) if isinstance(node, ast.Name)]
    handled = tuple(kind for name in names if isinstance(kind := known.get(name), type))
    found: set[type] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
            kind = known.get(node.exc.func.id)
            if isinstance(kind, type) and issubclass(kind, se.SrspaceEvalError):
                found.add(kind)
        elif depth and isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called = known.get(node.func.id)
            if callable(called):
                found |= {kind for kind in raised(called, depth - 1) if not issubclass(kind, handled)}
    return found


CALLABLES = dict(callables())
CLASSES = [name for name in PUBLIC if inspect.isclass(getattr(se, name))]


@pytest.mark.parametrize("name", CALLABLES)
def test_a_function_says_what_it_takes_gives_and_refuses(name: str) -> None:
    function = CALLABLES[name]
    text = function.__doc__
    assert text, "no docstring"
    parts, said = sections(text), described(text)
    assert sorted(said) == sorted(parameters(function)), "the Parameters are others than those of the function"
    empty(said)
    if function.__annotations__.get("return") not in NOTHING:
        given = parts.get("Returns", parts.get("Yields"))
        assert given, "no Returns"
        assert all(entries(given).values()), "Returns: the type stands first, and what it means indented below it"
    errors: list[Any] = [vars(builtins).get(each, getattr(se, each, None)) for each in entries(parts.get("Raises", []))]
    assert all(isinstance(error, type) and issubclass(error, Exception) for error in errors), "Raises: the error first"
    allowed = (*errors, *CANNOT.get(name, ()))
    missing = [kind.__name__ for kind in raised(function) if not issubclass(kind, allowed)]
    assert not missing, "Raises does not name them"


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_says_what_it_is_made_of(name: str) -> None:
    kind = getattr(se, name)
    assert kind.__doc__
    said = {**described(kind.__doc__), **field_strings(kind)}
    empty(said)
    if is_dataclass(kind):
        wanted = [field.name for field in fields(kind) if not field.name.startswith("_")]
    elif "__init__" in vars(kind):
        wanted = parameters(kind)
    else:
        wanted = []
    assert [each for each in wanted if each not in said] == []
    for key, part in vars(kind).items():
        if isinstance(part, (property, cached_property)) and not key.startswith("_"):
            assert inspect.getdoc(part), key


def empty(said: dict[str, str]) -> None:
    """Refuse entries that say nothing, or no more than the name."""
    for name, text in said.items():
        plain = re.sub(r"^(the|an?) |\W+$", "", text.lower())
        assert plain not in ("", name.lower().replace("_", " ")), f"{name}: what is it?"
