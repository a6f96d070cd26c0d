"""What a pickle of ``torch.save`` would make, found before PyTorch reads it. Imports no torch.

PyTorch's reader with ``weights_only`` runs no code of a file, but calls functions whose work has no bound: an encoding
that doubles a text, a storage that is read again and again, a dict of numbers with one hash. Here the instructions are
followed without making anything. Only what a state dict needs passes: few functions, with few kinds of arguments.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import re
from pathlib import Path
from typing import IO, Any

from srspace_eval._utils.bounded_zip import TORCH_LIMITS, BoundedZip
from srspace_eval._utils.pickle_parts import (
    STORAGES,
    Made,
    RefusedError,
    Storages,
    are_sizes,
    is_global,
    kind_of,
    require,
)  # fmt: skip

_MOST_STEPS = 2_000_000
"""Instructions of a pickle, and entries that its functions copy. A state dict has about 30 for each tensor."""
_MOST_NUMBERS = 10_000  # dict keys that are numbers; they can all have one hash
_MOST_ENCODED = 1 << 20  # characters of bytes objects, which are pickled as texts
_MOST_DIMENSIONS = 1000

_TENSORS = {f"torch._utils._rebuild_{name}" for name in ("tensor", "tensor_v2", "tensor_v3")}
_DICTS = {"collections.OrderedDict", "collections.Counter"}
_PARAMETER = "torch.nn.parameter.Parameter"
_OTHERS = {"_codecs.encode", "torch.Size", "torch.device", "torch.Tensor", _PARAMETER,
           "torch._tensor._rebuild_from_type_v2", "torch._utils._rebuild_parameter",
           "torch._utils._rebuild_parameter_with_state"}  # fmt: skip
_DTYPE = re.compile(r"torch\.(bool|[a-z]+\d\w*)")  # only a value: PyTorch calls none
_HARMLESS = {"builtins.bytearray", "builtins.complex", "builtins.set"}  # no code, but of any size, and needless


def reason_to_refuse(path: Path) -> str | None:
    """Why a file of ``torch.save`` is not read: it is damaged, or would take far more than a state dict does.

    Returns
    -------
    str or None
        The reason; None if the file may be read.

    Raises
    ------
    pickle.UnpicklingError
        If the file is not a pickle. If it names a function or class that PyTorch does not call. If it has an
        instruction that PyTorch does not know.
    OSError, zipfile.BadZipFile
        If the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(4)
            if head != b"PK\3\4":  # as PyTorch decides: an old file, of five pickles and then numbers
                if head[:1] != b"\x80":
                    raise pickle.UnpicklingError("no pickle begins here")
                file.seek(0)
                storages = Storages(None, path.stat().st_size)
                for _ in range(5):
                    _follow(file, storages)
                return None
        with BoundedZip(path, TORCH_LIMITS) as archive:
            infos = archive.infolist()
            # PyTorch looks for all files in the folder of the first.
            if len({info.filename.partition("/")[0] for info in infos}) > 1:
                return "it holds several folders, and PyTorch writes one"
            sizes = {info.filename.partition("/")[2]: info.file_size for info in infos}
            for info in infos:  # by entry: two may have one name
                if info.filename.casefold().endswith("data.pkl"):
                    _follow(io.BytesIO(archive.read(info)), Storages(sizes, 0))
    except RefusedError as refused:
        return str(refused)
    except (ValueError, IndexError, KeyError):  # of pickletools, and of a stack that is empty
        return "its pickle is damaged"
    return None


def _follow(file: IO[bytes], storages: Storages) -> None:
    """Follow one pickle, and raise if it does what no state dict does."""
    _Machine(storages).run(file)


class _Machine:
    """The stack of PyTorch's reader, with stand-ins for what it would make."""

    def __init__(self, storages: Storages) -> None:
        self.storages = storages
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.steps = self.numbers = self.encoded = 0

    def run(self, file: IO[bytes]) -> None:
        arg: Any
        for code, arg, _ in pickletools.genops(file):
            self._work(1)
            name = code.name
            if name in ("BINUNICODE", "SHORT_BINSTRING", "BININT", "BININT1", "BININT2", "BINFLOAT", "LONG1"):
                self.stack.append(arg)
            elif name in ("BINGET", "LONG_BINGET"):
                self.stack.append(self.memo[arg])
            elif name in ("BINPUT", "LONG_BINPUT"):
                require(arg < self.steps, "memo of strange numbers")  # a pickler counts from 0
                self.memo[arg] = self.stack[-1]
            elif name in _SIMPLE:
                self.stack.append(_SIMPLE[name]())
            elif name not in ("PROTO", "STOP"):
                action = getattr(self, f"_{name.lower()}", None) if name in _ACTIONS else None
                if action is None:
                    raise pickle.UnpicklingError(f"Unsupported operand {name}")
                action(arg)

    def _work(self, amount: int) -> None:
        self.steps += amount
        if self.steps > _MOST_STEPS:
            raise RefusedError(f"its pickle has more than {_MOST_STEPS} instructions, and no state dict needs so many")

    def _global(self, arg: str) -> None:
        name = re.sub("^__builtin__ ", "builtins.", arg).replace(" ", ".", 1)
        if name in _HARMLESS or (name.startswith("torch._utils.") and name not in _TENSORS | _OTHERS):
            require(False, name.rpartition(".")[2].removeprefix("_rebuild_").replace("_", " "))
        if not (name in STORAGES or name in _TENSORS or name in _DICTS or name in _OTHERS or _DTYPE.fullmatch(name)):
            raise pickle.UnpicklingError(f"Unsupported global: {name[:200]}")
        self.stack.append(Made("global", name))

    def _reduce(self, _: object) -> None:
        args = self.stack.pop()
        function = self.stack[-1]
        require(type(args) is tuple and type(function) is Made and function.kind == "global", "strange call")
        self.stack[-1] = self._call(function.name, args)

    def _newobj(self, _: object) -> None:
        args = self.stack.pop()
        require(is_global(self.stack[-1], _PARAMETER, "collections.OrderedDict"), "strange object")
        self.stack[-1] = self._call(self.stack[-1].name, args)

    def _call(self, name: str, args: tuple[Any, ...]) -> Made:
        """What a function gives, if its arguments are those of a state dict."""
        kinds = [getattr(arg, "kind", "") for arg in args]
        made = Made("value")
        if name in _TENSORS:
            require(4 <= len(args) <= 8 and kinds[0] == "storage", "strange tensor")
            offset, size, stride = args[1:4]
            fine = type(size) is type(stride) is tuple and len(size) == len(stride) <= _MOST_DIMENSIONS
            self._work(len(size) if fine else 0)
            require(fine and are_sizes((offset, *size, *stride)), "tensor of strange shape")
            last = offset + sum((side - 1) * step for side, step in zip(size, stride, strict=True))
            require(0 in size or last < args[0].size, "tensor larger than its numbers")
            made.kind = "tensor"
        elif name in _DICTS:
            made.kind = "dict"
            if args:
                self._fill(made, name, args)
        elif name == "_codecs.encode":  # how a bytes object is pickled
            require(len(args) == 2 and type(args[0]) is str and args[1] == "latin1", "strange encoding")
            self.encoded += len(args[0])
            require(self.encoded <= _MOST_ENCODED, "large bytes object")
        elif name == "torch.Size":
            fine = len(args) == 1 and type(args[0]) is tuple and len(args[0]) <= _MOST_DIMENSIONS
            self._work(len(args[0]) if fine else 0)  # it makes a copy
            require(fine and are_sizes(args[0]), "tensor of strange shape")
        elif name == "torch.device":
            require(len(args) in (1, 2) and all(type(arg) in (str, int) for arg in args), "strange device")
        elif name == "torch._tensor._rebuild_from_type_v2":  # a tensor with attributes
            fine = len(args) == 4 and is_global(args[0], *_TENSORS, "torch._utils._rebuild_parameter")
            require(
                fine and is_global(args[1], "torch.Tensor", _PARAMETER) and type(args[2]) is tuple, "strange tensor"
            )
            made = self._call(args[0].name, args[2])
            self._attributes(args[3])
        elif name in (_PARAMETER, *_OTHERS) and name.startswith(("torch.nn.", "torch._utils.")):
            require(1 <= len(args) <= 4 and kinds[0] in ("tensor", "parameter"), "strange parameter")
            if len(args) == 4:
                self._attributes(args[3])
            made.kind = "parameter"
        else:
            require(False, "strange call")
        return made

    def _fill(self, made: Made, name: str, args: tuple[Any, ...]) -> None:
        """A Counter of a dict, or an OrderedDict of pairs (Python 2 wrote them)."""
        require(len(args) == 1, "strange dict")
        (given,) = args
        if name == "collections.Counter":
            require(kind_of(given) == "dict", "strange dict")
            made.size = given.size
        else:
            require(type(given) is list, "strange dict")
            made.size = len(given)
            for pair in given:
                require(type(pair) in (list, tuple) and len(pair) == 2, "strange dict")
                self._key(pair[0])
        self._work(made.size)

    def _build(self, _: object) -> None:
        state = self.stack.pop()
        owner = self.stack[-1]
        if kind_of(owner) == "dict":
            self._attributes(state)
        else:  # of PyTorch 0.3: needs gradients, is volatile, hooks
            require(kind_of(owner) == "parameter" and type(state) is tuple and len(state) == 3, "strange object")

    def _attributes(self, state: Any) -> None:
        """Attributes of a tensor or of an OrderedDict: a dict, or a dict and that of slots."""
        for part in state if type(state) is tuple and len(state) == 2 else (state,):
            require(part is None or kind_of(part) == "dict", "strange attributes")
            self._work(0 if part is None else part.size)

    def _key(self, key: Any) -> None:
        if type(key) is int and abs(key) < 1 << 63:
            self.numbers += 1
            require(self.numbers <= _MOST_NUMBERS, f"dict of more than {_MOST_NUMBERS} numbers")
        else:
            require(type(key) is str, "dict with a strange key")
            self._work(len(key) >> 10)  # equal keys are compared whole

    def _set(self, target: Any, keys: list[Any]) -> None:
        require(kind_of(target) == "dict", "strange dict")
        target.size += len(keys)
        for key in keys:
            self._key(key)

    def _setitem(self, _: object) -> None:
        self.stack.pop()
        key = self.stack.pop()
        self._set(self.stack[-1], [key])

    def _setitems(self, _: object) -> None:
        items = self._popped()
        self._set(self.stack[-1], items[::2])

    def _append(self, _: object) -> None:
        item = self.stack.pop()
        self._extend([item])

    def _appends(self, _: object) -> None:
        self._extend(self._popped())

    def _extend(self, items: list[Any]) -> None:
        require(type(self.stack[-1]) is list, "strange list")
        self.stack[-1].extend(items)

    def _mark(self, _: object) -> None:
        self.below.append(self.stack)
        self.stack = []

    def _popped(self) -> list[Any]:
        items, self.stack = self.stack, self.below.pop()
        return items

    def _tuple(self, _: object) -> None:
        items = self._popped()
        self.stack.append(tuple(items))

    def _tuple1(self, _: object) -> None:
        self.stack[-1:] = [(self.stack[-1],)]

    def _tuple2(self, _: object) -> None:
        self.stack[-2:] = [(self.stack[-2], self.stack[-1])]

    def _tuple3(self, _: object) -> None:
        self.stack[-3:] = [(self.stack[-3], self.stack[-2], self.stack[-1])]

    def _binpersid(self, _: object) -> None:
        self.stack.append(self.storages.find(self.stack.pop()))


_SIMPLE: dict[str, Any] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": lambda: Made("dict"),
    "EMPTY_SET": lambda: Made("set"),
}
_ACTIONS = {"GLOBAL", "REDUCE", "NEWOBJ", "BUILD", "SETITEM", "SETITEMS", "APPEND", "APPENDS", "MARK", "TUPLE",
            "TUPLE1", "TUPLE2", "TUPLE3", "BINPERSID"}  # fmt: skip
