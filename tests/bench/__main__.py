"""Runs every benchmark of this folder and writes docs/benchmarks.md: `make bench`.

A benchmark is a file `bench_NAME.py` with a docstring (its first line is the title, the rest says
what is measured and how) and a function `measure() -> str` that returns Markdown. With names as
arguments only those run, and the results are printed instead of written.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).parent
PAGE = FOLDER.parents[1] / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Written by `make bench`; the benchmarks are in `tests/bench/`. They say what this machine did once,
not what yours will do: compare figures of the same page only.

Machine: {machine}.
"""


def machine() -> str:
    """Say what the figures were measured on, naming nobody's host."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0].partition(":")[2].strip() if names else cpu
    system = f"{platform.system()}, Python {platform.python_version()}"
    return f"{cpu}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start, {system}"


def load(name: str) -> ModuleType:
    """Import a benchmark by its name."""
    sys.path.insert(0, str(FOLDER))
    return importlib.import_module(f"bench_{name}")


def section(name: str) -> str:
    """Run a benchmark; return its title, its explanation and its figures."""
    module = load(name)
    title, _, about = (module.__doc__ or name).strip().partition("\n")
    parts = (f"## {title.rstrip('.')}", about.strip(), module.measure().strip())
    return "\n\n".join(part for part in parts if part)


def main(names: list[str]) -> None:
    """Run the benchmarks named, or all of them and write the page."""
    every = sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))
    sections = []
    for name in names or every:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        sections.append(section(name))
    if names:
        print("\n\n".join(sections))
    else:
        PAGE.write_text("\n\n".join([HEAD.format(machine=machine()).strip(), *sections]) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
