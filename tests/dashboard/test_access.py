"""Who may see the page."""

from __future__ import annotations

import pytest

from analytics.dashboard.access import Access, host_of, is_loopback

TOKEN = "a token that is long enough"


def test_without_a_token_everything_is_open_on_this_machine():
    assert Access(None).allows("", "")


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN])
def test_what_is_not_the_token_opens_nothing(authorization):
    assert not Access(TOKEN).allows(authorization, "")


def test_the_token_opens_and_so_does_its_cookie():
    access = Access(TOKEN)

    assert access.allows(f"Bearer {TOKEN}", "")
    assert access.allows(f"bearer {TOKEN}", "")
    assert access.allows("", access.cookie)


def test_the_cookie_is_not_the_token_and_of_no_other():
    assert TOKEN not in Access(TOKEN).cookie
    assert not Access(TOKEN).allows("", Access(f"{TOKEN}!").cookie)
    assert not Access(TOKEN).allows("", TOKEN)


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("127.0.0.1:8000", True),
        ("localhost:8000", True),
        ("localhost", True),
        ("[::1]:8000", True),
        ("[::1]", True),
        ("desk.example.org:8000", False),
        ("127.0.0.1.example.org", False),
        ("", False),
        ("192.0.2.7:8000", False),
    ],
)
def test_without_a_token_a_request_must_name_this_machine(host, is_ours):
    assert Access(None).is_host(host) is is_ours
    assert Access(TOKEN).is_host(host)


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("127.0.0.1:8000", "127.0.0.1"),
        ("[::1]:8000", "::1"),
        ("::1", "::1"),
        ("0.0.0.0:80", "0.0.0.0"),  # noqa: S104 (a name)
        ("here", "here"),
    ],
)
def test_the_host_of_an_address(address, host):
    assert host_of(address) == host


def test_an_address_of_all_interfaces_is_not_this_machine():
    assert not is_loopback("0.0.0.0")  # noqa: S104 (a name)
