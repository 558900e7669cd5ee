"""The archive as a folder: made once, found, or refused in a sentence."""

from __future__ import annotations

import json
import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from archiver import archive, contract, fs
from archiver.errors import ArchiveFormat, ArchiveMissing, ArchiveUnwritable


def test_a_new_archive_says_its_format_and_is_private(tmp_path):
    made = tmp_path / "some" / "archive"

    archive.prepare(made)

    assert json.loads((made / "archive.json").read_bytes()) == {"format": contract.VERSION}
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert stat.S_IMODE((made / "archive.json").stat().st_mode) == 0o600
    assert (made / "_journal").is_dir()
    archive.find(made)


def test_an_archive_for_analysts_can_be_read_by_the_group(tmp_path):
    archive.prepare(tmp_path / "archive", fs.GROUP_READABLE)

    assert stat.S_IMODE((tmp_path / "archive").stat().st_mode) == 0o750
    assert stat.S_IMODE((tmp_path / "archive" / "archive.json").stat().st_mode) == 0o640


def test_an_archive_is_prepared_once(tmp_path):
    archive.prepare(tmp_path)
    before = (tmp_path / "archive.json").stat()

    archive.prepare(tmp_path)

    assert (tmp_path / "archive.json").stat() == before


def test_recorders_may_begin_an_archive_together(tmp_path):
    ready = threading.Barrier(8)

    def begin(_number):
        for place in range(20):
            ready.wait(10)
            archive.prepare(tmp_path / str(place))
            archive.find(tmp_path / str(place))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(begin, range(8)))


@pytest.mark.parametrize("name", [".", "nowhere"])
def test_a_folder_that_is_no_archive_is_refused(tmp_path, name):
    with pytest.raises(ArchiveMissing) as caught:
        archive.find(tmp_path / name)

    assert str(caught.value) == (
        f"{tmp_path / name}: no archive here; name the folder that 'archiver record' writes to"
    )


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{}", b"5", b"\xff"])
@pytest.mark.parametrize("act", [archive.find, archive.prepare])
def test_a_marker_that_is_none_is_refused(tmp_path, act, text):
    (tmp_path / "archive.json").write_bytes(text)

    with pytest.raises(ArchiveFormat) as caught:
        act(tmp_path)

    assert str(caught.value) == (
        f"{tmp_path}/archive.json: not an archive's marker; name another folder"
    )


@pytest.mark.parametrize("act", [archive.find, archive.prepare])
def test_a_newer_format_is_refused(tmp_path, act):
    (tmp_path / "archive.json").write_text('{"format": 2}')

    with pytest.raises(ArchiveFormat) as caught:
        act(tmp_path)

    assert str(caught.value) == (
        f"{tmp_path}/archive.json: format 2, but this version reads format 1;"
        " install a version that reads it"
    )


def test_a_place_where_no_folder_can_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(ArchiveUnwritable) as caught:
        archive.prepare(tmp_path / "file" / "archive")

    assert str(caught.value) == (
        f"{tmp_path}/file/archive: cannot write there (Not a directory);"
        " name a folder that you may write"
    )
