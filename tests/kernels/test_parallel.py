from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info

from srspace_eval.kernels import parallel
from srspace_eval.kernels.parallel import for_each


@pytest.fixture(params=[1, 2, 4])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def blas_threads() -> list[int]:
    return [info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"]


@pytest.mark.parametrize("parts", [0, 1, 50])
def test_every_part_is_computed_once(parts: int, threads: int) -> None:
    seen, busy = [], [threading.Lock() for _ in range(threads)]

    def part(index: int, worker: int) -> None:
        with busy[worker]:
            seen.append(index)

    for_each(part, parts)
    assert sorted(seen) == list(range(parts))


def test_products_use_one_thread_inside_and_as_many_as_before_outside(threads: int) -> None:
    np.ones((2, 2)) @ np.ones((2, 2))
    before, inside = blas_threads(), []
    for_each(lambda index, worker: inside.append(blas_threads()), 3)
    assert all(count == 1 for counts in inside for count in counts)
    assert blas_threads() == before


def test_a_failure_is_raised_and_the_next_call_works(threads: int) -> None:
    def part(index: int, worker: int) -> None:
        if index == 3:
            raise ValueError("part 3")

    before = blas_threads()
    with pytest.raises(ValueError, match="part 3"):
        for_each(part, 20)
    assert blas_threads() == before
    done = []
    for_each(lambda index, worker: done.append(index), 20)
    assert len(done) == 20


def test_an_interrupt_at_the_end_costs_the_process_no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    before, controller = blas_threads(), parallel._controller()

    class Interrupted:
        """A limit whose end is interrupted."""

        def __init__(self, **settings: object) -> None:
            self._limit, self._calls = controller.limit(**settings), 0

        def restore_original_limits(self) -> None:
            self._calls += 1
            if self._calls == 1:
                raise KeyboardInterrupt
            self._limit.restore_original_limits()

    with monkeypatch.context() as patch:
        patch.setattr(parallel, "_controller", lambda: SimpleNamespace(limit=Interrupted))
        with pytest.raises(KeyboardInterrupt):
            for_each(lambda index, worker: None, 3)
    for_each(lambda index, worker: None, 3)
    assert blas_threads() == before


def test_several_threads_may_call_at_once(threads: int) -> None:
    totals = [0] * 4
    before = blas_threads()

    def call(k: int) -> None:
        counts = [0] * 200
        for_each(lambda index, worker: counts.__setitem__(index, 1), 200)
        totals[k] = sum(counts)

    callers = [threading.Thread(target=call, args=(k,)) for k in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert totals == [200] * 4
    assert blas_threads() == before
