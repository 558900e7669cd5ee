"""What is configured: how each project is to be measured, from a TOML file and from options.

A file is checked as it is read: every error names the file and the key. What an option of a command
means (archive, format, …) is the command's business; the file's value is only handed on.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from analytics import hours
from analytics.errors import SettingWrong
from analytics.hours import OpeningHours, time_zone
from analytics.settings import SERVICE_BASES, Settings

OPTIONS = (
    "archive",
    "project",
    "format",
    "look_back",
    "look_ahead",
    "memory_limit",
    "threads",
)
"""What a file may say in place of an option, and not for each project."""


@dataclass(frozen=True)
class Desk:
    """How one project is to be measured."""

    tz: str
    hours: OpeningHours | None
    settings: Settings


@dataclass(frozen=True)
class Config:
    """What a file says: of options, of all projects, and of single ones."""

    options: Mapping[str, Any] = field(default_factory=dict)
    general: Mapping[str, Any] = field(default_factory=dict)
    projects: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def desk(self, project_id: str, told: Mapping[str, Any]) -> Desk:
        """Return what holds for a project: what options say, else its own part, else the rest."""
        said = {name: value for name, value in told.items() if value is not None}
        chosen = {**self.general, **self.projects.get(project_id, {}), **said}
        opened: OpeningHours | None = chosen.pop("opening_hours", None)
        tz = chosen.pop("tz", None) or (opened and opened.tz) or "UTC"
        return Desk(
            tz, opened, Settings(**{KEYS[name].field: value for name, value in chosen.items()})
        )


@dataclass(frozen=True)
class Key:
    """A setting of a project: its column of `params`, and what turns a value into it."""

    field: str
    check: Callable[[Any], Any]
    """Returns the value; a SettingWrong says what is wrong with it and what to write."""


def seconds(value: Any) -> float:
    """Check a length of time."""
    if not _is_number(value) or value < 0:
        raise SettingWrong(f"{value!r} is no number of seconds; write 60")
    return float(value)


def chats(value: Any) -> int:
    """Check a number of chats."""
    if not _is_number(value) or value != int(value) or value < 1:
        raise SettingWrong(f"{value!r} is no number of chats; write 4")
    return int(value)


def share(value: Any) -> float:
    """Check a share."""
    if not _is_number(value) or not 0 <= value <= 1:
        raise SettingWrong(f"{value!r} is no share; write 0.95 for 95 %")
    return float(value)


def service_base(value: Any) -> str:
    """Check what the service level is a share of."""
    if value not in SERVICE_BASES:
        raise SettingWrong(f"{value!r} is none of {', '.join(SERVICE_BASES)}; write one of them")
    return str(value)


def opening_hours(value: Any, folder: Path = Path()) -> OpeningHours:
    """Check opening hours: a file's name, seen from a folder, or a table."""
    return hours.parse(_document(value, folder, ()))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


KEYS = {
    "tz": Key("tz", time_zone),
    "opening_hours": Key("opening_hours", opening_hours),
    "answer_target": Key("answer_target_s", seconds),
    "reply_target": Key("reply_target_s", seconds),
    "short_wait": Key("short_wait_s", seconds),
    "service_base": Key("service_base", service_base),
    "idle_limit": Key("idle_limit_s", seconds),
    "pause_limit": Key("pause_limit_s", seconds),
    "chat_limit": Key("chat_limit", chats),
    "coverage_threshold": Key("coverage_threshold", share),
}


def read(path: Path) -> Config:
    """Read a file, or say what is wrong with it."""
    found = _table(path)
    sections = found.pop("projects", {})
    if not isinstance(sections, dict) or not all(
        isinstance(one, dict) for one in sections.values()
    ):
        raise SettingWrong(f'{path}: projects: no sections; write [projects.ID] and tz = "…" below')
    general = _named(path, "", found, (*OPTIONS, *KEYS, "projects"))
    options = {name: general.pop(name) for name in OPTIONS if name in general}
    projects = {
        project: _checked(
            f"{path}: projects.{project}.",
            path.parent,
            _named(path, project, section, tuple(KEYS)),
        )
        for project, section in sections.items()
    }
    return Config(options, _checked(f"{path}: ", path.parent, general), projects)


def told(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Check settings that a program names; None says nothing."""
    if unknown := settings.keys() - KEYS.keys():
        raise SettingWrong(f"no setting {min(unknown)!r}; there is {', '.join(KEYS)}")
    return _checked("", Path(), {name: one for name, one in settings.items() if one is not None})


def _named(
    path: Path, project: str, found: Mapping[str, Any], known: tuple[str, ...]
) -> dict[str, Any]:
    named = {name.replace("-", "_"): value for name, value in found.items()}
    for name in named:
        if name not in known:
            where = f"{path}: projects.{project}" if project else f"{path}"
            raise SettingWrong(f"{where}: no setting {name!r}; there is {', '.join(known)}")
    return named


def _checked(where: str, folder: Path, found: Mapping[str, Any]) -> dict[str, Any]:
    checked = {}
    for name, value in found.items():
        check = KEYS[name].check
        if name == "opening_hours":
            check = partial(opening_hours, folder=folder)
        try:
            checked[name] = check(value)
        except SettingWrong as error:
            raise SettingWrong(f"{where}{name}: {error}") from error
    return checked


def _table(path: Path) -> Any:
    """Read a file: JSON if it is named so, else TOML."""
    form = "JSON" if path.suffix == ".json" else "TOML"
    try:
        text = path.read_text("utf-8")
        return json.loads(text) if form == "JSON" else tomllib.loads(text)
    except OSError as error:
        raise SettingWrong(f"{path}: cannot read it ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise SettingWrong(f"{path}: cannot read it (not text)") from error
    except ValueError as error:
        raise SettingWrong(f"{path}: not {form}: {error}") from error


def _document(found: Any, folder: Path, within: tuple[Path, ...]) -> dict[str, Any]:
    """Return opening hours in our form, the files that they name read."""
    own = hours.plain({"file": found} if isinstance(found, str) else found)
    file, slot = own.pop("file", None), own.pop("slot", None)
    if file is not None:
        if not isinstance(file, str):
            raise SettingWrong(f'file: {file!r} is no name of a file; write "hours.toml"')
        own = hours.merged(_read_hours(folder / file, slot, within), own)
    if isinstance(own.get("departments"), Mapping):
        own["departments"] = {
            name: _document(one, folder, within) for name, one in own["departments"].items()
        }
    return own


def _read_hours(path: Path, slot: str | None, within: tuple[Path, ...]) -> dict[str, Any]:
    if path in within:
        raise SettingWrong(f"{path}: names itself; leave out file")
    table = _table(path)
    try:
        found = _document(hours.plain(table, slot), path.parent, (*within, path))
        hours.parse(found)
    except SettingWrong as error:
        raise SettingWrong(f"{path}: {error}") from error
    return found
