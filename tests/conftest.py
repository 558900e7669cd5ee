"""What every test stands on: no setting of this machine reaches a test; one browser for all.

What takes long to record is recorded once, however many processes run the tests.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LONGEST = (
    "live/test_captures.py",
    "sql/test_cases.py",
    "capacity/test_command.py",
    "sql/test_portability.py",
    "facts/test_recall.py",
    "facts/test_store.py",
    "live/faults/test_handshakes.py",
    "facts/test_spark.py",
    "capacity/test_staffed_desk.py",
    "analytics/test_report.py",
    "dashboard/test_page.py",
    "sql/test_spark.py",
    "live/test_service.py",
    "document/test_in_a_browser.py",
    "oracle/test_month.py",
    "analytics/test_as_of.py",
    "live/faults/test_network.py",
    "sql/test_metamorphic.py",
    "capacity/test_notebooks.py",
    "store/test_reading.py",
    "store/test_recorder.py",
    "facts/test_changes.py",
    "store/test_compact.py",
    "live/test_secrets.py",
    "facts/test_command.py",
    "analytics/test_cli.py",
    "oracle/test_breakdowns.py",
    "live/faults/test_disk.py",
    "oracle/test_gap.py",
    "dashboard/test_live.py",
    "capacity/test_multiseasonal.py",
    "live/test_kills.py",
    "dashboard/test_watch.py",
    "analytics/test_compaction.py",
    "archiver/test_seal.py",
    "live/faults/test_slowness.py",
    "oracle/test_behaviours.py",
    "test_packaging.py",
)
"""Begun first, in this order: no process is left alone with a long file at the end, and those that
wait for the time to pass (`live`) do so beside those that work."""
NO_BROWSER = "no Chromium here: tests in a browser did not run; install the package chromium"
OURS = ("ANALYTICS_", "ARCHIVER_", "ARCHIVE", "TILEDESK_TOKEN")


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(OURS):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], Any]], Path]:
    """Have a folder made by the first process that needs it; no test may change what is in it."""
    base = tmp_path_factory.getbasetemp()
    common = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def call(name: str, make: Callable[[Path], Any]) -> Path:
        folder, unfinished = common / name, common / f"{name}.unfinished"
        with (common / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():
                shutil.rmtree(unfinished, ignore_errors=True)
                unfinished.mkdir()
                make(unfinished)
                unfinished.rename(folder)
        return folder

    return call


@pytest.fixture(scope="session")
def sail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve Sail, which speaks Spark's protocol, in this process; return its URL."""
    os.environ["SAIL_EXECUTION__CHECKPOINT__PATH"] = str(tmp_path_factory.mktemp("checkpoints"))
    os.environ.setdefault("RUST_LOG", "error")
    from pysail.spark import SparkConnectServer

    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    host, port = server.listening_address
    yield f"sc://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the system's Chromium, which can reach this machine only."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None and os.environ.get("BROWSER_REQUIRED"):
        pytest.fail(NO_BROWSER)
    if path is None:
        pytest.skip(NO_BROWSER)
    from playwright.sync_api import sync_playwright

    cut_off = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=["--no-sandbox", cut_off])
        yield started
        started.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first; the others keep their order."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    assert all(path.exists() for path in places)
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say at the end, where it is read, what was not tested."""
    skipped = terminalreporter.stats.get("skipped", [])
    count = sum(NO_BROWSER in str(report.longrepr) for report in skipped)
    if count:
        terminalreporter.section("not tested")
        terminalreporter.line(f"{count} times: {NO_BROWSER}")
