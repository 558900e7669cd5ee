"""Builds the distributions and runs them as a stranger would: installed, from another folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHIPPED = ("pyproject.toml", "README.md", "LICENSE", "archiver", "analytics", "notebooks", "sql")
HEAVY = ("pyarrow", "duckdb", "numpy", "websocket", "websockets", "msgspec", "prometheus_client")


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """Build both in a copy, so that nothing left in the checkout gets in."""
    source = tmp_path_factory.mktemp("source")
    for name in SHIPPED:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(ROOT / name, source / name)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", "dist", cwd=source)
    return source / "dist"


@pytest.fixture(scope="module")
def installed(distributions, tmp_path_factory):
    """Install the wheel into a new environment that borrows our libraries, not our checkout."""
    home = tmp_path_factory.mktemp("installed")
    venv.create(home, with_pip=False)
    (wheel,) = distributions.glob("*.whl")
    pip = (sys.executable, "-m", "pip", "--python", home / "bin" / "python")
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=home)
    (site,) = home.glob("lib/python*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home / "bin"


def expected():
    """Return the modules, and what they read, of the checkout, by their installed names."""
    for package in ("archiver", "analytics"):
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(ROOT).as_posix()
    for package, kind in (("sql", ".sql"), ("notebooks", ".ipynb")):
        for path in (ROOT / package).rglob("*"):
            if path.suffix in {".py", kind} and ".ipynb_checkpoints" not in path.parts:
                yield f"analytics/{package}/{path.relative_to(ROOT / package).as_posix()}"


def test_the_wheel_holds_every_module_and_query_and_nothing_else(distributions):
    (wheel,) = distributions.glob("*.whl")

    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}

    assert names == set(expected())


def test_the_source_distribution_holds_the_queries(distributions):
    (archive,) = distributions.glob("*.tar.gz")

    with tarfile.open(archive) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}

    queries = {path.relative_to(ROOT).as_posix() for path in (ROOT / "sql").rglob("*.sql")}
    assert queries
    assert queries <= names


def test_installed_commands_find_their_queries(installed, tmp_path):
    metrics = run(installed / "analytics", "metrics", cwd=tmp_path)

    for query in (ROOT / "sql" / "metrics").glob("*.sql"):
        assert query.stem in metrics


def test_the_installed_command_copies_the_notebooks(installed, tmp_path):
    run(installed / "analytics", "notebook", "here", cwd=tmp_path)

    copied = {path.name for path in (tmp_path / "here").iterdir()}
    assert copied == {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}


SCRIPT = """
from typing import Any

import analytics

with analytics.open("chats", tz="Europe/Rome", last=7, answer_target=30) as week:
    answer: analytics.Answer = week.metric("queue_time", by="hour", chats=False).whole()
    rows: list[dict[str, Any]] = answer.records()
    share: float = week.coverage
"""
WRONG = """
import analytics

analytics.open("chats", answer_target="soon")
analytics.open("chats").metrik("queue_time")
"""


@pytest.mark.slow
def test_programs_of_users_are_checked_against_its_types(installed, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "wrong.py").write_text(WRONG)
    mypy = (sys.executable, "-m", "mypy", "--strict", "--no-incremental")
    asked = (*mypy, "--python-executable", installed / "python", "script.py", "wrong.py")

    done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=False)

    found = [line.partition(": error: ") for line in done.stdout.splitlines()[:-1]]
    assert [(where, told.rpartition("[")[2]) for where, _, told in found] == [
        ("wrong.py:4", "arg-type]"),
        ("wrong.py:5", "attr-defined]"),
    ]


@pytest.mark.parametrize("command", ["archiver", "analytics"])
def test_installed_commands_tell_their_version(installed, tmp_path, command):
    assert "0.1.0" in run(installed / command, "--version", cwd=tmp_path)


@pytest.mark.parametrize("command", ["archiver", "analytics"])
def test_help_loads_no_heavy_library(installed, tmp_path, command):
    script = f"""
import sys
from {command}.cli import cli
cli(["--help"], standalone_mode=False)
print("loaded:", *sorted(set({HEAVY!r}) & set(sys.modules)))
"""
    answer = run(installed / "python", "-c", script, cwd=tmp_path)

    assert answer.splitlines()[-1] == "loaded:"
