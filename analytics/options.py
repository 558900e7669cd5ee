"""Options that several commands share: what is asked about, how it is measured, how it is printed.

They mean the same everywhere. What a command does with them is the command's business.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial, wraps
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from analytics import queries
from analytics.config import KEYS, Config, read
from analytics.duck import Duck
from analytics.errors import SettingWrong
from analytics.request import Desks, Request, cores, day, facts_root, instant, place, reach, size
from analytics.settings import Settings
from archiver.bucket import Remote

_CONFIG = "analytics.config"
_Command = TypeVar("_Command", bound=Callable[..., Any])


class Names(click.ParamType[tuple[str, ...]]):
    """Some of what there is, separated by commas."""

    name = "names"

    def __init__(self, known: Collection[str]) -> None:
        self._known = known

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        names = tuple(dict.fromkeys(name.strip() for name in value.split(",")))
        for name in names:
            if name not in self._known:
                self.fail(f"no {name!r}; there is {', '.join(self._known)}", param, ctx)
        return names


class Checked(click.ParamType[Any]):
    """A setting: what a function of the configuration accepts."""

    def __init__(self, name: str, check: Callable[[Any], Any]) -> None:
        self.name = name
        self._check = check

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return self._check(value)
        except SettingWrong as error:
            self.fail(str(error), param, ctx)


DAY = Checked("day", day)
INSTANT = Checked("instant", instant)
_DAYS = Checked("days", reach)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _read_config(ctx: click.Context, _param: click.Parameter, path: Path | None) -> None:
    config = Config() if path is None else read(path)
    ctx.meta[_CONFIG] = config
    several = {one.name for one in ctx.command.params if getattr(one, "multiple", False)}
    ctx.default_map = {
        name: [value] if name in several else value for name, value in config.options.items()
    }


def _option(*names: str, **settings: Any) -> Callable[[_Command], _Command]:
    key = names[0].removeprefix("--").replace("-", "_").upper()
    settings.setdefault("envvar", f"ANALYTICS_{key}")
    return click.option(*names, **settings)


def _setting(option: str, metavar: str, help: str) -> Callable[[_Command], _Command]:
    """Return an option for what the configuration takes under the same name."""
    key = KEYS[option.removeprefix("--").replace("-", "_")]
    default = getattr(Settings, key.field)
    shown = f"{default:g}" if isinstance(default, float) else default or "unknown"
    told = f"{help}  [default: {shown}]"
    return _option(option, type=Checked(metavar, lambda text: key.check(_number(text))), help=told)


_archive = partial(
    _option,
    "--archive",
    type=Checked("archive", place),
    envvar=["ARCHIVE", "ANALYTICS_ARCHIVE"],
    help="Folder of the archive, or s3://BUCKET/PREFIX (gs://, az://).  [env: ARCHIVE]",
)
_spool = _option(
    "--spool",
    type=click.Path(path_type=Path),
    help="With s3://…: folder of what a recorder on this machine has not published yet.",
)
_facts = _option(
    "--facts",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of what 'analytics build' keeps; _facts in the archive if not given.",
)
_config = _option(
    "--config",
    type=click.Path(path_type=Path),
    callback=_read_config,
    expose_value=False,
    is_eager=True,
    help="TOML file of settings, also of single projects; docs/settings.md shows one.",
)
_ASKED = (
    _option("--project", help="Project id; the only one in the archive if not given."),
    _option(
        "--date",
        "day",
        type=DAY,
        help="One day; yesterday if no day is given, unless the command says otherwise.",
    ),
    _option("--since", type=DAY, help="First day."),
    _option("--until", type=DAY, help="The day after the last."),
    _option(
        "--as-of",
        type=INSTANT,
        help="Answer as one could then: what was received later is not known.",
    ),
    _option(
        "--look-back",
        type=_DAYS,
        default="2",
        show_default=True,
        help="Days to read before the window, or all.",
    ),
    _option(
        "--look-ahead",
        type=_DAYS,
        default="7",
        show_default=True,
        help="Days to read after it, for late closes and ratings, or all.",
    ),
    _config,
)
_SETTINGS = (
    _option(
        "--tz",
        type=Checked("zone", KEYS["tz"].check),
        help="Time zone of the days, such as Europe/Rome; else the configured, else UTC.",
    ),
    _option(
        "--opening-hours",
        type=Checked("file", KEYS["opening_hours"].check),
        help="TOML or JSON file, also Tiledesk's own: the *_bh_s columns count these hours.",
    ),
    _setting("--answer-target", "seconds", "A first reply within it is in time."),
    _setting("--reply-target", "seconds", "A later reply within it is in time."),
    _setting("--short-wait", "seconds", "Who leaves sooner has not waited."),
    _setting("--service-base", "base", "Service level of: answered, offered, or no-abandon."),
    _setting("--idle-limit", "seconds", "Silence after which a chat counts as abandoned."),
    _setting("--pause-limit", "seconds", "How much of a silence counts as active time."),
    _setting("--chat-limit", "chats", "Chats at once of an agent without a limit of his own."),
    _setting("--coverage-threshold", "share", "What is recorded less than this is marked."),
)
_METRICS = (
    _option("--metrics", type=Names(queries.METRICS), help="Only these, separated by commas."),
    _option("--all", "is_all", is_flag=True, help="Every metric, not those of a day only."),
)
_LIMITS = (
    _option(
        "--memory-limit",
        type=Checked("size", size),
        help="What DuckDB may hold in memory, such as 4GB; more goes to TMPDIR.  [default: 80 %]",
    ),
    _option(
        "--threads",
        type=Checked("cores", cores),
        help="How many cores it may work on.  [default: all]",
    ),
)
_ENGINE = (
    _option(
        "--engine",
        type=click.Choice(["duckdb", "spark"]),
        default="duckdb",
        show_default=True,
        help="What answers: DuckDB in this process, or a Spark server.",
    ),
    _option(
        "--spark-remote",
        metavar="URL",
        envvar=["SPARK_REMOTE", "ANALYTICS_SPARK_REMOTE"],
        help="Spark Connect server: sc://host:15002.  [env: SPARK_REMOTE]",
    ),
)
_TO_FILE = _option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write to."
)


def _format(*names: str) -> Callable[[_Command], _Command]:
    return _option(
        "--format",
        type=click.Choice(names),
        default="table",
        show_default=True,
        help="What to print.",
    )


_OUTPUT = (_format("table", "json", "csv"), _TO_FILE)
_DOCUMENTS = (
    _format("table", "json", "csv", "html", "markdown"),
    _TO_FILE,
    _option("--every-day", is_flag=True, help="A page for every day, and an index of them."),
    _option(
        "--output-dir",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder of the pages; only what may have changed is written again.",
    ),
    _option("--force", is_flag=True, help="Write every page again."),
)


def archive_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say what is asked about; they mean the same everywhere."""
    return _asking(command, is_required=True)


def optional_archive_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the same to a command that has something to say without an archive."""
    return _asking(command, is_required=False)


def _asking(command: Callable[..., None], *, is_required: bool) -> Callable[..., None]:
    @wraps(command)
    @click.pass_context
    def asked(
        ctx: click.Context,
        /,
        archive: Path | Remote | None,
        spool: Path | None,
        project: str | None,
        day: date | None,
        since: date | None,
        until: date | None,
        as_of: datetime | None,
        look_back: timedelta | None,
        look_ahead: timedelta | None,
        facts: Path | None,
        **others: Any,
    ) -> None:
        if day is not None and (since or until):
            raise click.UsageError("--date is one day; leave out --since and --until")
        told = {name: others.pop(name) for name in KEYS}
        is_as_far = all(_is_as_far(ctx, name) for name in ("look_back", "look_ahead"))
        request = archive and Request(
            place(archive, spool),
            project,
            since,
            until,
            day,
            as_of,
            look_back,
            look_ahead,
            ctx.meta[_CONFIG],
            told,
            facts=facts_root(archive, facts) if is_as_far else None,
        )
        command(request, **others)

    return _with((_archive(required=is_required), _spool, *_ASKED, _facts, *_SETTINGS), asked)


def _is_as_far(ctx: click.Context, name: str) -> bool:
    """Tell whether chats may be known as far as there is: nobody wanted fewer days read."""
    is_said = ctx.get_parameter_source(name) is not ParameterSource.DEFAULT
    return ctx.params[name] is None or not is_said


def desks_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say which projects are asked about, as they are now."""

    @wraps(command)
    @click.pass_context
    def asked(
        ctx: click.Context,
        /,
        archive: Path | Remote,
        spool: Path | None,
        project: tuple[str, ...],
        **others: Any,
    ) -> None:
        told = {name: others.pop(name) for name in KEYS}
        command(Desks(place(archive, spool), project, ctx.meta[_CONFIG], told), **others)

    projects = _option(
        "--project", multiple=True, help="Project id; may be repeated; all if not given."
    )
    return _with((_archive(required=True), _spool, projects, _config, *_SETTINGS), asked)


def facts_option(command: Callable[..., None]) -> Callable[..., None]:
    """Add the option that says where facts are kept."""
    return _facts(command)


def limits_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say what the engine in this process may take."""

    @wraps(command)
    def asked(
        request: Request | Desks, *, memory_limit: int | None, threads: int | None, **others: Any
    ) -> None:
        command(replace(request, start=partial(Duck, memory_limit, threads)), **others)

    return _with(_LIMITS, asked)


def engine_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say what answers, and what it may take if it is in this process."""

    @wraps(command)
    def asked(
        request: Request | Desks, *, engine: str, spark_remote: str | None, **others: Any
    ) -> None:
        if engine == "spark":
            from analytics.spark import Spark

            if spark_remote is None:
                raise click.UsageError("--engine spark asks a server; name it with --spark-remote")
            request = request.elsewhere(partial(Spark, spark_remote))
        command(request, **others)

    return limits_options(_with(_ENGINE, asked))


def metrics_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that choose metrics: a report's, some, or all."""

    @wraps(command)
    def chosen(metrics: tuple[str, ...] | None, is_all: bool, **others: Any) -> None:
        command(names=queries.METRICS if is_all else metrics or queries.REPORT, **others)

    return _with(_METRICS, chosen)


def output_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say how an answer is printed."""
    return _with(_OUTPUT, command)


def document_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the same, for what is also told as a document, or as a folder of pages, one a day."""

    @wraps(command)
    def told(
        request: Request, *, every_day: bool, output_dir: Path | None, force: bool, **others: Any
    ) -> None:
        if every_day != (output_dir is not None):
            raise click.UsageError("--every-day and --output-dir belong together; give both")
        if every_day and (
            others["output"] is not None or others["format"] not in {"html", "table"}
        ):
            raise click.UsageError("--every-day writes HTML; leave out --format and --output")
        if force and not every_day:
            raise click.UsageError("--force is for --every-day; a single report is always written")
        command(request, pages=output_dir, force=force, **others)

    return _with(_DOCUMENTS, told)


def _with(
    options: tuple[Callable[[Any], Any], ...], command: Callable[..., None]
) -> Callable[..., None]:
    for option in reversed(options):
        command = option(command)
    return command
