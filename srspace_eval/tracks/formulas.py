"""Formulas of track files: a whitelist of Python's expressions over values and ranks, evaluated on arrays.

Own code, because the packages for this (simpleeval, asteval, numexpr) have a record of sandbox escapes. Nothing is
compiled or executed here: the parsed tree is walked, and a node that is not on the whitelist is an error.

A formula may hold numbers, ids, ``+ - * / **``, comparisons, ``and``, ``or``, ``not``, ``x if c else y`` and the
functions of :data:`FUNCTIONS`. All numbers are float64. A missing value is NaN, and what depends on it is NaN as well:
a comparison with a missing value is neither true nor false. A division by zero, the logarithm of a number that is
not positive and a finite computation that exceeds float64 are missing values, too. Imports no torch.
"""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from srspace_eval.errors import TrackError

Floats = npt.NDArray[np.float64]

MAX_CHARACTERS = 1000
MAX_NODES = 300
MAX_DEPTH = 40


def _mean(*values: Floats) -> Floats:
    return np.asarray(_sum(*values) / len(values))


def _sum(*values: Floats) -> Floats:
    return np.asarray(reduce(np.add, values))


def _minimum(*values: Floats) -> Floats:
    return np.asarray(reduce(np.minimum, values))  # NaN if one of them is


def _maximum(*values: Floats) -> Floats:
    return np.asarray(reduce(np.maximum, values))


def _log(x: Floats) -> Floats:
    return np.log(np.where(x > 0, x, np.nan))


def round_as_shown(x: Floats, digits: int = 0) -> Floats:
    """Round to decimals as ``f"{x:.2f}"`` does: correctly, of the number that float64 really holds.

    >>> round_as_shown(np.array([26.895, 2.675]), 2).tolist()
    [26.89, 2.67]
    """
    rounded = np.atleast_1d(np.round(x, digits))
    flat, source = rounded.reshape(-1), np.atleast_1d(np.asarray(x, dtype=np.float64)).reshape(-1)
    power = 10.0**digits
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = np.abs(source) * power
        close = np.flatnonzero(np.isfinite(scaled) & (np.abs(scaled - np.floor(scaled) - 0.5) < 1e-6))
    # NumPy scales before it rounds, which can cross a tie. Next to a tie, the rounding error of the scaling decides.
    below = np.floor(scaled[close])
    over = (scaled[close] - below - 0.5) + _scaling_error(np.abs(source[close]), power, scaled[close])
    whole = below + np.where(over == 0, below % 2, over > 0)
    flat[close] = np.copysign(whole / power, source[close])
    return rounded.reshape(np.shape(x))


def _scaling_error(x: Floats, power: float, product: Floats) -> Floats:
    """x * power - product, exactly (T. J. Dekker, A floating-point technique for extending the available precision,
    Numerische Mathematik 18, 1971). The factors are below 2^52."""
    split = 2.0**27 + 1
    high = split * x - (split * x - x)
    low = x - high
    power_high = split * power - (split * power - power)
    power_low = power - power_high
    return low * power_low - (((product - high * power_high) - low * power_high) - high * power_low)


FUNCTIONS: dict[str, tuple[int, int | None, Callable[..., Floats]]] = {
    "min": (1, None, _minimum),
    "max": (1, None, _maximum),
    "abs": (1, 1, np.abs),
    "sqrt": (1, 1, np.sqrt),
    "exp": (1, 1, np.exp),
    "log": (1, 1, _log),
    "mean": (1, None, _mean),
    "sum": (1, None, _sum),
}
"""Name -> least number of arguments, most (None: any), what it computes. ``round``, ``rank`` and ``baseline`` beside
these take a whole number or an id, and are handled by the evaluator."""

_SPECIAL = ("round", "rank", "baseline", "per_image_rank")

_OPERATORS: dict[type[ast.operator], Callable[[Floats, Floats], Floats]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: lambda a, b: np.asarray(a / np.where(b == 0, np.nan, b)),
    ast.Pow: np.power,
}

_COMPARISONS: dict[type[ast.cmpop], Callable[[Floats, Floats], npt.NDArray[np.bool_]]] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}


@dataclass(frozen=True)
class Formula:
    """A checked formula; made by :func:`parse`.

    Attributes
    ----------
    text
        As it is written in the track file.
    ids, ranked, baselines
        The ids whose values, whose ranks (``rank(id)``) and whose baseline's values (``baseline(id)``) it reads.
    per_image
        The ids of each ``per_image_rank(id, ...)``.
    """

    text: str
    ids: frozenset[str]
    ranked: frozenset[str]
    baselines: frozenset[str]
    per_image: frozenset[tuple[str, ...]]
    _tree: ast.expr = field(repr=False, compare=False)

    @property
    def parts(self) -> int:
        """How many numbers, ids, functions and operators it has: its work for one value."""
        return sum(isinstance(node, ast.expr) for node in ast.walk(self._tree))

    @property
    def reads(self) -> frozenset[str]:
        """All ids that it names."""
        return self.ids | self.ranked | self.baselines | {name for names in self.per_image for name in names}

    @property
    def is_condition(self) -> bool:
        """Whether its value is true or false: a comparison, or comparisons joined by ``and``, ``or`` and ``not``."""
        return _is_condition(self._tree)

    def evaluate(
        self,
        values: Mapping[str, Floats],
        ranks: Mapping[str, Floats] | None = None,
        baseline: Mapping[str, Floats] | None = None,
        per_image: Mapping[tuple[str, ...], Floats] | None = None,
    ) -> Floats:
        """Evaluate the formula on arrays.

        Parameters
        ----------
        values
            Id -> values, float64, all of shapes that broadcast; NaN is a missing value.
        ranks
            Id -> ranks, for ``rank(id)``.
        baseline
            Id -> the baseline entry's value, for ``baseline(id)``.
        per_image
            Ids -> mean ranks over images, for ``per_image_rank(id, ...)``.

        Returns
        -------
        Floats
            float64 array. A condition gives 1 (true), 0 (false) or NaN (a value is missing).
        """
        evaluator = _Evaluator(values, ranks or {}, baseline or {}, per_image or {})
        with np.errstate(all="ignore"):
            return evaluator.of(self._tree)


def parse(text: str, where: str) -> Formula:
    """Check a formula.

    Parameters
    ----------
    where
        The file and key, for messages.

    Raises
    ------
    TrackError
        If the text is not such a formula. The message names the column of the mistake.

    Examples
    --------
    >>> parse("exp(2 * runtime / baseline(runtime))", "track.toml: [derived] score").ids
    frozenset({'runtime'})
    """
    if len(text) > MAX_CHARACTERS:
        raise TrackError(f"{where}: the formula has {len(text)} characters; at most {MAX_CHARACTERS} are allowed")
    text = text.strip()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns of texts such as "1if"
            tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        column = getattr(error, "offset", None)
        place = f" at column {column}" if column else ""
        reason = getattr(error, "msg", None) or "nested too deeply"
        raise TrackError(f"{where}: the formula {text!r} cannot be read{place}: {reason}") from None
    nodes = sum(1 for node in ast.walk(tree) if isinstance(node, ast.expr))
    if nodes > MAX_NODES:
        raise TrackError(f"{where}: the formula has {nodes} parts; at most {MAX_NODES} are allowed")
    checker = _Checker(text, where)
    checker.check(tree)
    return Formula(
        text,
        frozenset(checker.ids),
        frozenset(checker.ranked),
        frozenset(checker.baselines),
        frozenset(checker.per_image),
        tree,
    )


class _Checker:
    """Refuses every node that is not on the whitelist, and collects the ids."""

    def __init__(self, text: str, where: str) -> None:
        self.text, self.where = text, where
        self.ids: set[str] = set()
        self.ranked: set[str] = set()
        self.baselines: set[str] = set()
        self.per_image: set[tuple[str, ...]] = set()
        self.depth = 0

    def check(self, node: ast.expr) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self._fail(node, f"it is nested more than {MAX_DEPTH} deep")
        self._check(node)
        self.depth -= 1

    def _check(self, node: ast.expr) -> None:
        match node:
            case ast.Constant(value=value):
                self._number(node, value)
            case ast.Name(id=name):
                if name in FUNCTIONS or name in _SPECIAL:
                    self._fail(node, f"{name} is a function; write {name}(...)")
                self.ids.add(name)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Not(), operand=operand):
                self.check(operand)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                self._check(left)  # a long sum is a deep tree to the left; MAX_NODES bounds it
                self.check(right)
            case ast.BoolOp(values=parts):
                for part in parts:
                    self.check(part)
            case ast.Compare(left=left, ops=ops, comparators=others) if all(type(op) in _COMPARISONS for op in ops):
                for part in (left, *others):
                    self.check(part)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                for part in (test, body, orelse):
                    self.check(part)
            case ast.Call():
                self._call(node)
            case _:
                self._fail(node, f"{self._what(node)} is not allowed")

    def _call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else None
        if name is None or (name not in FUNCTIONS and name not in _SPECIAL):
            known = ", ".join([*FUNCTIONS, *_SPECIAL])
            self._fail(node, f"only these functions can be called: {known}")
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            self._fail(node, f"{name} takes plain arguments only")
        if name in ("rank", "baseline"):
            if len(node.args) != 1 or not isinstance(node.args[0], ast.Name):
                self._fail(node, f"{name} takes one id, as {name}(psnr)")
            (self.ranked if name == "rank" else self.baselines).add(node.args[0].id)
            return
        if name == "per_image_rank":
            names = tuple(argument.id for argument in node.args if isinstance(argument, ast.Name))
            if not names or len(names) != len(node.args):
                self._fail(node, "per_image_rank takes ids, as per_image_rank(niqe, brisque)")
            self.per_image.add(names)
            return
        if name == "round":
            digits = node.args[1] if len(node.args) == 2 else ast.Constant(0)
            if len(node.args) not in (1, 2) or not _is_digits(digits):
                self._fail(node, "round takes a value and a whole number of decimals from 0 to 9, as round(psnr, 2)")
            self.check(node.args[0])
            return
        least, most, _ = FUNCTIONS[name]
        if len(node.args) < least or (most is not None and len(node.args) > most):
            wanted = f"{least}" if most == least else f"{least} or more"
            self._fail(node, f"{name} takes {wanted} argument{'s' if wanted != '1' else ''}, not {len(node.args)}")
        for argument in node.args:
            self.check(argument)

    def _number(self, node: ast.expr, value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self._fail(node, f"{self._what(node)} is not allowed")
        try:
            finite = math.isfinite(value)
        except OverflowError:
            finite = False
        if not finite:
            self._fail(node, "the number is too large")

    def _what(self, node: ast.expr) -> str:
        segment = ast.get_source_segment(self.text, node) or type(node).__name__
        return segment if len(segment) <= 40 else f"{segment[:39]}…"

    def _fail(self, node: ast.expr, message: str) -> NoReturn:
        raise TrackError(f"{self.where}: the formula {self.text!r}, column {node.col_offset + 1}: {message}")


class _Evaluator:
    def __init__(
        self,
        values: Mapping[str, Floats],
        ranks: Mapping[str, Floats],
        baseline: Mapping[str, Floats],
        per_image: Mapping[tuple[str, ...], Floats],
    ) -> None:
        self.values, self.ranks, self.baseline, self.per_image = values, ranks, baseline, per_image

    def of(self, node: ast.expr) -> Floats:
        match node:
            case ast.Constant(value=value):
                return np.asarray(value, dtype=np.float64)
            case ast.Name(id=name):
                return self.values[name]
            case ast.UnaryOp(op=op, operand=operand):
                x = self.of(operand)
                if isinstance(op, ast.Not):
                    return _tri(x == 0, x)
                return np.asarray(-x if isinstance(op, ast.USub) else x)
            case ast.BinOp(left=left, op=op, right=right):
                sides = [self.of(left), self.of(right)]
                return _without_overflow(_OPERATORS[type(op)](*sides), sides)
            case ast.BoolOp(op=op, values=parts):
                return self._logic([self.of(part) for part in parts], all_of=isinstance(op, ast.And))
            case ast.Compare(left=left, ops=ops, comparators=others):
                sides = [self.of(part) for part in (left, *others)]
                steps = zip(ops, sides, sides[1:], strict=False)
                return self._logic([_tri(_COMPARISONS[type(op)](a, b), a, b) for op, a, b in steps], all_of=True)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                condition = self.of(test)
                return _tri_value(np.where(condition != 0, self.of(body), self.of(orelse)), condition)
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._call(name, arguments)
        raise AssertionError(node)  # the checker lets nothing else through

    def _call(self, name: str, arguments: list[ast.expr]) -> Floats:
        if name in ("rank", "baseline"):
            assert isinstance(arguments[0], ast.Name)
            return (self.ranks if name == "rank" else self.baseline)[arguments[0].id]
        if name == "per_image_rank":
            return self.per_image[tuple(argument.id for argument in arguments if isinstance(argument, ast.Name))]
        if name == "round":
            digits = arguments[1].value if len(arguments) == 2 and isinstance(arguments[1], ast.Constant) else 0
            assert isinstance(digits, int)
            return round_as_shown(self.of(arguments[0]), digits)
        given = [self.of(argument) for argument in arguments]
        return _without_overflow(FUNCTIONS[name][2](*given), given)

    @staticmethod
    def _logic(parts: list[Floats], *, all_of: bool) -> Floats:
        """Three-valued ``and`` and ``or``: a missing value matters only where the others do not decide."""
        decides = _sum(*(np.asarray((part == 0) if all_of else (part != 0) & ~np.isnan(part)) for part in parts)) > 0
        missing = _sum(*(np.isnan(part) for part in parts)) > 0
        other = 0.0 if all_of else 1.0
        return np.where(decides, other, np.where(missing, np.nan, 1.0 - other))


def _without_overflow(result: Floats, operands: Sequence[Floats]) -> Floats:
    """NaN where finite operands give an infinite result, which would make different entries equal."""
    finite = reduce(np.logical_and, (np.isfinite(operand) for operand in operands))
    return np.where(np.isinf(result) & finite, np.nan, result)


def _tri(result: npt.NDArray[np.bool_], *operands: Floats) -> Floats:
    """1 and 0 for true and false, NaN where an operand is missing."""
    return _tri_value(np.where(result, 1.0, 0.0), *operands)


def _tri_value(value: Floats, *operands: Floats) -> Floats:
    missing = reduce(np.logical_or, (np.isnan(operand) for operand in operands))
    return np.where(missing, np.nan, value)


def _is_condition(node: ast.expr) -> bool:
    match node:
        case ast.Compare():
            return True
        case ast.BoolOp(values=parts):
            return all(map(_is_condition, parts))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _is_condition(operand)
        case ast.IfExp(body=body, orelse=orelse):
            return _is_condition(body) and _is_condition(orelse)
    return False


def _is_digits(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int and 0 <= node.value <= 9
