"""The token is never shown: not in logs, errors, tracebacks, files, probes, nor to other users.

The programs run with the fault handler on; where one would not end by itself, it is made to dump
all its threads. The servers of the errors tell the client everything that they were told.
"""

from __future__ import annotations

import json
import re
import signal
import socket
import socketserver
import threading
import urllib.request
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest

PROJECT = "5f6c1d2e3a4b5c6d7e8f9a0b"
BUSY = ("serve", "--speed", "60", "--chats-per-day", "4000", "--start", "2026-11-23T09:00:00Z")
SECRET = "eyJhbGciOiJIUzI1NiJ9.eyJfaWQiOiJhbm5hIn0.s3cReT+sIgNaTuRe/=="
FORMS = [part.encode() for part in (*SECRET.split("."), quote("s3cReT+sIgNaTuRe/==", safe=""))]
DUMP = {"PYTHONFAULTHANDLER": "1", "PYTHONDEVMODE": "1"}


def shown(*texts):
    """Return what of the token can be seen in these."""
    whole = b"\n".join(text if isinstance(text, bytes) else text.encode() for text in texts)
    return [form for form in FORMS if form in whole]


def seen_by_others(pid, *, environment):
    """Return what other users of the machine may read of a process and its descendants."""
    names = ["cmdline", "comm", *(["environ"] if environment else [])]
    family = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    paths = [Path(f"/proc/{member}/{name}") for member in family for name in names]
    found = []
    for path in [*paths, *Path(f"/proc/{pid}/task").glob("*/comm")]:
        with suppress(ProcessLookupError, FileNotFoundError):  # a sealing that has ended
            found.append(path.read_bytes())
    return found


def files(folder, *, but=()):
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file() and path not in but]


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "secrets" / "token"
    path.parent.mkdir()
    path.write_text(f"JWT {SECRET}\n")
    return path


@pytest.fixture
def systemd(tmp_path):
    """Listen as systemd does."""
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.setblocking(False)
        yield listener


@pytest.mark.parametrize("source", ["environment", "file"])
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_recorder_at_work_shows_it_nowhere(
    source, form, serve, started, systemd, token_file, run, archive, tmp_path, read_rows
):
    server = serve(*BUSY, "--token", SECRET, "--drop-every", "4")
    command = [*started.archiver, "record", "--archive", archive, "--project", PROJECT]
    command += ["--url", server.url, "--roll-seconds", "1", "--log-format", form]
    command += ["--health", "127.0.0.1:0"]
    if source == "file":
        command += ["--token-file", token_file]
    token = {"TILEDESK_TOKEN": f"JWT {SECRET}"} if source == "environment" else {}
    recorder = started.run(
        started.kind, command, NOTIFY_SOCKET=str(tmp_path / "notify"), **DUMP, **token
    )
    recorder.wait_for("disconnected")
    recorder.wait_for("connected", 3)  # one of them is the `disconnected`

    port = re.search(r'port"?[=:] ?(\d+)', "".join(recorder.lines))[1]
    probes = [
        urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=10).read()
        for path in ("metrics", "healthz")
    ]
    processes = seen_by_others(recorder.popen.pid, environment=source == "file")
    waiting = files(archive)
    notified = [systemd.recv(1000), systemd.recv(1000)]
    assert recorder.stop(signal.SIGABRT) < 0  # the dump of a running thread may be fatal itself
    recorder.wait_for("Fatal Python error: Aborted")

    assert shown(*recorder.lines, recorder.popen.stdout.read()) == []
    assert shown(*probes, *processes, *notified) == []
    assert shown(*waiting, *files(archive)) == []
    assert sum(map(len, waiting)) > 10_000

    told = [
        run("archiver", *words, "--archive", archive)
        for words in (("tail", "--no-follow", "--text"), ("status",), ("seal",), ("verify",))
    ]
    assert [done.returncode for done in told] == [0] * 4
    assert shown(*(done.stdout + done.stderr for done in told)) == []
    assert shown(json.dumps(read_rows(archive), default=str), *files(archive)) == []


class Parrot(socketserver.ThreadingTCPServer):
    """Answers every handshake with a status, and with all that it was told."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, status):
        super().__init__(("127.0.0.1", 0), Repeat)
        self.status = status
        self.heard = 0


class Repeat(socketserver.BaseRequestHandler):
    """One answer."""

    def handle(self):
        asked = self.request.recv(65536)
        line = asked.splitlines()[0] if asked else b""
        self.server.heard += FORMS[0] in line
        address = line.split(b" ")[1] if line.count(b" ") > 1 else b"/"
        headers = [b"HTTP/1.1 " + self.server.status + b" " + address]
        headers += [b"Location: ws://127.0.0.1:9" + address, b"Retry-After: " + address]
        headers += [b"X-Asked: " + address, b"Content-Length: %d" % len(asked)]
        self.request.sendall(b"\r\n".join([*headers, b"", asked]))


@pytest.fixture
def parrot():
    """Start servers that say what they were told."""
    servers = []

    def start(status):
        servers.append(Parrot(status.encode()))
        threading.Thread(target=servers[-1].serve_forever, args=(0.05,), daemon=True).start()
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


STATUSES = ["101", "200", "302", "400", "401", "403", "429", "503", "x"]


@pytest.mark.parametrize("status", STATUSES)
def test_no_refusal_shows_it(status, parrot, run, started, token_file, tmp_path):
    server = parrot(status)
    url = f"ws://127.0.0.1:{server.server_address[1]}/"
    words = ("--project", PROJECT, "--url", url, "--token-file", token_file)
    checked = run("archiver", "check", *words, **DUMP)
    command = [*started.archiver, "record", "--archive", tmp_path / "archive", *words]
    recorder = started.run(started.kind, command, **DUMP)
    recorder.wait_for("Error: " if status in ("302", "400") else "again_in_s")
    if recorder.popen.poll() is None:
        recorder.stop(signal.SIGABRT)
    recorder.popen.wait(30)

    assert server.heard >= 2
    assert checked.returncode == 1
    assert len(checked.stderr.splitlines()) == 1
    assert shown(checked.stdout, checked.stderr, *recorder.lines) == []
    assert shown(*files(tmp_path, but=[token_file])) == []


@pytest.mark.parametrize("command", ["record", "check"])
@pytest.mark.parametrize(
    "url",
    [
        "wss://nowhere.invalid/v2/",
        f"wss://127.0.0.1:9/?token={SECRET}",
        f"wss://anna:{SECRET}@127.0.0.1:9/",
        "ws://127.0.0.1:99999/",
    ],
)
def test_no_wrong_address_shows_it(command, url, run, tmp_path):
    archive = ("--archive", tmp_path / "archive")
    done = run(
        *("archiver", command, *archive, "--project", PROJECT, "--url", url),
        TILEDESK_TOKEN=SECRET,
        **DUMP,
    )

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Error: ")
    assert shown(done.stdout, done.stderr, *files(tmp_path)) == []


def test_no_broken_tls_shows_it(parrot, run):
    server = parrot("200")
    url = f"wss://127.0.0.1:{server.server_address[1]}/"

    done = run("archiver", "check", "--project", PROJECT, "--url", url, TILEDESK_TOKEN=SECRET)

    assert done.returncode == 1
    assert "wrong version number" in done.stderr
    assert shown(done.stdout, done.stderr) == []
