"""The command `archiver compact`: arguments, one call, output."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archiver.options import place_options, project_ids, readable_option

if TYPE_CHECKING:
    from archiver.bucket import Remote
    from archiver.compact import Compaction
    from archiver.place import Partition

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def _span(_ctx: click.Context, _param: click.Parameter, text: str) -> int:
    """Return the seconds of a length of time such as 90s, 30m, 1h or 2d."""
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if found is None:
        raise click.BadParameter(f"{text!r}: write a number and s, m, h or d, such as 1h")
    return int(found[1]) * _SECONDS[found[2]]


@click.command()
@place_options
@click.option("--project", "projects", multiple=True, callback=project_ids, help="Only this one.")
@click.option(
    "--grace",
    callback=_span,
    default="1h",
    show_default=True,
    help="Keep what was replaced so long for those who read it: 90s, 30m, 1h, 2d.",
)
@click.option("--dry-run", is_flag=True, help="Say which days would be compacted; write nothing.")
@readable_option
@click.pass_context
def compact(
    ctx: click.Context,
    archive: Path | Remote,
    projects: tuple[str, ...],
    grace: int,
    dry_run: bool,
    group_readable: bool,
) -> None:
    """Rewrite the many parts of days that are over as few; a recorder does so by itself.

    The next run removes what was replaced. Exit status 3 when a part was found damaged.

    \b
    archiver compact --archive chats
    """
    from archiver import compact as work
    from archiver import fs
    from archiver.archive import find
    from archiver.recording import wall_clock

    if isinstance(archive, Path):
        find(archive)
    place = work.place_of(archive, fs.GROUP_READABLE if group_readable else fs.PRIVATE)
    if dry_run:
        for partition, extent in work.due(place, wall_clock(), projects):
            click.echo(f"{_name(partition)}  {extent.parts} parts  {extent.size / 1e6:.1f} MB")
        return
    job = work.Job(wall_clock, grace * 1_000_000)
    days = removed = faults = 0
    for done in work.compact(place, job, projects, _progress):
        if done.is_rewritten:
            click.echo(_line(done))
        if done.is_lost:
            click.echo(f"{_name(done.partition)}  left to another who compacts it", err=True)
        for fault in done.faults:
            click.echo(fault, err=True)
        days, removed = days + done.is_rewritten, removed + done.removed
        faults += len(done.faults)
    click.echo(f"compacted {days} days, removed {removed} files of no use", err=True)
    if faults:
        ctx.exit(3)


def _line(done: Compaction) -> str:
    before, after = done.before, done.after
    return (
        f"{_name(done.partition)}  {before.parts} -> {after.parts} parts"
        f"  {before.size / 1e6:.1f} -> {after.size / 1e6:.1f} MB  {done.rows} rows"
    )


def _name(partition: Partition) -> str:
    project, date = (name.partition("=")[2] for name in partition.folder.parts[-2:])
    return f"{project:26}{date}"


def _progress(partitions: list[Partition]) -> Any:
    """Show a bar on a terminal while the days are compacted."""
    hidden = not sys.stderr.isatty()
    with click.progressbar(partitions, label="days", file=sys.stderr, hidden=hidden) as bar:
        yield from bar
