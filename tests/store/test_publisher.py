"""The recorder's side of publishing: how much waits, and what happens when that is too much."""

from __future__ import annotations

import pytest

from archiver import fs
from archiver.errors import JournalUnwritable, StoreRefuses
from archiver.publisher import Publisher
from archiver.recording import Recording

PROJECT = "65f0a1b2c3d4e5f601234567"


def test_a_full_spool_is_like_a_full_disk_until_there_is_room(place, spool, caplog):
    caplog.set_level("INFO")
    spool.record(2)
    size = sum(map(len, spool.parts().values()))
    publisher = Publisher(place.remote, "main", fs.PRIVATE, size)
    recording = Recording(spool.root, "main", [PROJECT], clock=lambda: spool.now)
    publisher.begin()

    recording.full = publisher.fullness()
    with pytest.raises(JournalUnwritable, match=f"the spool is full \\({size} of {size} bytes\\)"):
        spool.keep(recording)
    assert publisher.vitals()["is_spool_full"]
    assert not recording.signs().is_writable

    publisher.finish(60)
    recording.full = publisher.fullness()
    spool.keep(recording)
    assert recording.full is None
    assert recording.signs().is_writable
    recording.close(spool.now)
    assert publisher.vitals()["published_parts_total"] > 0
    assert [record.message.split()[0] for record in caplog.records] == [
        "spool_full",
        "spool_has_room",
    ]


def test_a_wrong_place_is_said_at_the_start(place, spool, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-wrong-one")

    with pytest.raises(StoreRefuses, match="access denied"):
        Publisher(place.remote, "main", fs.PRIVATE, 2**30).begin()


def test_trouble_is_tried_again_ever_later(place, spool, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    spool.record()
    publisher = Publisher(place.remote, "main", fs.PRIVATE, 2**30)

    publisher.begin()
    first = publisher._pause
    publisher.finish(60)

    assert publisher.failures == 2
    assert publisher._pause == 2 * first
    assert publisher.parts == len(spool.parts()) > 0
    assert publisher.fullness() is None
