"""Runs every benchmark of this folder and writes docs/benchmarks.md: `make bench`.

A benchmark is a file `bench_NAME.py` with a docstring (its first line is the title, the rest says
what is measured and how) and a function `measure() -> str` that returns Markdown; `pictures` holds
what that shows, by file. With names as arguments only those run, and only their sections change.
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


def title(module: ModuleType) -> str:
    """Return the head of a benchmark's section."""
    return (module.__doc__ or module.__name__).strip().partition("\n")[0].rstrip(".")


def section(module: ModuleType) -> str:
    """Run a benchmark; return its title, its explanation and its figures."""
    about = (module.__doc__ or "").strip().partition("\n")[2].strip()
    parts = (f"## {title(module)}", about, module.measure().strip())
    for file, picture in getattr(module, "pictures", {}).items():
        (PAGE.parent / file).write_text(picture)
    return "\n\n".join(part for part in parts if part)


def written() -> tuple[str, dict[str, str]]:
    """Return what the page says before its sections, and each section by its title."""
    head, *sections = PAGE.read_text("utf-8").split("\n## ")
    return head, {text.partition("\n")[0]: f"## {text}".strip() for text in sections}


def main(names: list[str]) -> None:
    """Run the benchmarks named, or all of them, and write the page."""
    every = sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))
    modules = {name: load(name) for name in every}
    head, sections = written() if names else (HEAD.format(machine=machine()), {})
    for name in names or every:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        sections[title(modules[name])] = section(modules[name])
    told = [sections[one] for one in map(title, modules.values()) if one in sections]
    PAGE.write_text("\n\n".join([head.strip(), *told]) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
