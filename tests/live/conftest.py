"""A real server, a real recorder, real files: what the live tests put together."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

BIN = Path(sys.executable).parent
CAPTURES = Path(__file__).parents[1] / "data" / "captures"
PROJECT = "5f6c1d2e3a4b5c6d7e8f9a0b"
TOKEN = "simulated"
PATIENCE = 90


@dataclass
class Process:
    """A program of ours at work; what it says on stderr is read as it comes."""

    popen: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    heard: threading.Condition = field(default_factory=threading.Condition)
    listener: threading.Thread = field(default_factory=threading.Thread)

    def listen(self) -> None:
        for line in self.popen.stderr:
            with self.heard:
                self.lines.append(line)
                self.heard.notify_all()
        with self.heard:
            self.heard.notify_all()

    def wait_for(self, text: str, times: int = 1) -> None:
        """Wait until a text was said so often."""

        def said() -> bool:
            return sum(text in line for line in self.lines) >= times

        with self.heard:
            came = self.heard.wait_for(said, PATIENCE)
        assert came, f"never said {text!r}: {self.lines[-5:]}"

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        self.popen.send_signal(number)
        return self.popen.wait(PATIENCE)


@dataclass
class Server(Process):
    """A simulated server; `sent` are its frames by connection, in order."""

    url: str = ""
    log: Path = Path()

    def wait_until_sent(self, size: int) -> None:
        """Wait until the log of what was sent is so large."""
        while self.log.stat().st_size < size:
            with suppress(subprocess.TimeoutExpired):
                raise AssertionError(f"ended with {self.popen.wait(0.02)}: {self.lines}")

    def sent(self) -> dict[int, list[str]]:
        frames: dict[int, list[str]] = {}
        for line in self.log.read_text("utf-8").splitlines():
            row = json.loads(line)
            frames.setdefault(row["conn"], []).append(row["data"])
        return frames


class Started:
    """Starts programs and ends them all when the test is over."""

    kind = Process
    archiver = (BIN / "archiver",)

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[Process] = []

    def run(self, kind: type[Process], command: list[str], **environment: str) -> Process:
        popen = subprocess.Popen(
            [str(part) for part in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )
        process = kind(popen)
        self.processes.append(process)
        process.listener = threading.Thread(target=process.listen, daemon=True)
        process.listener.start()
        return process

    def end(self) -> None:
        for process in self.processes:
            if process.popen.poll() is None:
                process.popen.kill()
            process.popen.wait()
            process.listener.join(PATIENCE)
            process.popen.stdout.close()
            process.popen.stderr.close()


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    programs = Started(tmp_path)
    yield programs
    programs.end()


@pytest.fixture
def serve(started: Started, tmp_path: Path) -> Callable[..., Server]:
    """Start `archiver simulate …` and wait for its address."""

    def start(*arguments: str) -> Server:
        log = tmp_path / f"sent-{len(started.processes)}.jsonl"
        command = [BIN / "archiver", "simulate", *arguments, "--log", log]
        server = started.run(Server, command)
        server.url = server.popen.stdout.readline().strip()
        server.log = log
        assert server.url.startswith("ws://127.0.0.1:"), server.lines
        return server

    return start


@pytest.fixture
def record(started: Started, tmp_path: Path) -> Callable[..., Process]:
    """Start `archiver record` into tmp_path/archive."""

    def start(url: str, *arguments: str, project: str = PROJECT, token: str = TOKEN) -> Process:
        command = [BIN / "archiver", "record", "--archive", tmp_path / "archive"]
        command += ["--project", project, "--url", url, *arguments]
        return started.run(Process, command, TILEDESK_TOKEN=token)

    return start


@pytest.fixture
def configured(started: Started, tmp_path: Path, archive: Path) -> Callable[..., Process]:
    """Start `archiver record` with a config of projects, each with a token file of its own."""

    def start(url: str, tokens: dict[str, str], *arguments: str) -> Process:
        lines = ["[record]", f'archive = "{archive}"', f'url = "{url}"']
        for project, token in tokens.items():
            path = tmp_path / f"token-{project}"
            path.write_text(token)
            lines += [f"[projects.{project}]", f'token_file = "{path}"']
        config = tmp_path / "archiver.toml"
        config.write_text("\n".join(lines))
        command = [*started.archiver, "--config", config, "record"]
        return started.run(started.kind, [*command, *arguments])

    return start


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def run(*arguments: Any, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command of ours to its end."""
    program, *rest = map(str, arguments)
    return subprocess.run(
        [BIN / program, *rest],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=os.environ | environment,
    )


@pytest.fixture(name="run")
def _run() -> Callable[..., subprocess.CompletedProcess[str]]:
    return run


def read_rows(archive: Path) -> list[dict[str, Any]]:
    """Return every row of the sealed parts with its project, in the order of keys."""
    rows = []
    for path in archive.glob("project_id=*/date=*/*.parquet"):
        project = path.parts[-3].removeprefix("project_id=")
        rows += [row | {"project_id": project} for row in pq.ParquetFile(path).read().to_pylist()]
    return sorted(rows, key=lambda row: (row["recorder"], row["seq"], row["element"]))


@pytest.fixture(name="read_rows")
def _read_rows() -> Callable[[Path], list[dict[str, Any]]]:
    return read_rows


def entities(text: str) -> list[str] | None:
    """Slice a frame into the texts of its entities, slowly and surely; None for a heartbeat."""
    frame = json.loads(text)
    if frame["action"] != "publish":
        return None
    decoder = json.JSONDecoder()
    start = text.index('"message":') + len('"message":')
    if text[start] != "[":
        return [text[start : decoder.raw_decode(text, start)[1]]]
    found, at = [], start + 1
    while text[at] != "]":
        end = decoder.raw_decode(text, at)[1]
        found.append(text[at:end])
        at = end + (text[end] == ",")
    return found or ["[]"]


def sent_entities(frames: dict[int, list[str]]) -> dict[int, list[list[str]]]:
    """Return of every connection the frames sent, each as the texts of its entities."""
    return {
        conn: [found for text in texts if (found := entities(text)) is not None]
        for conn, texts in frames.items()
    }


@pytest.fixture(name="sent_entities")
def _sent_entities() -> Callable[..., dict[int, list[list[str]]]]:
    return sent_entities


def kept_entities(rows: list[dict[str, Any]]) -> dict[int, list[list[str]]]:
    """Return of every connection the frames archived, each as the texts of its entities."""
    frames: dict[int, dict[int, list[str]]] = {}
    for row in rows:
        if row["source"] != "recorder" and row["element"] >= 0:
            connection = frames.setdefault(row["connection"], {})
            connection.setdefault(row["seq"], []).append(row["payload"])
    return {number: list(found.values()) for number, found in frames.items()}


@pytest.fixture(name="kept_entities")
def _kept_entities() -> Callable[..., dict[int, list[list[str]]]]:
    return kept_entities


@pytest.fixture
def gaps() -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    """Return the project's own gaps, each once: the closed form of one where there is one."""

    def find(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for row in rows:
            gap = json.loads(row["payload"]) if row["kind"] == "gap" else {"topic": "none"}
            if "topic" not in gap and found.get(gap["since"], {}).get("until") is None:
                found[gap["since"]] = gap
        return sorted(found.values(), key=lambda gap: gap["since"])

    return find


@pytest.fixture
def capture() -> Callable[[str], list[dict[str, Any]]]:
    """Read a recording's lines."""

    def read(name: str) -> list[dict[str, Any]]:
        with gzip.open(CAPTURES / name, "rt", encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    return read
