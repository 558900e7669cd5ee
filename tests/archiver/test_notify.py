"""Notifying systemd: the messages of sd_notify(3), through real datagram sockets."""

from __future__ import annotations

import socket
import uuid

import pytest

from archiver import notify


@pytest.fixture(params=["path", "abstract"])
def systemd(request, tmp_path, monkeypatch):
    """Listen as systemd does, at a path and at an abstract address."""
    if request.param == "path":
        name = address = str(tmp_path / "notify")
    else:
        name = f"@archiver-{uuid.uuid4()}"
        address = f"\0{name[1:]}"
    monkeypatch.setenv(notify.VARIABLE, name)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(address)
        listening.settimeout(10)
        yield listening


@pytest.mark.parametrize(
    ("say", "heard"),
    [
        (notify.ready, b"READY=1"),
        (notify.watchdog, b"WATCHDOG=1"),
        (notify.stopping, b"STOPPING=1"),
        (lambda: notify.status("ready"), b"STATUS=ready"),
    ],
)
def test_each_message_is_one_datagram(systemd, say, heard):
    say()

    assert systemd.recv(1000) == heard


def test_a_status_stays_one_line_and_keeps_its_letters(systemd):
    notify.status("2 of 3 connections\nREADY=1\t– Zürich")

    assert systemd.recv(1000).decode() == "STATUS=2 of 3 connections READY=1 – Zürich"


@pytest.mark.parametrize("value", [None, ""])
def test_without_systemd_nothing_happens(monkeypatch, caplog, value):
    if value is None:
        monkeypatch.delenv(notify.VARIABLE, raising=False)
    else:
        monkeypatch.setenv(notify.VARIABLE, value)

    notify.ready()

    assert not caplog.records


@pytest.mark.parametrize("name", ["{folder}/nobody", "vsock:2:1234", "{folder}/" + "x" * 200])
def test_a_socket_that_cannot_be_reached_never_stops_the_service(
    tmp_path, monkeypatch, caplog, name
):
    monkeypatch.setenv(notify.VARIABLE, name.format(folder=tmp_path))

    notify.watchdog()

    assert caplog.messages[0].startswith("not_notified socket=")


def test_a_systemd_that_does_not_read_holds_nobody_up_for_long(systemd, monkeypatch, caplog):
    monkeypatch.setattr(notify, "_PATIENCE", 0.01)
    for _ in range(10_000):
        notify.watchdog()
        if caplog.records:
            break

    assert "timed out" in caplog.text
