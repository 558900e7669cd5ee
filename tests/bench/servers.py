"""Servers of Spark's protocol for a while: Apache Spark with two executors, and Sail.

They listen on loopback, keep what they write in a folder that they are given, and are ended with
all their processes.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

BIN = Path(sys.executable).parent
HOME = Path(sys.prefix) / "spark"
"""The virtual environment that `make spark` makes, with PySpark and the jars in it."""
JAVA = 17
SETTINGS = {
    "spark.sql.shuffle.partitions": "4",  # for two cores, not for a cluster
    "spark.ui.enabled": "false",
    "spark.connect.grpc.binding.address": "127.0.0.1",
}
LIMIT_S = 180


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    url: str
    started_s: float
    """From its start to its first answer."""
    process: int

    def memory(self) -> float:
        """Return the MB that its processes took at the most, each at its own time."""
        return sum(_peak(one.pid) for one in self._family()) / 1000

    def processor(self) -> float:
        """Return the seconds of a processor that its processes, and those that ended, have had."""
        return sum(sum(one.cpu_times()[:4]) for one in self._family())

    def _family(self) -> list[psutil.Process]:
        own = psutil.Process(self.process)
        return [own, *own.children(recursive=True)]


def apache_home() -> Path | None:
    """Return where Apache Spark is, if it can run."""
    found = sorted(HOME.glob("lib/python*/site-packages/pyspark"))
    return found[0] if found and shutil.which("java") else None


@contextmanager
def apache(folder: Path, driver: int = 1024, executor: int = 1024) -> Iterator[Server]:
    """Serve Apache Spark, with so many MB for the driver, and for each of two executors."""
    home = apache_home()
    if home is None:
        sys.exit(f"{HOME}: no Apache Spark there, or no Java {JAVA}; run 'make spark'")
    port = _free_port()
    told = SETTINGS | {
        "spark.connect.grpc.binding.port": str(port),
        "spark.driver.memory": f"{driver}m",
        "spark.executor.memory": f"{executor}m",
    }
    command = [
        home / "bin" / "spark-submit",
        *("--master", f"local-cluster[2,1,{executor}]"),
        *(word for name, value in told.items() for word in ("--conf", f"{name}={value}")),
        *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer"),
    ]
    places = {"SPARK_HOME": str(home), "SPARK_LOCAL_DIRS": str(folder)}
    with _serving(command, port, folder, places) as server:
        yield server


@contextmanager
def sail(folder: Path, **environment: str) -> Iterator[Server]:
    """Serve Sail."""
    port = _free_port()
    command = [BIN / "sail", "spark", "server", "--ip", "127.0.0.1", "--port", port]
    places = {"SAIL_EXECUTION__CHECKPOINT__PATH": str(folder), "RUST_LOG": "error"}
    with _serving(command, port, folder, places | environment) as server:
        yield server


@contextmanager
def _serving(
    command: Sequence[object], port: int, folder: Path, places: dict[str, str]
) -> Iterator[Server]:
    began = time.perf_counter()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            env=os.environ | places,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _await(process, port, folder / "log")
        url = f"sc://127.0.0.1:{port}"
        _greet(url)
        yield Server(url, time.perf_counter() - began, process.pid)
    finally:
        _end(process)


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + LIMIT_S
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit(f"the server did not come up:\n{log.read_text(errors='replace')[-2000:]}")


def _greet(url: str) -> None:
    from analytics.spark import Spark

    with closing(Spark(url)) as engine:
        engine.table("select 1 as one")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _peak(process: int) -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    found = (int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return next(found, 0)  # one that has ended has none
