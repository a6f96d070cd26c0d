from __future__ import annotations

from srspace_eval.results.signature import Signature


def test_conflicts_compare_shared_groups_only() -> None:
    a = Signature({"common": {"scale": 4}, "lpips": {"net": "alex"}})
    assert a.conflicts(Signature({"common": {"scale": 4}, "ssim": {"border": 0}})) == []
    assert a.conflicts(Signature({"common": {"scale": 8}, "lpips": {"net": "vgg", "x": 1}})) == [
        "common.scale: 4 / 8", "lpips.net: alex / vgg", "lpips.x: None / 1",
    ]  # fmt: skip
    assert a.id == Signature({"lpips": {"net": "alex"}, "common": {"scale": 4}}).id
    assert a.id != Signature({"common": {"scale": 4}}).id
