"""Options that several commands share, so that they mean the same everywhere."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

DEFAULT_URL = "wss://rtm.tiledesk.com/v2/"
_Command = TypeVar("_Command", bound=Callable[..., Any])


def archive_option(command: _Command) -> _Command:
    """Add --archive, which means the same everywhere."""
    option = click.option(
        "--archive",
        type=click.Path(path_type=Path, file_okay=False),
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
