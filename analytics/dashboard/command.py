"""The command `analytics dashboard`: options in, a page served until it is stopped.

It opens the socket and reads the token; what is shown and who may see it is said elsewhere.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import click

from analytics.dashboard.access import LONG_ENOUGH, Access, host_of, is_loopback
from analytics.errors import SettingWrong
from analytics.options import desks_options
from analytics.request import Desks
from archiver.bucket import Remote

TOKEN = "ANALYTICS_DASHBOARD_TOKEN"  # noqa: S105 (its name)


@click.command()
@desks_options
@click.option(
    "--address",
    metavar="HOST:PORT",
    default="127.0.0.1:8000",
    show_default=True,
    help="Where to serve; any but this machine itself demands a token.",
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"File that holds what viewers must know; without it, {TOKEN}.",
)
def dashboard(desks: Desks, address: str, token_file: Path | None) -> None:
    """Serve a page that shows how the desk is now, until stopped (SIGTERM, Ctrl-C).

    \b
    analytics dashboard --archive DIR --project 65f0a1b2c3d4e5f601234567 --tz Europe/Rome
    """
    try:
        import uvicorn

        from analytics.dashboard.web import application
    except ModuleNotFoundError as error:
        raise SettingWrong(
            "dashboard: a package is missing; install it: pip install 'tiledesk-archive[dashboard]'"
        ) from error
    from analytics.dashboard.watch import Watch
    from analytics.folder import at

    if isinstance(desks.archive, Remote) and desks.archive.spool is None:
        raise SettingWrong(
            f"{desks.archive}: the live page follows a recorder; name its folder with --spool"
        )
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    _name_unknown(desks.projects, at(desks.archive).projects())
    access = Access(_token(token_file))
    listening = _listen(address, access)
    watch = Watch(desks.archive, desks.projects, desks.desk)
    config = uvicorn.Config(
        application(watch, access),
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    host, port = listening.getsockname()[:2]
    click.echo(f"http://{f'[{host}]' if ':' in host else host}:{port}/")

    class Server(uvicorn.Server):
        """Lets viewers go when it is told to end, who else would stay; that is no failure."""

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 (uvicorn's)
            watch.end()
            self.should_exit = True

    Server(config).run(sockets=[listening])


def _name_unknown(chosen: Sequence[str], known: Sequence[str]) -> None:
    """Warn of what may be a slip; a recorder may also begin with it later."""
    for name in chosen:
        if name not in known:
            there = f"there is {', '.join(known)}" if known else "nor is any other"
            click.echo(f"Warning: --project {name}: not recorded so far; {there}", err=True)


def _token(path: Path | None) -> str | None:
    try:
        found = os.environ.get(TOKEN) if path is None else path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingWrong(f"{path}: cannot read the token") from error
    if found is None:
        return None
    token = found.strip()
    if len(token) < LONG_ENOUGH:
        raise SettingWrong(
            f"{path or TOKEN}: shorter than {LONG_ENOUGH} characters;"
            " make one: openssl rand -hex 24"
        )
    return token


def _listen(address: str, access: Access) -> socket.socket:
    host, (_, _, port) = host_of(address), address.rpartition(":")
    if not port.isdecimal() or int(port) > 65535 or host == address:
        raise SettingWrong(f"--address {address}: not HOST:PORT; write 127.0.0.1:8000")
    if access.token is None and not is_loopback(host):
        raise SettingWrong(
            f"--address {address}: others may reach it; set {TOKEN}, or name --token-file"
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, int(port)), family=family)
    except OSError as error:
        why = str(error.strerror).partition(" (")[0]  # Python repeats the address there
        raise SettingWrong(
            f"--address {address}: cannot listen there ({why}); choose another"
        ) from error
