"""Start-up.

The median time of nine calls of `--help`, in a new process each, Python's own start included. The
bar is 0.3 s: heavy libraries are imported by the commands that need them only.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 9


def seconds(*command: str) -> float:
    """Return the median time of a command."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def measure() -> str:
    """Time the programs' help beside a Python that does nothing."""
    lines = ["| command | seconds |", "|---|---|"]
    nothing = seconds(sys.executable, "-c", "pass")
    lines.append(f"| `python -c pass` | {nothing:.3f} |")
    for name in ("archiver", "analytics"):
        call = f"from {name}.cli import cli; cli(['--help'])"
        lines.append(f"| `{name} --help` | {seconds(sys.executable, '-c', call):.3f} |")
    return "\n".join(lines)
