"""The command `analytics build`: arguments, a call for each project, a line for each."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from analytics.facts.build import Built, build
from analytics.facts.store import store_of
from analytics.folder import at
from analytics.request import Desks


def run(desks: Desks, facts: Path) -> None:
    """Build the facts of some projects, or of all."""
    folder = at(desks.archive)
    named = [folder.project(name) for name in desks.projects]
    for project_id in named or folder.projects() or [folder.project(None)]:  # which says why
        settings, store = desks.desk(project_id).settings, store_of(facts, project_id)
        done = build(folder, project_id, store, settings, progress=_progress, start=desks.start)
        click.echo(f"{project_id:26}{_told(done)}")


def _told(done: Built) -> str:
    if not done.days:
        return "nothing new"
    return (
        f"{done.days} days with something new, {done.chats} chats, {done.rows} rows,"
        f" {done.written / 1e6:.1f} MB, {done.seconds:.1f} s"
        + (" (all anew: what was kept could not be used)" if done.is_anew else "")
    )


def _progress(slices: Iterable[int]) -> Iterator[int]:
    """Show a bar on a terminal while chats are worked out."""
    hidden = not sys.stderr.isatty()
    with click.progressbar(list(slices), label="chats", file=sys.stderr, hidden=hidden) as bar:
        yield from bar
