"""Which addresses are dialled at all."""

from __future__ import annotations

import pytest

from archiver.address import FORMS, check_url
from archiver.errors import AddressWrong


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://x/", f"http://x/: not a WebSocket address; known forms: {FORMS}"),
        ("wss:///v2/", f"wss:///v2/: not a WebSocket address; known forms: {FORMS}"),
        (
            "ws://chat.example/",
            (
                "ws://chat.example/: would send the token in the clear;"
                " use wss://, or --insecure if you must"
            ),
        ),
        (
            "wss://x/v2/?token=abc",
            (
                "wss://x/v2/: give the address without user and query;"
                " the token comes from TILEDESK_TOKEN or --token-file"
            ),
        ),
        (
            "wss://anna:secret@x/v2/",
            (
                "wss://x/v2/: give the address without user and query;"
                " the token comes from TILEDESK_TOKEN or --token-file"
            ),
        ),
    ],
)
def test_an_address_that_cannot_be_is_refused_before_dialling(url, message):
    with pytest.raises(AddressWrong) as error:
        check_url(url)

    assert str(error.value) == message


@pytest.mark.parametrize(
    "url",
    [
        "ws://127.0.0.1:99999/",
        "ws://127.0.0.1:0/",
        "wss://host:ws/",
        "ws://[::1/",
        "wss://a b/",
        "wss://host/a b",
        f"wss://{'a' * 64}.example/",
        "wss://.example/",
    ],
)
def test_what_could_never_be_dialled_is_no_address(url):
    with pytest.raises(AddressWrong) as error:
        check_url(url)

    assert str(error.value) == f"{url}: not a WebSocket address; known forms: {FORMS}"


@pytest.mark.parametrize("url", ["wss://anna:s3c/ret@host/", "host?token=s3c/ret", "x#s3c/ret"])
def test_what_may_hold_a_secret_is_not_shown(url):
    with pytest.raises(AddressWrong) as error:
        check_url(url)

    assert str(error.value) == f"--url: not a WebSocket address; known forms: {FORMS}"


def test_an_address_is_shown_on_one_line():
    with pytest.raises(AddressWrong) as error:
        check_url("wss://host/\nwss")

    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("url", ["wss://x/v2/", "ws://127.0.0.1:3000/", "ws://[::1]/ws/"])
def test_tls_or_loopback_is_well(url):
    check_url(url)


def test_plain_sockets_elsewhere_are_allowed_when_asked_for():
    check_url("ws://chat.example/", insecure=True)
