"""The command `archiver`: arguments, one call, output."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click

from archiver.compact_command import compact
from archiver.errors import ArchiverError
from archiver.options import (
    archive_option,
    format_option,
    place_options,
    project_ids,
    readable_option,
    recorder_option,
    server_options,
)

if TYPE_CHECKING:
    from archiver.bucket import Remote
    from archiver.receiver import Post


class Commands(click.Group):
    """Shows our own errors as one line; a bug keeps its traceback. `simulate` is loaded late."""

    LATE: ClassVar = {"simulate": "archiver.simulate.cli"}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *self.LATE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.LATE:
            command = getattr(importlib.import_module(self.LATE[cmd_name]), cmd_name)
            assert isinstance(command, click.Command)
            return command
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ArchiverError as error:
            raise click.ClickException(str(error)) from error


def _read_settings(ctx: click.Context, _param: click.Parameter, path: Path | None) -> None:
    if path is None:
        return
    from archiver import settings

    known = {name: _names(command) for name, command in cli.commands.items()}
    try:
        tables = settings.read(path, known | dict.fromkeys(Commands.LATE))
    except ArchiverError as error:
        raise click.ClickException(str(error)) from error
    tables["check"] = settings.shared(tables, _names(check)) | tables.get("check", {})
    ctx.default_map = tables
    ctx.obj = tables.get(settings.PROJECTS, {})


def _names(command: click.Command) -> set[str]:
    return {param.name for param in command.params if param.name}


@click.group(
    cls=Commands,
    context_settings={"auto_envvar_prefix": "ARCHIVER", "help_option_names": ["-h", "--help"]},
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    callback=_read_settings,
    expose_value=False,
    is_eager=True,
    help='TOML file with a table per command, e.g. [record] archive = "…".',
)
@click.version_option(package_name="tiledesk-archive", prog_name="archiver")
def cli() -> None:
    """Record Tiledesk chats into a Parquet archive."""


cli.add_command(compact)


@cli.command()
@place_options
@recorder_option
@readable_option
@server_options
@click.option(
    "--max-connections",
    type=click.IntRange(min=1, max=1000),
    help="Spread the projects over so many connections at the most; default one for each token.",
)
@click.option(
    "--roll-seconds",
    type=click.FloatRange(min=1),
    default=3600,
    show_default=True,
    help="Seal a part at least so often.",
)
@click.option(
    "--roll-bytes",
    type=click.IntRange(min=4096),
    default=32 * 2**20,
    show_default=True,
    help="Seal a part when its journal segment is so large.",
)
@click.option(
    "--spool-limit",
    type=click.IntRange(min=2**20),
    default=10 * 2**30,
    show_default=True,
    help="Bytes of parts that may wait in the spool; then recording pauses, as on a full disk.",
)
@click.option(
    "--no-compact", is_flag=True, help="Leave the many parts of days that are over as they are."
)
@click.option(
    "--health",
    metavar="HOST:PORT",
    help="Answer /metrics (Prometheus), /healthz and /readyz there.",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="One line per state change: key=value, or JSON.",
)
@click.option(
    "--sync-ms",
    type=click.FloatRange(min=1, max=10_000),
    default=200,
    show_default=True,
    help="Force the journal to disk so often: what a power cut may take.",
)
def record(
    archive: Path | Remote,
    recorder: str,
    group_readable: bool,
    projects: tuple[str, ...],
    url: str,
    max_connections: int | None,
    token_file: Path | None,
    insecure: bool,
    roll_seconds: float,
    roll_bytes: int,
    spool_limit: int,
    no_compact: bool,
    health: str | None,
    log_format: str,
    sync_ms: float,
) -> None:
    """Record every event of a project until stopped (SIGTERM, Ctrl-C).

    \b
    TILEDESK_TOKEN=… archiver record --archive chats --project 65f0a1b2c3d4e5f601234567
    """
    from archiver import fs, logs
    from archiver.address import check_url
    from archiver.receiver import spread
    from archiver.recorder import Settings
    from archiver.recorder import record as run
    from archiver.recording import Policy

    check_url(url, insecure=insecure)
    logs.begin(as_json=log_format == "json")
    modes = fs.GROUP_READABLE if group_readable else fs.PRIVATE
    policy = Policy(size=roll_bytes, age=int(roll_seconds * 1_000_000), modes=modes)
    posts = spread(_posts(click.get_current_context(), projects, url, token_file), max_connections)
    folder, remote = _spool(archive)
    told = (folder, tuple(posts), recorder, sync_ms / 1000, policy, health, remote, spool_limit)
    run(Settings(*told, compacts=not no_compact))


def _spool(archive: Path | Remote) -> tuple[Path, Remote | None]:
    """Return the folder that is recorded into, and where its parts go if they do not stay."""
    if isinstance(archive, Path):
        return archive, None
    if archive.spool is None:
        raise click.UsageError(f"--archive {archive}: name a --spool, the folder that it passes by")
    return archive.spool, archive


def _posts(
    ctx: click.Context, projects: tuple[str, ...], url: str, token_file: Path | None
) -> list[Post]:
    """Return the projects by the token that they are reached with."""
    from archiver.receiver import Post
    from archiver.token import TokenSource

    configured = ctx.find_root().obj or {}
    by_file: dict[Path | None, list[str]] = {}
    for project in projects or project_ids(ctx, None, tuple(configured)):
        named = configured.get(project, {}).get("token_file")
        by_file.setdefault(Path(named) if named else token_file, []).append(project)
    if not by_file:
        raise click.UsageError("Missing option '--project'.")
    return [Post(url, TokenSource(path), tuple(names)) for path, names in by_file.items()]


@cli.command()
@archive_option
@recorder_option
@readable_option
def seal(archive: Path, recorder: str, group_readable: bool) -> None:
    """Turn the journal that a dead recorder left into parts of the archive.

    \b
    archiver seal --archive chats
    """
    from archiver import fs
    from archiver.archive import find
    from archiver.recording import seal_all

    find(archive)
    modes = fs.GROUP_READABLE if group_readable else fs.PRIVATE
    sealed = seal_all(archive, recorder, modes)
    click.echo(f"sealed {len(sealed)} segments of {recorder}", err=True)


@cli.command()
@place_options
@format_option
@click.option(
    "--days",
    "shown",
    type=click.IntRange(min=1),
    default=14,
    show_default=True,
    help="So many of the newest days of each project in the table; JSON tells all.",
)
def status(archive: Path | Remote, format: str, shown: int) -> None:
    """Say what is here per project and day: rows, coverage, gaps, last event, what is unsealed.

    \b
    archiver status --archive chats
    """
    from archiver import status as survey
    from archiver.archive import find
    from archiver.recording import wall_clock

    if isinstance(archive, Path):
        find(archive)
        days, journals = survey.days(archive), survey.unsealed(archive)
    else:
        from archiver import stored

        days = stored.days(stored.find(archive))
        journals = survey.unsealed(archive.spool) if archive.spool else []
    now = wall_clock()
    if format == "json":
        click.echo(json.dumps(survey.to_json(days, journals, now), ensure_ascii=False))
    else:
        click.echo("\n".join(survey.to_table(days, journals, now, shown)))


@cli.command()
@place_options
@click.pass_context
def verify(ctx: click.Context, archive: Path | Remote) -> None:
    """Read everything and say what is wrong: parts, counts, checksums, sequences, journal.

    Exit status 3 when something is.

    \b
    archiver verify --archive chats
    """
    from archiver.archive import find
    from archiver.verify import faults

    if isinstance(archive, Path):
        find(archive)
        told = faults(archive, _progress)
    else:
        from archiver import stored

        told = stored.faults(stored.find(archive), _progress)
    found = 0
    for fault in told:
        click.echo(fault)
        found += 1
    if found:
        ctx.exit(3)
    click.echo("everything is whole", err=True)


def _progress(items: list[Any]) -> Any:
    """Show a bar on a terminal while the items are read."""
    hidden = not sys.stderr.isatty()
    with click.progressbar(items, label="parts", file=sys.stderr, hidden=hidden) as bar:
        yield from bar


@cli.command()
@server_options
@click.option(
    "--archive",
    type=click.Path(path_type=Path),
    envvar=["ARCHIVE", "ARCHIVER_ARCHIVE"],
    help="Folder to be written to: look at its disk, too.  [env: ARCHIVE]",
)
@click.option(
    "--wait",
    type=click.FloatRange(0, min_open=True),
    default=15,
    show_default=True,
    help="Seconds without an answer after which a topic is refused.",
)
@click.pass_context
def check(
    ctx: click.Context,
    projects: tuple[str, ...],
    url: str,
    token_file: Path | None,
    insecure: bool,
    archive: Path | None,
    wait: float,
) -> None:
    """Try what a recording would meet: token, role, topics, clock, disk. Writes nothing.

    Exit status 3 when a recording would be incomplete.

    \b
    TILEDESK_TOKEN=… archiver check --archive chats --project 65f0a1b2c3d4e5f601234567
    """
    from archiver import check as trial
    from archiver.address import check_url

    check_url(url, insecure=insecure)
    posts = _posts(ctx, projects, url, token_file)
    found = [trial.folder(archive)] if archive is not None else []
    losses = 0
    for finding in itertools.chain(*found, *(trial.check(post, wait) for post in posts)):
        click.echo(finding.line())
        losses += finding.is_loss
    if losses:
        ctx.exit(3)


@cli.command()
@archive_option
@click.option("--project", "projects", multiple=True, callback=project_ids, help="Only this one.")
@click.option(
    "--lines", type=click.IntRange(0), default=20, show_default=True, help="So many to begin with."
)
@click.option("--no-follow", is_flag=True, help="Show those, and do not wait for more.")
@click.option("--text", is_flag=True, help="Show what was written, and names.")
@format_option
def tail(
    archive: Path, projects: tuple[str, ...], lines: int, no_follow: bool, text: bool, format: str
) -> None:
    """Follow what recorders receive, a line an event, until Ctrl-C. Unsealed events only.

    \b
    archiver tail --archive chats
    """
    from archiver.archive import find
    from archiver.tail import Tail

    find(archive)
    event = None
    with (
        contextlib.closing(Tail(archive, projects, text=text)) as watch,
        contextlib.suppress(KeyboardInterrupt),
    ):
        for event in watch.last(lines) if no_follow else watch.follow(lines):
            click.echo(watch.line(event, as_json=format == "json"))
        if event is None:
            click.echo("nothing is unsealed; 'archiver status' tells what is sealed", err=True)


def main() -> None:
    """Run the command."""
    cli(prog_name="archiver")


if __name__ == "__main__":
    main()
