"""What works, and what is said, where the extra `simulate` is not installed."""

from __future__ import annotations

import subprocess
import sys

WITHOUT = """
import sys
sys.modules["websockets"] = None  # as if it were not there
from archiver.cli import main
sys.argv = ["archiver", *sys.argv[1:]]
main()
"""


def run(*arguments):
    command = [sys.executable, "-c", WITHOUT, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_serving_says_what_to_install():
    told = run("simulate", "serve")

    line = (
        "Error: simulate: the server's library is not installed;"
        " install the extra: pip install 'tiledesk-archive[simulate]'\n"
    )
    assert (told.returncode, told.stdout, told.stderr) == (1, "", line)


def test_history_needs_no_server(tmp_path):
    told = run("simulate", "history", "--archive", tmp_path / "archive", "--days", "1")

    assert told.returncode == 0, told.stderr
    assert list((tmp_path / "archive").rglob("*.parquet"))
