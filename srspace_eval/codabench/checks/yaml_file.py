"""YAML of strangers: plain values without aliases, in memory and time that grow with the file. Imports no torch."""

from __future__ import annotations

import yaml
from yaml.nodes import Node, ScalarNode

LARGEST_YAML = 1 << 18
"""Bytes of a YAML file that are read. A competition of twenty phases takes a twentieth of it."""

_LONGEST_NUMBER = 64
"""Characters of a number. Python turns a long one into text, and one with colons into a value, in quadratic time."""

_PLAIN = ("null", "bool", "int", "float", "timestamp", "str", "seq", "map")


class _Plain(yaml.SafeLoader):
    """The safe loader without aliases and merge keys, which let a few lines stand for any number of values."""

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        if self.check_event(yaml.events.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise ValueError(f"line {mark.line + 1}: *aliases are not read; write the value itself there")
        return super().compose_node(parent, index)

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                line = key.start_mark.line + 1
                raise ValueError(f"line {line}: merge keys (<<) are not read; write the values themselves there")
        super().flatten_mapping(node)

    def short_number(self, node: ScalarNode) -> object:
        if len(node.value) > _LONGEST_NUMBER:
            raise ValueError(f"line {node.start_mark.line + 1}: a number has more than {_LONGEST_NUMBER} characters")
        if node.tag.endswith(":int"):
            return self.construct_yaml_int(node)
        return self.construct_yaml_float(node)


# A bundle needs no sets, pairs or bytes, so YAML's tags for them are refused.
_Plain.yaml_constructors = {
    tag: constructor
    for tag, constructor in yaml.SafeLoader.yaml_constructors.items()
    if tag is None or tag.rpartition(":")[2] in _PLAIN
}
for _tag in ("int", "float"):
    _Plain.add_constructor(f"tag:yaml.org,2002:{_tag}", _Plain.short_number)


def read_yaml(data: bytes) -> object:
    """The value of a YAML file.

    Raises
    ------
    ValueError
        If it is too large, not UTF-8, not YAML, nested too deeply, or has aliases, merge keys, sets, pairs, bytes or
        numbers of more than 64 characters.

    Examples
    --------
    >>> read_yaml(b"version: 2")
    {'version': 2}
    >>> read_yaml(b"a: &a [x]\\nb: *a")
    Traceback (most recent call last):
    ValueError: line 2: *aliases are not read; write the value itself there
    """
    if len(data) > LARGEST_YAML:
        raise ValueError(f"larger than {LARGEST_YAML} bytes; put long texts into pages")
    try:
        return yaml.load(data.decode(), _Plain)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except (yaml.YAMLError, LookupError, AttributeError, TypeError, ArithmeticError) as error:
        # All but the first come from values that do not fit their tag, such as `!!int ""`.
        raise ValueError(
            str(error)[:1000] if isinstance(error, yaml.YAMLError) else f"a value is invalid ({error})"
        ) from None
