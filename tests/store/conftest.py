"""Object stores on loopback: SeaweedFS as it is, moto, and a proxy that is in the way of either.

No test reaches a network: what is called S3 here is a process of this machine.
"""

from __future__ import annotations

import http.client
import itertools
import json
import logging
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from archiver import contract
from archiver.bucket import Bucket, Remote
from archiver.recording import Recording

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))  # where servers are started

import servers

BIN = Path(sys.executable).parent
PATIENCE = 30
BUCKET = "chats"
PROJECT = "65f0a1b2c3d4e5f601234567"
KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIATHEKEYTHATIS",
    "AWS_SECRET_ACCESS_KEY": "the-secret-of-the-store",
    "AWS_REGION": "us-east-1",
}
PASSED_ON = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "content-length"}


def free_port() -> int:
    """Return a port of which the one 10000 above, where SeaweedFS speaks gRPC, is free as well.

    Both lie below those that the system gives to whoever connects anywhere in the meantime.
    """
    while True:
        port = random.randrange(12_000, 22_000)
        with suppress(OSError), socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", port))
            other.bind(("127.0.0.1", port + 10_000))
            return port


def wait_until_up(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a server answers anything at all."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with suppress(urllib.error.URLError, ConnectionError):
            try:
                urllib.request.urlopen(url, timeout=1).close()  # noqa: S310 (ours)
            except urllib.error.HTTPError as error:
                error.close()
            return
        with suppress(subprocess.TimeoutExpired):
            raise AssertionError(f"ended with {process.wait(0.05)}")
    raise AssertionError(f"{url}: never up")


@contextmanager
def seaweed_server() -> Iterator[str]:
    """Start a real store; yield its address."""
    ports = {name: free_port() for name in ("master", "volume", "filer", "s3")}
    with tempfile.TemporaryDirectory() as folder, Path(folder, "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(BIN / "weed", "server", f"-dir={folder}", "-filer", "-s3"),
                *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3.autoCreateBucket=false"),
                # What else it serves has ports of its own, which a second one here would want too.
                *("-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"),
                *(f"-{name}.port={port}" for name, port in ports.items()),
            ],
            env=os.environ | KEYS,
            stdout=log,
            stderr=log,
        )
        try:
            address = f"http://127.0.0.1:{ports['s3']}"
            wait_until_up(address, process)
            make_bucket(address)
            yield address
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def seaweed() -> Iterator[str]:
    """A real store; its address."""
    with seaweed_server() as address:
        yield address


@pytest.fixture
def serve_sail(seaweed, tmp_path) -> Iterator[Callable[..., str]]:
    """Serve Sail, which asks the store by an environment of its own; return its URL."""
    with ExitStack() as stack:

        def call(**environment: str) -> str:
            told = KEYS | {"AWS_ENDPOINT_URL": seaweed, "AWS_ALLOW_HTTP": "true"} | environment
            return stack.enter_context(servers.sail(tmp_path, **told)).url

        yield call


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """A store as AWS describes it; its address."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    make_bucket(f"http://{host}:{port}")
    yield f"http://{host}:{port}"
    server.stop()


@dataclass(frozen=True)
class Asked:
    """A request that came by, and how many bytes its answer had."""

    method: str
    path: str
    size: int


@dataclass
class Proxy:
    """Stands before a store; `meddle` may hold a request up, or answer it with a status or bytes.

    It is asked before the request's body is read: its sender is in the middle of it.
    """

    store: str
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    dropped: set[str] = field(default_factory=set)
    """Headers that the store does not get to see."""
    meddle: Callable[[str, str], int | bytes | None] = lambda _method, _path: None
    server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        proxy = self

        class Answer(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # or each body waits 40 ms behind its headers

            def answer(self) -> None:
                said = proxy.meddle(self.command, self.path)
                size = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(size)
                if len(body) < size:  # who sent it is gone
                    self.close_connection = True
                    return
                if isinstance(said, int):
                    status, headers, data = said, {}, b""
                else:
                    status, headers, data = proxy.ask(self.command, self.path, self.headers, body)
                    data = data if said is None else said
                proxy.asked.append(Asked(self.command, self.path, len(data)))
                length = headers.get("Content-Length") if self.command == "HEAD" else None
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in PASSED_ON:
                        self.send_header(name, value)
                self.send_header("Content-Length", length or str(len(data)))
                self.end_headers()
                with suppress(ConnectionError):
                    self.wfile.write(data)

            do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = answer

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Listener(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """A client that was killed is what some tests are about."""

        self.server = Listener(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()

    def ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict, bytes]:
        """Hand a request on as it is: its signature holds for the headers that it came with."""
        passed = {name: headers[name] for name in headers if name.lower() not in self.dropped}
        connection = http.client.HTTPConnection(self.store.partition("//")[2], timeout=PATIENCE)
        try:
            connection.request(method, path, body or None, passed)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def count(self, method: str) -> int:
        return sum(one.method == method for one in self.asked)

    def read(self) -> int:
        """Return how many bytes of parts were read."""
        return sum(one.size for one in self.asked if one.path.endswith(".parquet"))

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def make_bucket(store: str) -> None:
    """Make the bucket as whoever administers the store does."""
    import boto3

    client = boto3.client(
        "s3",
        endpoint_url=store,
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        region_name=KEYS["AWS_REGION"],
    )
    client.create_bucket(Bucket=BUCKET)
    client.close()


@pytest.fixture(scope="session")
def numbers() -> Iterator[int]:
    return itertools.count()


@pytest.fixture(params=["seaweed", "moto"])
def each_store(request) -> str:
    """Every store that we have, one after the other."""
    return request.getfixturevalue(request.param)


@dataclass(frozen=True)
class Place:
    """An archive's place in a bucket of its own, behind a proxy."""

    remote: Remote
    proxy: Proxy

    @property
    def bucket(self) -> Bucket:
        return Bucket(self.remote, 1)

    def all_keys(self, folder: str = "") -> list[str]:
        """Return the keys of all objects."""
        found = self.bucket.list(folder)
        below = [key for name in found.folders for key in self.all_keys(f"{folder}{name}/")]
        return sorted([*(one.key for one in found.objects), *below])


def place_in(store: str, number: int, monkeypatch, spool: Path) -> Iterator[Place]:
    proxy = Proxy(store)
    proxy.start()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for key, value in KEYS.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
    yield Place(Remote(f"s3://{BUCKET}/kept/{number}", spool), proxy)
    proxy.stop()


@pytest.fixture
def place(seaweed, numbers, monkeypatch, tmp_path) -> Iterator[Place]:
    """A place in the real store."""
    yield from place_in(seaweed, next(numbers), monkeypatch, tmp_path / "spool")


@pytest.fixture
def lenient_place(moto, numbers, monkeypatch, tmp_path) -> Iterator[Place]:
    """A place in the store that looks at no signature."""
    yield from place_in(moto, next(numbers), monkeypatch, tmp_path / "spool")


@pytest.fixture
def each_place(each_store, numbers, monkeypatch, tmp_path) -> Iterator[Place]:
    """A place in every store."""
    yield from place_in(each_store, next(numbers), monkeypatch, tmp_path / "spool")


NOON = round(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()) * 1_000_000


def frame(project: str, number: int) -> bytes:
    """Return a frame that tells of one chat."""
    chat = {
        "_id": f"{number:024x}",
        "request_id": f"support-group-{project}-{number:032x}",
        "status": 200,
        "createdAt": "2026-11-23T11:00:00.000Z",
        "updatedAt": f"2026-11-23T11:{number % 60:02}:00.000Z",
    }
    topic = f"/{project}/requests"
    payload = {"topic": topic, "method": "UPDATE", "message": chat}
    return json.dumps({"action": "publish", "payload": payload}).encode()


@dataclass
class Spool:
    """A recorder's folder; each segment is a chat of each of some projects."""

    root: Path
    recorder: str = "main"
    now: int = NOON
    taken: int = 0

    def record(self, segments: int = 1, projects: tuple[str, ...] = (PROJECT,)) -> None:
        """Record and seal some segments, as a service that is started and stopped."""
        recording = Recording(self.root, self.recorder, projects, clock=lambda: self.now)
        session = recording.session()
        recording.note({"control": "connected", "projects": list(projects)}, self.now, 1)
        for _ in range(segments):
            self.keep(recording, projects, session.number)
            recording.roll(self.now)
            recording.seal()
        recording.close(self.now)

    def keep(
        self, recording: Recording, projects: tuple[str, ...] = (PROJECT,), connection: int = 1
    ) -> None:
        """Receive a chat of each project."""
        for project in projects:
            self.now += 1_000_000
            self.taken += 1
            recording.keep([frame(project, self.taken)], self.now, connection)

    def parts(self) -> dict[str, bytes]:
        """Return the sealed parts by their keys."""
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in sorted(self.root.glob(contract.parts_glob()))
        }


@pytest.fixture
def spool(tmp_path) -> Spool:
    return Spool(tmp_path / "spool")
