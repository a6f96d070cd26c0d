"""Results that contradict themselves: name -> (the edit of a result's JSON document, words of the error)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from srspace_eval.errors import SrspaceEvalError
from srspace_eval.ranking import rank
from srspace_eval.results.signature import Signature
from srspace_eval.tracks.reader import load_track

from ..boards import make_results, write_board

Edit = Callable[[dict[str, Any]], None]


def signed(change: Callable[[dict[str, Any]], None]) -> Edit:
    """A change of the settings, with the id and text that belong to them."""

    def edit(document: dict[str, Any]) -> None:
        settings = document["signature"]["settings"]
        change(settings)
        document["signature"] |= {"id": Signature(settings).id, "text": Signature(settings).text}

    return edit


def set_everywhere(key: str, value: float) -> Edit:
    def edit(document: dict[str, Any]) -> None:
        for place in (*document["images"], document["summary"]):
            place[key] = value
        curve = f"{key}_curve"
        if curve in document:
            for place in (*document["images"], document):
                place[curve] = [*place[curve][:-1], value]

    return edit


def lower_lpips(document: dict[str, Any]) -> None:
    """All LPIPS values below 0, consistently."""
    for image in document["images"]:
        for key in ("lpips", "lpips_global_best", "lpips_local_best"):
            image[key] -= 1
        for sample in image["samples"]:
            sample["lpips"] -= 1
    for key in ("lpips", "lpips_global_best", "lpips_local_best"):
        document["summary"][key] -= 1


def impossible_psnr(document: dict[str, Any]) -> None:
    """An LR-PSNR that is finite, and larger than any of 8-bit pictures of this size."""
    for image in document["images"]:
        image["lr_psnr"] = image["lr_psnr_worst"] = 200.0
        for sample in image["samples"]:
            sample["lr_psnr"] = 200.0
    document["summary"]["lr_psnr"] = document["summary"]["lr_psnr_worst"] = 200.0


def infinite(document: dict[str, Any]) -> None:
    for image in document["images"]:
        image["lr_psnr"] = "inf"
        for sample in image["samples"]:
            sample["lr_psnr"] = "inf"
    document["summary"]["lr_psnr"] = "inf"


def without_gt(document: dict[str, Any]) -> None:
    for image in document["images"]:
        image["gt_sha256"] = None


def without_values(*keys: str, samples: bool = False) -> Edit:
    """The first image without values, as if they were undefined, and means of the others."""

    def edit(document: dict[str, Any]) -> None:
        image = first(document)
        for place in (image, *(image["samples"] if samples else ())):
            place.update(dict.fromkeys(place.keys() & set(keys)))
        for key in keys:
            found = [one[key] for one in document["images"][1:]]
            document["summary"][key] = sum(found) / len(found)
        if "diversity" in keys:
            image["diversity_curve"] = [None] * len(image["diversity_curve"])
            curves = [one["diversity_curve"] for one in document["images"][1:]]
            document["diversity_curve"] = [sum(values) / len(values) for values in zip(*curves, strict=True)]

    return edit


def without_sample_values(document: dict[str, Any]) -> None:
    """A mean LPIPS that no sample supports."""
    for image in document["images"]:
        image["lpips"] = 0.001
        for sample in image["samples"]:
            del sample["lpips"]
    document["summary"]["lpips"] = 0.001


def other_measure(key: str, metric: str, value: float) -> Edit:
    """A column that is not measured, filled with the values of a metric of this package."""

    def edit(document: dict[str, Any]) -> None:
        signed(lambda settings: settings.update({key: {"metric": metric}}))(document)
        for image in document["images"]:
            for place in (image, *image["samples"]):
                place[key] = value
        document["summary"][key] = value

    return edit


def first(document: dict[str, Any]) -> dict[str, Any]:
    image: dict[str, Any] = document["images"][0]
    return image


EDITS: dict[str, tuple[Edit, str]] = {
    "S_M that g and l do not give": (set_everywhere("diversity", 40.0), "global and local best do not give"),
    "S_M over 100": (set_everywhere("diversity", 130.0), "only 0 to 100 is possible"),
    "negative LPIPS": (lower_lpips, "only 0 to inf is possible"),
    "worst above mean": (set_everywhere("lr_psnr_worst", 60.0), "the worst of its samples"),
    "g that is no sample's": (lambda d: first(d).update(lpips_global_best=0.5), "the best of its samples"),
    "finite LR-PSNR that no picture has": (impossible_psnr, "8-bit pictures give at most"),
    "infinite mean with a floor": (infinite, "lr_psnr is inf, the mean of its samples"),
    "fewer samples than signed": (lambda d: first(d)["samples"].pop(), "samples are there, the signature states 3"),
    "a sample twice": (lambda d: first(d)["samples"][1].update(sample=0), "a sample is there twice"),
    "a file twice": (
        lambda d: first(d)["samples"][1].update(file=first(d)["samples"][0]["file"]), "a sample is there twice",
    ),
    "a sample without a value": (lambda d: first(d)["samples"][1].update(lpips=None), "1 of its samples have none"),
    "an image without LPIPS": (without_values("lpips"), "lpips has no value, although its samples have"),
    "an image and its samples without LPIPS": (
        without_values("lpips", samples=True), "lpips has no value, although other images have",
    ),
    "an image without S_M, g and l": (
        without_values("diversity", "lpips_global_best", "lpips_local_best"), "lpips_global_best has no value",
    ),
    "an image without S_M and l": (without_values("diversity", "lpips_local_best"), "lpips_local_best has no value"),
    "no sample with a value": (without_sample_values, "lpips has a value, and none of its samples has one"),
    "PSNR as NRQM": (other_measure("nrqm", "psnr", 40.0), "nrqm has values, which no measurement gives"),
    "an image twice": (lambda d: d["images"].append(first(d)), "is there 2 times"),
    "an image left out": (lambda d: d["images"].pop(), "3 images are there, 4 were to be measured"),
    "GT digest of an image": (lambda d: first(d).update(gt_sha256="1" * 64), "the GT digests of its images"),
    "no GT digests": (without_gt, "the GT digests of its images"),
    "GT digest of the signature": (signed(lambda s: s["common"].update(gt="1" * 64)), "the GT digests of its images"),
    "empty settings": (signed(lambda s: s.clear()), "states no settings"),
    "another track": (signed(lambda s: s["common"].update(track="x8")), "the signature states track 'x8'"),
    "another scale": (signed(lambda s: s["common"].update(scale=8)), "the signature states scale 8"),
    "a size that the crop does not give": (lambda d: first(d).update(height=63), "is not a multiple of the crop 8"),
    "an id that is not the settings' digest": (lambda d: d["signature"].update(id="0" * 12), "signature.id is"),
    "a text that is not the settings'": (lambda d: d["signature"].update(text="common:scale=4"), "signature.text"),
    "a curve that ends elsewhere": (lambda d: first(d)["diversity_curve"].append(50.0), "diversity_curve has 4 values"),
    "S_1 above 0": (lambda d: first(d)["diversity_curve"].__setitem__(0, 5.0), "S_1 is 0"),
    "a curve of the summary": (lambda d: d["diversity_curve"].__setitem__(1, 99.0), "is not the mean of its images"),
    "no curve of the summary": (lambda d: d.pop("diversity_curve"), "is not the mean of its images"),
    "summary": (lambda d: d["summary"].update(lpips=0.01), "summary.lpips is 0.01"),
    "summary without a metric": (lambda d: d["summary"].pop("lr_psnr"), "summary.lr_psnr is missing"),
    "summary of an incomplete result": (lambda d: d.update(incomplete=["0801"]), "although the result is incomplete"),
}  # fmt: skip


def write_edited(board: Path, name: str) -> Path:
    """Write a board of two teams, and edit the result of the first one. Returns the path of this result."""
    write_board(board, make_results(load_track("x4"), 2, 4, 3, 0))
    path = sorted((board / "x4").glob("*.json"))[0]
    document = json.loads(path.read_text(encoding="utf-8"))
    EDITS[name][0](document)
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def attack(path: Path) -> str:
    """Rank the board of a result; returns the error if it names the file, or an empty text."""
    try:
        rank(path.parents[1], "x4")
    except SrspaceEvalError as error:
        return str(error) if str(path) in str(error) else "the error does not name the file"
    return ""
