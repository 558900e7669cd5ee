"""The commands of `archiver simulate`: options in, one call, nothing else."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from archiver.errors import ArchiverError
from archiver.simulate.settings import PROJECT_ID, DeskSettings
from archiver.simulate.timeline import DAY, from_iso

_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)
_EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)


class _Commands(click.Group):
    """Shows our own errors as one line; a bug keeps its traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ArchiverError as error:
            raise click.ClickException(str(error)) from error
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "websockets":
                raise
            raise click.ClickException(
                "simulate: the server's library is not installed;"
                " install the extra: pip install 'tiledesk-archive[simulate]'"
            ) from error


def _instant(_ctx: click.Context, _param: click.Parameter, text: str | None) -> int | None:
    """Return an ISO-8601 instant in epoch milliseconds."""
    try:
        return None if text is None else from_iso(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no time such as 2026-11-23T08:00:00Z") from error


def _gaps(
    _ctx: click.Context, _param: click.Parameter, texts: tuple[str, ...]
) -> tuple[tuple[int, int], ...]:
    """Return stretches of time, each given as START/END."""
    try:
        pairs = [text.split("/") for text in texts]
        return tuple((from_iso(since), from_iso(until)) for since, until in pairs)
    except ValueError as error:
        raise click.BadParameter("give START/END, two ISO-8601 times") from error


def _pattern(
    _ctx: click.Context, _param: click.Parameter, text: str | None
) -> re.Pattern[str] | None:
    try:
        return None if text is None else re.compile(text)
    except re.error as error:
        raise click.BadParameter(f"{text!r} is no regular expression: {error}") from error


@click.group(cls=_Commands)
def simulate() -> None:
    """Play a Tiledesk server, for trials and tests without an account."""


_PORT = click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 takes any.")
_TOKEN = click.option("--token", default="simulated", show_default=True, help="What to accept.")
_LOG = click.option("--log", type=_FILE, help="Write every frame sent, as JSON lines.")
_TRUTH = click.option("--truth", type=_FILE, help="Write what really happened, as JSON lines.")
_SEED = click.option(
    "--seed", type=int, default=1, show_default=True, help="The same seed is the same history."
)
_CHATS = click.option(
    "--chats-per-day",
    type=click.FloatRange(0, min_open=True),
    default=250,
    show_default=True,
    help="On average over a week.",
)
_AGENTS = click.option(
    "--agents", type=click.IntRange(1), default=8, show_default=True, help="How many work there."
)
_ZONE = click.option("--tz", default="Europe/Rome", show_default=True, help="Where the desk is.")
_PROJECTS = click.option(
    "--project",
    "projects",
    multiple=True,
    default=[PROJECT_ID],
    show_default=True,
    help="24 hexadecimal digits; may be repeated: a desk each.",
)


@simulate.command()
@_PORT
@_TOKEN
@_PROJECTS
@_SEED
@_CHATS
@_AGENTS
@_ZONE
@_TRUTH
@_LOG
@click.option(
    "--speed",
    type=click.FloatRange(0, min_open=True),
    default=1,
    show_default=True,
    help="Simulated seconds in a second.",
)
@click.option("--start", callback=_instant, help="The simulated clock at the start; default now.")
@click.option("--duration", type=click.FloatRange(0), help="Seconds to serve; default for ever.")
@click.option("--refuse", callback=_pattern, help="Topics to be silent about.")
@click.option("--hang-handshake", is_flag=True, help="Never answer a handshake.")
@click.option("--status-429", type=click.IntRange(0), default=0, help="So many connects get 429.")
@click.option("--drop-every", type=click.FloatRange(0, min_open=True), help="Cut all sockets.")
@click.option("--garbage", type=_EXISTING, help="Raw frames to slip in, as JSON lines.")
@click.option("--inject-untrusted", is_flag=True, help="Let another client publish, too.")
def serve(
    port: int,
    token: str,
    projects: tuple[str, ...],
    seed: int,
    chats_per_day: float,
    agents: int,
    tz: str,
    truth: Path | None,
    log: Path | None,
    speed: float,
    start: int | None,
    duration: float | None,
    refuse: re.Pattern[str] | None,
    hang_handshake: bool,
    status_429: int,
    drop_every: float | None,
    garbage: Path | None,
    inject_untrusted: bool,
) -> None:
    """Serve a simulated desk; the first line printed is its URL.

    \b
    archiver simulate serve --speed 60 --truth truth.jsonl
    """
    from archiver.simulate import server, wire

    faults = wire.Faults(
        refuse,
        hang_handshake,
        status_429,
        drop_every,
        wire.read_garbage(garbage) if garbage else (),
        inject_untrusted,
    )
    desks = [
        DeskSettings(
            seed=seed,
            project_id=project,
            time_zone=tz,
            chats_per_day=chats_per_day,
            agents=agents,
        )
        for project in dict.fromkeys(projects)
    ]
    server.serve(desks, server.Serving(port, token, speed, start, duration, truth, log, faults))


@simulate.command()
@click.argument("file", type=_EXISTING)
@_PORT
@_TOKEN
@_LOG
@click.option(
    "--speed",
    type=click.FloatRange(0, min_open=True),
    default=1,
    show_default=True,
    help="Recorded seconds in a second.",
)
@click.option("--no-shift", is_flag=True, help="Leave the recorded times as they are.")
@click.option(
    "--linger",
    type=click.FloatRange(0),
    help="Seconds to go on answering when it is over; default until a signal.",
)
def replay(
    file: Path,
    port: int,
    token: str,
    log: Path | None,
    speed: float,
    no_shift: bool,
    linger: float | None,
) -> None:
    """Serve recorded frames as if they happened now; the first line printed is the URL.

    \b
    archiver simulate replay owner_view.frames.jsonl.gz --speed 10
    """
    from archiver.simulate import replay as player

    player.replay(file, player.Playing(port, token, speed, not no_shift, linger, log))


@simulate.command()
@click.option("--archive", envvar="ARCHIVE", required=True, type=_FOLDER, help="Where to.")
@click.option("--days", type=click.IntRange(1), required=True, help="How many.")
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day after the last one; default today (UTC).",
)
@click.option(
    "--gap",
    "gaps",
    multiple=True,
    callback=_gaps,
    help="START/END of a time in which the recorder is not connected; may be repeated.",
)
@click.option("--recorder", default="main", show_default=True, help="The recorder's name.")
@click.option("--project", default=PROJECT_ID, show_default=True, help="24 hexadecimal digits.")
@_SEED
@_CHATS
@_AGENTS
@_ZONE
@_TRUTH
def history(
    archive: Path,
    days: int,
    until: datetime | None,
    gaps: tuple[tuple[int, int], ...],
    recorder: str,
    project: str,
    seed: int,
    chats_per_day: float,
    agents: int,
    tz: str,
    truth: Path | None,
) -> None:
    """Record days of a simulated desk at full speed, as if a recorder had been there.

    \b
    archiver simulate history --archive chats --days 28 --truth truth.jsonl
    """
    from archiver.simulate import history as past

    settings = DeskSettings(
        seed=seed, project_id=project, time_zone=tz, chats_per_day=chats_per_day, agents=agents
    )
    end = (until or datetime.now(UTC)).replace(hour=0, minute=0, second=0, microsecond=0)
    until_ms = round(end.replace(tzinfo=UTC).timestamp() * 1000)
    span = past.Span(until_ms - days * DAY, until_ms)
    plan = past.Plan(archive, span, tuple(past.Span(*gap) for gap in gaps), recorder, truth)
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=days, label="days", file=sys.stderr, hidden=hidden) as bar:
        past.record_history(settings, plan, lambda: bar.update(1))


if __name__ == "__main__":
    simulate()
