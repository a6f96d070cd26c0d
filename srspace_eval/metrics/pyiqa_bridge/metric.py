"""A metric of pyiqa, declared. Imports neither torch nor pyiqa."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from srspace_eval.errors import InputError
from srspace_eval.metrics.base import Metric, MetricInfo, Needs, NetworkSettings, RunInputs, Setting
from srspace_eval.metrics.known_columns import KNOWN_COLUMNS
from srspace_eval.metrics.steps import AnyPrepared, ImageInputs, SampleMean

if TYPE_CHECKING:
    from srspace_eval.metrics.pyiqa_bridge.network import PyiqaNetwork

PREFIX = "pyiqa:"
"""How the names of these metrics begin."""


@dataclass(frozen=True)
class PyiqaMetric(Metric):
    """A metric of pyiqa. Its ``name``, ``columns`` and ``needs`` follow from the options.

    Attributes
    ----------
    model
        pyiqa's name: ``"musiq"``.
    label
        In tables; empty: the name.
    better
        Which values are better; it must be given for metrics that are not well known.
    gt
        Whether the metric compares with the GT.
    digits
        Decimals in tables.
    seed
        Of Python's, NumPy's and torch's generators before each picture.
    """

    needs: ClassVar[Needs] = Needs()
    model: str = ""
    label: str = ""
    better: Literal["", "lower", "higher"] = ""
    gt: bool = True
    digits: int = 4
    seed: int = 123

    def __post_init__(self) -> None:
        if not self.better:
            raise InputError(f'{PREFIX}{self.model} is not a well-known metric: write better = "lower" or "higher"')
        known = next((info.direction for info in KNOWN_COLUMNS if info.id == self.model), self.better)
        if self.better != known:
            raise InputError(
                f'better = "{self.better}" is wrong, because {known} values of {PREFIX}{self.model} are better; '
                f'leave it out, or write better = "{known}"'
            )
        if self.seed < 0 or not 0 <= self.digits <= 9:
            raise InputError("seed must not be negative, and digits must be from 0 to 9")
        label = self.label or self.model
        info = MetricInfo(
            f"{PREFIX}{self.model}", label, "", self.digits, self.better, label,
            f"{label}, measured by the package pyiqa, mean over samples.",
        )  # fmt: skip
        needs = Needs(gt=self.gt, weights=f"the package pyiqa with the weights of {self.model}")
        for key, value in (("name", info.id), ("columns", (info,)), ("needs", needs)):
            object.__setattr__(self, key, value)

    @property
    def network(self) -> str:
        return self.name

    def load_network(self, settings: NetworkSettings) -> PyiqaNetwork:
        from srspace_eval.metrics.pyiqa_bridge.network import PyiqaNetwork

        return PyiqaNetwork(self.model, lower=self.better == "lower", gt=self.gt, device=settings.device)

    def prepare(self, image: ImageInputs) -> AnyPrepared:
        network: PyiqaNetwork = image.networks[self.network]
        gt = image.gt if self.gt else None
        return SampleMean(lambda sr: {self.name: network.score(sr, gt, self.seed)})

    def signature(self, run: RunInputs) -> Mapping[str, Setting]:
        return {"better": self.better, "gt": self.gt, "seed": self.seed}

    def columns_as(self, measure_id: str) -> tuple[MetricInfo, ...]:
        (info,) = self.columns
        label = info.label if measure_id == self.model else f"{info.label} ({measure_id})"
        return (replace(info, id=measure_id, label=label, tex=label.replace("_", r"\_")),)
