"""The token: read from the environment or a file, refused in a sentence that does not show it."""

from __future__ import annotations

import base64
import json

import pytest

from archiver import token
from archiver.errors import TokenMissing
from archiver.token import VARIABLE, TokenSource


@pytest.fixture
def file(tmp_path):
    return tmp_path / "token"


@pytest.mark.parametrize(
    "text", ["abc.def-_", " abc.def-_\n", "JWT abc.def-_", "JWT  abc.def-_\r\n"]
)
def test_the_token_is_what_stands_there_without_scheme_and_spaces(file, monkeypatch, text):
    monkeypatch.setenv(VARIABLE, text)
    file.write_text(text)

    assert TokenSource().read() == TokenSource(file).read() == "abc.def-_"


def test_a_file_goes_before_the_environment(file, monkeypatch):
    monkeypatch.setenv(VARIABLE, "environment")
    file.write_text("file")

    assert TokenSource(file).read() == "file"


def test_a_file_may_change_and_the_environment_may_not(file):
    file.write_text("one")
    source = TokenSource(file)
    first = source.read()
    file.write_text("two")

    assert (first, source.read()) == ("one", "two")
    assert source.can_change
    assert not TokenSource().can_change


@pytest.mark.parametrize("text", [None, "", "  "])
def test_no_token_says_where_one_could_be(monkeypatch, text):
    if text is not None:
        monkeypatch.setenv(VARIABLE, text)

    with pytest.raises(TokenMissing) as caught:
        TokenSource().read()

    assert str(caught.value) == "no token: set TILEDESK_TOKEN, or name a file with --token-file"


def test_a_file_that_is_not_there_is_named(file):
    with pytest.raises(TokenMissing) as caught:
        TokenSource(file).read()

    assert str(caught.value) == f"{file}: cannot read the token (No such file or directory)"


def test_a_file_of_bytes_is_named_and_not_shown(file):
    file.write_bytes(b"secret\xff")

    with pytest.raises(TokenMissing) as caught:
        TokenSource(file).read()

    assert str(caught.value) == f"{file}: cannot read the token (not text)"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "text", ["", "\n", "JWT", "JWT ", "two words", "abc\x00", "sécret", "a\nb"]
)
def test_what_is_no_token_is_refused_and_not_shown(file, text):
    file.write_text(text, "utf-8")

    with pytest.raises(TokenMissing) as caught:
        TokenSource(file).read()

    assert str(caught.value) == (
        f"{file}: holds no token; put there what POST /auth/signin returned"
    )


def test_what_is_no_token_in_the_environment_is_refused_by_the_variables_name(monkeypatch):
    monkeypatch.setenv(VARIABLE, "two words")

    with pytest.raises(TokenMissing) as caught:
        TokenSource().read()

    assert str(caught.value) == (
        "TILEDESK_TOKEN: holds no token; put there what POST /auth/signin returned"
    )


def test_a_source_does_not_show_its_token(file):
    file.write_text("secret")
    source = TokenSource(file)
    source.read()

    assert "secret" not in repr(source)


def jwt(**facts):
    coded = base64.urlsafe_b64encode(json.dumps(facts).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{coded}.c2lnbmF0dXJl"


def test_a_token_says_when_it_expires():
    assert token.expires_at(jwt(_id="u", exp=1_795_500_000)) == 1_795_500_000


@pytest.mark.parametrize(
    "text",
    [jwt(_id="u"), jwt(exp="soon"), jwt(exp=None), jwt(exp=True), "a.b", "x.%%%.y", "", "a.W10.b"],
)
def test_a_token_that_does_not_say_when_it_expires_never_does(text):
    assert token.expires_at(text) is None
