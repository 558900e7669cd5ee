"""Watching a process: what it takes, and whether it grows."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading

import pytest
from lifetime import Lifetime, Sample
from torment import at_work, schedule


def life(*memories):
    return Lifetime(1, [Sample(at, value, value + 1, 2, 6) for at, value in enumerate(memories)])


def test_a_process_tells_its_memory_threads_and_files(tmp_path):
    own = Lifetime(os.getpid())
    own.look()
    with (tmp_path / "file").open("w"):
        thread = threading.Timer(60, print)
        thread.start()
        own.look()
        thread.cancel()
        thread.join()

    before, after = own.samples

    assert 10 < before.memory <= before.peak < 10_000
    assert (after.files, after.threads) == (before.files + 1, before.threads + 1)


def test_a_process_that_has_ended_tells_nothing():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    gone = Lifetime(process.pid)

    gone.look()

    assert gone.samples == []


def test_growth_is_from_the_first_to_the_last_quarter_after_the_warm_up():
    growth = life(1, 2, 10, 10, 10, 11, 12, 13, 14, 14).growth("memory")

    assert (growth.before, growth.after, growth.size) == (10, 14, 4)
    assert life(1, 2, 10, 10, 10, 11, 12, 13, 14, 14).peak == 15


@pytest.mark.parametrize("values", [(5,), (1, 1, 1, 1, 1), (1, 9, 5, 5, 5, 9, 5, 5, 5, 5)])
def test_a_moment_of_more_is_no_growth(values):
    assert life(*values).growth("memory").size == 0


def test_only_who_is_at_work_is_found():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)

    assert process.pid in [one.pid for one in at_work(os.getpid())]

    process.stdin.close()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # ended, and not waited for yet
    assert process.pid not in [one.pid for one in at_work(os.getpid())]
    process.wait()


def test_kills_are_spread_and_the_desk_dies_too():
    plan = schedule(600, 50, random.Random(1))

    kills = [at for at, is_kill in plan if is_kill]
    assert [int(at // 12) for at in kills] == list(range(50))
    assert [at for at, is_kill in plan if not is_kill] == [200, 400]
