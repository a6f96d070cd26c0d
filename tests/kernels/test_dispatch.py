from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
import torch

from srspace_eval import kernels
from srspace_eval.errors import InputError, Notice
from srspace_eval.kernels import dispatch

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "_told", set())
    monkeypatch.setattr(dispatch, "_used", {})
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)


def test_the_cpu_runs_the_fast_form_and_the_reference_on_request() -> None:
    assert dispatch.choose("resampling", CPU) == "fast"
    assert dispatch.choose("distance maps", CPU, "reference") == "reference"
    assert dispatch.forms_used() == {"distance maps": "reference", "resampling": "fast"}


def test_a_form_that_cannot_run_is_replaced_with_one_notice() -> None:
    with pytest.warns(Notice, match=r"resampling: the Triton form cannot run \(.*\); the fast torch form runs"):
        assert dispatch.choose("resampling", CPU, "triton") == "fast"
    assert dispatch.choose("resampling", CPU, "triton") == "fast"  # warnings are errors here: no second notice
    assert dispatch.forms_used() == {"resampling": "fast"}


def test_a_notice_on_cuda_without_triton(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "find_spec", lambda name: None)
    with pytest.warns(Notice, match="the package triton is not installed"):
        assert dispatch.choose("resampling", torch.device("cuda")) == "fast"


def test_the_notice_has_the_reason_if_triton_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    if torch.cuda.is_available():
        pytest.skip("it works here")
    dispatch._failure.cache_clear()
    monkeypatch.setattr(dispatch, "find_spec", lambda name: object())
    with pytest.warns(Notice, match=r"distance maps: the Triton form cannot run \(\w+: .+\); the fast torch form runs"):
        assert dispatch.choose("distance maps", torch.device("cuda")) == "fast"
    dispatch._failure.cache_clear()


def test_triton_that_computes_something_else_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    other = SimpleNamespace(resample=lambda *arguments: torch.tensor([[[8]]]))
    monkeypatch.setattr(kernels, "resampling_triton", other, raising=False)
    monkeypatch.setitem(sys.modules, "srspace_eval.kernels.resampling_triton", other)
    assert dispatch._failure.__wrapped__(CPU) == "it computed 8 instead of 7"


def test_unknown_forms_are_named() -> None:
    with pytest.raises(InputError, match="unknown kernel form 'numba'; choose one of reference, fast, triton"):
        dispatch.choose("resampling", CPU, "numba")
