"""The model of the extra `forecast`: where it is installed it is tried, and used if it is best.

The package does not go with the tests' pandas. `make test` installs it beside the environment,
where only this test looks: what is said of the model is tried in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from analytics.capacity import multiseasonal
from analytics.capacity.plan import NAIVE, PROFILE, models

EXTRA = Path(sys.prefix) / "forecast"
INSTALLED = Path(__file__).parent / "multiseasonal_installed.py"


def test_it_is_offered_only_where_it_is_installed(monkeypatch):
    monkeypatch.setattr(multiseasonal, "find_spec", lambda _: None)
    assert list(models()) == [NAIVE, PROFILE]

    monkeypatch.setattr(multiseasonal, "find_spec", lambda _: object())
    assert list(models()) == [NAIVE, PROFILE, multiseasonal.NAME]


def run(*command):
    """Run a Python program where the extra is installed; return what it printed."""
    assert (EXTRA / "statsforecast").is_dir(), f"none in {EXTRA}; 'make test' installs it"
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        env=os.environ | {"PYTHONPATH": str(EXTRA)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    return done.stdout


@pytest.mark.slow
def test_it_does_what_it_says_where_it_is_installed():
    told = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", INSTALLED)

    assert "4 passed" in told


@pytest.mark.slow
def test_a_plan_tells_how_every_model_did_and_uses_the_nearest(recorded):
    asked = ("--since", "2026-03-02", "--until", "2026-03-26", "--tz", "Europe/Rome")
    command = (Path(sys.executable).parent / "analytics", "capacity", "--archive", recorded)
    told = json.loads(run(*command, *asked, "--format", "json"))["forecast"]

    errors = {name: score["wape"] for name, score in told["scores"].items()}
    assert set(errors) == {NAIVE, PROFILE, multiseasonal.NAME}
    assert told["model"] == min(errors, key=errors.__getitem__)
