"""Options that several commands share, so that they mean the same everywhere."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from archiver.bucket import Remote, is_address, parse
from archiver.errors import StoreRefuses

DEFAULT_URL = "wss://rtm.tiledesk.com/v2/"
_Command = TypeVar("_Command", bound=Callable[..., Any])


class Folder(click.Path):
    """An archive that can only be a folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse an address, which would be a strange folder."""
        if is_address(str(value)):
            self.fail("an address; this works on a folder: name the recorder's spool", param, ctx)
        return super().convert(value, param, ctx)


class Place(click.Path):
    """An archive: a folder, or an address on object storage."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a path, or where it is elsewhere."""
        if isinstance(value, Remote) or not is_address(str(value)):
            return value if isinstance(value, Remote) else super().convert(value, param, ctx)
        try:
            return parse(str(value))
        except StoreRefuses as error:
            self.fail(str(error), param, ctx)


def place_options(command: _Command) -> _Command:
    """Add --archive, which may be an address here, and --spool; they arrive as one."""

    @functools.wraps(command)
    def placed(*, archive: Path | Remote, spool: Path | None, **others: Any) -> Any:
        if spool is not None:
            if not isinstance(archive, Remote):
                raise click.UsageError(
                    "--spool is for an --archive on object storage; leave it out"
                )
            archive = replace(archive, spool=spool)
        return command(archive=archive, **others)

    for option in (
        click.option(
            "--spool",
            type=click.Path(path_type=Path, file_okay=False),
            help="With s3://…: folder of what a recorder on this machine has not published yet.",
        ),
        click.option(
            "--archive",
            type=Place(path_type=Path, file_okay=False),
            envvar=["ARCHIVE", "ARCHIVER_ARCHIVE"],
            required=True,
            help="Folder of the archive, or s3://BUCKET/PREFIX (gs://, az://).  [env: ARCHIVE]",
        ),
    ):
        placed = option(placed)
    return placed  # type: ignore[return-value]


def archive_option(command: _Command) -> _Command:
    """Add --archive, which means the same everywhere."""
    option = click.option(
        "--archive",
        type=Folder(path_type=Path, file_okay=False),
        envvar=["ARCHIVE", "ARCHIVER_ARCHIVE"],
        required=True,
        help="Folder of the archive.  [env: ARCHIVE]",
    )
    return option(command)


def project_ids(
    _ctx: click.Context, _param: click.Parameter | None, names: tuple[str, ...]
) -> tuple[str, ...]:
    from archiver.contract import is_project_id

    for name in names:
        if not is_project_id(name):
            raise click.BadParameter(f"{name!r} is no project id: letters, digits, - and _")
    return tuple(dict.fromkeys(names))


def _recorder(_ctx: click.Context, _param: click.Parameter, name: str) -> str:
    from archiver.contract import is_project_id

    if not is_project_id(name):
        raise click.BadParameter(f"{name!r}: letters, digits, - and _ only")
    return name


def recorder_option(command: _Command) -> _Command:
    """Add --recorder."""
    option = click.option(
        "--recorder",
        default="main",
        show_default=True,
        callback=_recorder,
        help="Name of this recorder; two may write one archive under two names.",
    )
    return option(command)


def readable_option(command: _Command) -> _Command:
    """Add --group-readable."""
    option = click.option(
        "--group-readable", is_flag=True, help="Let the group read the archive (0640/0750)."
    )
    return option(command)


_SERVER = (
    click.option(
        "--project",
        "projects",
        multiple=True,
        callback=project_ids,
        help="Project id; may be repeated. Without it, every [projects.ID] of the --config file.",
    ),
    click.option("--url", default=DEFAULT_URL, show_default=True, help="Address of the socket."),
    click.option(
        "--token-file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="File that holds the token; without it, TILEDESK_TOKEN.",
    ),
    click.option(
        "--insecure", is_flag=True, help="Allow ws:// to other hosts: the token goes in clear."
    ),
)


def server_options(command: _Command) -> _Command:
    """Add what tells the projects and how they are reached."""
    return functools.reduce(lambda so_far, option: option(so_far), reversed(_SERVER), command)


format_option = click.option(
    "--format",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How to print it.",
)
