"""A server that is killed while answers arrive: what it has confirmed is there, whole, and nothing else counts."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
import urllib.request
from http.client import HTTPException
from pathlib import Path

import pytest

from srspace_eval.study.answers import parse_answer
from srspace_eval.study.collect import compute_outcome, compute_ratings
from srspace_eval.study.key import Key
from tests.helpers.studies import Build, answer_document

ROUNDS = 4


def post(link: str, data: bytes, confirmed: list[bytes]) -> None:
    """Send an answer; note it if the server says that it is kept."""
    request = urllib.request.Request(link + "answer", data=data, method="POST")
    # A server that is killed sends no reply, or a part of one.
    with contextlib.suppress(OSError, HTTPException, ValueError), urllib.request.urlopen(request, timeout=10) as reply:
        if json.loads(reply.read())["kept"] is True:
            confirmed.append(data)


def post_again(links: dict[str, str], key: Key, confirmed: list[bytes]) -> None:
    """Send the last answers until all are confirmed, for at most a minute."""
    end = time.monotonic() + 60
    wanted = {rater: revision_of(key, rater, ROUNDS) for rater in links}
    while set(wanted.values()) - set(confirmed) and time.monotonic() < end:
        for rater, data in wanted.items():
            if data not in confirmed:
                post(links[rater], data, confirmed)
        time.sleep(0.05)


@pytest.mark.parametrize("task", ["rank", "rate"])
def test_confirmed_answers_survive_kills(build: Build, tmp_path: Path, task: str) -> None:
    folder, key = build(task=task, raters=6, repeats=1, obvious=1)
    answers, confirmed = tmp_path / "answers", list[bytes]()
    command = [sys.executable, "-m", "srspace_eval", "study", "serve", str(folder), "--port", "0"]
    command += ["--key", str(folder.parent / "key.json"), "--answers", str(answers)]
    for attempt in range(ROUNDS):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdout is not None
        with process.stdout:
            process.stdout.readline()
            links = dict(process.stdout.readline().split() for _ in key.raters)
            threads = [
                threading.Thread(target=post, args=(link, revision_of(key, rater, attempt + 1), confirmed))
                for rater, link in links.items()
            ]
            for thread in threads:
                thread.start()
            # The last server lives until all answers are stored.
            if attempt < ROUNDS - 1:
                time.sleep(0.003 * attempt)
                process.kill()
            for thread in threads:
                thread.join()
            if attempt == ROUNDS - 1:  # as the page does: what was not confirmed is sent again
                post_again(links, key, confirmed)
            process.kill()
            process.wait(timeout=20)
    stored = [path.read_bytes() for path in sorted(answers.glob("*.json"))]
    for data in stored:
        parse_answer(data, key)  # none is torn
    assert len(confirmed) >= len(key.raters)
    assert set(confirmed) <= set(stored)
    compute = compute_ratings if task == "rate" else compute_outcome
    outcome = compute(sorted(answers.glob("*.json")), key)
    assert [a.answer.revision for a in outcome.accepted] == [ROUNDS] * len(key.raters)


def revision_of(key: Key, rater: str, revision: int) -> bytes:
    document = {**answer_document(key, rater), "id": f"{revision:032x}", "revision": revision}
    return json.dumps(document).encode()
