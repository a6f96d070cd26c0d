from __future__ import annotations

import errno
import http.client
import json
import os
import shutil
import socket
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from srspace_eval.errors import Notice, StudyError
from srspace_eval.study.answer_store import ANSWERS_PER_RATER, AnswerStore
from srspace_eval.study.answers import largest_answer
from srspace_eval.study.collect import compute_outcome
from srspace_eval.study.key import Key
from srspace_eval.study.serve import StudyServer, is_loopback, serve_study
from tests.helpers.studies import Build, answer_bytes, answer_document

Study = tuple[Path, Key]


@dataclass(frozen=True)
class Client:
    server: StudyServer
    key: Key
    answers: Path

    @property
    def port(self) -> int:
        return self.server.address[1]

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, body=body, headers=headers or {})
        reply = connection.getresponse()
        data = reply.read()
        connection.close()
        return reply.status, {k.lower(): v for k, v in reply.getheaders()}, data

    def token(self, rater: str = "r01") -> str:
        return self.key.raters[rater].token


@pytest.fixture
def client(study: Study, tmp_path: Path) -> Iterator[Client]:
    folder, key = study
    with StudyServer(folder, key, tmp_path / "answers") as server:
        yield Client(server, key, tmp_path / "answers")


def test_the_server_listens_on_the_loopback_address_by_default(client: Client) -> None:
    assert client.server.address[0] == "127.0.0.1"
    assert is_loopback("::1")
    assert is_loopback("localhost")
    assert not is_loopback("0.0.0.0")
    assert not is_loopback("example.org")


def test_the_page_needs_a_token(client: Client, study: Study) -> None:
    folder, key = study
    token = client.token()
    status, headers, data = client.ask("GET", f"/{token}/")
    assert (status, data) == (200, (folder / "index.html").read_bytes())
    assert headers["content-type"] == "text/html; charset=utf-8"
    for name in ("data.js", "assets/study.js", f"images/{next(iter(key.tasks.values())).items[0]}.png"):
        status, headers, data = client.ask("GET", f"/{token}/{name}")
        assert (status, data) == (200, (folder / name).read_bytes())
        assert client.ask("HEAD", f"/{token}/{name}")[::2] == (200, b"")
        for start in ("", "/", "/" + "a" * 20 + "/", "//", f"/{token[:-1]}/", f"/{token}x/"):
            assert client.ask("GET", f"{start or '/'}{name}")[0] == 404


def test_a_link_without_its_last_slash_leads_to_the_page(client: Client, study: Study) -> None:
    status, headers, _ = client.ask("GET", f"/{client.token()}")
    assert (status, headers["location"]) == (302, f"{client.token()}/")
    link = client.server.links["r01"].removesuffix("/")
    with urllib.request.urlopen(link, timeout=10) as reply:
        assert reply.read() == (study[0] / "index.html").read_bytes()
    assert client.ask("GET", "/" + "a" * 20)[0] == 404


def test_the_session_names_the_rater(client: Client) -> None:
    for rater in ("r01", "r02"):
        _, headers, data = client.ask("GET", f"/{client.token(rater)}/session.js")
        assert headers["content-type"].startswith("text/javascript")
        session = json.loads(data.decode().removeprefix("window.STUDY_SESSION = ").removesuffix(";\n"))
        assert session == {"code": f"{rater}-{client.token(rater)}", "submit": "answer"}


def test_the_page_is_told_of_answers_that_another_browser_sent(client: Client, tmp_path: Path) -> None:
    """Else two browsers of a rater sent different answers of one revision, and ``collect`` counted neither."""

    def send(rater: str, name: str, revision: int, done: int | None = None) -> dict[str, object]:
        document = answer_document(client.key, rater) | {"id": name * 32, "revision": revision}
        document["answers"] = document["answers"][:done]
        status, _, data = client.ask("POST", f"/{client.token(rater)}/answer", json.dumps(document).encode())
        reply = json.loads(data)
        assert reply.pop("id") == name * 32
        assert reply.pop("kept") is (status == 201)
        assert status in (201, 409)
        return dict(reply)

    def known(rater: str) -> object:
        _, _, data = client.ask("GET", f"/{client.token(rater)}/session.js")
        return json.loads(data.decode().removeprefix("window.STUDY_SESSION = ").removesuffix(";\n")).get("revision")

    assert send("r01", "a", 9, done=1) == {}  # an incomplete answer replaces none
    assert known("r01") is None
    assert send("r01", "b", 1) == {}
    assert send("r01", "b", 1) == {}  # sent again
    assert known("r01") == 1
    assert send("r01", "c", 1) == {"revision": 1}
    assert send("r01", "d", 2) == {}
    assert send("r01", "e", 1) == {"revision": 2}
    assert known("r01") == 2
    assert sorted(path.name for path in client.answers.iterdir()) == ["r01-2.json", "r01-3.json", "r01.json"]
    assert known("r02") is None
    assert send("r02", "f", 1) == {}
    # The organiser moves files away while the server runs.
    for path in client.answers.glob("r01*"):
        if path.name != "r01-3.json":
            path.rename(tmp_path / path.name)
    assert known("r01") == 2
    assert send("r01", "a", 1) == {"revision": 2}
    (client.answers / "r01-3.json").unlink()
    assert known("r01") is None
    assert send("r01", "a", 1) == {}
    assert known("r01") == 1


def test_of_two_answers_that_arrive_together_one_is_stored(client: Client) -> None:
    def send(number: int) -> int:
        document = answer_document(client.key, "r01") | {"id": f"{number:032x}", "revision": 1}
        return client.ask("POST", f"/{client.token('r01')}/answer", json.dumps(document).encode())[0]

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(send, range(8))) == [201] + [409] * 7
    assert [path.name for path in client.answers.iterdir()] == ["r01.json"]


def test_a_file_of_another_study_that_is_moved_away_leaves_its_name(client: Client, tmp_path: Path) -> None:
    """The store remembered by name what a file was, and never saw the rater's own answer."""
    foreign = answer_document(client.key, "r01") | {"study": "0" * 32}
    client.answers.mkdir(exist_ok=True)
    (client.answers / "r01.json").write_text(json.dumps(foreign))
    session = f"/{client.token('r01')}/session.js"
    assert b"revision" not in client.ask("GET", session)[2]
    (client.answers / "r01.json").rename(tmp_path / "away.json")
    document = answer_document(client.key, "r01") | {"id": "a" * 32, "revision": 1}
    assert client.ask("POST", f"/{client.token('r01')}/answer", json.dumps(document).encode())[0] == 201
    assert b'"revision": 1' in client.ask("GET", session)[2]


def test_the_process_may_change_its_folder(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, key = study
    monkeypatch.chdir(folder.parent)
    answers = Path(os.path.relpath(tmp_path / "answers"))
    with StudyServer(Path(folder.name), key, answers) as server:
        client = Client(server, key, tmp_path / "answers")
        monkeypatch.chdir("/")
        assert client.ask("GET", f"/{client.token()}/")[0] == 200
        assert (
            client.ask("POST", f"/{client.token()}/answer", json.dumps(answer_document(key, "r01")).encode())[0] == 201
        )
    assert (tmp_path / "answers" / "r01.json").is_file()


@pytest.mark.parametrize(
    "path",
    [
        "../key.json",
        "..%2fkey.json",
        "images/../../key.json",
        "images/..%2f..%2fkey.json",
        "%2e%2e/key.json",
        "images/",
        "images",
        "/etc/passwd",
        "assets/report.css",
        "images/aaaaaaaaaaaaa.png",
        "index.html/../../key.json",
        "..\\key.json",
        "data.js%00",
        "answer",
    ],
)
def test_other_paths_are_not_found(client: Client, path: str) -> None:
    assert client.ask("GET", f"/{client.token()}/{path}")[0] == 404


def test_headers_isolate_the_page(client: Client) -> None:
    for path in (f"/{client.token()}/", "/nothing"):
        _, headers, _ = client.ask("GET", path)
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "script-src 'self';" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "python" not in headers["server"].lower()


def no_links(*args: object) -> None:
    raise OSError(errno.EPERM, "Operation not permitted")


LINKS = pytest.mark.parametrize("links", [True, False], ids=["hard links", "a file system without"])


@LINKS
def test_answers_are_stored_one_file_each_and_never_replaced(
    client: Client, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not links:
        monkeypatch.setattr("os.link", no_links)
    key = client.key
    first = answer_bytes(answer_document(key, "r01"))
    path = f"/{client.token()}/answer"
    assert client.ask("POST", path, first)[0] == 201
    # Sent again after a lost reply: the same answer is stored once.
    assert client.ask("POST", path, first)[0] == 201
    second = answer_bytes({**answer_document(key, "r01"), "finished": "now"})
    assert client.ask("POST", path, second)[0] == 201
    assert client.ask("POST", f"/{client.token('r02')}/answer", answer_bytes(answer_document(key, "r02")))[0] == 201
    assert {p.name: p.read_bytes() == second for p in client.answers.iterdir()} == {
        "r01.json": False,
        "r01-2.json": True,
        "r02.json": False,
    }
    assert (client.answers / "r01.json").read_bytes() == first
    assert compute_outcome(sorted(client.answers.iterdir()), key).mor.tolist() == [1, 2, 3]


def test_invalid_answers_are_refused_and_leave_no_file(client: Client) -> None:
    key = client.key
    token = client.token()
    good = answer_bytes(answer_document(key, "r01"))

    def status(body: bytes, path: str = f"/{token}/answer", headers: dict[str, str] | None = None) -> int:
        return client.ask("POST", path, body, headers)[0]

    assert status(b"{}") == 422
    assert status(good[:-1]) == 422
    assert status(answer_bytes(answer_document(key, "r02"))) == 403
    assert status(good, "/answer") == 404
    assert status(good, f"/{token}/index.html") == 404
    assert status(b" " * (largest_answer(key) + 1)) == 413
    assert status(b"", headers={"Content-Length": "-5"}) == 400
    assert status(b"", headers={"Content-Length": "9" * 30}) == 413
    assert status(b"", headers={"Content-Length": "²"}) == 400
    assert list(client.answers.iterdir()) == []


def test_a_broken_connection_leaves_no_file_and_no_fault(client: Client) -> None:
    with socket.create_connection(("127.0.0.1", client.port)) as raw:
        raw.sendall(f"POST /{client.token()}/answer HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{{".encode())
    with socket.create_connection(("127.0.0.1", client.port)) as raw:
        raw.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
        raw.settimeout(5)
        assert b"400" in raw.recv(200)
    assert client.ask("PUT", f"/{client.token()}/answer", b"x")[0] == 405
    assert client.ask("GET", f"/{client.token()}/")[0] == 200
    assert list(client.answers.iterdir()) == []


@LINKS
def test_simultaneous_answers_are_all_stored(client: Client, links: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not links:
        monkeypatch.setattr("os.link", no_links)
    key = client.key
    bodies = [answer_bytes({**answer_document(key, "r01"), "finished": str(i)}) for i in range(12)]
    codes: list[int] = []
    threads = [
        threading.Thread(target=lambda b=b: codes.append(client.ask("POST", f"/{client.token()}/answer", b)[0]))  # type: ignore[misc]
        for b in bodies
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [201] * 12
    assert sorted(p.read_bytes() for p in client.answers.iterdir()) == sorted(bodies)


def test_the_number_of_answers_of_a_rater_is_limited(study: Study, tmp_path: Path) -> None:
    store = AnswerStore(tmp_path, study[1])
    data = answer_bytes(answer_document(study[1], "r01"))
    for i in range(ANSWERS_PER_RATER):
        store.add("r01", data + b" " * i)
    with pytest.raises(StudyError, match="has sent"):
        store.add("r01", data + b"\n")
    assert len(list(tmp_path.iterdir())) == ANSWERS_PER_RATER


def test_an_answer_that_is_not_stored_costs_no_write(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each one waited for the disk, and the answers of all other raters waited behind it."""
    store = AnswerStore(tmp_path, study[1])
    data = answer_bytes(answer_document(study[1], "r01"))
    for i in range(ANSWERS_PER_RATER):
        store.add("r01", data + b" " * i)
    written: list[str] = []
    monkeypatch.setattr("tempfile.mkstemp", lambda **_: written.append("a file"))
    with pytest.raises(StudyError, match="has sent"):
        store.add("r01", data + b"\n")
    assert store.add("r01", data + b" ") == "r01-2.json"
    assert not written


def test_answers_to_another_study_in_the_folder_do_not_count(study: Study, tmp_path: Path) -> None:
    """A rater of one study could block the raters of another one that is served into the same folder."""
    store = AnswerStore(tmp_path, study[1])
    others = AnswerStore(tmp_path, replace(study[1], study="0" * 20))
    other, own = (answer_bytes(answer_document(key, "r01")) for key in (others.key, study[1]))
    for i in range(ANSWERS_PER_RATER):
        assert others.add("r01", other + b" " * i)
    with pytest.raises(StudyError, match="has sent"):
        others.add("r01", other + b"\n")
    assert [store.add("r01", own), store.add("r01", own), store.add("r01", own + b" ")] == [
        "r01-21.json", "r01-21.json", "r01-22.json",
    ]  # fmt: skip


def test_links_name_the_public_address(client: Client, study: Study, tmp_path: Path) -> None:
    assert client.server.links["r01"] == f"http://127.0.0.1:{client.port}/{client.token()}/"
    with StudyServer(*study, tmp_path, base_url="https://example.org/study/") as server:
        assert server.links["r02"] == f"https://example.org/study/{client.token('r02')}/"


def test_tokens_are_never_logged(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    client.ask("GET", f"/{client.token()}/")
    client.ask("POST", f"/{client.token()}/answer", answer_bytes(answer_document(client.key, "r01")))
    client.ask("POST", f"/{client.token()}/answer", b"{}")
    err = capsys.readouterr().err
    assert "r01: 8 answers stored as r01.json" in err
    assert client.token() not in err


def test_a_folder_of_another_study_is_not_served(study: Study, build: Build, tmp_path: Path) -> None:
    folder, _ = study
    _, other = build(secret=b"z" * 32)
    with pytest.raises(StudyError, match="not the folder of this key's study"):
        StudyServer(folder, other, tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(StudyError, match=r"index\.html is missing"):
        StudyServer(tmp_path / "empty", other, tmp_path)


def test_a_taken_port_is_an_error(client: Client, study: Study, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="cannot listen there"):
        StudyServer(*study, tmp_path, port=client.port)


def test_a_server_answers_from_python_until_it_is_stopped(study: Study, tmp_path: Path) -> None:
    folder, key = study
    server = serve_study(folder, folder.parent / "key.json", tmp_path / "answers", port=0)
    try:
        server.start()  # no effect on a running server
        with urllib.request.urlopen(server.links["r01"], timeout=10) as reply:
            assert reply.status == 200
    finally:
        server.stop()
        server.stop()
    server.wait()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(server.address, timeout=1)
    with pytest.raises(StudyError, match="was stopped"):
        server.start()
    # The port is free again.
    with serve_study(folder, key, tmp_path / "answers", port=server.address[1]) as again:
        assert again.address == server.address


def test_an_address_that_other_machines_reach_gives_a_notice(study: Study, tmp_path: Path) -> None:
    folder, key = study
    with pytest.warns(Notice, match="unencrypted HTTP"), serve_study(folder, key, tmp_path, host="0.0.0.0", port=0):
        pass


def test_the_key_beside_the_folder_is_the_default(study: Study, tmp_path: Path) -> None:
    folder, _ = study
    shutil.copytree(folder, tmp_path / "s")
    with pytest.raises(StudyError, match=r"s-key\.json: the key cannot be read"):
        serve_study(tmp_path / "s", port=0)
    shutil.copy(folder.parent / "key.json", tmp_path / "s-key.json")
    with serve_study(tmp_path / "s", answers=tmp_path / "answers", port=0) as server:
        assert set(server.links) == {"r01", "r02"}
