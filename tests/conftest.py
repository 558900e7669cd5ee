"""What every test stands on: no setting of this machine reaches a test."""

from __future__ import annotations

import os

import pytest

OURS = ("ANALYTICS_", "ARCHIVER_", "ARCHIVE", "TILEDESK_TOKEN")


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(OURS):
            monkeypatch.delenv(name)
