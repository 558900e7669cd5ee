"""The settings file: a table for each command, and one for each project. Read, and held to both.

A name that nobody knows is an error: a recorder that passes over a slip of the pen does so for a
year.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from archiver.errors import SettingsWrong

PROJECTS = "projects"
OF_A_PROJECT = frozenset({"token_file"})


def read(path: Path, commands: Mapping[str, Collection[str] | None]) -> dict[str, dict[str, Any]]:
    """Return the tables of a file; `commands` has the names that each knows, None for any."""
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not text"
        raise SettingsWrong(f"{path}: cannot read it ({why})") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsWrong(f"{path}: not TOML: {error}") from error
    for name, table in tables.items():
        _check(f"{path}: [{name}]", table, {**commands, PROJECTS: None}, name)
    for project, table in tables.get(PROJECTS, {}).items():
        _check(f"{path}: [{PROJECTS}.{project}]", table, {project: OF_A_PROJECT}, project)
    return tables


def _check(
    where: str, table: object, known: Mapping[str, Collection[str] | None], name: str
) -> None:
    if name not in known:
        raise SettingsWrong(f"{where} is no command; there is {', '.join(sorted(known))}")
    if not isinstance(table, dict):
        raise SettingsWrong(f"{where} is no table")
    names = known[name]
    strange = [] if names is None else [key for key in table if key not in names]
    if strange and names is not None:
        there = ", ".join(sorted(names)) or "nothing"
        raise SettingsWrong(f"{where} knows no {strange[0]}; it knows {there}")


def shared(tables: Mapping[str, dict[str, Any]], names: Collection[str]) -> dict[str, Any]:
    """Return those of a recording's settings that another command may take."""
    return {name: value for name, value in tables.get("record", {}).items() if name in names}
