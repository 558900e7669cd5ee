"""Holds the shape of the code: who may import what, where durability lives, how long things are.

The rules are tables; a new module obeys them or changes a table with a reason.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path.relative_to(ROOT).as_posix()
    for package in ("archiver", "analytics", "sql")
    for path in (ROOT / package).rglob("*.py")
)

# No clock, no file, no socket, no thread: what they are told is all they know.
PURE = (
    "analytics/capacity/chat_model.py",
    "analytics/capacity/calibration.py",
    "analytics/capacity/erlang.py",
    "analytics/capacity/forecast.py",
    "analytics/capacity/handling.py",
    "analytics/capacity/plan.py",
    "analytics/capacity/staffing.py",
    "analytics/figures.py",
    "analytics/page.py",
    "analytics/reported.py",
    "analytics/restatement.py",
    "analytics/sections.py",
    "analytics/sheet.py",
    "analytics/capacity/table.py",
    "analytics/capacity/words.py",
    "analytics/dashboard/access.py",
    "analytics/dashboard/told.py",
    "analytics/document/clock.py",
    "analytics/document/palette.py",
    "analytics/facts/kept.py",
    "analytics/hours.py",
    "archiver/address.py",
    "archiver/columns.py",
    "archiver/contract.py",
    "archiver/coverage.py",
    "archiver/entities.py",
    "archiver/errors.py",
    "archiver/extract.py",
    "archiver/frames.py",
    "archiver/gathering.py",
    "archiver/inquiry.py",
    "archiver/manifest.py",
    "archiver/memory.py",
    "archiver/narration.py",
    "archiver/protocol.py",
    "archiver/records.py",
    "archiver/simulate/hub.py",
    "archiver/unsealed.py",
)
IMPURE = {
    "asyncio",
    "os",
    "random",
    "shutil",
    "signal",
    "socket",
    "subprocess",
    "threading",
    "time",
}

# A library, or a module of ours, and the only places that may import it.
ONLY = {
    "websocket": ("archiver/connection.py", "archiver/handshake.py"),
    "websockets": ("archiver/simulate/",),
    "duckdb": ("analytics/duck.py",),
    "isal": ("archiver/records.py",),
    "fsspec": ("analytics/remote.py",),
    "obstore": ("archiver/bucket.py",),
    "pyspark": ("analytics/spark.py",),
    "holidays": ("analytics/hours.py",),
    "altair": ("analytics/capacity/chart.py", "analytics/document/"),
    "jinja2": ("analytics/document/html.py",),
    "vl_convert": ("analytics/document/svg.py",),
    "prometheus_client": ("archiver/health.py",),
    "starlette": ("analytics/dashboard/web.py",),
    "uvicorn": ("analytics/dashboard/command.py",),
    "archiver.simulate": ("archiver/simulate/", "archiver/cli.py"),
    "click": (
        "archiver/cli.py",
        "archiver/compact_command.py",
        "archiver/options.py",
        "archiver/simulate/",
        "analytics/capacity/command.py",
        "analytics/capacity/sources.py",
        "analytics/cli.py",
        "analytics/document/command.py",
        "analytics/facts/command.py",
        "analytics/dashboard/command.py",
        "analytics/options.py",
        "analytics/output.py",
        "analytics/request.py",
    ),
}

# What the reader may know of the writer.
SHARED = (
    "archiver.bucket",
    "archiver.contract",
    "archiver.errors",
    "archiver.fs",
    "archiver.listing",
    "archiver.manifest",
    "archiver.stored",
    "archiver.unsealed",
)

LONGEST_FILE = 400
LONGEST_FUNCTION = 60


@cache
def tree(module: str) -> ast.Module:
    return ast.parse((ROOT / module).read_text("utf-8"))


def imports(module: str) -> Iterator[str]:
    """Yield the dotted names that a module imports, wherever in it."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name: str, prefix: str) -> bool:
    return f"{name}.".startswith(f"{prefix}.")


@pytest.mark.parametrize("module", [path for path in SOURCES if path.startswith("archiver/")])
def test_the_archiver_never_imports_analytics(module):
    assert not [name for name in imports(module) if within(name, "analytics")]


@pytest.mark.parametrize("module", [path for path in SOURCES if path.startswith("analytics/")])
def test_analytics_knows_only_the_contract_and_the_unsealed_rows(module):
    foreign = [name for name in imports(module) if within(name, "archiver")]

    assert not [name for name in foreign if not any(within(name, one) for one in SHARED)]


@pytest.mark.parametrize("module", PURE)
def test_a_pure_module_touches_neither_clock_nor_file_nor_socket(module):
    assert not [name for name in imports(module) if name.split(".")[0] in IMPURE]


@pytest.mark.parametrize("library", ONLY)
def test_a_library_has_one_home(library):
    users = [path for path in SOURCES if any(within(name, library) for name in imports(path))]

    assert not [path for path in users if not path.startswith(ONLY[library])]


def test_only_one_module_makes_bytes_durable():
    users = {
        path
        for path in SOURCES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in {"fsync", "fdatasync"}
    }

    assert users == {"archiver/fs.py"}


@pytest.mark.parametrize("module", SOURCES)
def test_a_module_is_short_and_so_are_its_functions(module):
    lines = len((ROOT / module).read_text("utf-8").splitlines())
    long = [
        node.name
        for node in ast.walk(tree(module))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]

    assert lines <= LONGEST_FILE
    assert not long


def test_no_module_is_a_drawer_for_everything():
    drawers = {"base", "common", "core", "helpers", "manager", "misc", "utils"}

    assert not [path for path in SOURCES if Path(path).stem in drawers]
