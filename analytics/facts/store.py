"""The files beside an archive: batches of Parquet, and the one small state that names them.

A state is swapped by one rename; what it does not name does not count, and the next build removes
it. Every file is held to its size and digest before it is believed. It knows nothing of what the
rows mean. The files' names do not end in `.parquet`, so that nobody takes them for parts.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from analytics.errors import FactsUnusable, SettingWrong
from analytics.facts.kept import ASIDE, version
from archiver import fs

FORMAT = 1
GRACE = 3600
"""Seconds for which a reader may go on with files that a build has replaced."""
_STATE = "state.json"
_LOCK = "lock"

Pair = tuple[str, int]
"""A recorder's name and the number of a segment: what a part is made of."""


@dataclass(frozen=True)
class Known:
    """A part of which all is known: how large it was, and of what it was made."""

    size: int
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Batch:
    """Some chats' rows, a file a view; of a chat the newest batch counts."""

    number: int
    chats: int
    files: dict[str, tuple[int, str]]
    """Size and digest of each."""


@dataclass(frozen=True)
class State:
    """What is known, and where it is kept."""

    next: int = 1
    limits: dict[str, Any] = field(default_factory=dict)
    """Settings by which chats were derived."""
    days: dict[str, dict[str, Known]] = field(default_factory=dict)
    batches: tuple[Batch, ...] = ()


class Store:
    """The facts of one project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._believed: set[Path] = set()

    @property
    def is_there(self) -> bool:
        """Tell whether something was ever kept here."""
        return (self.folder / _STATE).exists()

    def state(self) -> State:
        """Return the state; FactsUnusable says why there is none that can be used."""
        path = self.folder / _STATE
        try:
            told = json.loads(path.read_bytes())
            if (told["format"], told["version"]) != (FORMAT, version()):
                raise FactsUnusable(f"{path}: kept by another version; 'analytics build' mends it")
            return _state(told)
        except FileNotFoundError as error:
            raise FactsUnusable(f"{path}: nothing is kept; 'analytics build' does") from error
        except OSError as error:
            raise FactsUnusable(f"{path}: cannot read it ({error.strerror})") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise FactsUnusable(f"{path}: damaged; 'analytics build' mends it") from error

    def paths(self, batches: Iterable[Batch], name: str) -> list[Path]:
        """Return the files of a view, each as it was written; FactsUnusable if one is not."""
        found = [(self._path(one.number, name), *one.files[name]) for one in batches]
        for path, size, digest in found:
            self._believe(path, size, digest)
        return [path for path, _, _ in found]

    def believe(self, batches: Iterable[Batch]) -> None:
        """Hold every file to how it was written; FactsUnusable says which is not as it was."""
        for one in batches:
            for name in one.files:
                self.paths([one], name)

    def _believe(self, path: Path, size: int, digest: str) -> None:
        if path in self._believed:
            return
        try:
            is_whole = (path.stat().st_size, digest_of(path)) == (size, digest)
        except OSError as error:
            raise FactsUnusable(f"{path}: cannot read it ({error.strerror})") from error
        if not is_whole:
            raise FactsUnusable(f"{path}: damaged; 'analytics build' mends it")
        self._believed.add(path)

    def _path(self, number: int, name: str) -> Path:
        return self.folder / f"{number:08d}" / f"{name}.facts"

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold others off while a build is on."""
        try:
            fs.make_folder(self.folder)
            held = fs.lock(self.folder / _LOCK)
        except OSError as error:
            raise self._unwritable(error) from error
        if held is None:
            raise SettingWrong(f"{self.folder}: another build is on; wait until it is done")
        try:
            yield
        except OSError as error:
            raise self._unwritable(error) from error
        finally:
            os.close(held)

    def _unwritable(self, error: OSError) -> SettingWrong:
        told = f"{self.folder}: cannot keep facts there ({error.strerror or error})"
        return SettingWrong(f"{told}; name a folder with --facts")

    def sweep(self, batches: Iterable[Batch]) -> None:
        """Remove what is named no longer, once nobody reads it: it was replaced, or never done."""
        named = {f"{one.number:08d}" for one in batches}
        until = time.time() - GRACE
        for path in self.folder.iterdir():
            if path.is_dir() and path.name not in named and path.stat().st_mtime < until:
                shutil.rmtree(path)

    def begin(self, number: int) -> None:
        """Make the folder of a batch, empty."""
        folder = self._path(number, ASIDE).parent
        shutil.rmtree(folder, ignore_errors=True)
        fs.make_folder(folder)

    @contextmanager
    def draft(self, number: int, name: str) -> Iterator[Path]:
        """Yield a file of a batch, for its owner only; it is durable in the end."""
        path = self._path(number, name)
        path.touch(fs.PRIVATE.file)
        yield path
        with path.open("rb") as file:
            fs.sync(file.fileno())

    def written(self, number: int, chats: int) -> Batch:
        """Return the batch of what was drafted."""
        folder = self._path(number, ASIDE).parent
        fs.sync_folder(folder)
        files = {path.stem: (path.stat().st_size, digest_of(path)) for path in folder.iterdir()}
        return Batch(number, chats, files)

    def swap(self, state: State) -> None:
        """Make a state the one that counts."""
        told = {"format": FORMAT, "version": version(), **asdict(state)}
        with fs.publish(self.folder / _STATE) as file:
            file.write(json.dumps(told, separators=(",", ":")).encode())

    def forget(self) -> None:
        """Have nothing kept: first the state goes, so that nothing is believed meanwhile."""
        fs.remove(self.folder / _STATE)


def _state(told: dict[str, Any]) -> State:
    days = {
        day: {
            name: Known(one["size"], tuple((recorder, number) for recorder, number in one["pairs"]))
            for name, one in parts.items()
        }
        for day, parts in told["days"].items()
    }
    batches = [
        Batch(
            one["number"],
            one["chats"],
            {name: (size, digest) for name, (size, digest) in one["files"].items()},
        )
        for one in told["batches"]
    ]
    return State(told["next"], told["limits"], days, tuple(batches))


def digest_of(path: Path) -> str:
    """Return what a file's bytes come to."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def store_of(root: Path, project_id: str) -> Store:
    """Return where a project's facts are kept."""
    return Store(root / project_id)
