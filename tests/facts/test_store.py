"""What is kept is whole, private, and believed only while it is: anything else is made again."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from datetime import date
from random import Random

import pytest

from analytics.errors import FactsUnusable, SettingWrong
from analytics.facts.store import GRACE

WHOLE = date(2026, 3, 2), date(2026, 3, 11)
NAMES = ["chats_offered", "response_time", "agent_load", "satisfaction"]

CRASH_AT = """
import os, sys
from pathlib import Path
from analytics.facts.build import build
from analytics.facts.store import Store
from analytics.folder import Folder

root, project, folder, slices = sys.argv[1:]

def crash(numbers):
    for number in numbers:
        if number == int(slices):
            os._exit(9)  # no `finally` runs: that is what a crash is
        yield number

build(Folder(Path(root)), project, Store(Path(folder)), progress=crash, at_a_time=60)
"""


def files(store):
    return sorted(path for path in store.folder.rglob("*") if path.is_file())


def test_a_crash_leaves_what_was_kept_before_and_the_next_build_goes_on(growing):
    parts = growing.left()
    growing.add(parts[:8])
    growing.build(at_a_time=1000)
    before = growing.store.state()
    growing.add(parts[8:])

    arguments = [growing.root, growing.project_id, growing.store.folder, 2]
    done = subprocess.run([sys.executable, "-c", CRASH_AT, *map(str, arguments)], check=False)

    assert done.returncode == 9
    assert growing.store.state() == before
    assert len(list(growing.store.folder.glob("0*"))) > len(before.batches)
    growing.assert_same(WHOLE)
    assert not growing.build(at_a_time=1000).is_anew
    growing.assert_same(WHOLE)


def test_what_a_build_replaced_goes_when_nobody_reads_it_any_more(growing):
    """Many small batches become one; the files of the others stay for a while."""
    parts = growing.left()
    growing.add(parts[:-9])
    for part in parts[-9:]:
        growing.add([part])
        growing.build(at_a_time=1000)
    named = {f"{one.number:08d}" for one in growing.store.state().batches}
    there = {path.name for path in growing.store.folder.iterdir() if path.is_dir()}
    assert len(named) < 9 < len(there)

    for path in growing.store.folder.iterdir():  # an hour later
        os.utime(path, (0, path.stat().st_mtime - GRACE - 1))
    growing.build()

    assert {path.name for path in growing.store.folder.iterdir() if path.is_dir()} == named
    growing.assert_same(WHOLE)


def test_a_damaged_file_is_not_believed_and_all_is_built_anew(built):
    luck = Random()
    kept = [path for path in files(built.store) if path.name == "received_messages.facts"]
    path = luck.choice(kept)  # who asks looks at all of these
    data = bytearray(path.read_bytes())
    data[luck.randrange(len(data))] ^= 1 << luck.randrange(8)
    path.write_bytes(data)

    with pytest.raises(FactsUnusable) as error:
        built.ask(built.store, WHOLE, NAMES)

    assert str(error.value) == f"{path}: damaged; 'analytics build' mends it"
    assert built.build(at_a_time=1000).is_anew
    built.assert_same(WHOLE)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "damaged; 'analytics build' mends it"),
        ("[1]", "damaged; 'analytics build' mends it"),
        (None, "kept by another version; 'analytics build' mends it"),
    ],
)
def test_a_state_that_says_nothing_is_not_believed(built, text, told):
    path = built.store.folder / "state.json"
    other = json.dumps(json.loads(path.read_text()) | {"version": "another"})
    path.write_text(other if text is None else text)

    with pytest.raises(FactsUnusable) as error:
        built.ask(built.store, WHOLE, NAMES)

    assert str(error.value) == f"{path}: {told}"
    assert built.build(at_a_time=1000).is_anew
    built.ask(built.store, WHOLE, NAMES)


def test_what_is_gone_from_the_archive_is_gone_from_the_answers(built):
    """Somebody removed a part: what was kept of its chats cannot be taken out."""
    part = min(built.root.glob("project_id=*/date=2026-03-04/*"))
    part.unlink()

    with pytest.raises(FactsUnusable) as error:
        built.ask(built.store, WHOLE, NAMES)

    told = "parts are gone; 'analytics build' begins anew"
    assert str(error.value) == f"{built.store.folder}: {told}"
    assert built.build(at_a_time=1000).is_anew
    built.assert_same(WHOLE)


def test_one_build_at_a_time(growing):
    with growing.store.writing(), pytest.raises(SettingWrong) as error:
        growing.build()

    told = "another build is on; wait until it is done"
    assert str(error.value) == f"{growing.store.folder}: {told}"


def test_files_are_for_their_owner_only(built):
    modes = {stat.S_IMODE(path.stat().st_mode) for path in files(built.store)}
    folders = {stat.S_IMODE(p.stat().st_mode) for p in built.store.folder.rglob("*") if p.is_dir()}

    assert (modes, folders) == ({0o600}, {0o700})
    assert not [path for path in files(built.store) if path.suffix == ".parquet"]


def test_nothing_that_people_said_or_that_names_them_to_the_server_is_kept(built):
    """Payloads stay in the archive: facts have no use for them."""
    import pyarrow.parquet as pq

    payloads = [
        pq.read_table(path, columns=["kind", "payload"]).to_pylist()
        for path in files(built.store)
        if path.stem in {"rows", "aside"}
    ]
    kinds = {row["kind"] for rows in payloads for row in rows if row["payload"] is not None}
    assert kinds == {"control", "gap"}
    assert {row["kind"] for rows in payloads for row in rows} > {"agent", "request", "message"}
