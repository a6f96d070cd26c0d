"""Typed documents: what JSON or TOML holds, checked against a type in one call.

A document's type is a :class:`msgspec.Struct`: its annotations are its specification, :func:`convert` checks data
against them, and :func:`json_schema` publishes them. Nothing is coerced: 8.9 is not a whole number, and a text is not
a number.
"""

from __future__ import annotations

import datetime
import re
import threading
import typing
from types import UnionType
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, inspect

from srspace_eval._utils.untrusted_text import visible

T = TypeVar("T")

# A pattern's $ also matches before an end of line at the end. Each text has max_length, or (?!\n) after the $.
NO_NUL = "^[^\\x00]*$"
"""The pattern of texts without NUL."""
Text = Annotated[str, Meta(pattern=NO_NUL, description="a text without NUL")]
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64, description="64 hexadecimal digits")]
"""A SHA-256."""

_STEP = re.compile(r"\.(\w+)|\[(\d+|\.\.\.)\]")
_MISSING = re.compile(r"Object missing required field `(.*?)`")
_UNKNOWN = re.compile(r"Object contains unknown field `.*`")
_LONGEST_VALUE = 60

_BUILD = threading.Lock()
_BUILT: set[object] = set()
"""The types that msgspec has read the annotations of."""


class DocumentError(ValueError):
    """Data that is not of its type. The message is one line: the field, what is expected, what was found."""


def convert(data: object, kind: type[T]) -> T:
    """The data as a value of the type, without coercion.

    Parameters
    ----------
    data
        What a JSON or TOML reader returned.
    kind
        The type, usually a :class:`msgspec.Struct`.

    Raises
    ------
    DocumentError
        If the data is of another form.

    Examples
    --------
    >>> class Size(msgspec.Struct):
    ...     height: int
    >>> convert({"height": 8}, Size)
    Size(height=8)
    >>> convert({"height": 8.9}, Size)
    Traceback (most recent call last):
    srspace_eval._utils.documents.DocumentError: height: expected a whole number, found 8.9
    """
    _build(kind)
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise DocumentError(_explain(str(error), data, kind)) from error
    except UnicodeEncodeError as error:
        raise DocumentError("a key or choice contains half a character (a lone surrogate)") from error


def _build(kind: object) -> None:
    """Let msgspec read the type's annotations, in one thread.

    msgspec does so when a type is used for the first time. Two threads that do so at once can end the process with a
    segmentation fault, as they did in a study's server.
    """
    if kind not in _BUILT:
        with _BUILD:
            msgspec.json.Decoder(kind)
            _BUILT.add(kind)


def json_schema(kind: type, additional: dict[type, object] | None = None) -> dict[str, Any]:
    """The JSON Schema of a document's type.

    Parameters
    ----------
    kind
        The type of the document.
    additional
        Struct -> type of the values that it may hold under keys of any other name.
    """
    extra = additional or {}
    (schema, *others), components = msgspec.json.schema_components([kind, *extra.values()])
    for struct, values in zip(extra, others, strict=True):
        components[struct.__name__]["additionalProperties"] = values
    for component in components.values():
        if "description" in component:  # the docstring: its examples are for readers of the code
            component["description"] = component["description"].partition("\n\n    Examples\n")[0]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "$defs": components}


def _explain(message: str, data: Any, kind: Any) -> str:
    """msgspec's message in plain words, with the value and what its type allows."""
    text, _, path = message.partition(" - at `$")
    place, value, expected = _follow(path.removesuffix("`"), data, kind)
    at = f"{place}: " if place else ""
    if missing := _MISSING.fullmatch(text):
        return f"{at}{missing[1]!r} is missing"
    if _UNKNOWN.fullmatch(text):
        known = [field.encode_name for field in msgspec.structs.fields(_container(expected))]
        unknown = ", ".join(visible(key) for key in value if key not in known)
        return f"{at}unknown key {unknown}; known are {', '.join(known)}"
    if isinstance(value, str) and "\0" in value:
        return f"{at}contains a NUL character"
    if isinstance(value, (datetime.date, datetime.time)):  # TOML has dates
        shown = value.isoformat()
        return f'{at}expected {_describe(inspect.type_info(expected))}, found a date or time; write "{shown}" in quotes'
    return f"{at}expected {_describe(inspect.type_info(expected))}, found {_short(value)}"


def _follow(path: str, data: Any, kind: Any) -> tuple[str, Any, Any]:
    """The place that a path of msgspec's names, the value there, and the type that is declared for it."""
    place = ""
    for name, index in _STEP.findall(path):
        kind = _container(kind)
        if name:
            hints = typing.get_type_hints(kind, include_extras=True)
            place += f".{name}"
            data, kind = data[name], hints[name]
        elif isinstance(data, dict):  # msgspec does not name the key
            kind = typing.get_args(kind)[1]
            key = next(key for key in data if not _fits(data[key], kind))
            place += f".{visible(key)}"
            data = data[key]
        else:
            kind = typing.get_args(kind)[0]
            place += f"[{index}]"
            data = data[int(index)]
    return place.removeprefix("."), data, kind


def _container(kind: Any) -> Any:
    """The type without its constraints; of a union, the member that can hold other values."""
    if typing.get_origin(kind) is Annotated:
        return _container(typing.get_args(kind)[0])
    members = typing.get_args(kind) if isinstance(kind, UnionType) or typing.get_origin(kind) is typing.Union else ()
    return next((_container(member) for member in members if member not in (type(None), msgspec.UnsetType)), kind)


def _fits(value: Any, kind: Any) -> bool:
    _build(kind)
    try:
        msgspec.convert(value, kind)
    except ValueError:
        return False
    return True


def _describe(kind: inspect.Type) -> str:
    """What a type allows, in words."""
    if isinstance(kind, inspect.Metadata):
        return str((kind.extra_json_schema or {}).get("description") or _describe(kind.type))
    if isinstance(kind, inspect.IntType):
        return "a whole number" + _range(kind)
    if isinstance(kind, inspect.FloatType):
        return "a number" + _range(kind)
    if isinstance(kind, inspect.StrType):
        return "a text that is not empty" if kind.min_length else "a text"
    if isinstance(kind, inspect.LiteralType):
        return " or ".join(repr(value) for value in kind.values)
    if isinstance(kind, inspect.UnionType):
        return " or ".join(_describe(member) for member in kind.types)
    if isinstance(kind, (inspect.ListType, inspect.VarTupleType)):
        return ("a list that is not empty, each item " if kind.min_length else "a list, each item ") + _describe(
            kind.item_type
        )
    if isinstance(kind, (inspect.DictType, inspect.StructType, inspect.DataclassType)):
        return "an object (a table in TOML)"
    return {inspect.BoolType: "true or false", inspect.NoneType: "null"}.get(type(kind), "a value")


def _range(kind: inspect.IntType | inspect.FloatType) -> str:
    if kind.ge is None:
        return ""
    return f" of at least {kind.ge}" if kind.le is None else f" from {kind.ge} to {kind.le}"


def _short(value: object) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    if isinstance(value, int) and value.bit_length() > 256:
        return f"a number of {value.bit_length()} bits"
    shown = repr(value)
    return shown if len(shown) <= _LONGEST_VALUE else f"{shown[:_LONGEST_VALUE]}…"
