"""Formulas: what they compute, and that nothing else than formulas is read."""

from __future__ import annotations

import ast

import numpy as np
import pytest

from srspace_eval.errors import TrackError
from srspace_eval.tracks.formulas import MAX_CHARACTERS, MAX_DEPTH, MAX_NODES, parse, round_as_shown

NAN = np.nan
VALUES = {"lpips": np.array([0.1, NAN, 0.3]), "psnr": np.array([26.896, 30.0, 26.894]), "inf_": np.array(np.inf)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("11.5 < psnr <= 27", [1, 0, 1]),
        ("lpips < 0.2", [1, NAN, 0]),
        ("lpips < 0.2 or psnr >= 30", [1, 1, 0]),
        ("lpips < 0.2 and psnr >= 30", [0, NAN, 0]),
        ("not lpips < 0.2", [0, NAN, 1]),
        ("round(psnr, 2) >= 26.90", [1, 1, 0]),
        ("0 if psnr > 28 else mean(1, 2, psnr - psnr)", [1, 0, 1]),
        ("min(lpips, 0.2) + max(0, abs(-1))", [1.1, NAN, 1.2]),
        ("sqrt(4) + exp(0) + log(1) + sum(1, 2, 3) + 2 ** 3", 17.0),
        ("9**9**9**9", NAN),
        ("exp(psnr * 1000) + sum(1e308, 1e308)", NAN),
        ("exp(inf_ + 0) - 1", np.inf),
        ("1/0", NAN),
        ("log(-1) + log(0)", NAN),
    ],
)
def test_a_formula_gives(text: str, expected: float | list[float]) -> None:
    np.testing.assert_allclose(parse(text, "here").evaluate(VALUES), expected, rtol=1e-15)


def test_ids_ranks_and_baselines_are_told_apart() -> None:
    formula = parse("min(rank(a), rank(b)) + c / baseline(d) + per_image_rank(e, f)", "here")
    assert [set(formula.ids), set(formula.ranked), set(formula.baselines)] == [{"c"}, {"a", "b"}, {"d"}]
    assert formula.per_image == {("e", "f")}
    assert formula.reads == set("abcdef")


@pytest.mark.parametrize(
    "text",
    [
        '__import__("os")', "().__class__", "a.b", "a[0]", '"x"', "lambda: 1", "[1]", "{1}", "1j", "True", "None",
        "f(1)", "(x:=1)", "x if", "min()", "abs(1,2)", "rank(1)", "rank(a, b)", "round(a, b)", "round(a, 99)",
        "max(*a)", "min(x=1)", "a @ b", "a // b", "a % b", "a << 1", "a & b", "~a", "a is b", "a in b", "psnr psnr",
        "9" * 999, "-" * 999 + "x", "(" * 500, "1e999", "+".join(["x"] * 301), "x" * 1001, "min", "await x", 'f"{x}"',
        "a\x00b", "...", "a if b else c.d", "", "  ", 'exec("1")', "rank(rank(a))", "min(a)(b)", "per_image_rank()",
        "per_image_rank(1)", "abs(" * 45 + "x" + ")" * 45, "-" * 290 + "x", "[x for x in y]", "x; y", "import os",
    ],
)  # fmt: skip
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(TrackError, match=r"^mine\.toml: score"):
        parse(text, "mine.toml: score")


@pytest.mark.parametrize(
    ("text", "column"), [("1 + a.b", 5), ("psnr > 2 and open(x)", 14), ("max(1, [2])", 8), (" 1 + 'x'", 5)]
)
def test_the_message_names_the_column(text: str, column: int) -> None:
    with pytest.raises(TrackError, match=f"column {column}: "):
        parse(text, "here")


def test_limits_hold_just_where_they_are() -> None:
    assert parse("1" + " " * (MAX_CHARACTERS - 1), "here").evaluate({}) == 1
    most = "+".join("x" * ((MAX_NODES + 1) // 2))
    nodes = sum(isinstance(node, ast.expr) for node in ast.walk(ast.parse(most)))
    assert nodes == MAX_NODES - 1
    assert parse(most, "here").evaluate({"x": np.array(2.0)}) == 2 * ((MAX_NODES + 1) // 2)
    with pytest.raises(TrackError, match="parts"):
        parse(most + "+x", "here")
    parse("-" * (MAX_DEPTH - 1) + "x", "here")
    with pytest.raises(TrackError, match="nested"):
        parse("-" * MAX_DEPTH + "x", "here")


def test_rounding_is_that_of_printed_numbers() -> None:
    values = np.random.default_rng(0).uniform(0, 50, 20_000)
    values = np.concatenate([values, np.round(values[:5000], 3), [26.895, 2.675, -0.125, np.inf, np.nan]])
    for digits in (0, 2, 3):
        shown = [float(f"{value:.{digits}f}") for value in values]
        np.testing.assert_array_equal(round_as_shown(values, digits), shown)
