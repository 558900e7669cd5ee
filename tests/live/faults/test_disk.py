"""Disks that are full, read-only or damaged: recording goes on, and what is missing is a gap."""

from __future__ import annotations

import resource
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from archiver import journal

BUSY = ("serve", "--speed", "120", "--chats-per-day", "4000", "--start", "2026-11-23T09:00:00Z")
PROJECT = "5f6c1d2e3a4b5c6d7e8f9a0b"
FEED = f"/{PROJECT}/requests"


class Limit:
    """No file of the recorder may grow: a limit of the process, which needs no rights."""

    def fill(self, recorder):
        hard = resource.prlimit(recorder.popen.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(recorder.popen.pid, resource.RLIMIT_FSIZE, (0, hard))

    def free(self, recorder):
        hard = resource.prlimit(recorder.popen.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(recorder.popen.pid, resource.RLIMIT_FSIZE, (hard, hard))


class SmallDisk:
    """A disk of eight megabytes, and a file that takes what is free of it."""

    def __init__(self, folder):
        self.ballast = folder / "ballast"

    def fill(self, _recorder):
        with self.ballast.open("wb", buffering=0) as file:
            size = 65536
            while size >= 512:
                try:
                    file.write(bytes(size))
                except OSError:
                    size //= 2

    def free(self, _recorder):
        self.ballast.unlink()


def mount(folder: Path, options: str) -> None:
    folder.mkdir(exist_ok=True)
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder],
            check=True,
            capture_output=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no disk can be mounted here: {error}")


@pytest.fixture
def mounted(archive):
    yield lambda options: mount(archive, options)
    if archive.is_mount():
        subprocess.run(["umount", "--lazy", archive], check=True)


@pytest.fixture(params=["limit", "small disk"])
def disk(request, mounted, archive):
    if request.param == "limit":
        return Limit()
    mounted("size=8m,mode=700")
    return SmallDisk(archive)


def begin(record, url, *arguments):
    recorder = record(url, *arguments)
    recorder.wait_for("event=connected")
    return recorder


def test_a_full_disk_pauses_recording_until_there_is_room(
    disk, serve, record, run, archive, read_rows, gaps, sent_entities, lost
):
    server = serve(*BUSY)
    recorder = begin(record, server.url, "--roll-seconds", "2")
    for number in (1, 2):
        server.wait_until_sent(server.log.stat().st_size + 200_000)
        disk.fill(recorder)
        recorder.wait_for("event=paused", number)
        paused_at = server.log.stat().st_size
        disk.free(recorder)
        recorder.wait_for("event=connected", number + 1)
        server.wait_until_sent(paused_at + 100_000)
    assert recorder.stop() == 0, recorder.lines
    assert server.stop() == 0

    assert not [line for line in recorder.lines if "Traceback" in line]
    # A frame or a sign of life may be what met the full disk; only a frame would be missing.
    assert lost(sent_entities(server.sent()), archive).keys() <= {1, 2}
    whys = [gap["why"] for gap in gaps(read_rows(archive))]
    assert whys == ["the journal could not be written"] * 2 + ["the recorder was stopped"]
    assert run("archiver", "verify", "--archive", archive).returncode == 0


def scratch_middle(path):
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2)
        file.write(bytes(5000))


def scratch_beginning(path):
    with path.open("r+b") as file:
        file.write(bytes(3000))


@pytest.mark.parametrize("scratch", [scratch_middle, scratch_beginning])
def test_a_damaged_segment_is_set_aside_and_recording_goes_on(
    scratch, serve, record, run, archive, read_rows, gaps, sent_entities, lost
):
    server = serve(*BUSY)
    assert begin(record, server.url).stop() == 0
    recorder = begin(record, server.url)
    server.wait_until_sent(500_000)
    assert recorder.stop(signal.SIGKILL) == -signal.SIGKILL
    (segment,) = journal.segments(archive / "_journal" / "main")
    scratch(segment)

    recorder = begin(record, server.url)
    server.wait_until_sent(server.log.stat().st_size + 200_000)
    assert recorder.stop() == 0, recorder.lines
    assert server.stop() == 0

    assert not [line for line in recorder.lines if "Traceback" in line]
    (damaged,) = archive.rglob("*.damaged")
    assert damaged.stem == segment.stem
    assert not list(archive.rglob("*.segment"))
    missing = lost(sent_entities(server.sent()), archive)
    assert 0 < missing[2] < len(server.sent()[2]) / 2
    rows = read_rows(archive)
    assert {row["connection"] for row in rows if row["kind"] == "message"} >= {2, 3}
    assert {gap["why"] for gap in gaps(rows)} <= {
        "the journal was damaged",
        "the recorder died",
        "the recorder was stopped",
    }
    found = run("archiver", "verify", "--archive", archive)
    assert found.returncode == 3
    assert found.stdout == (
        f"{damaged}: set aside as damaged; its good records are in the archive\n"
    )


def test_a_partition_that_cannot_be_written_stops_sealing_but_not_recording(
    serve, record, run, archive, sent_entities, lost
):
    server = serve(*BUSY)
    in_the_way = archive / f"project_id={PROJECT}"
    archive.mkdir()
    in_the_way.write_text("a file")
    recorder = begin(record, server.url, "--roll-seconds", "1")
    recorder.wait_for("event=sealing")
    server.wait_until_sent(server.log.stat().st_size + 200_000)

    status = recorder.stop()

    assert status == 1
    assert recorder.lines[-1].startswith(f"Error: {archive}/_journal/main/")
    assert not [line for line in recorder.lines if "Traceback" in line]
    in_the_way.unlink()
    sealed = run("archiver", "seal", "--archive", archive)
    assert sealed.returncode == 0, sealed.stderr
    assert server.stop() == 0
    assert lost(sent_entities(server.sent()), archive).keys() <= {1}
    assert run("archiver", "verify", "--archive", archive).returncode == 0


def refuse(run, archive, url):
    command = ("archiver", "record", "--archive", archive, "--project", PROJECT, "--url", url)
    found = run(*command, TILEDESK_TOKEN="simulated")
    return found.returncode, found.stderr.splitlines()[-1]


def test_a_read_only_disk_is_one_line(serve, run, archive, mounted):
    mounted("ro")

    ended = refuse(run, archive, serve(*BUSY).url)

    assert ended == (
        1,
        (
            f"Error: {archive}: cannot write there (Read-only file system);"
            " name a folder that you may write"
        ),
    )


def test_an_archive_on_a_read_only_disk_can_be_read(serve, record, run, archive, mounted):
    mounted("size=64m")
    server = serve(*BUSY)
    recorder = begin(record, server.url)
    server.wait_until_sent(300_000)
    assert recorder.stop(signal.SIGKILL) == -signal.SIGKILL
    mounted("remount,ro")

    told = {
        words: run(*words, "--archive", archive)
        for words in (
            ("archiver", "status"),
            ("archiver", "verify"),
            ("archiver", "tail", "--no-follow"),
            ("analytics", "metric", "tiledesk_compatible", "--look-back", "all"),
            ("archiver", "seal"),
        )
    }

    ends = {words[:2]: done.returncode for words, done in told.items()}
    assert ends.pop(("archiver", "seal")) == 1
    assert set(ends.values()) == {0}, told
    assert told["archiver", "seal"].stderr == (
        f"Error: {archive}/_journal/main: cannot write there (Read-only file system);"
        " name a folder that you may write\n"
    )
    assert not [done.stderr for done in told.values() if "Traceback" in done.stderr]


def test_a_file_in_the_way_of_the_journal_is_one_line(serve, run, archive):
    archive.mkdir()
    (archive / "_journal").write_text("a file")

    ended = refuse(run, archive, serve(*BUSY).url)

    assert ended == (
        1,
        (
            f"Error: {archive}/_journal/main: cannot write there (Not a directory);"
            " name a folder that you may write"
        ),
    )


def test_what_waits_for_sealing_fills_the_disk_and_not_the_memory(
    office, desk_of, record, run, archive, read_rows, sent_entities, lost
):
    request, _, messages_of = desk_of
    recorder = begin(record, office.url, "--roll-bytes", "300000")
    office.wait_until_asked(1, "subscribe", FEED)
    before = peak_memory(recorder.popen.pid)
    for number in range(20_000):
        if sealing := suspended_sealing(recorder.popen.pid):
            break
        office.change(request(1, number / 1000, filler="x" * 3000))
    office.change(*(request(2, number / 1000, filler="x" * 3000) for number in range(12_000)))
    office.change(request(3, 13))
    office.wait_until_asked(1, "subscribe", messages_of(3))  # it has read all that came before
    waiting = journal.segments(archive / "_journal" / "main")
    size = sum(path.stat().st_size for path in waiting)
    grown = peak_memory(recorder.popen.pid) - before
    sealing.resume()

    assert recorder.stop() == 0, recorder.lines
    assert size > 36e6
    assert grown < size / 4
    assert run("archiver", "seal", "--archive", archive).returncode == 0
    assert not list(archive.rglob("*.segment"))
    assert len(list(archive.rglob("*.parquet"))) >= len(waiting)
    assert lost(sent_entities(office.sent()), archive) == {}
    assert len([row for row in read_rows(archive) if row["kind"] == "request"]) > 12_000
    assert run("archiver", "verify", "--archive", archive).returncode == 0


def suspended_sealing(pid):
    """Suspend the process that seals, and return it; None if there is none now."""
    for process in psutil.Process(pid).children():
        with suppress(psutil.NoSuchProcess):
            process.suspend()
            if process.status() == psutil.STATUS_STOPPED:  # and no process that has just ended
                return process
    return None


def peak_memory(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024
