"""Copies the notebooks to the user, who may change them: those that came with the package stay."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from analytics.errors import SettingWrong
from analytics.output import make_folder, write


def copy(folder: Path, *, is_forced: bool) -> list[Path]:
    """Write every notebook into a folder; one that is there stays, unless it is forced."""
    texts = {folder / name: text for name, text in _notebooks()}
    there = [path for path in texts if path.exists()]
    if there and not is_forced:
        raise SettingWrong(f"{there[0]}: is there already; give --force to lose its changes")
    make_folder(folder)
    for path, text in texts.items():
        write(text, path)
    return list(texts)


def _notebooks() -> Iterator[tuple[str, str]]:
    found = files("analytics.notebooks").iterdir()
    for one in sorted(found, key=lambda one: one.name):
        if one.name.endswith(".ipynb"):
            yield one.name, one.read_text("utf-8")
