"""Trunks with random weights, and the installed package ``lpips`` as a second implementation."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from srspace_eval.metrics.lpips.network import LPIPS


@pytest.fixture(scope="session")
def alex(alexnet: Path) -> LPIPS:
    """LPIPS with the parity cases' synthetic AlexNet trunk."""
    return LPIPS("alex", weights=alexnet)


@pytest.fixture(scope="session")
def both(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[LPIPS, Any]]:
    """net -> our LPIPS and the package's spatial one, on the same random trunk and the calibrated weights."""
    folder = tmp_path_factory.mktemp("random-trunks")

    @cache
    def make(net: str) -> tuple[LPIPS, Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torchvision's deprecations
            import lpips

            torch.manual_seed(7)
            theirs = lpips.LPIPS(net=net, spatial=True, pnet_rand=True, verbose=False)
        state = {"features." + name.split(".", 1)[1]: value for name, value in theirs.net.state_dict().items()}
        state["classifier.1.weight"] = torch.zeros(2, 2)  # torchvision's files hold it too
        torch.save(state, folder / f"{net}.pth")
        return LPIPS(net, weights=folder / f"{net}.pth"), theirs

    return make
