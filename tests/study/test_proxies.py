"""The study server behind reverse proxies that reuse connections: Caddy, nginx and haproxy, where installed."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from srspace_eval.study.key import Key
from srspace_eval.study.serve import StudyServer
from tests.helpers.studies import answer_bytes, answer_document

Study = tuple[Path, Key]

CONFIGURATION = {
    "caddy": """{{
  admin off
  auto_https off
}}
http://:{front} {{
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:{back}
}}
""",
    "nginx": """daemon off; pid {folder}/pid; error_log stderr crit;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream study {{ server 127.0.0.1:{back}; keepalive 4; }}
  server {{
    listen 127.0.0.1:{front};
    location / {{ proxy_pass http://study; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
""",
    "haproxy": """defaults
  mode http
  timeout connect 5s
  timeout client 20s
  timeout server 20s
  http-reuse always
frontend front
  bind 127.0.0.1:{front}
  default_backend back
backend back
  server study 127.0.0.1:{back}
""",
}
COMMAND = {
    "caddy": ["caddy", "run", "--adapter", "caddyfile", "--config"],
    "nginx": ["nginx", "-c"],
    "haproxy": ["haproxy", "-db", "-f"],
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.fixture(params=list(COMMAND))
def proxy(request: pytest.FixtureRequest, study: Study, tmp_path: Path) -> Iterator[int]:
    """The port of a proxy in front of a study server."""
    name = request.param
    program = shutil.which(name) or shutil.which(f"/usr/sbin/{name}")
    if program is None:
        pytest.skip(f"{name} is not installed")
    with StudyServer(*study, tmp_path / "answers") as server:
        front = free_port()
        file = tmp_path / "proxy.conf"
        file.write_text(CONFIGURATION[name].format(front=front, back=server.address[1], folder=tmp_path))
        with subprocess.Popen(
            [program, *COMMAND[name][1:], str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                for _ in range(100):
                    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", front), timeout=1):
                        break
                    time.sleep(0.1)
                else:
                    pytest.fail(f"{name} does not start")
                yield front
            finally:
                process.terminate()


def ask(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
        raw.sendall(request)
        raw.settimeout(5)
        received = b""
        with contextlib.suppress(TimeoutError):
            while data := raw.recv(65536):
                received += data
    return received


def test_nobody_gets_the_reply_to_another_request(proxy: int, study: Study, tmp_path: Path) -> None:
    key = study[1]
    first, second = (key.raters[rater].token for rater in ("r01", "r02"))
    # The start of a request, without its end: the next request on the same connection would complete it.
    unfinished = f"GET /{first}/session.js HTTP/1.1\r\nX-Rest: ".encode()
    body = answer_bytes(answer_document(key, "r02"))
    for _ in range(15):
        for method in ("GET", "HEAD"):
            head = f"{method} /{first}/data.js HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            ask(proxy, head.encode() + b"Content-Length: %d\r\n\r\n" % len(unfinished) + unfinished)
            reply = ask(proxy, f"GET /{second}/session.js HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            assert b" 200 " in reply.splitlines()[0]
            assert second.encode() in reply
            assert first.encode() not in reply
    head = f"POST /{second}/answer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    assert b" 201 " in ask(proxy, head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body).splitlines()[0]
    assert (tmp_path / "answers" / "r02.json").read_bytes() == body
