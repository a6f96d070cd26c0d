"""The recipe of the worker's image. It is not built here."""

from __future__ import annotations

from importlib.resources import files

from srspace_eval._version import __version__
from srspace_eval.codabench.plan import CompetitionPlan
from srspace_eval.metrics.lpips.weights import trunk_file


def dockerfile(plan: CompetitionPlan) -> str:
    """The recipe of the worker's image: torch, this version of srspace-eval, and the trunks that the metrics need."""
    folder = files("srspace_eval.codabench").joinpath("templates")
    text = folder.joinpath("Dockerfile.txt").read_text(encoding="utf-8")
    trunks = [trunk_file(net) for net in plan.trunks()]
    sums = "\\n".join(f"{trunk.sha256}  {trunk.name}" for trunk in trunks)
    weights = folder.joinpath("Dockerfile_weights.txt").read_text(encoding="utf-8") if trunks else ""
    for key, value in (
        ("@WEIGHTS@\n", weights), ("@VERSION@", __version__), ("@IMAGE@", plan.image),
        ("@NETS@", " ".join(plan.trunks())), ("@SUMS@", sums),
    ):  # fmt: skip
        text = text.replace(key, value)
    return text
