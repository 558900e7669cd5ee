"""A simulated desk behind a real socket, a recorder, the page: each a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from archiver import contract

BIN = Path(sys.executable).parent
PROJECT = "5f6c1d2e3a4b5c6d7e8f9a0b"
PATIENCE = 60
TOKEN = "a token that is long enough"


class Programs:
    """Starts programs of ours, and ends them all."""

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[str]] = []

    def run(self, *command: Any, **environment: str) -> subprocess.Popen[str]:
        program, *rest = map(str, command)
        popen = subprocess.Popen(
            [BIN / program, *rest],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | environment,
        )
        self._started.append(popen)
        return popen

    def url(self, *command: Any, **environment: str) -> tuple[str, subprocess.Popen[str]]:
        """Start a server, and return the address that it prints first."""
        popen = self.run(*command, **environment)
        line = popen.stdout.readline().strip()
        assert line, f"{command}: ended with {popen.wait(PATIENCE)}"
        return line, popen

    def end(self) -> None:
        for popen in self._started:
            popen.terminate()
            popen.wait(PATIENCE)
            popen.stdout.close()


@pytest.fixture(scope="module")
def programs() -> Iterator[Programs]:
    started = Programs()
    yield started
    started.end()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dashboard") / "archive"


@pytest.fixture(scope="module")
def desk(programs: Programs) -> tuple[str, subprocess.Popen[str]]:
    """Serve a busy desk at whose place it is noon, or nearly."""
    return programs.url(
        *("archiver", "simulate", "serve", "--chats-per-day", "20000", "--agents", "12"),
        *("--tz", noon(), "--seed", "4"),
    )


@pytest.fixture(scope="module")
def record(programs: Programs, archive: Path) -> Callable[..., subprocess.Popen[str]]:
    def start(url: str, *options: str) -> subprocess.Popen[str]:
        asked = ("--archive", archive, "--project", PROJECT, "--url", url, *options)
        return programs.run("archiver", "record", *asked, TILEDESK_TOKEN="simulated")

    return start


@pytest.fixture(scope="module")
def serve(programs: Programs, archive: Path) -> Callable[..., tuple[str, subprocess.Popen[str]]]:
    def start(*options: str, **environment: str) -> tuple[str, subprocess.Popen[str]]:
        asked = ("--archive", archive, "--tz", noon(), "--chat-limit", "4")
        address = ("--address", "127.0.0.1:0") if "--address" not in options else ()
        return programs.url("analytics", "dashboard", *asked, *address, *options, **environment)

    return start


def noon() -> str:
    """Return a time zone in which it is nearly noon now, so that no test crosses midnight."""
    east = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-east:+d}" if east else "UTC"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(name="noon", scope="session")
def _noon() -> str:
    return noon()


@pytest.fixture(name="free_port")
def _free_port() -> int:
    return free_port()


@pytest.fixture
def stop() -> Callable[[subprocess.Popen[str]], int]:
    """Ask a program to end; return its exit status."""

    def end(popen: subprocess.Popen[str], number: int = signal.SIGTERM) -> int:
        popen.send_signal(number)
        return popen.wait(PATIENCE)

    return end


def watch(url: str, until: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Follow the page's events until one is as awaited; return it."""
    with urllib.request.urlopen(f"{url}events", timeout=PATIENCE) as stream:  # noqa: S310 (ours)
        for line in stream:
            if line.startswith(b"data: "):
                told = json.loads(line.removeprefix(b"data: "))
                if until(told):
                    return told
    raise AssertionError("the events ended before")


@pytest.fixture(name="watch")
def _watch() -> Callable[..., dict[str, Any]]:
    return watch


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port that another program listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


@pytest.fixture(scope="module")
def wait_for_archive(archive: Path) -> Callable[[], None]:
    """Wait until a recorder has begun an archive."""

    def wait() -> None:
        deadline = time.monotonic() + PATIENCE
        while not (archive / contract.MARKER).exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    return wait


@pytest.fixture
def run_sql(archive: Path) -> Callable[[str], list[dict[str, Any]]]:
    """Ask the archive about today."""

    def run(statement: str) -> list[dict[str, Any]]:
        today = datetime.now(ZoneInfo(noon())).date()
        asked = ["sql", statement, "--archive", archive, "--date", today, "--tz", noon()]
        done = subprocess.run(
            [BIN / "analytics", *map(str, asked), "--chat-limit", "4", "--format", "json"],
            capture_output=True,
            text=True,
            check=True,
        )
        return list(json.loads(done.stdout))

    return run
