"""Fifty forgeries of a result, as functions that change its JSON document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Forgery = Callable[[dict[str, Any]], None]


def _set(*path: str | int, to: Any) -> Forgery:
    def forge(document: dict[str, Any]) -> None:
        place: Any = document
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to(place[path[-1]]) if callable(to) else to

    return forge


def _drop(*path: str | int) -> Forgery:
    def forge(document: dict[str, Any]) -> None:
        place: Any = document
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]

    return forge


def _consistent(metric: str, change: Callable[[float], float]) -> Forgery:
    """Samples, images and summary change together: the document agrees with itself."""

    def forge(document: dict[str, Any]) -> None:
        for image in document["images"]:
            for sample in image["samples"]:
                sample[metric] = change(sample[metric])
            image[metric] = sum(sample[metric] for sample in image["samples"]) / len(image["samples"])
        document["summary"][metric] = sum(image[metric] for image in document["images"]) / len(document["images"])

    return forge


def _swap(container: str, key: str) -> Forgery:
    """Two samples or two images exchange an entry."""

    def forge(document: dict[str, Any]) -> None:
        items = document["images"] if container == "images" else document["images"][0]["samples"]
        items[0][key], items[1][key] = items[1][key], items[0][key]

    return forge


def _without_worst_image(document: dict[str, Any]) -> None:
    worst = max(document["images"], key=lambda image: image["lpips"])
    document["images"].remove(worst)
    for key in document["summary"]:
        values = [image[key] for image in document["images"]]
        document["summary"][key] = sum(values) / len(values)


def _diversity(factor: float) -> Forgery:
    def forge(document: dict[str, Any]) -> None:
        for image in document["images"]:
            image["diversity_curve"] = [value * factor for value in image["diversity_curve"]]
            image["diversity"] = image["diversity_curve"][-1]
        document["diversity_curve"] = [value * factor for value in document["diversity_curve"]]
        document["summary"]["diversity"] *= factor

    return forge


def _duplicate_image(document: dict[str, Any]) -> None:
    document["images"].append(document["images"][0])


def _rename_image(document: dict[str, Any]) -> None:
    document["images"][0]["image"] = "0999"


_FIRST = ("images", 0)
_SAMPLE = ("images", 1, "samples", 2)
_COMMON = ("signature", "settings", "common")
_LPIPS = ("signature", "settings", "lpips")

FORGERIES: dict[str, tuple[Forgery, str]] = {
    # name -> (forgery, the cause that must be among those told)
    "summary lpips": (_set("summary", "lpips", to=0.001), "summary"),
    "summary lpips, a little": (_set("summary", "lpips", to=lambda v: v * 0.999), "summary"),
    "summary lr_psnr": (_set("summary", "lr_psnr", to=lambda v: v + 0.01), "summary"),
    "summary lr_psnr_worst": (_set("summary", "lr_psnr_worst", to=60.0), "summary"),
    "summary lr_psnr infinite": (_set("summary", "lr_psnr", to="inf"), "summary"),
    "summary diversity": (_set("summary", "diversity", to=40.0), "summary"),
    "summary psnr": (_set("summary", "psnr", to=lambda v: v + 1), "summary"),
    "summary undefined": (_set("summary", "lpips", to=None), "summary"),
    "summary without a metric": (_drop("summary", "lr_psnr"), "summary"),
    "summary with another metric": (_set("summary", "ssim", to=0.99), "summary"),
    "curve of the summary": (_set("diversity_curve", 1, to=50.0), "summary"),
    "curve of the summary, cut": (_set("diversity_curve", to=lambda v: v[:1]), "summary"),
    "image lpips": (_set(*_FIRST, "lpips", to=0.001), "value"),
    "image lr_psnr": (_set(*_FIRST, "lr_psnr", to=lambda v: v + 0.01), "value"),
    "image lr_psnr_worst": (_set(*_FIRST, "lr_psnr_worst", to=lambda v: v + 3), "value"),
    "image diversity": (_set(*_FIRST, "diversity", to=45.0), "value"),
    "image best": (_set(*_FIRST, "lpips_local_best", to=lambda v: v / 2), "value"),
    "image psnr": (_set(*_FIRST, "psnr", to=lambda v: v * 1.0001), "value"),
    "image undefined": (_set(*_FIRST, "lpips", to=None), "value"),
    "image without a metric": (_drop(*_FIRST, "lpips_global_best"), "value"),
    "image curve": (_set(*_FIRST, "diversity_curve", 1, to=lambda v: v + 0.01), "value"),
    "image curve, longer": (_set(*_FIRST, "diversity_curve", to=lambda v: [*v, 60.0]), "value"),
    "image curve, missing": (_drop(*_FIRST, "diversity_curve"), "value"),
    "sample lpips": (_set(*_SAMPLE, "lpips", to=0.001), "value"),
    "sample lpips, a little": (_set(*_SAMPLE, "lpips", to=lambda v: v * 0.9999), "value"),
    "sample lr_psnr": (_set(*_SAMPLE, "lr_psnr", to=lambda v: v + 0.001), "value"),
    "sample psnr infinite": (_set(*_SAMPLE, "psnr", to="inf"), "value"),
    "sample undefined": (_set(*_SAMPLE, "lr_psnr", to=None), "value"),
    "sample without a metric": (_drop(*_SAMPLE, "psnr"), "value"),
    "sample with another metric": (_set(*_SAMPLE, "ssim", to=1.0), "value"),
    "all lpips, consistently": (_consistent("lpips", lambda v: v * 0.9), "value"),
    "all lr_psnr, consistently": (_consistent("lr_psnr", lambda v: v + 1), "value"),
    "all psnr, consistently and a little": (_consistent("psnr", lambda v: v + 0.0005), "value"),
    "all diversity, consistently": (_diversity(1.1), "value"),
    "two samples' lpips exchanged": (_swap("samples", "lpips"), "value"),
    "two images' lpips exchanged": (_swap("images", "lpips"), "value"),
    "two images' samples exchanged": (_swap("images", "samples"), "submission"),
    "two samples' digests exchanged": (_swap("samples", "sha256"), "submission"),
    "sample digest": (_set(*_SAMPLE, "sha256", to="0" * 64), "submission"),
    "sample file": (_set(*_SAMPLE, "file", to="better.png"), "submission"),
    "sample number": (_set(*_SAMPLE, "sample", to=7), "submission"),
    "sample left out": (_set("images", 1, "samples", to=lambda v: v[:2]), "submission"),
    "worst image left out": (_without_worst_image, "submission"),
    "image twice": (_duplicate_image, "summary"),
    "image under another name": (_rename_image, "gt"),
    "incomplete": (_set("incomplete", to=["0801: all its samples are missing"]), "submission"),
    "gt digest of an image": (_set(*_FIRST, "gt_sha256", to="1" * 64), "gt"),
    "gt digest of the signature": (_set(*_COMMON, "gt", to="1" * 64), "gt"),
    "size of an image": (_set(*_FIRST, "height", to=8), "gt"),
    "crop": (_set(*_COMMON, "crop", to=1), "signature"),
    "scale": (_set(*_COMMON, "scale", to=8), "signature"),
    "images of the signature": (_set(*_COMMON, "images", to=100), "gt"),
    "trunk": (_set(*_LPIPS, "trunk_sha256", to="2" * 64), "trunk"),
    "calibration": (_set(*_LPIPS, "calibration_sha256", to="2" * 64), "trunk"),
    "precision": (_set(*_LPIPS, "precision", to="float64"), "signature"),
    "convention": (_set("signature", "settings", "lr_psnr", "convention", to="matlab"), "value"),
    "reference": (_set("signature", "settings", "lr_psnr", "reference", to="LR files"), "signature"),
    "signature id": (_set("signature", "id", to="0" * 12), "file"),
    "signature text": (_set("signature", "text", to="common:scale=4"), "file"),
}
"""Name -> (the forgery, a cause that must be told)."""
