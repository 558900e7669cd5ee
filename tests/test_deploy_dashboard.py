"""Holds the live page's systemd unit to the product and to the recorder's; nothing is started."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from analytics.dashboard.access import host_of, is_loopback
from analytics.dashboard.command import dashboard

ROOT = Path(__file__).parents[1]
UNIT = ROOT / "deploy" / "tiledesk-dashboard.service"
RECORDER = ROOT / "deploy" / "tiledesk-archiver.service"
LOOSER = {
    "PrivateUsers",  # the group that may read the archive would be nobody's
    "StateDirectory",
    "StateDirectoryMode",
    "OOMPolicy",
    "NotifyAccess",
    "WatchdogSec",
    "TimeoutStartSec",
    "KillMode",
}
"""What the recorder's unit sets and this one does not."""


def service(path):
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str
    parser.read(path, "utf-8")
    return parser["Service"]


def words():
    return shlex.split(service(UNIT)["ExecStart"])


def test_the_command_and_its_options_exist():
    known = {option for param in dashboard.params for option in param.opts}
    program, command, *rest = words()

    assert Path(program).name == "analytics"
    assert command == dashboard.name
    assert {word for word in rest if word.startswith("--")} <= known


def test_it_is_the_recorder_s_installation_and_archive():
    state = service(RECORDER)["StateDirectory"]
    recorder = shlex.split(service(RECORDER)["ExecStart"])[0]

    assert Path(words()[0]).parent == Path(recorder).parent
    assert words()[words().index("--archive") + 1] == f"/var/lib/{state}"


def test_only_this_machine_reaches_it_and_only_with_a_token_from_a_file():
    credential = service(UNIT)["LoadCredential"].split(":")[0]

    assert is_loopback(host_of(words()[words().index("--address") + 1]))
    assert words()[words().index("--token-file") + 1] == f"%d/{credential}"
    assert "TOKEN" not in UNIT.read_text("utf-8")


def test_it_may_do_no_more_than_the_recorder_and_write_nothing():
    ours, theirs = service(UNIT), service(RECORDER)

    assert set(theirs) - set(ours) == LOOSER
    assert {name for name in theirs if name.startswith(("Protect", "Restrict", "Private"))}
    for name in theirs:
        if name.startswith(("Protect", "RestrictA", "RestrictN", "System", "Capab", "NoNew")):
            assert ours.get(name) == theirs[name], name
    assert not {name for name in ours if name.endswith("Directory") or name == "ReadWritePaths"}


def test_the_group_that_it_belongs_to_is_the_one_that_operations_lets_read():
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    (group,) = re.findall(r"^ *Group=(\w+)$", text, re.MULTILINE)

    assert service(UNIT)["SupplementaryGroups"] == group


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_systemd_takes_the_unit(tmp_path):
    installed = UNIT.read_text("utf-8").replace(words()[0], sys.executable)

    assert complaints(installed, tmp_path) == []
    assert len(complaints(installed.replace("UMask=0077", "UMusk=0077"), tmp_path)) == 1


def complaints(text, folder):
    """Return what systemd says of a unit; of others on this machine it may say what it likes."""
    copy = folder / UNIT.name
    copy.write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False
    )
    return [line for line in done.stderr.splitlines() if copy.name in line]


def test_the_files_that_it_needs_are_made_in_the_documents():
    text = (ROOT / "docs" / "dashboard.md").read_text("utf-8")
    needed = {service(UNIT)["EnvironmentFile"], service(UNIT)["LoadCredential"].split(":")[1]}

    assert not [path for path in needed if path not in text]
    assert f"deploy/{UNIT.name}" in text
