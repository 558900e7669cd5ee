"""The page's server: what it answers, to whom, and with which headers."""

from __future__ import annotations

import http.client
import json
import urllib.request
from urllib.parse import urljoin, urlsplit

import pytest

from analytics.dashboard.command import TOKEN as TOKEN_VARIABLE
from archiver import contract

TOKEN = "a token that is long enough"


@pytest.fixture(scope="module")
def empty(archive):
    """An archive in which nothing is yet."""
    archive.mkdir()
    (archive / contract.MARKER).write_text(f'{{"format": {contract.VERSION}}}')
    return archive


@pytest.fixture(scope="module")
def is_open(empty, serve):
    return serve()[0]


@pytest.fixture(scope="module")
def guarded(empty, serve):
    return serve(**{TOKEN_VARIABLE: TOKEN})[0]


def ask(url, path="/", method="GET", body=None, **headers):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
    answer = connection.getresponse()
    text = answer.read(100_000).decode()
    connection.close()
    return answer, text


@pytest.mark.parametrize("path", ["/", "/page.js", "/page.css", "/state", "/nowhere", "/healthz"])
def test_every_answer_bears_the_headers(is_open, path):
    answer, _ = ask(is_open, path)

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "uvicorn" not in str(answer.headers)


@pytest.mark.parametrize("path", ["/", "/page.js", "/state", "/events", "/nowhere"])
def test_without_the_token_there_is_nothing_to_see(guarded, path):
    answer, text = ask(guarded, path)

    assert answer.status == 401
    assert answer.headers["Content-Security-Policy"]
    assert "page.js" not in text
    assert "projects" not in text


def test_the_token_as_a_header_shows_the_figures(guarded):
    assert ask(guarded, "/state", Authorization=f"Bearer {TOKEN}")[0].status == 200
    assert ask(guarded, "/state", Authorization=f"Bearer {TOKEN[:-1]}")[0].status == 401


def test_signing_in_gives_a_cookie_that_shows_the_figures(guarded):
    answer, _ = ask(guarded, "/login", "POST", "token=a+token+that+is+long+enough")
    cookie = answer.headers["Set-Cookie"]

    assert answer.status == 303
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert ask(guarded, "/state", Cookie=cookie.partition(";")[0])[0].status == 200
    assert ask(guarded, "/state", Cookie="dashboard=0")[0].status == 401
    assert urljoin("http://proxy/desk/login", answer.headers["Location"]) == "http://proxy/desk/"


def test_behind_a_proxy_with_tls_the_cookie_stays_there(guarded):
    answer, _ = ask(guarded, "/login", "POST", f"token={TOKEN}", X_Forwarded_Proto="https")

    assert "Secure" in answer.headers["Set-Cookie"]


def test_a_wrong_token_is_told_and_a_huge_one_not_read(guarded):
    answer, text = ask(guarded, "/login", "POST", "token=wrong")
    assert (answer.status, "Set-Cookie" in answer.headers) == (401, False)
    assert 'role="alert">This is not the token.' in text

    answer, _ = ask(guarded, "/login", "POST", "token=" + "x" * 10_000)
    assert answer.status == 413


def test_without_a_token_another_name_of_this_machine_is_refused(is_open, guarded):
    assert ask(is_open, Host="rebound.example.org")[0].status == 421
    assert ask(guarded, Host="desk.example.org")[0].status == 401


def test_who_waits_gets_signs_of_life_that_no_proxy_holds_back(is_open):
    with urllib.request.urlopen(f"{is_open}events", timeout=60) as stream:  # noqa: S310 (ours)
        assert stream.headers["X-Accel-Buffering"] == "no"
        assert any(line == b"event: alive\n" for line in stream)


def test_without_a_token_nobody_can_sign_in(is_open):
    assert ask(is_open, "/login", "POST", "token=")[0].status == 401


def test_an_empty_archive_is_told_as_empty(is_open, watch):
    told = watch(is_open, lambda _: True)

    assert told["projects"] == []
    assert json.loads(ask(is_open, "/state")[1])["trouble"] is None
    assert ask(is_open, "/healthz")[0].status == 200
