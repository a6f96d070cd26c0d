from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srspace_eval.errors import TrackError
from srspace_eval.tracks.names import Template


@given(st.integers(0, 10**7), st.integers(0, 10**6))
def test_format_and_parse_are_inverse(index: int, sample: int) -> None:
    template = Template("{index:06d}_sample{sample:05d}.png")
    name = template.format(index=index, sample=sample)
    assert template.parse(name) == {"index": index, "sample": sample}


@pytest.mark.parametrize(
    "name",
    ["00001_sample00001.png", "0000001_sample00001.png", "000001_sample1.png", "000001_sample00001.PNG", "000001.png",
     "٠٠٠٠٠١_sample00001.png", "x000001_sample00001.png", "000001_sample00001.png\n"],
)  # fmt: skip
def test_only_the_canonical_spelling_is_a_name(name: str) -> None:
    assert Template("{index:06d}_sample{sample:05d}.png").parse(name) is None


def test_stem_may_hold_anything_that_the_gt_holds() -> None:
    assert Template("{stem}_sample{sample:05d}.png").parse("img_(3)_sample00004.png") == {
        "stem": "img_(3)",
        "sample": 4,
    }


@pytest.mark.parametrize(
    "text",
    [
        "{index",
        "{sample:05d}.png",
        "{index}_{index}.png",
        "{index:x}.png",
        "{team}.png",
        "{stem:>4}.png",
        "{index.real}.png",
        "{}.png",
    ],
)
def test_malformed_templates_are_named(text: str) -> None:
    with pytest.raises(TrackError, match="name template"):
        Template(text)
