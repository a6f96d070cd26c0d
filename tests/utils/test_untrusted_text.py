from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srspace_eval._utils.untrusted_text import escape_cell, name_key, slug, spelled, unescape_cell


@pytest.mark.parametrize(
    "team",
    ["../../etc/passwd", "con", "COM1", "a/b", "a\\b", "x" * 500, "\u202eevil", "", " ", "ü", "<b>", "a.", "nul"],
)
def test_slugs_are_safe_and_distinct(team: str) -> None:
    name = slug(team)
    assert name.isascii()
    assert 0 < len(name) < 80
    assert not set(name) & set('/\\:*?"<>|. ')
    assert name.lower() not in {"con", "nul", "com1"}
    assert slug(team + "!") != name


def test_plain_names_stay() -> None:
    assert slug("Deepest") == "Deepest"
    assert slug("a-b") != slug("a b")


@given(st.text(st.sampled_from("=+-@;'\" \t\rau\\012\u202e\x00\U000e0041\n＝"), max_size=12))
def test_cells_are_read_back_and_never_computed(text: str) -> None:
    cell = escape_cell(text)
    assert unescape_cell(cell) == text
    assert cell.isprintable()
    # Excel with a decimal comma splits the line at semicolons, and takes quotes and blanks off.
    assert all(not part.lstrip(' "').startswith(("=", "+", "-", "@", "＝")) for part in cell.split(";"))


@pytest.mark.parametrize(
    "other",
    [
        "deepest",
        "D\u0435epest",
        "\uff24eepest",
        "Deep\u200best",
        "Deepest ",
        " Deepest",
        "Dee\xadpest",
        "De\u034fepest",
        "Deepest\ufe0f",
        "Deepest\u2800",
        "Deepest\U000e0041",
        "D\u0435\u0435\u0440\u0435\u0455t",
        "D\u212fepest",
        "De\uab32pest",
        "\ua4d3eepest",  # Lisu
        "\u13a0eepest",  # Cherokee
    ],
)
def test_names_that_look_alike_have_one_key(other: str) -> None:
    assert other != "Deepest"
    assert name_key(other) == name_key("Deepest")


@pytest.mark.parametrize(
    ("other", "latin"),
    [
        ("\u0397AT", "HAT"),  # Greek capital eta; its small letter looks like n
        ("\u0397\u0391\u03a4", "HAT"),
        ("\u0392icubic", "Bicubic"),
        ("\u0421\u041d\u0410\u041c\u0420", "CHAMP"),
        ("\u039cambaIR", "MambaIR"),
        ("\u00dc\u0397AT", "\u00dcHAT"),
        ("S\u0251NN", "SaNN"),
        ("SR-\u2160", "SR-I"),
        ("SRFl\u03c3w", "SRFlow"),
        ("Team \u0417", "Team 3"),
        ("\u13fcicubic", "Bicubic"),  # Cherokee, which is folded to its capitals
        ("Team\t1", "Team 1"),
        ("e\x1f\u0301", "e \u0301"),
    ],
)
def test_capitals_and_letters_of_any_script_are_compared_by_their_look(other: str, latin: str) -> None:
    assert name_key(other) == name_key(latin) == name_key(name_key(other))
    assert "\\u" in spelled(other)


def test_case_does_not_count_in_other_scripts() -> None:
    assert name_key("\u0397\u039b\u0399\u039f\u03a3") == name_key("\u03b7\u03bb\u03b9\u03bf\u03c2")
    assert name_key("\u0421\u041e\u0412\u0410 x") == name_key("\u0441\u043e\u0432\u0430 X")


def test_blanks_within_a_name_are_one() -> None:
    assert name_key("Team  1") == name_key("Team\xa01") == name_key("Team 1") != name_key("Team1")


def test_names_of_other_scripts_stay_apart() -> None:
    names = ["深度", "深层", "Сова", "Совы", "βVAE", "VAE", "Ünal", "Unal", "한국", "عمق", "Æon", "Eon"]
    names += ["rnet", "mnet", "l1", "ll"]
    assert len({name_key(name) for name in names}) == len(names)
