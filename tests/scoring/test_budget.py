from __future__ import annotations

import threading

from srspace_eval.scoring.executors.budget import MemoryBudget


def test_requests_are_admitted_while_they_fit() -> None:
    budget = MemoryBudget(10)
    assert budget.acquire(6)
    assert budget.acquire(4)
    assert not budget.acquire(1)
    assert budget.held == 10
    budget.release(6)
    assert budget.acquire(6)


def test_a_larger_request_is_admitted_only_while_nothing_is_held() -> None:
    budget = MemoryBudget(10)
    assert budget.acquire(1)
    assert not budget.acquire(11, timeout=0.01)
    budget.release(1)
    assert budget.acquire(11)
    assert not budget.acquire(1)


def test_a_release_wakes_a_waiting_thread() -> None:
    budget = MemoryBudget(10)
    assert budget.acquire(10)
    threading.Timer(0.05, budget.release, [10]).start()
    assert budget.acquire(3, timeout=20)
    assert budget.held == 3
