"""The command: what it refuses, in one line."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from analytics.cli import cli
from archiver import contract

TOKEN = "a token that is long enough"


@pytest.fixture
def root(tmp_path):
    (tmp_path / contract.MARKER).write_text(f'{{"format": {contract.VERSION}}}')
    return tmp_path


def ask(root, *options, **environment):
    asked = ["dashboard", "--archive", str(root), *options]
    return CliRunner().invoke(cli, asked, env=environment)


@pytest.mark.parametrize("address", ["0.0.0.0:8000", "192.0.2.1:80", "desk.example.org:443"])
def test_an_address_that_others_reach_demands_a_token(root, address):
    done = ask(root, "--address", address)

    assert done.exit_code == 1
    assert done.stderr == (
        f"Error: --address {address}: others may reach it;"
        " set ANALYTICS_DASHBOARD_TOKEN, or name --token-file\n"
    )


@pytest.mark.parametrize("address", ["8000", "127.0.0.1", "127.0.0.1:http", ":", "127.0.0.1:65536"])
def test_what_is_no_address_is_refused(root, address):
    done = ask(root, "--address", address)

    assert done.exit_code == 1
    assert "not HOST:PORT; write 127.0.0.1:8000" in done.stderr


def test_a_port_in_use_is_named(root, taken_port):
    done = ask(root, "--address", f"127.0.0.1:{taken_port}")

    assert done.exit_code == 1
    assert done.stderr == (
        f"Error: --address 127.0.0.1:{taken_port}: cannot listen there"
        " (Address already in use); choose another\n"
    )


def test_a_short_token_is_refused_and_not_shown(root):
    done = ask(root, ANALYTICS_DASHBOARD_TOKEN="tiny-secret")

    assert done.exit_code == 1
    assert "shorter than 16 characters" in done.stderr
    assert "tiny-secret" not in done.output


def test_a_token_file_that_is_not_there_is_named(root, tmp_path):
    done = ask(root, "--token-file", str(tmp_path / "none"))

    assert done.exit_code == 1
    assert done.stderr == f"Error: {tmp_path / 'none'}: cannot read the token\n"


def test_a_project_that_is_not_there_is_named_with_those_that_are(root, taken_port):
    (root / "project_id=aaaa").mkdir()
    port = ("--address", f"127.0.0.1:{taken_port}")

    done = ask(root, "--project", "bbbb", "--project", "aaaa", *port)

    assert done.stderr.splitlines()[0] == (
        "Warning: --project bbbb: not recorded so far; there is aaaa"
    )
    assert "aaaa:" not in done.stderr


def test_a_folder_that_is_no_archive_is_refused(tmp_path):
    done = ask(tmp_path)

    assert done.exit_code == 1
    assert "no archive here" in done.stderr
