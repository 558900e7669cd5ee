"""The notebooks are copied whole, for their owner only, and never over somebody's changes."""

from __future__ import annotations

from pathlib import Path

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def test_every_notebook_is_copied_and_what_to_do_next_is_said(ask, tmp_path):
    folder = tmp_path / "new" / "questions"

    done = ask("notebook", folder)

    copies = [folder / path.name for path in NOTEBOOKS]
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [str(path) for path in copies]
    assert done.stderr.endswith(f"jupyter lab {folder}\n")
    assert sorted(folder.iterdir()) == copies
    assert [path.read_bytes() for path in copies] == [path.read_bytes() for path in NOTEBOOKS]
    assert {path.stat().st_mode & 0o777 for path in copies} == {0o600}


def test_a_notebook_that_is_there_stays_unless_forced(ask, tmp_path):
    mine = tmp_path / NOTEBOOKS[-1].name
    mine.write_text("mine")

    refused = ask("notebook", tmp_path)

    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == (
        f"Error: {mine}: is there already; give --force to lose its changes\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == [mine.name]
    assert mine.read_text() == "mine"
    assert ask("notebook", tmp_path, "--force").exit_code == 0
    assert mine.read_bytes() == NOTEBOOKS[-1].read_bytes()
