"""The command `analytics`: arguments, one call, output. stdout is data, stderr is talk."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from analytics import queries
from analytics.errors import AnalyticsError, SettingWrong
from archiver.errors import ArchiverError

if TYPE_CHECKING:
    from analytics.archive import Archive

DAY = timedelta(days=1)
SETTINGS = ("archive", "project", "tz", "format", "look_back", "look_ahead", "projects")
_Command = TypeVar("_Command", bound=Callable[..., Any])


class Commands(click.Group):
    """Shows our own errors as one line; a bug keeps its traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (AnalyticsError, ArchiverError) as error:
            raise click.ClickException(str(error)) from error


class Day(click.ParamType[date]):
    """A calendar day."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no day; write it as 2026-11-23", param, ctx)


class Days(click.ParamType[timedelta | str]):
    """A number of days, or None for `all`."""

    name = "days"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta | str:
        if isinstance(value, timedelta):
            return value
        if value == "all":
            return "all"
        try:
            days = int(value)
        except ValueError:
            days = -1
        if not 0 <= days <= 36_500:
            self.fail(f"{value!r} is no number of days; write 2, or all", param, ctx)
        return timedelta(days=days)


@dataclass(frozen=True)
class Request:
    """What the options of a command ask for."""

    archive: Path
    project: str | None
    since: date | None
    until: date | None
    day: date | None
    tz: str | None
    look_back: timedelta | None
    look_ahead: timedelta | None
    zones: dict[str, str]

    def open(self) -> Archive:
        """Open the archive for the days asked for; say so if they are not over."""
        from analytics.archive import connect, utc_now
        from analytics.folder import Folder
        from analytics.window import choose, local_date

        folder = Folder(self.archive)
        project = folder.project(self.project)
        now = utc_now()
        tz = self.tz or self.zones.get(project, "UTC")
        since, until = self._days(local_date(now, tz))
        window = choose(since, until, tz, now)
        if window.is_cut:
            click.echo(
                f"Note: the window is not over: figures up to {now:%Y-%m-%d %H:%M} UTC", err=True
            )
        return connect(folder, project, window, self.look_back, self.look_ahead)

    def _days(self, today: date) -> tuple[date, date]:
        if self.day is not None:
            return self.day, self.day + DAY
        if self.since is not None:
            return self.since, self.until or self.since + DAY
        if self.until is not None:
            return self.until - DAY, self.until
        return today - DAY, today


@click.group(
    cls=Commands,
    context_settings={"auto_envvar_prefix": "ANALYTICS", "help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="tiledesk-archive", prog_name="analytics")
def cli() -> None:
    """Answer questions about recorded chats."""


def _read_config(ctx: click.Context, _param: click.Parameter, path: Path | None) -> None:
    ctx.meta["zones"] = {}
    if path is None:
        return
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not text"
        raise SettingWrong(f"{path}: cannot read it ({why})") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingWrong(f"{path}: not TOML: {error}") from error
    for name in found:
        if name.replace("-", "_") not in SETTINGS:
            raise SettingWrong(f"{path}: no setting {name!r}; there is {', '.join(SETTINGS)}")
    ctx.meta["zones"] = _zones(path, found.pop("projects", {}))
    ctx.default_map = {name.replace("-", "_"): value for name, value in found.items()}


def _zones(path: Path, projects: Any) -> dict[str, str]:
    zones = {}
    for project, settings in projects.items() if isinstance(projects, dict) else ():
        if not isinstance(settings, dict) or set(settings) != {"tz"}:
            raise SettingWrong(f'{path}: project {project}: write it as tz = "Europe/Rome"')
        zones[project] = settings["tz"]
    return zones


def _option(*names: str, **settings: Any) -> Callable[[_Command], _Command]:
    key = names[0].removeprefix("--").replace("-", "_").upper()
    settings.setdefault("envvar", f"ANALYTICS_{key}")
    return click.option(*names, **settings)


_ARCHIVE = (
    _option(
        "--archive",
        type=click.Path(path_type=Path),
        envvar=["ARCHIVE", "ANALYTICS_ARCHIVE"],
        required=True,
        help="Folder of the archive.  [env: ARCHIVE]",
    ),
    _option("--project", help="Project id; the only one in the archive if not given."),
    _option("--date", "day", type=Day(), help="One day; yesterday if no day is given."),
    _option("--since", type=Day(), help="First day."),
    _option("--until", type=Day(), help="The day after the last."),
    _option(
        "--tz", help="Time zone of the days, such as Europe/Rome; else the configured, else UTC."
    ),
    _option(
        "--look-back",
        type=Days(),
        default="2",
        show_default=True,
        help="Days to read before the window, or all.",
    ),
    _option(
        "--look-ahead",
        type=Days(),
        default="7",
        show_default=True,
        help="Days to read after it, for late closes and ratings, or all.",
    ),
    _option(
        "--config",
        type=click.Path(path_type=Path),
        callback=_read_config,
        expose_value=False,
        is_eager=True,
        help='TOML file: archive = "…", tz = "…", [projects.ID] tz = "…".',
    ),
)
_OUTPUT = (
    _option(
        "--format",
        type=click.Choice(["table", "json", "csv"]),
        default="table",
        show_default=True,
        help="What to print.",
    ),
    _option("--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write to."),
)


def archive_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say what is asked about; they mean the same everywhere."""

    @wraps(command)
    @click.pass_context
    def asked(
        ctx: click.Context,
        /,
        archive: Path,
        project: str | None,
        day: date | None,
        since: date | None,
        until: date | None,
        tz: str | None,
        look_back: timedelta | str,
        look_ahead: timedelta | str,
        **others: Any,
    ) -> None:
        if day is not None and (since or until):
            raise click.UsageError("--date is one day; leave out --since and --until")
        request = Request(
            archive,
            project,
            since,
            until,
            day,
            tz,
            None if isinstance(look_back, str) else look_back,
            None if isinstance(look_ahead, str) else look_ahead,
            ctx.meta["zones"],
        )
        command(request, **others)

    return _with(_ARCHIVE, asked)


def output_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say how an answer is printed."""
    return _with(_OUTPUT, command)


def _with(
    options: tuple[Callable[[Any], Any], ...], command: Callable[..., None]
) -> Callable[..., None]:
    for option in reversed(options):
        command = option(command)
    return command


@cli.command()
@archive_options
@output_options
def report(request: Request, format: str, output: Path | None) -> None:
    """Say how the desk did: chats, waits, agents, hours.

    \b
    analytics report --archive DIR --date 2026-11-23 --tz Europe/Rome
    """
    from analytics import page, render
    from analytics.report import build

    with request.open() as archive:
        hidden = not sys.stderr.isatty()
        with click.progressbar(queries.METRICS, file=sys.stderr, hidden=hidden) as names:
            told = build(archive, names)
    if format == "table":
        write(page.draw(told, _paint if output is None else lambda text, _: text), output)
    else:
        write(render.as_json(told) if format == "json" else render.report_as_csv(told), output)


@cli.command()
@click.argument("name")
@archive_options
@output_options
def metric(request: Request, name: str, format: str, output: Path | None) -> None:
    """Print one metric.

    \b
    analytics metric queue_time --archive DIR --since 2026-11-01 --until 2026-12-01
    """
    from analytics import metrics as answers
    from analytics import render

    queries.load("metrics", name)
    with request.open() as archive:
        write(render.table_as(answers.run(archive, name), format), output)


@cli.command()
def metrics() -> None:
    """List the metrics."""
    width = max(len(name) for name in queries.METRICS)
    for name in queries.METRICS:
        click.echo(f"{name:{width}}  {queries.load('metrics', name).doc}")


@cli.command()
@click.argument("name")
def explain(name: str) -> None:
    """Print what a metric means, and the SQL that says it.

    \b
    analytics explain first_response_human
    """
    from analytics import metrics as answers

    write(answers.explain(name), None)


@cli.command()
@archive_options
def check(request: Request) -> None:
    """Look for rows that should not be there; exit status 3 if there are any."""
    from analytics import metrics as answers
    from analytics import render

    found = False
    with request.open() as archive:
        for name in queries.CHECKS:
            rows = answers.check(archive, name)
            found = found or bool(rows.rows)
            state = f"{len(rows.rows)} rows" if rows.rows else "fine"
            click.echo(f"{name}: {state}: {queries.load('checks', name).doc}", err=True)
            if rows.rows:
                write(f"{name}\n{render.table_as(rows, 'table')}", None)
    if found:
        raise SystemExit(3)


@cli.command()
@click.argument("statement")
@archive_options
@output_options
def sql(request: Request, statement: str, format: str, output: Path | None) -> None:
    """Run a SELECT over the views and `events`.

    \b
    analytics sql 'select * from sessions' --archive DIR --format csv
    """
    from analytics import render

    with request.open() as archive:
        write(render.table_as(archive.ask(statement), format), output)


def write(text: str, output: Path | None) -> None:
    """Print an answer, or put it into a file, whole or not at all."""
    if output is None:
        click.echo(text, nl=False)
        return
    aside = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        aside.write_text(text, "utf-8")
        aside.replace(output)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise SettingWrong(f"{output}: cannot write it ({error.strerror})") from error


def _paint(text: str, name: str) -> str:
    return click.style(text, fg="red" if name == "warning" else None, bold=True)
