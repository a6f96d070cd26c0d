"""Stand-ins for what a pickle of ``torch.save`` would make, and the storages of its tensors. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_BYTES = {"Bool": 1, "Byte": 1, "Char": 1, "Short": 2, "Half": 2, "BFloat16": 2, "Int": 4, "Float": 4, "Long": 8,
          "Double": 8, "ComplexFloat": 8, "ComplexDouble": 16}  # fmt: skip
STORAGES = {f"torch.{name}Storage": size for name, size in _BYTES.items()} | {"torch.storage.UntypedStorage": 1}
"""Class of a storage -> bytes of one number."""


FLOATS = frozenset(f"torch.{name}" for name in ("float16", "bfloat16", "float32", "float64", "float8_e4m3fn",
                                               "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz"))  # fmt: skip
"""Types of parameters, as PyTorch prints them. It cannot convert some other types that it can read."""
WHOLE_NUMBERS = frozenset(
    f"torch.{name}" for name in ("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
)
"""Types of the other tensors of a network."""


@dataclass
class Made:
    """What an instruction would make.

    Attributes
    ----------
    kind
        "global" (``name`` says which), "dict", "storage" (``size`` numbers), "tensor", "parameter", "set", "value".
    size
        Entries of a dict; numbers of a storage.
    """

    kind: str
    name: str = ""
    size: int = 0


class RefusedError(Exception):
    """Why a pickle is refused."""


class Storages:
    """The numbers that the tensors of a pickle use. Each is stored once, and the file must have them.

    Parameters
    ----------
    sizes
        File of the zip -> its bytes; None for an old file, in which all numbers follow the pickles.
    left
        Bytes that an old file has.
    """

    def __init__(self, sizes: dict[str, int] | None, left: int) -> None:
        self.sizes, self.left = sizes, left
        self.known: dict[str, tuple[str, int]] = {}

    def find(self, given: Any) -> Made:
        """The storage that a persistent id names: "storage", class, key, device, numbers, and a view in old files."""
        require(type(given) is tuple and len(given) == (6 if self.sizes is None else 5), "strange storage")
        word, kind, key, device, size = given[:5]
        require(word == "storage" and is_global(kind, *STORAGES), "strange storage")
        require(type(key) is str and type(device) is str and type(size) is int and size >= 0, "strange storage")
        self._count(key, kind.name, size)
        if len(given) == 6 and given[5] is not None:
            view = given[5]
            require(type(view) is tuple and len(view) == 3 and type(view[0]) is str, "strange storage")
            begin, size = view[1:]
            require(are_sizes((begin, size)) and begin + size <= given[4], "tensor larger than its numbers")
        return Made("storage", size=size)

    def _count(self, key: str, kind: str, size: int) -> None:
        if key in self.known:
            # PyTorch reads a storage again if the second use differs. Empty ones share a key in files of torch.save.
            require(self.known[key] == (kind, size) or self.known[key][1] == size == 0, "storage of two sizes")
            return
        self.known[key] = (kind, size)
        size *= STORAGES[kind]
        if self.sizes is not None:
            require(size <= self.sizes.get(f"data/{key}", 0), "tensor larger than its numbers")
        self.left -= size if self.sizes is None else 0
        require(self.left >= 0, "tensor larger than its numbers")


def is_global(made: Any, *names: str) -> bool:
    """Whether it is one of these globals."""
    return kind_of(made) == "global" and made.name in names


def kind_of(made: Any) -> str:
    """The kind of a stand-in; an empty text for a list, a tuple, a text or a number."""
    return made.kind if type(made) is Made else ""


def are_sizes(values: tuple[Any, ...]) -> bool:
    """Whether all are integers from 0."""
    return all(type(value) is int and value >= 0 for value in values)


def require(fine: bool, what: str) -> None:
    """Refuse the pickle unless ``fine``.

    Raises
    ------
    RefusedError
        With ``what`` it holds.
    """
    if not fine:
        raise RefusedError(f"it holds a {what}, and no state dict does")
