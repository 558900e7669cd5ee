"""Files are whole or absent, private, and held by one process at a time."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from archiver import fs

HOLD = """
import sys
from pathlib import Path
from archiver import fs
assert fs.lock(Path(sys.argv[1])) is not None
print("held", flush=True)
sys.stdin.read()
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def _open_umask():
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture(params=[fs.PRIVATE, fs.GROUP_READABLE], ids=["private", "group"])
def modes(request):
    return request.param


@pytest.mark.usefixtures("_open_umask")
def test_every_folder_made_has_the_mode_asked_for_and_one_that_was_there_keeps_its_own(
    tmp_path, modes
):
    tmp_path.chmod(0o755)

    fs.make_folder(tmp_path / "a" / "b" / "c", modes)

    assert {mode(tmp_path / path) for path in ("a", "a/b", "a/b/c")} == {modes.folder}
    assert mode(tmp_path) == 0o755


def test_a_strict_umask_does_not_take_from_the_modes_asked_for(tmp_path):
    before = os.umask(0o077)
    try:
        fs.make_folder(tmp_path / "a", fs.GROUP_READABLE)
        with fs.publish(tmp_path / "a" / "file", fs.GROUP_READABLE) as file:
            file.write(b"x")
    finally:
        os.umask(before)

    assert mode(tmp_path / "a") == 0o750
    assert mode(tmp_path / "a" / "file") == 0o640


@pytest.mark.usefixtures("_open_umask")
def test_a_published_file_is_whole_and_has_the_mode_asked_for(tmp_path, modes):
    with fs.publish(tmp_path / "new" / "part.parquet", modes) as file:
        file.write(b"whole")

    assert (tmp_path / "new" / "part.parquet").read_bytes() == b"whole"
    assert mode(tmp_path / "new" / "part.parquet") == modes.file


def test_readers_see_the_old_file_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "part.parquet"
    path.write_bytes(b"old")

    with fs.publish(path) as file:
        file.write(b"new")
        file.flush()
        during = path.read_bytes()
        drafts = [name for name in names(tmp_path) if name != path.name]

    assert during == b"old"
    assert path.read_bytes() == b"new"
    assert len(drafts) == 1
    assert not drafts[0].endswith(".parquet")


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_failure_while_writing_leaves_the_old_file_and_no_draft(tmp_path, error):
    path = tmp_path / "state.json"
    path.write_bytes(b"old")

    def write_half() -> None:
        with fs.publish(path) as file:
            file.write(b"half")
            raise error

    with pytest.raises(error):
        write_half()

    assert names(tmp_path) == ["state.json"]
    assert path.read_bytes() == b"old"


def test_the_draft_of_a_process_that_died_is_no_obstacle(tmp_path):
    path = tmp_path / "part.parquet"
    (tmp_path / ".part.parquet.draft").write_bytes(b"much longer than what comes now")

    with fs.publish(path) as file:
        file.write(b"short")

    assert names(tmp_path) == ["part.parquet"]
    assert path.read_bytes() == b"short"


def test_removing_what_is_not_there_is_no_error(tmp_path):
    (tmp_path / "here").write_bytes(b"")

    fs.remove(tmp_path / "here")
    fs.remove(tmp_path / "here")

    assert names(tmp_path) == []


def test_a_lock_keeps_others_out_until_it_is_closed(tmp_path):
    first = fs.lock(tmp_path / "lock")
    assert first is not None

    assert fs.lock(tmp_path / "lock") is None

    os.close(first)
    second = fs.lock(tmp_path / "lock")
    assert second is not None
    os.close(second)


def test_who_waits_for_a_lock_gets_it_when_it_is_closed(tmp_path):
    first = fs.lock(tmp_path / "lock")
    got: list[int | None] = []
    waiter = threading.Thread(target=lambda: got.append(fs.lock(tmp_path / "lock", wait=True)))
    waiter.start()
    assert got == []

    os.close(first)
    waiter.join(10)

    assert len(got) == 1
    os.close(got[0])


def test_the_lock_of_a_killed_process_is_free(tmp_path):
    argv = [sys.executable, "-c", HOLD, str(tmp_path / "lock")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        assert fs.lock(tmp_path / "lock") is None
        holder.kill()

    held = fs.lock(tmp_path / "lock")
    assert held is not None
    os.close(held)
