"""Seeded changes of bytes, texts and JSON values, for a fuzzer without coverage."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from typing import Any

NUMBERS = (
    "0", "-0", "-1", "1", "2", "0.5", "1e308", "1e999", "-1e999", "5e-324", "NaN", "inf", "Infinity", "255", "256",
    "65535", "65536", "2147483647", "2147483648", "4294967295", "18446744073709551616", "9" * 400, "1_0", "0x10", "1e",
    "\u0664", "\uff11", "+3", " 7", "1,5",
)  # fmt: skip
STRINGS = (
    "", " ", "\0", "a\0b", "\ud800", "\udcff", "\u202e", "\u200b", "=1+1", "../x", "/etc/passwd", "a" * 5000, "\n",
    "\r",
    "\x1b[2J", "<script>", "{0}", "%s", "{number:09999999d}", "__class__", "nan", "true", "null", "'", '"', "\\",
    "e\u0301", "\ufeff", "\u0130", "\U0010ffff", "\u2028", "con", ".", "..", "x4", "team", "lpips", "\u0397AT",
)  # fmt: skip
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
_BYTES = (b"\0", b"\xff", b"\x7f", b"\x80", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0")


def mutated(corpus: Sequence[bytes], tokens: Sequence[bytes], chance: random.Random) -> bytes:
    """One of the corpus with one to five changes."""
    data = bytearray(chance.choice(corpus))
    for _ in range(chance.choice((1, 1, 2, 3, 5))):
        _change(data, corpus, tokens, chance)
        if len(data) > 100_000:
            del data[100_000:]
    return bytes(data)


def _change(data: bytearray, corpus: Sequence[bytes], tokens: Sequence[bytes], chance: random.Random) -> None:
    at = chance.randrange(len(data) + 1)
    end = min(len(data), at + chance.choice((1, 1, 2, 4, 8, 64, 1000)))
    kind = chance.randrange(9)
    if kind == 0 and data:
        data[at % len(data)] ^= 1 << chance.randrange(8)
    elif kind == 1:
        data[at:end] = chance.choice(_BYTES)
    elif kind == 2:
        del data[at:end]
    elif kind == 3:
        data[at:at] = data[at:end] * chance.choice((1, 1, 2, 50))
    elif kind == 4 and tokens:
        data[at : chance.choice((at, end))] = chance.choice(tokens)
    elif kind == 5:
        other = chance.choice(corpus)
        begin = chance.randrange(len(other) + 1)
        data[at:end] = other[begin : begin + chance.choice((4, 40, 400))]
    elif kind == 6:
        del data[at:]
    elif kind == 7 and (found := list(_NUMBER.finditer(data))):
        place = chance.choice(found)
        data[place.start() : place.end()] = chance.choice(NUMBERS).encode()
    else:
        data[at:at] = chance.choice(STRINGS).encode("utf-8", "surrogatepass")


def mutated_text(corpus: Sequence[str], tokens: Sequence[str], chance: random.Random) -> str:
    """One of the corpus with one to four pieces inserted, replaced or removed, or a text of pieces alone."""
    pieces = (*STRINGS, *tokens)
    if chance.random() < 0.2:
        return "".join(chance.choice(pieces) for _ in range(chance.randrange(6)))
    text = chance.choice(corpus)
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(len(text) + 1)
        end = min(len(text), at + chance.choice((0, 0, 1, 3, 10)))
        new = chance.choice(("", chance.choice(pieces), chr(chance.choice((chance.randrange(0x80), _char(chance))))))
        text = text[:at] + new + text[end:]
    return text


def _char(chance: random.Random) -> int:
    return chance.choice((chance.randrange(0x250), chance.randrange(0x3000), chance.randrange(0x110000)))


def mutated_json(document: Any, chance: random.Random) -> bytes:
    """A JSON document with one to three values replaced, removed, repeated or nested; sometimes with a key twice."""
    value = json.loads(json.dumps(document))
    for _ in range(chance.choice((1, 1, 2, 3))):
        places = list(_places(value))
        holder, key = chance.choice(places)
        kind = chance.randrange(6)
        if kind == 0:
            del holder[key]
        elif kind == 1:
            other, its = chance.choice(places)
            with_it = other[its] if _has(other, its) else None
            holder[key] = json.loads(json.dumps(with_it))
        elif kind == 2:
            holder[key] = [holder[key]] if chance.random() < 0.5 else {"a": holder[key]}
        elif kind == 3 and isinstance(holder, list):
            holder.append(json.loads(json.dumps(holder[key])))
        else:
            holder[key] = _value(chance)
    text = json.dumps(value)
    if chance.random() < 0.1:
        text = text.replace("{", '{"team": "x", "team": "y", ', 1)
    return text.encode()


def _places(value: Any) -> Any:
    """All (container, key) of a JSON value."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _has(holder: Any, key: Any) -> bool:
    return key in holder if isinstance(holder, dict) else key < len(holder)


def _value(chance: random.Random) -> Any:
    return chance.choice(
        (None, True, False, 0, -1, 1, 1e308, -5.5, 10**30, float("nan"), float("inf"), [], {}, [[]], "inf", *STRINGS)
    )
