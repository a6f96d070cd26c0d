"""A small result with an infinite and an undefined value."""

from __future__ import annotations

import math

from srspace_eval.results.record import ImageRecord, Result, SampleRecord
from srspace_eval.results.signature import Signature

RESULT = Result(
    team="njtech&seu",
    track="x4",
    signature=Signature({"common": {"scale": 4}, "lpips": {"net": "alex", "trunk_sha256": "ab" * 32}}, {"torch": "2"}),
    images=(
        ImageRecord(
            "0801", 8, 16, "c" * 64, {"lpips": 0.1, "lr_psnr": math.inf, "diversity": None},
            {"diversity_curve": (0.0, None)},
            (SampleRecord(0, "000000_sample00000.png", "d" * 64, {"lpips": 0.1, "lr_psnr": math.inf}),),
        ),
    ),
    summary={"lpips": 0.1, "lr_psnr": math.inf, "diversity": None},
    curves={"diversity_curve": (0.0, None)},
    notes=("a note",),
    provenance={"seed": 0},
)  # fmt: skip
